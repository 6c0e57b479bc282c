package atrest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/pki/audit"
)

// MoveOptions say where records are moved.
type MoveOptions struct {
	datafolder.Options        // open the data folder as it is
	To                 string // the address of the database, see [datafolder.Options.Store]
	Actor              string
	// Progress, if not nil, is told of rows that are durable there.
	Progress func(rows int)
}

// Moved is what a move has done.
type Moved struct {
	Rows   map[string]uint64 `json:"rows"`   // by table and index
	Digest string            `json:"digest"` // SM3 over all of them, the same in both databases
}

// MoveStore moves the records of a data folder to another database, which must be empty, reads them back there and
// compares. Then the old ones are marked as moved, so that nobody writes to both, and the new database becomes a store;
// the old one is kept. What is cut off is begun anew by the next call; the old store is in force until it is marked.
// The service must be stopped on every node. No key and no document is touched.
func MoveStore(ctx context.Context, dir string, o MoveOptions) (Moved, error) {
	if o.To == o.Store {
		return Moved{}, errors.New("the records are there already")
	}
	o.Moved = true
	from, err := datafolder.Open(ctx, dir, o.Options)
	if err != nil {
		return Moved{}, err
	}
	moved, err := moveStore(ctx, from, o)
	return moved, errors.Join(err, from.Close())
}

func moveStore(ctx context.Context, f *datafolder.Folder, m MoveOptions) (Moved, error) {
	marked, err := f.Records.Setting(ctx, datafolder.MovedSetting)
	if err != nil {
		return Moved{}, err
	}
	if marked == nil {
		entry, err := f.Entry(m.Actor, audit.ActStoreMove, datafolder.StoreWords(m.To))
		if err == nil {
			_, err = f.Records.Append(ctx, entry)
		}
		if err != nil {
			return Moved{}, err
		}
	}
	db, err := datafolder.EmptyEngine(ctx, f.Dir, m.To)
	if err != nil {
		return Moved{}, fmt.Errorf("the new database: %w", err)
	}
	moved, err := handOver(ctx, f, db, m)
	return moved, errors.Join(err, db.Close())
}

// handOver fills a database with the records, and hands over to it.
func handOver(ctx context.Context, f *datafolder.Folder, db kv.Engine, m MoveOptions) (Moved, error) {
	loader, err := records.NewLoader(ctx, db, m.Progress)
	if errors.Is(err, fs.ErrExist) {
		return Moved{}, fmt.Errorf("the new database holds records already: %w", err)
	}
	if err == nil {
		err = loader.Omit(datafolder.MovedSetting)
	}
	if err == nil {
		err = f.Records.Copy(ctx, func(records.Moment) (records.Sink, error) { return loader, nil })
	}
	if err != nil {
		return Moved{}, err
	}
	digest, err := loader.Compare()
	if err != nil {
		return Moved{}, err
	}
	// From here on the old one is not in force; that the new one is not yet, the next call
	// makes good.
	if err := f.Records.PutSetting(ctx, datafolder.MovedSetting, []byte(datafolder.StoreWords(m.To))); err != nil {
		return Moved{}, err
	}
	return Moved{Rows: digest.Rows(), Digest: fmt.Sprintf("%x", digest.Sum())}, loader.Close()
}
