package scan_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/elicence/elicence/qr/picture/picturetest"
	"github.com/elicence/elicence/qr/picture/scan"
)

// BenchmarkRead reads pictures of 1280 × 720 pixels: a good one, those with up to two
// faults, and the worst cases, in which there is nothing to be read.
func BenchmarkRead(b *testing.B) {
	read := func(name string, pictures ...scan.Luminance) {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				_, err := scan.Read(pictures[i%len(pictures)])
				_ = err // of some there is nothing to be read
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
		})
	}
	read("clean", luminance(picturetest.New(b, nil, 0).Image))
	var degraded []scan.Luminance
	for _, class := range picturetest.Classes() {
		for n := range 5 {
			degraded = append(degraded, luminance(picturetest.New(b, class, n).Image))
		}
	}
	read("degraded", degraded...)
	read("two finder patterns", luminance(picturetest.New(b, []picturetest.Fault{picturetest.Corner}, 0).Image))

	r := rand.New(rand.NewPCG(1, 2))
	sheet := picturetest.NewSheet(b, r, 3)
	for range 1000 {
		x, y := 12+r.IntN(len(sheet.Modules)-24), 12+r.IntN(len(sheet.Modules)-24)
		sheet.Modules[y][x] = !sheet.Modules[y][x]
	}
	read("unreadable", draw(sheet.Modules, 9))
	noise := make([]uint8, picturetest.Width*picturetest.Height)
	for i := range noise {
		noise[i] = uint8(r.Uint32())
	}
	read("noise", scan.Luminance{Pix: noise, Stride: picturetest.Width, Width: picturetest.Width, Height: picturetest.Height})
	read("finder patterns only", finderPatterns(picturetest.Width, picturetest.Height))
	read("50 megapixels of finder patterns", finderPatterns(8000, 6250))
}

// finderPatterns is a picture that is full of finder patterns, of two pixels a module,
// and nothing else.
func finderPatterns(w, h int) scan.Luminance {
	pix := make([]uint8, w*h)
	for i := range pix {
		x, y := i%w/2%20-9, i/w/2%20-9
		if d := max(x, -x, y, -y); d == 2 || d > 3 {
			pix[i] = 255
		}
	}
	return scan.Luminance{Pix: pix, Stride: w, Width: w, Height: h}
}
