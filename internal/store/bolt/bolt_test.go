package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/internal/store/storetest"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
)

func newBox(tb testing.TB) *sealed.Box {
	tb.Helper()
	box, err := sealed.CreateBox(pkitest.KeyStore(tb))
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
	s, err := bolt.Create(path, box)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
	return func(tb testing.TB) storetest.Store {
		tb.Helper()
		s, err := bolt.Open(path, box)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	storetest.Registry(t, newStore)
}

func TestStatus(t *testing.T) {
	t.Parallel()
	storetest.Status(t, func(tb testing.TB) func(testing.TB) storetest.StatusStore {
		open := newStore(tb)
		return func(tb testing.TB) storetest.StatusStore {
			s := open(tb).(*bolt.Store)
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
		return func(tb testing.TB) storetest.Log { return open(tb).(*bolt.Store) }
	})
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	storetest.Certificates(t, func(tb testing.TB) func(testing.TB) storetest.CertificateStore {
		open := newStore(tb)
		return func(tb testing.TB) storetest.CertificateStore { return open(tb).(*bolt.Store) }
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	box := newBox(t)
	path := filepath.Join(dir, "store.db")
	if _, err := bolt.Open(path, box); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing: %v, want fs.ErrNotExist", err)
	}
	s, err := bolt.Create(path, box)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Create(path, box); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a store: %v, want fs.ErrExist", err)
	}
	if _, err := bolt.Open(path, box); !errors.Is(err, bolt.ErrInUse) {
		t.Errorf("a second Open: %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("garbage "), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(garbage, box); err == nil {
		t.Error("garbage opens")
	}
	// Somebody else's bbolt file.
	foreign := filepath.Join(dir, "foreign.db")
	db, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(foreign, box); err == nil {
		t.Error("another program's file opens")
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
