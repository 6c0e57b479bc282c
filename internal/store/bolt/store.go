package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/store/sealed"
)

// ErrInUse says that another process has the store open.
var ErrInUse = errors.New("the store is in use by another process")

var buckets = struct {
	licences, states, byNumber, byHolder, requests, changes, credentials, devices, bindings,
	windows, planes, lists,
	auditLeaves, auditBeside, auditNodes,
	certificates, points, intents, revocations, statusChanges, expiring, crlNumbers, crls, authorities, seals, trust, enrolments, meta []byte
}{
	[]byte("licences"), []byte("states"), []byte("by-number"), []byte("by-holder"), []byte("requests"), []byte("changes"),
	[]byte("credentials"), []byte("devices"), []byte("bindings"),
	[]byte("windows"), []byte("planes"), []byte("lists"),
	[]byte("audit.leaves"), []byte("audit.beside"), []byte("audit.nodes"),
	[]byte("certificates"), []byte("points"), []byte("intents"), []byte("revocations"), []byte("status-changes"), []byte("expiring"),
	[]byte("crl-numbers"), []byte("crls"),
	[]byte("authorities"), []byte("seals"), []byte("trust"), []byte("enrolments"),
	[]byte("meta"),
}

func allBuckets() [][]byte {
	b := buckets
	return [][]byte{
		b.licences, b.states, b.byNumber, b.byHolder, b.requests, b.changes, b.credentials, b.devices, b.bindings, b.windows, b.planes, b.lists,
		b.auditLeaves, b.auditBeside, b.auditNodes, b.certificates, b.points, b.intents, b.revocations, b.statusChanges, b.expiring,
		b.crlNumbers, b.crls,
		b.authorities, b.seals, b.trust, b.enrolments, b.meta,
	}
}

// formatVersion is the version of the layout in doc.go. A program that does not know a
// licence's other credentials must not open the store: it would leave them valid when
// it suspends the licence.
const formatVersion = 2

// since lists the buckets that a version has added to the one before it.
var since = map[uint64][][]byte{2: {buckets.credentials, buckets.devices, buckets.bindings}}

var (
	metaFormat         = []byte("format")
	metaRevision       = []byte("revision")
	metaAuditSize      = []byte("audit.size")
	metaStatusSequence = []byte("certificates.sequence")
	metaStampMark      = []byte("tsa.mark")
)

// Store is an open store. It is safe for concurrent use.
type Store struct {
	db  *bbolt.DB
	box *sealed.Box

	mu        sync.Mutex
	allotters map[uint32]*allotter // guarded by mu

	appender appender
	commits  commits
}

// lockWait is how long opening waits for another process to let go.
const lockWait = time.Second

// Create makes a new store. An existing file is never overwritten: the error
// then wraps fs.ErrExist.
func Create(path string, box *sealed.Box) (*Store, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("creating the store: %w", &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist})
	}
	s, err := open(path, box)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return putUint(tx.Bucket(buckets.meta), metaFormat, formatVersion)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("creating the store: %w", err), s.Close())
	}
	return s, nil
}

// Open opens an existing store.
func Open(path string, box *sealed.Box) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	s, err := open(path, box)
	if err != nil {
		return nil, err
	}
	if err := s.upgrade(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), s.Close())
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("bucket %s is missing: not one of our stores, or its making was cut off", name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), s.Close())
	}
	return s, nil
}

// upgrade brings a store of an earlier version up to this one, in one transaction. A
// later version's is refused.
func (s *Store) upgrade() error {
	stored := uint64(0)
	err := s.db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket(buckets.meta); meta != nil {
			stored = getUint(meta, metaFormat)
		}
		return nil
	})
	switch {
	case err != nil || stored == formatVersion:
		return err
	case stored == 0:
		return errors.New("not one of our stores, or its making was cut off")
	case stored > formatVersion:
		return fmt.Errorf("the store has format %d, this program knows format %d", stored, formatVersion)
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for v := stored + 1; v <= formatVersion; v++ {
			for _, name := range since[v] {
				if _, err := tx.CreateBucket(name); err != nil {
					return fmt.Errorf("bucket %s of format %d: %w", name, v, err)
				}
			}
		}
		return putUint(tx.Bucket(buckets.meta), metaFormat, formatVersion)
	})
}

func open(path string, box *sealed.Box) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, FreelistType: bbolt.FreelistMapType})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	return &Store{db: db, box: box, allotters: make(map[uint32]*allotter)}, nil
}

// Close closes the store.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing the store: %w", err)
	}
	return nil
}

// Path returns the store's file.
func (s *Store) Path() string { return s.db.Path() }

func uint64Key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func putUint(b *bbolt.Bucket, key []byte, n uint64) error { return b.Put(key, uint64Key(n)) }

// getUint returns 0 for a key that is not there.
func getUint(b *bbolt.Bucket, key []byte) uint64 {
	v := b.Get(key)
	if len(v) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(v)
}

// unixUTC is the time of a stored number of seconds.
func unixUTC(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// put stores a small record as CBOR.
func put(b *bbolt.Bucket, key []byte, record any) error {
	v, err := detcbor.Marshal(record)
	if err != nil {
		return err
	}
	return b.Put(key, v)
}

// get reads a small record and reports whether it is there.
func get(b *bbolt.Bucket, key []byte, record any) (bool, error) {
	v := b.Get(key)
	if v == nil {
		return false, nil
	}
	if err := detcbor.Unmarshal(v, record); err != nil {
		return false, fmt.Errorf("stored record: %w", err)
	}
	return true, nil
}
