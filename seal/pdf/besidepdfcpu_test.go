//go:build unix

package pdf

import (
	"bytes"
	"runtime"
	"syscall"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// BenchmarkBesidePDFCPU puts a seal on a hundred pages beside what a program would do with
// pdfcpu: read the file, write it, hash it, sign. That one draws no seal and reads nothing
// back. Both are counted in processor time, in turns of sixty-four, so that each pays for the
// collection of what it has allocated itself; beside them SM3 of the file, which both need.
func BenchmarkBesidePDFCPU(b *testing.B) {
	h := newHouse(b)
	quietly.Do(api.DisableConfigDir)
	for _, s := range []struct {
		name string
		sample
	}{
		{"100 pages", sample{pages: 100, ballast: 80_000}},
		{"100 pages in an object stream", sample{pages: 100, ballast: 80_000, packed: true}},
		{"100 pages in a deflated object stream", sample{pages: 100, ballast: 80_000, packed: true, folded: true}},
	} {
		b.Run(s.name, func(b *testing.B) {
			file := s.bytes()
			steps := []struct {
				name string
				do   func()
				took []float64
			}{
				{name: "ours", do: func() {
					p, _ := h.seal(b, open(b, file), h.stamp, h.trust)
					var out bytes.Buffer
					if _, err := p.WriteTo(&out); err != nil {
						b.Fatal(err)
					}
				}},
				{name: "pdfcpu", do: func() {
					c, err := api.ReadContext(bytes.NewReader(file), model.NewDefaultConfiguration())
					if err != nil {
						b.Fatal(err)
					}
					var out bytes.Buffer
					if err := api.WriteContext(c, &out); err != nil {
						b.Fatal(err)
					}
					digest := sm3.Sum(out.Bytes())
					if _, err := h.sealKey.SignUnchecked(digest[:]); err != nil {
						b.Fatal(err)
					}
				}},
				{name: "sm3", do: func() { _ = sm3.Sum(file) }},
			}
			const turn = 64
			for b.Loop() {
				for i := range steps {
					runtime.GC()
					began := processorTime(b)
					for range turn {
						steps[i].do()
					}
					steps[i].took = append(steps[i].took, (processorTime(b)-began)/turn)
				}
			}
			ours := median(steps[0].took)
			for _, s := range steps {
				b.ReportMetric(median(s.took), s.name+"-us")
			}
			b.ReportMetric(median(steps[1].took)/ours, "pdfcpu-x")
		})
	}
}

// processorTime is what this process has taken, in microseconds.
func processorTime(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}
