package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
)

// formatVersion is the version of the layout in doc.go. Version 2 lay in bbolt files
// only, see upgrade.go. In version 3 all records are encrypted under keys that they share;
// it is worked on as it is, and rekeying makes it version 4. In version 5 look-up keys were
// renewed; a program that does not know of that would take numbers and requests to be free.
const (
	formatVersion = formatRenewed
	formatRenewed = 5
	formatOwn     = 4
	formatShared  = 3
)

var (
	metaFormat         = []byte("format")
	metaRevision       = []byte("revision")
	metaAuditSize      = []byte("audit.size")
	metaStatusSequence = []byte("certificates.sequence")
	metaStampMark      = []byte("tsa.mark")
	metaGeneration     = []byte("keys.generation") // of new ciphertexts; none: sealed.Shared
	metaEpoch          = []byte("audit.epoch")     // of what lies beside the log's entries
	metaDestroyed      = []byte("keys.destroyed")  // rows of the table destroyed
)

// Store is an open store. It is safe for concurrent use.
type Store struct {
	db      kv.Engine // counts what it changes
	engine  kv.Engine // the same, for what changes nothing but licences, uses and the log
	changes atomic.Uint64
	box     *sealed.Box

	mu        sync.Mutex
	allotters map[uint32]*allotter // guarded by mu

	signers   signers
	appender  appender
	commits   commits
	seals     sealShelf
	destroyed destroyed
}

// Create makes a new store in a database that was opened with [Schema] and is empty. One
// that holds records is never overwritten: the error then wraps fs.ErrExist. The
// database is the store's from here on, and closed with it.
func Create(ctx context.Context, db kv.Engine, box *sealed.Box) (*Store, error) {
	err := db.Update(ctx, func(tx kv.Tx) error {
		meta := tx.Table(tableMeta)
		if meta.Get(metaFormat) != nil {
			return fs.ErrExist
		}
		if newest := box.Newest(); newest != sealed.Shared {
			return errors.Join(putUint(meta, metaFormat, formatOwn), putUint(meta, metaGeneration, uint64(newest)), putUint(meta, metaOldest, uint64(newest)))
		}
		return putUint(meta, metaFormat, formatShared)
	})
	s := newStore(db, box)
	if err == nil {
		err = db.View(ctx, s.hasKeys)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the store: %w", err)
	}
	return s, nil
}

// Open opens the store in a database that was opened with [Schema]. The database is the
// store's from here on, and closed with it.
func Open(ctx context.Context, db kv.Engine, box *sealed.Box) (*Store, error) {
	s := newStore(db, box)
	var stored uint64
	err := db.View(ctx, func(tx kv.Tx) error {
		stored = getUint(tx.Table(tableMeta), metaFormat)
		return nil
	})
	switch {
	case err != nil:
	case stored == 0:
		err = errors.New("not one of our stores, or its making was cut off")
	case stored > formatVersion:
		err = fmt.Errorf("the store has format %d, this program knows format %d", stored, formatVersion)
	case stored < formatShared:
		err = s.upgrade(ctx, stored)
	}
	if err == nil {
		err = db.View(ctx, s.hasKeys)
	}
	if err == nil {
		err = s.FollowDestroyed(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return s, nil
}

func newStore(db kv.Engine, box *sealed.Box) *Store {
	s := &Store{engine: db, box: box, allotters: make(map[uint32]*allotter)}
	s.db = counting{db, &s.changes}
	return s
}

// Close closes the store and its database.
func (s *Store) Close() error { return s.engine.Close() }

// Generation counts what this process has changed but for licences, uses of seals and plain
// entries of the log: as long as it stays the same, settings, keys, certificates and their
// status do, where no other process has the store open. It may count what came to nothing.
func (s *Store) Generation() uint64 { return s.changes.Load() }

// counting counts the transactions of an engine.
type counting struct {
	kv.Engine
	changes *atomic.Uint64
}

// Update implements [kv.Engine].
func (c counting) Update(ctx context.Context, f func(kv.Tx) error) error {
	defer c.changes.Add(1)
	return c.Engine.Update(ctx, f)
}

// view reads records in one transaction.
func (s *Store) view(ctx context.Context, what string, f func(tx kv.Tx) error) error {
	return s.reading(ctx, what, s.db.View, f)
}

// confirm is view for who acknowledges what it sees.
func (s *Store) confirm(ctx context.Context, what string, f func(tx kv.Tx) error) error {
	return s.reading(ctx, what, s.db.Confirm, f)
}

func (s *Store) reading(ctx context.Context, what string, by func(context.Context, func(kv.Tx) error) error, f func(tx kv.Tx) error) error {
	err := by(ctx, f)
	if err == nil && s.signers.missed.Swap(false) {
		err = s.db.Confirm(ctx, s.learnSigners)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func uint64Key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func putUint(t kv.Table, key []byte, n uint64) error { return t.Put(key, uint64Key(n)) }

// getUint returns 0 for a key that is not there.
func getUint(t kv.Table, key []byte) uint64 {
	v := t.Get(key)
	if len(v) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}

// unixUTC is the time of a stored number of seconds.
func unixUTC(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// put stores a small record as CBOR.
func put(t kv.Table, key []byte, record any) error {
	v, err := detcbor.Marshal(record)
	if err != nil {
		return err
	}
	return t.Put(key, v)
}

// get reads a small record and reports whether it is there.
func get(t kv.Table, key []byte, record any) (bool, error) {
	v := t.Get(key)
	if v == nil {
		return false, nil
	}
	return true, decode(v, record)
}

// decode reads the value of a small record.
func decode(value []byte, record any) error {
	if err := detcbor.Unmarshal(value, record); err != nil {
		return fmt.Errorf("stored record: %w", err)
	}
	return nil
}

// prefixed walks the keys that begin with prefix, without it.
func prefixed(t kv.Table, prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(rest, value []byte) bool) {
		for k, v := range t.Range(prefix, upTo(prefix)) {
			if !yield(k[len(prefix):], v) {
				return
			}
		}
	}
}

// upTo is the first key behind all that begin with prefix; nil: there is none.
func upTo(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := bytes.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}

// behind is the first key after one.
func behind(key []byte) []byte { return append(bytes.Clone(key), 0) }

// first returns the first key from one on, nil if there is none.
func first(t kv.Table, from []byte) []byte {
	for k := range t.Range(from, nil) {
		return bytes.Clone(k)
	}
	return nil
}
