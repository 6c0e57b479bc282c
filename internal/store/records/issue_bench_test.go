package records_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// issueBatch is how many licences a transaction of the benchmark holds.
const issueBatch = 1024

// generator makes licences of all categories from the catalogue's examples.
type generator struct {
	tb     testing.TB
	key    *pki.Key
	store  *records.Store
	models []*licence.Licence
	random *rand.Rand
	next   int
}

func newGenerator(tb testing.TB, s *records.Store) *generator {
	tb.Helper()
	c, err := catalogue.Load()
	if err != nil {
		tb.Fatal(err)
	}
	pictures, err := sample.Draw()
	if err != nil {
		tb.Fatal(err)
	}
	g := &generator{tb: tb, key: pkitest.NewKey(tb), store: s, random: rand.New(rand.NewPCG(1, 2))}
	today := civil.Of(time.Unix(1700000000, 0))
	for _, category := range c.Categories() {
		issuer := &licence.Authority{USCC: "11340000XN0000012E", Name: "安徽省样例行政审批局", Region: "340000", Level: category.Level, Categories: []catalogue.ID{category.ID}}
		valid, err := licence.Validate(sample.Application(category, pictures, today), category, issuer, os.ReadFile)
		if err != nil {
			tb.Fatal(err)
		}
		id, err := licence.NewIdentifier(category.Code, issuer.USCC, licence.Serial{}, 1)
		if err != nil {
			tb.Fatal(err)
		}
		g.models = append(g.models, valid.Licence(id, licence.StatusRef{}, time.Unix(1700000000, 0).UTC()))
	}
	return g
}

// batch makes the next licences, each with a holder, a number and a request id.
func (g *generator) batch(n int) []licence.Submission {
	g.tb.Helper()
	list := uint32(1 + g.next>>19)
	refs, err := g.store.ReserveIndices(context.Background(), list, n)
	if err != nil {
		g.tb.Fatal(err)
	}
	all := make([]licence.Submission, n)
	for i := range all {
		l := *g.models[g.next%len(g.models)]
		holder := l.Holders[0]
		holder.IDNumber = fmt.Sprintf("3401991990%08d", g.next/3)
		l.Holders, l.Number, l.Status = []licence.Holder{holder}, fmt.Sprintf("皖字第%010d号", g.next), refs[i]
		l.Identifier.Serial.Bucket = g.store.Bucket(holder)
		for k := range l.Identifier.Serial.Random {
			l.Identifier.Serial.Random[k] = byte(g.random.Uint32())
		}
		signed := g.form(&l, i == 0)
		digest := sm3.Sum(signed)
		entry, err := audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "importer", Act: audit.ActLicenceIssue, Subject: l.Identifier.String(), Digest: digest[:]}, nil)
		if err != nil {
			g.tb.Fatal(err)
		}
		all[i] = licence.Submission{
			Licence: &l, Signed: signed, Point: g.key.Public().Point(), Audit: entry,
			Request: licence.Request{Issuer: l.Identifier.Issuer, ID: fmt.Sprintf("import-%d", g.next), Digest: digest},
		}
		g.next++
	}
	return all
}

// form returns the signed form of a licence. What is not looked at again needs no true
// signature: it would take most of the benchmark's time.
func (g *generator) form(l *licence.Licence, sign bool) []byte {
	g.tb.Helper()
	if sign {
		signed, err := licence.SignUnchecked(l, g.key)
		if err != nil {
			g.tb.Fatal(err)
		}
		return signed
	}
	b := l.Payload()
	for range (pki.SignatureSize + 20) / 4 {
		b = binary.BigEndian.AppendUint32(b, g.random.Uint32())
	}
	return b
}

// processorTime is what the process has used, of all cores.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkIssueAll stores licences of all categories, 1,024 a transaction, and reports
// what the store's part costs: processor time and wall time of a licence in the first and
// in the last tenth, bytes of the file, and the time of a look-up by identifier. With
// -benchtime 1000000x it is the load of a city.
func BenchmarkIssueAll(b *testing.B) {
	dir := b.TempDir()
	path := filepath.Join(dir, "store.db")
	s := createStore(b, path, newBox(b))
	g := newGenerator(b, s)
	type cost struct{ processor, wall time.Duration }
	costs := make([]cost, 0, b.N/issueBatch+1)
	var ids []licence.Identifier
	issued := 0
	b.ResetTimer()
	for issued < b.N {
		b.StopTimer()
		all := g.batch(min(issueBatch, b.N-issued))
		before, began := processorTime(b), time.Now()
		b.StartTimer()
		if _, errs := s.IssueAll(b.Context(), all); slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
			b.Fatal(errs)
		}
		n := time.Duration(len(all))
		costs = append(costs, cost{(processorTime(b) - before) / n, time.Since(began) / n})
		issued += len(all)
		ids = append(ids, all[0].Licence.Identifier)
	}
	b.StopTimer()
	tenth := max(1, len(costs)/10)
	for name, part := range map[string][]cost{"first": costs[:tenth], "last": costs[len(costs)-tenth:]} {
		var sum cost
		var worst time.Duration
		for _, c := range part {
			sum.processor, sum.wall, worst = sum.processor+c.processor, sum.wall+c.wall, max(worst, c.wall)
		}
		b.ReportMetric(float64(sum.processor.Nanoseconds())/1e3/float64(len(part)), name+"-cpu-µs")
		b.ReportMetric(float64(sum.wall.Nanoseconds())/1e3/float64(len(part)), name+"-µs")
		b.ReportMetric(worst.Seconds()*1e3*issueBatch, name+"-worst-commit-ms")
	}
	var looks []time.Duration
	for _, id := range ids[:min(len(ids), 10000)] {
		began := time.Now()
		if _, err := s.ByIdentifier(b.Context(), id); err != nil {
			b.Fatal(err)
		}
		looks = append(looks, time.Since(began))
	}
	slices.Sort(looks)
	b.ReportMetric(float64(looks[len(looks)/2].Microseconds()), "p50-look-µs")
	b.ReportMetric(float64(looks[len(looks)*99/100].Microseconds()), "p99-look-µs")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(b.N), "bytes/licence")
}

// BenchmarkIssue issues from 256 callers, each of which waits for the fsync that holds its
// licence. The floor is 5,000 a second.
func BenchmarkIssue(b *testing.B) {
	s := createStore(b, filepath.Join(b.TempDir(), "store.db"), newBox(b))
	g := newGenerator(b, s)
	all := g.batch(b.N)
	var next atomic.Int64
	b.SetParallelism(appendCallers / runtime.GOMAXPROCS(0))
	before := processorTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Issue(b.Context(), all[next.Add(1)-1]); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "licences/s")
	b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
