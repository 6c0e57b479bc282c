package load_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/load"
	"github.com/elicence/elicence/internal/office"
)

func newOffice(tb testing.TB) *office.Office {
	tb.Helper()
	o, err := office.Create(context.Background(), filepath.Join(tb.TempDir(), "data"), office.CreateOptions{
		Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}, RootPassphrase: []byte("test"), Actor: "test",
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := o.Close(); err != nil {
			tb.Error(err)
		}
	})
	return o
}

// TestRun: what a load issues is in the register and the log, and a second load goes on
// where the first has ended.
func TestRun(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ctx := context.Background()
	for run, count := range []int{700, 500} {
		l := load.Load{Office: o, Actor: "test", Count: count}
		r, err := l.Run(ctx)
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if r.Count != count || r.Checked == 0 || r.Rate <= 0 || r.RateFirstTenth <= 0 || r.RateLastTenth <= 0 || r.BareSignRate <= 0 || r.LookupP99US < r.LookupP50US {
			t.Errorf("run %d: %+v", run, r)
		}
	}
	records, err := o.Licences(ctx, "test", 0, 10000)
	if err != nil || len(records) != 1200 {
		t.Fatalf("%d licences, %v; want 1200", len(records), err)
	}
	categories := make(map[string]bool)
	for _, r := range records {
		categories[r.Licence.Category.String()] = true
	}
	if len(categories) != len(o.Catalogue().Categories()) {
		t.Errorf("%d categories", len(categories))
	}
	if _, _, err := o.AuditLog().Verify(ctx); err != nil {
		t.Error(err)
	}
}

// BenchmarkIssueAll is the whole way of licences in bulk. Its floor is the signature:
// BenchmarkBareSM2Sign of package licence, on all cores.
func BenchmarkIssueAll(b *testing.B) {
	o := newOffice(b)
	b.ReportAllocs()
	l := load.Load{Office: o, Actor: "test", Count: max(b.N, 100)}
	b.ResetTimer()
	r, err := l.Run(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(r.Rate, "licences/s")
	b.ReportMetric(100*r.Rate/r.BareSignRate/float64(r.Cores), "%-of-bare")
}
