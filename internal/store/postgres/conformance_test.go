package postgres

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/kvtest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/internal/store/storetest"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
)

// TestConformance runs what every engine and every store passes.
func TestConformance(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	t.Run("engine", func(t *testing.T) {
		kvtest.Engine(t, func(tb testing.TB, schema kv.Schema) func(testing.TB) kv.Engine {
			address, steps := server.Database(tb), stepsFor(schema)
			e, err := create(context.Background(), address, schema, steps, Options{})
			if err != nil {
				tb.Fatal(err)
			}
			if err := e.Close(); err != nil {
				tb.Fatal(err)
			}
			return func(tb testing.TB) kv.Engine {
				e, err := open(context.Background(), address, schema, steps, Options{})
				if err != nil {
					tb.Fatal(err)
				}
				return e
			}
		})
	})
	stores := newStores(t, server)
	open := func(tb testing.TB) func(testing.TB) *records.Store {
		address, box := stores.next(tb), newBox(tb)
		createStore(tb, address, box)
		return func(tb testing.TB) *records.Store { return openStore(tb, address, box) }
	}
	t.Run("registry", func(t *testing.T) {
		storetest.Registry(t, func(tb testing.TB) storetest.Opener {
			again := open(tb)
			return func(tb testing.TB) storetest.Store { return again(tb) }
		})
	})
	keyed := func(tb testing.TB) storetest.KeyedStore {
		keys, dir, address := pkitest.KeyStore(tb), filepath.Join(tb.TempDir(), "record-keys"), stores.next(tb)
		box, err := sealed.CreateBox(keys, dir)
		if err != nil {
			tb.Fatal(err)
		}
		createStore(tb, address, box)
		at := func(address string) func(tb testing.TB) *records.Store {
			return func(tb testing.TB) *records.Store { return openStore(tb, address, box) }
		}
		return storetest.KeyedStore{
			Open: at(address), Keys: box,
			Older: func(tb testing.TB) func(testing.TB) *records.Store { return at(server.Copy(tb, address)) },
			Node: func(tb testing.TB) *records.Store {
				tb.Helper()
				own, err := sealed.OpenBox(keys, dir)
				if err != nil {
					tb.Fatal(err)
				}
				return openStore(tb, address, own)
			},
		}
	}
	t.Run("record keys", func(t *testing.T) { storetest.RecordKeys(t, keyed) })
	t.Run("look-up keys", func(t *testing.T) { storetest.Renewal(t, keyed) })
	t.Run("status", func(t *testing.T) {
		storetest.Status(t, func(tb testing.TB) func(testing.TB) storetest.StatusStore {
			again := open(tb)
			return func(tb testing.TB) storetest.StatusStore {
				s := again(tb)
				return storetest.StatusStore{
					Certificates: s, CRLLedger: func(count uint32) crl.Ledger { return s.CRLLedger(count) }, CRLs: s.CRLs(),
					OCSPLedger: func(now func() time.Time) ocsp.Ledger { return s.OCSPLedger(now) }, Marks: s.StampMarks(),
				}
			}
		})
	})
	t.Run("audit log", func(t *testing.T) {
		storetest.AuditLog(t, func(tb testing.TB) func(testing.TB) storetest.Log {
			again := open(tb)
			return func(tb testing.TB) storetest.Log { return again(tb) }
		})
	})
	t.Run("seals", func(t *testing.T) {
		storetest.Seals(t, func(tb testing.TB) func(testing.TB) storetest.SealStore {
			again := open(tb)
			return func(tb testing.TB) storetest.SealStore { return again(tb) }
		})
	})
	t.Run("certificates", func(t *testing.T) {
		storetest.Certificates(t, func(tb testing.TB) func(testing.TB) storetest.CertificateStore {
			again := open(tb)
			return func(tb testing.TB) storetest.CertificateStore { return again(tb) }
		})
	})
}

// stores makes databases with the tables of the service by copying one.
type stores struct {
	server   *pgtest.Server
	template string
}

func newStores(tb testing.TB, server *pgtest.Server) stores {
	tb.Helper()
	s := stores{server, server.Database(tb)}
	e, err := Create(context.Background(), s.template, records.Schema(), Options{})
	if err != nil {
		tb.Fatal(err)
	}
	if err := e.Close(); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s stores) next(tb testing.TB) string {
	tb.Helper()
	return s.server.Copy(tb, s.template)
}

func newBox(tb testing.TB) *sealed.Box {
	tb.Helper()
	box, err := sealed.CreateBox(pkitest.KeyStore(tb), filepath.Join(tb.TempDir(), "record-keys"))
	if err != nil {
		tb.Fatal(err)
	}
	return box
}

// createStore makes a store in a database that has the tables.
func createStore(tb testing.TB, address string, box *sealed.Box) {
	tb.Helper()
	e, err := Open(context.Background(), address, records.Schema(), Options{})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := records.Create(context.Background(), e, box)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

func openStore(tb testing.TB, address string, box *sealed.Box) *records.Store {
	tb.Helper()
	e, err := Open(context.Background(), address, records.Schema(), Options{})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := records.Open(context.Background(), e, box)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
