package office_test

import (
	"context"
	"testing"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
)

// Licences as sealed PDFs, by as many callers as there are cores: code, page, seal, what
// a stranger would verify, and the entries of the log on the disk. Aim: 50 a second on
// two cores.
func BenchmarkSealedPDF(b *testing.B) {
	f := officetest.New(b)
	ctx := context.Background()
	var records []licence.Record
	for _, category := range []string{"004", "017", "040", "066"} {
		c, a := f.Application(b, category)
		r, err := f.Office.Issue(ctx, "bench", c.ID, a, office.IssueOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Office.PDF(ctx, "bench", r); err != nil { // faces are parsed once
			b.Fatal(err)
		}
		records = append(records, r)
	}
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := f.Office.PDF(ctx, "bench", records[i%len(records)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "licences/s")
}
