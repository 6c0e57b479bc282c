package bolt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/kv"
)

// Engine is an open file. It is safe for concurrent use.
type Engine struct {
	db      *bbolt.DB
	tables  map[string]kv.TableSpec
	indexes map[string]kv.IndexSpec
	stopped atomic.Bool  // a commit has failed
	durable atomic.Int64 // number of the last transaction that is on the disk
	// See letGo.
	letGoEvery int64
	touched    atomic.Int64 // bytes of the map, since they were looked at
	looks      atomic.Int64 // of those that read, since a commit
	rest       atomic.Int64 // of files in this process's memory when those of the map were let go
	shape      shape
}

var _ kv.Engine = (*Engine)(nil)

// lockWait is how long opening waits for another process to let go.
const lockWait = time.Second

// Create makes a new file with the tables and indexes of a schema. An existing file is
// never overwritten: the error then wraps fs.ErrExist.
func Create(path string, schema kv.Schema) (*Engine, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("creating the store: %w", &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist})
	}
	e, err := open(path, schema)
	if err != nil {
		return nil, err
	}
	err = e.db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucket(bucketSchema); err != nil {
			return err
		}
		return e.complete(tx)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating the store: %w", err), e.Close())
	}
	return e, nil
}

// Open opens an existing file. What the schema has and the file has not is made; what
// only the file has is refused, as a later program's.
func Open(path string, schema kv.Schema) (*Engine, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if err := checkLength(path); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	e, err := open(path, schema)
	if err != nil {
		return nil, err
	}
	if err := guarded(e.agree); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), e.Close())
	}
	return e, nil
}

// mapSize is how much of the file is mapped from the beginning, whatever its size: a file
// that outgrows its map waits for every View to end before it is mapped anew, and a View
// that waits for an Update would wait for ever. It costs addresses only; where there are
// not so many, as under a limit of the process, it is less.
const mapSize = 1 << 39

// allocSize is by how much the file grows. bbolt's own 16 MiB would make every new store
// as large.
const allocSize = 1 << 20

func open(path string, schema kv.Schema) (*Engine, error) {
	options := &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType}
	if math.MaxInt > mapSize && runtime.GOOS != "windows" { // there the file has the size of its map
		options.InitialMmapSize = min(mapSize, math.MaxInt)
	}
	db, err := openFile(path, options)
	for options.InitialMmapSize > 0 && errors.Is(err, syscall.ENOMEM) {
		options.InitialMmapSize /= 16
		db, err = openFile(path, options)
	}
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, kv.ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	db.AllocSize = allocSize
	e := &Engine{db: db, tables: make(map[string]kv.TableSpec), indexes: make(map[string]kv.IndexSpec), shape: defaultShape(), letGoEvery: letGoEvery}
	for _, t := range schema.Tables {
		e.tables[t.Name] = t
	}
	for _, i := range schema.Indexes {
		e.indexes[i.Name] = i
	}
	return e, nil
}

func openFile(path string, options *bbolt.Options) (*bbolt.DB, error) {
	var db *bbolt.DB
	var file *os.File
	options.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	err := guarded(func() error {
		var err error
		db, err = bbolt.Open(path, 0o600, options)
		return err
	})
	if errors.Is(err, ErrDamaged) && file != nil {
		// bbolt that panics at a damaged page leaves it open and locked; the error that
		// counts is there.
		_ = unlock(file)
		_ = file.Close()
	}
	return db, err
}

// Close closes the file when the transactions under way have ended.
func (e *Engine) Close() error {
	if err := e.db.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

// Path returns the file.
func (e *Engine) Path() string { return e.db.Path() }

// View implements [kv.Engine].
func (e *Engine) View(ctx context.Context, f func(kv.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return guarded(func() error {
		return e.db.View(func(t *bbolt.Tx) error {
			tx := e.begin(t)
			err := f(tx)
			return cmp.Or(tx.damage, err)
		})
	})
}

// Update implements [kv.Engine].
func (e *Engine) Update(ctx context.Context, f func(kv.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.stopped.Load() {
		return ErrStopped
	}
	committing := false
	err := guarded(func() error {
		return e.db.Update(func(t *bbolt.Tx) error {
			if e.stopped.Load() {
				return ErrStopped // another has failed while this one waited
			}
			tx := e.begin(t)
			err := f(tx)
			if err == nil {
				err = tx.flush()
			}
			if err = cmp.Or(tx.damage, err); err != nil {
				return err
			}
			committing = true
			number := int64(t.ID())
			t.OnCommit(func() {
				e.durable.Store(number)
				written := t.Stats()
				e.touched.Add(written.GetPageAlloc()) // the next transaction looks
				e.looks.Store(0)
			})
			return nil
		})
	})
	if err != nil && committing {
		e.stopped.Store(true)
		return fmt.Errorf("%w: %w: %w", kv.ErrUnknown, ErrStopped, err)
	}
	return err
}

// Confirm implements [kv.Engine]: the map shows a transaction a moment before it is on the disk.
// After one whose commit has failed nobody knows.
func (e *Engine) Confirm(ctx context.Context, f func(kv.Tx) error) error {
	var seen int64
	err := e.View(ctx, func(shown kv.Tx) error {
		seen = int64(shown.(*tx).tx.ID())
		return f(shown)
	})
	if err == nil && seen > e.durable.Load() {
		err = e.committed()
	}
	if e.stopped.Load() {
		return ErrStopped
	}
	return err
}

// committed waits for the transaction that is being written.
func (e *Engine) committed() error {
	t, err := e.db.Begin(true)
	if err != nil {
		return fmt.Errorf("waiting for a commit: %w", err)
	}
	return t.Rollback()
}

// ErrStopped says that a commit has failed, and that the file takes no more until it is
// opened again. Which of the pages that were written are on the disk, only the disk can
// say: the kernel forgets what it could not write, the next fsync succeeds without it, and
// whoever reads the file meanwhile sees what may be gone tomorrow.
var ErrStopped = bilingual.New("写盘失败，已停止写入：请检查磁盘后重新启动", "the store has stopped because a write to the disk has failed: see to the disk, then start again")
