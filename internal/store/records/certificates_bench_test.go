package records_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/second"
)

// BenchmarkIssueStored: certificates of citizens, linted, intended, signed, verified,
// recorded and audited, each returned after the fsync that holds it, by 256 callers at
// once. The floor is 1,500 a second. Citizens' certificates have places in the status
// lists; what those cost is the difference to the other.
func BenchmarkIssueStored(b *testing.B) {
	b.Run("with places", func(b *testing.B) { issueStored(b, true) })
	b.Run("without", func(b *testing.B) { issueStored(b, false) })
}

// lists allots places from one list of a store.
type lists struct{ store *records.Store }

func (l lists) ReserveEntry(ctx context.Context) (cert.StatusEntry, error) {
	ref, err := l.store.ReserveIndex(ctx, 1<<31)
	return cert.StatusEntry(ref), err
}

func (l lists) ReleaseEntry(e cert.StatusEntry) { l.store.ReleaseIndex(licence.StatusRef(e)) }

func issueStored(b *testing.B, places bool) {
	b.Helper()
	s := createStore(b, filepath.Join(b.TempDir(), "store.db"), newBox(b))
	defer func() { _ = s.Close() }()
	profiles, err := ca.DefaultProfiles()
	if err != nil {
		b.Fatal(err)
	}
	env := ca.Environment{Ledger: s, Profiles: profiles, Site: ca.Site{Host: "localhost", Name: "root"}, Second: second.Opinion{}, Now: time.Now}
	ctx := context.Background()
	root, err := ca.NewRoot(ctx, cert.Name{Country: "CN", CommonName: "根"}, pkitest.NewKey(b), "bench", env)
	if err != nil {
		b.Fatal(err)
	}
	key := pkitest.NewKey(b)
	c := pkitest.Certify(b, root, ca.ProfileIntermediate, "自然人", key)
	env.Site = ca.Site{Host: "localhost", Name: "persons", Shards: 1}
	if places {
		env.StatusLists = lists{s}
	}
	persons, err := ca.New(c, key, env)
	if err != nil {
		b.Fatal(err)
	}
	keys := make([]*pki.PublicKey, b.N)
	for i := range keys {
		keys[i] = pkitest.NewKey(b).Public()
	}
	var next atomic.Int64
	b.SetParallelism(128)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			draft, err := persons.Prepare(ctx, ca.Request{
				Profile: ca.ProfilePerson, Key: keys[next.Add(1)-1], Subject: cert.Name{Country: "CN", CommonName: "张样例"},
			})
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := persons.Issue(ctx, draft, "bench"); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "certificates/s")
}
