//go:build unix

package office_test

import (
	"context"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

// BenchmarkSealing is the whole act of sealing a page: who may, the seal, the signature, what
// a stranger would verify, the use of the seal in the audit log and on the disk. Many
// callers share an fsync, so what counts is cpu-us/op, the processor time that one takes;
// sm2 is that in bare SM2 signatures of the same run. By GB/T 38540, and in CMS.
func BenchmarkSealing(b *testing.B) {
	for _, profile := range seal.Profiles() {
		b.Run(string(profile), func(b *testing.B) { sealing(b, profile) })
	}
}

func sealing(b *testing.B, profile seal.Profile) {
	b.Helper()
	f := officetest.New(b)
	page := blank(b, 1)
	request := office.StampRequest{SealID: f.Seal.ID, Profile: profile, Place: placement.Place{Pages: "1", X: 60, Y: 60}}
	sealed := func() error {
		doc, err := pdf.Open(page, page.Size())
		if err != nil {
			return err
		}
		_, err = f.Office.Stamp(context.Background(), officetest.Clerk, doc, request)
		return err
	}
	for range 40 { // the caches of a service that has run for a second
		if err := sealed(); err != nil {
			b.Fatal(err)
		}
	}
	bare := bareSignature(b)
	b.ReportAllocs()
	b.SetParallelism(64)
	b.ResetTimer()
	began := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := sealed(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	each := (processorTime(b) - began) / time.Duration(b.N)
	b.ReportMetric(float64(each.Nanoseconds())/1e3, "cpu-us/op")
	b.ReportMetric(float64(each)/float64(bare), "sm2")
}

// BenchmarkSealingBatch is the same act for many documents at once, down to handing each out
// when its use is on the disk: cpu-us/doc, the processor time that one takes, and sm2, that in
// bare SM2 signatures, which as many goroutines make in turn. All are medians. The garbage
// collector is set as `seal batch` has it; usual-sm2 is the same batch with Go's own setting, as
// in a service, and single-sm2 the act of BenchmarkSealing there, each with an fsync of its own.
func BenchmarkSealingBatch(b *testing.B) {
	for _, profile := range seal.Profiles() {
		b.Run(string(profile), func(b *testing.B) { sealingBatch(b, profile) })
	}
}

func sealingBatch(b *testing.B, profile seal.Profile) {
	b.Helper()
	const documents = 1024 // so many that the garbage of each turn is collected in it
	f := officetest.New(b)
	page := blank(b, 1)
	request := office.StampRequest{SealID: f.Seal.ID, Profile: profile, Place: placement.Place{Pages: "1", X: 60, Y: 60}}
	open := func() (*pdf.Document, error) { return pdf.Open(page, page.Size()) }
	all := make([]office.BatchDocument, documents)
	for i := range all {
		all[i] = office.BatchDocument{Open: open, Release: func(_ context.Context, p *pdf.Prepared) error {
			_, err := p.WriteTo(io.Discard)
			return err
		}, Close: func() {}}
	}
	batch := func() {
		err := f.Office.StampBatch(context.Background(), officetest.Clerk, request, all, func(_ int, _ string, err error) {
			if err != nil {
				b.Error(err)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	key := pkitest.NewKey(b)
	bare := func() { // by as many at once as the batch has processors
		var wait sync.WaitGroup
		for n := range runtime.GOMAXPROCS(0) {
			wait.Go(func() {
				for range documents/runtime.GOMAXPROCS(0) + min(1, max(0, documents%runtime.GOMAXPROCS(0)-n)) {
					if _, err := key.SignUnchecked([]byte("bare")); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wait.Wait()
	}
	single := func() {
		for range documents / 32 {
			doc, err := open()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := f.Office.Stamp(context.Background(), officetest.Clerk, doc, request); err != nil {
				b.Fatal(err)
			}
		}
	}
	batch() // the caches of a service that has run for a second
	rarely := func() {
		defer debug.SetGCPercent(debug.SetGCPercent(800))
		batch()
	}
	var signed, sealed, usual, alone []time.Duration
	for b.Loop() {
		for _, step := range []struct {
			do    func()
			times *[]time.Duration
			of    int
		}{{bare, &signed, documents}, {rarely, &sealed, documents}, {batch, &usual, documents}, {single, &alone, documents / 32}} {
			began := processorTime(b)
			step.do()
			*step.times = append(*step.times, (processorTime(b)-began)/time.Duration(step.of))
		}
	}
	median := func(of []time.Duration) float64 {
		slices.Sort(of)
		return float64(of[len(of)/2].Nanoseconds()) / 1e3
	}
	b.ReportMetric(median(sealed), "cpu-us/doc")
	b.ReportMetric(median(sealed)/median(signed), "sm2")
	b.ReportMetric(median(usual)/median(signed), "usual-sm2")
	b.ReportMetric(median(alone)/median(signed), "single-sm2")
}

// BenchmarkStraddling cuts a seal over a hundred pages, the whole act: cpu-ms/op, and how
// many bytes it adds. unknown-ms is the first of that size of pages and number of slices, which
// are compared with the seal; later ones are known. Beside it what a seal adds to a page, and
// the next use of it.
func BenchmarkStraddling(b *testing.B) {
	f := officetest.New(b)
	ctx := context.Background()
	pages, page := blank(b, 100), blank(b, 1)
	put := func(doc *pdf.Document, r office.StampRequest) *pdf.Prepared {
		b.Helper()
		r.SealID = f.Seal.ID
		sealed, err := f.Office.Stamp(ctx, officetest.Clerk, doc, r)
		if err != nil {
			b.Fatal(err)
		}
		return sealed
	}
	first := put(page, office.StampRequest{Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	once, err := first.Document()
	if err != nil {
		b.Fatal(err)
	}
	again := put(once, office.StampRequest{Place: placement.Place{Pages: "1", X: 140, Y: 200}})
	anew := func() *pdf.Document {
		doc, err := pdf.Open(pages, pages.Size())
		if err != nil {
			b.Fatal(err)
		}
		return doc
	}
	straddle := office.StampRequest{Straddle: &placement.Straddle{Edge: placement.RightEdge}}
	for range 40 {
		put(page, office.StampRequest{Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	}
	began := processorTime(b)
	put(anew(), straddle)
	unknown := processorTime(b) - began
	b.ReportAllocs()
	b.ResetTimer()
	began = processorTime(b)
	var cut *pdf.Prepared
	for range b.N {
		cut = put(anew(), straddle)
	}
	b.ReportMetric(float64((processorTime(b)-began).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(unknown.Microseconds())/1e3, "unknown-ms")
	b.ReportMetric(float64(len(cut.Increment())), "bytes")
	b.ReportMetric(float64(len(first.Increment())), "first-bytes")
	b.ReportMetric(float64(len(again.Increment())), "again-bytes")
}

// bareSignature is the processor time of a signature by the library.
func bareSignature(b *testing.B) time.Duration {
	b.Helper()
	key := pkitest.NewKey(b)
	const times = 2000
	began := processorTime(b)
	for range times {
		if _, err := key.SignUnchecked([]byte("bare")); err != nil {
			b.Fatal(err)
		}
	}
	return (processorTime(b) - began) / times
}

// processorTime is what this process has taken.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
