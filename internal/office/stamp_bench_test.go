//go:build unix

package office_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/seal/pdf"
)

// BenchmarkSealing is the whole act of sealing a page: who may, the seal, the signature, what
// a stranger would verify, the use of the seal in the audit log and on the disk. Many
// callers share an fsync, so what counts is cpu-us/op, the processor time that one takes;
// sm2 is that in bare SM2 signatures of the same run.
func BenchmarkSealing(b *testing.B) {
	f := officetest.New(b)
	page := blank(b, 1)
	request := office.StampRequest{SealID: f.Seal.ID, Place: office.Place{Pages: "1", X: 60, Y: 60}}
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
