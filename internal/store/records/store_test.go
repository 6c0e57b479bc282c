package records_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/internal/store/storetest"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
)

func newBox(tb testing.TB) *sealed.Box {
	tb.Helper()
	box, err := sealed.CreateBox(pkitest.KeyStore(tb), filepath.Join(tb.TempDir(), "record-keys"))
	if err != nil {
		tb.Fatal(err)
	}
	return box
}

func newStore(tb testing.TB) storetest.Opener {
	tb.Helper()
	dir := tb.TempDir()
	box := newBox(tb)
	path := filepath.Join(dir, "store.db")
	if err := createStore(tb, path, box).Close(); err != nil {
		tb.Fatal(err)
	}
	return func(tb testing.TB) storetest.Store {
		tb.Helper()
		s, err := openStore(path, box)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
}

// createStore makes a store in a new bbolt file.
func createStore(tb testing.TB, path string, box *sealed.Box) *records.Store {
	tb.Helper()
	db, err := bolt.Create(path, records.Schema())
	if err != nil {
		tb.Fatal(err)
	}
	s, err := records.Create(context.Background(), db, box)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// openStore opens the store in a bbolt file.
func openStore(path string, box *sealed.Box) (*records.Store, error) {
	db, err := bolt.Open(path, records.Schema())
	if err != nil {
		return nil, err
	}
	s, err := records.Open(context.Background(), db, box)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	storetest.Registry(t, newStore)
}

// newKeyedStore makes a store whose file can be copied.
func newKeyedStore(tb testing.TB) storetest.KeyedStore {
	tb.Helper()
	return newKeyedStoreOn(tb, func(e kv.Engine) kv.Engine { return e })
}

// newKeyedStoreOn is newKeyedStore on what is made of its engine.
func newKeyedStoreOn(tb testing.TB, made func(kv.Engine) kv.Engine) storetest.KeyedStore {
	tb.Helper()
	path, box := filepath.Join(tb.TempDir(), "store.db"), newBox(tb)
	if err := createStore(tb, path, box).Close(); err != nil {
		tb.Fatal(err)
	}
	var last kv.Engine
	over := func(tb testing.TB, e kv.Engine) *records.Store {
		tb.Helper()
		s, err := records.Open(context.Background(), e, box)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
	open := func(path string) func(tb testing.TB) *records.Store {
		return func(tb testing.TB) *records.Store {
			tb.Helper()
			db, err := bolt.Open(path, records.Schema())
			if err != nil {
				tb.Fatal(err)
			}
			last = made(db)
			return over(tb, last)
		}
	}
	copies := 0
	return storetest.KeyedStore{
		Open: open(path), Keys: box,
		Older: func(tb testing.TB) func(testing.TB) *records.Store {
			tb.Helper()
			copies++
			older := fmt.Sprintf("%s.%d", path, copies)
			file, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(older, file, 0o600)
			}
			if err != nil {
				tb.Fatal(err)
			}
			return open(older)
		},
		// One process has the file open; what a second store remembers is all its own.
		Node: func(tb testing.TB) *records.Store { return over(tb, keptOpen{last}) },
	}
}

// keptOpen is an engine that another store closes.
type keptOpen struct{ kv.Engine }

// Close implements [kv.Engine].
func (keptOpen) Close() error { return nil }

func TestRecordKeys(t *testing.T) {
	t.Parallel()
	storetest.RecordKeys(t, newKeyedStore)
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	storetest.Renewal(t, newKeyedStore)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	storetest.Status(t, func(tb testing.TB) func(testing.TB) storetest.StatusStore {
		open := newStore(tb)
		return func(tb testing.TB) storetest.StatusStore {
			s := open(tb).(*records.Store)
			return storetest.StatusStore{
				Certificates: s, CRLLedger: func(count uint32) crl.Ledger { return s.CRLLedger(count) }, CRLs: s.CRLs(),
				OCSPLedger: func(now func() time.Time) ocsp.Ledger { return s.OCSPLedger(now) }, Marks: s.StampMarks(),
			}
		}
	})
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	storetest.AuditLog(t, func(tb testing.TB) func(testing.TB) storetest.Log {
		open := newStore(tb)
		return func(tb testing.TB) storetest.Log { return open(tb).(*records.Store) }
	})
}

func TestSeals(t *testing.T) {
	t.Parallel()
	storetest.Seals(t, func(tb testing.TB) func(testing.TB) storetest.SealStore {
		open := newStore(tb)
		return func(tb testing.TB) storetest.SealStore { return open(tb).(*records.Store) }
	})
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	storetest.Certificates(t, func(tb testing.TB) func(testing.TB) storetest.CertificateStore {
		open := newStore(tb)
		return func(tb testing.TB) storetest.CertificateStore { return open(tb).(*records.Store) }
	})
}

// TestRefused: a database that holds records is not made a store again, one that holds
// none is not opened as one, nor is one of a later format.
func TestRefused(t *testing.T) {
	t.Parallel()
	box, path := newBox(t), filepath.Join(t.TempDir(), "store.db")
	db, err := bolt.Create(path, records.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Open(t.Context(), db, box); err == nil {
		t.Error("an empty database opens")
	}
	s, err := records.Create(t.Context(), db, box)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Create(t.Context(), db, box); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a store: %v, want fs.ErrExist", err)
	}
	err = db.Update(t.Context(), func(tx kv.Tx) error {
		return tx.Table("meta").Put([]byte("format"), binary.BigEndian.AppendUint64(nil, 99))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := records.Open(t.Context(), db, box); err == nil {
		t.Error("a store of a later format opens")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNothingPersonalInTheFile: names, numbers and reasons do not stand in the
// store's file.
func TestNothingPersonalInTheFile(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := f.Issue(t, "004")
	if _, err := f.Office.Step(context.Background(), "test", r.Licence.Identifier, "suspend", "秘密的理由"); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(f.Dir, "elicence.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := r.Licence.Holders[0]
	for what, text := range map[string]string{"the holder's name": h.Name, "the holder's number": h.IDNumber, "the licence's number": r.Licence.Number, "the reason": "秘密的理由"} {
		if bytes.Contains(file, []byte(text)) {
			t.Errorf("the file holds %s in the clear", what)
		}
	}
}
