package office

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/pki/audit"
)

// ErrMoved says that the records were moved to another database, and that nobody may
// write to these any more.
var ErrMoved = bilingual.New("记录已迁移到另一数据库", "the records were moved to another database")

// movedSetting is the setting of a store that was moved away: where to, in the words of
// [storeWords].
const movedSetting = "moved"

// storeWords says what kind of database an address names. Nothing of the address itself
// is in it, as there may be a password.
func storeWords(address string) string {
	if address == "" {
		return "the file in the data folder"
	}
	return "a PostgreSQL database"
}

// checkMoved refuses a store that was moved away.
func (o *Office) checkMoved(ctx context.Context) error {
	to, err := o.store.Setting(ctx, movedSetting)
	if err != nil || to == nil {
		return err
	}
	return fmt.Errorf("they are in %s now: %w", to, ErrMoved)
}

// MoveOptions say where records are moved.
type MoveOptions struct {
	Options        // open the data folder as it is
	To      string // the address of the database, see [Options.Store]
	Actor   string
	// Progress, if not nil, is told of rows that are durable there.
	Progress func(rows int)
}

// Moved is what a move has done.
type Moved struct {
	Rows   map[string]uint64 `json:"rows"`   // by table and index
	Digest string            `json:"digest"` // SM3 over all of them, the same in both databases
}

// MoveStore moves the records of a data folder to another database, which must be empty,
// reads them back there and compares. Then the old ones are marked as moved, so that
// nobody writes to both, and the new database becomes a store; the old one is kept. What is
// cut off is begun anew by the next call; the old store is in force until it is marked. The
// service must be stopped on every node. No key and no document is touched.
func MoveStore(ctx context.Context, dir string, o MoveOptions) (Moved, error) {
	if o.To == o.Store {
		return Moved{}, errors.New("the records are there already")
	}
	o.movedAway = true
	from, err := Open(dir, o.Options)
	if err != nil {
		return Moved{}, err
	}
	moved, err := from.moveStore(ctx, o)
	return moved, errors.Join(err, from.Close())
}

func (o *Office) moveStore(ctx context.Context, m MoveOptions) (Moved, error) {
	marked, err := o.store.Setting(ctx, movedSetting)
	if err != nil {
		return Moved{}, err
	}
	if marked == nil {
		entry, err := o.entry(m.Actor, audit.ActStoreMove, storeWords(m.To))
		if err == nil {
			_, err = o.store.Append(ctx, entry)
		}
		if err != nil {
			return Moved{}, err
		}
	}
	db, err := emptyEngine(ctx, o.dir, m.To)
	if err != nil {
		return Moved{}, fmt.Errorf("the new database: %w", err)
	}
	moved, err := o.handOver(ctx, db, m)
	return moved, errors.Join(err, db.Close())
}

// handOver fills a database with the records, and hands over to it.
func (o *Office) handOver(ctx context.Context, db kv.Engine, m MoveOptions) (Moved, error) {
	loader, err := records.NewLoader(ctx, db, m.Progress)
	if errors.Is(err, fs.ErrExist) {
		return Moved{}, fmt.Errorf("the new database holds records already: %w", err)
	}
	if err == nil {
		err = loader.Omit(movedSetting)
	}
	if err == nil {
		err = o.store.Copy(ctx, func(records.Moment) (records.Sink, error) { return loader, nil })
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
	if err := o.store.PutSetting(ctx, movedSetting, []byte(storeWords(m.To))); err != nil {
		return Moved{}, err
	}
	return Moved{Rows: digest.Rows(), Digest: fmt.Sprintf("%x", digest.Sum())}, loader.Close()
}
