package pdf

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/fixedkey"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
)

// benchFiles are the files of the benchmarks, by their names in results.
var benchFiles = []struct {
	name   string
	sample sample
}{
	{"1page", sample{}},
	{"100pages", sample{pages: 100, ballast: 80_000}},
	{"50MB", sample{pages: 20, ballast: 50 << 20}},
}

// benchFile writes the sample and opens it for reading.
func benchFile(b *testing.B, s sample) (*os.File, int64) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "file.pdf")
	data := s.bytes()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return f, int64(len(data))
}

// BenchmarkStamp opens a file, prepares a seal, signs with it (and verifies the
// signature) and completes the stamp. Its floor is BenchmarkReadAndHash on the
// same file: nobody can sign what he has not hashed.
func BenchmarkStamp(b *testing.B) {
	s := newSigners(b)
	stamp := s.stamp(30)
	for _, bf := range benchFiles {
		b.Run(bf.name, func(b *testing.B) {
			f, size := benchFile(b, bf.sample)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				d, err := Open(f, size)
				if err != nil {
					b.Fatal(err)
				}
				p, err := d.Prepare(stamp)
				if err != nil {
					b.Fatal(err)
				}
				if err := p.Complete(s.sealContents(b, p)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadAndHash reads the same files and hashes them with SM3.
func BenchmarkReadAndHash(b *testing.B) {
	for _, bf := range benchFiles {
		b.Run(bf.name, func(b *testing.B) {
			f, size := benchFile(b, bf.sample)
			b.SetBytes(size)
			b.ReportAllocs()
			buf := make([]byte, 256<<10)
			for b.Loop() {
				h := sm3.New()
				if _, err := io.CopyBuffer(h, io.NewSectionReader(f, 0, size), buf); err != nil {
					b.Fatal(err)
				}
				_ = h.Sum(nil)
			}
		})
	}
}

// BenchmarkStampAgain stamps a file that was just stamped: only the last
// increment is hashed.
func BenchmarkStampAgain(b *testing.B) {
	for _, bf := range benchFiles {
		b.Run(bf.name, func(b *testing.B) {
			f, size := benchFile(b, bf.sample)
			d, err := Open(f, size)
			if err != nil {
				b.Fatal(err)
			}
			once, err := prepare(b, d, at(1, 30, 40, 42)).Document()
			if err != nil {
				b.Fatal(err)
			}
			stamp := at(1, 80, 40, 42)
			b.ReportAllocs()
			for b.Loop() {
				if err := complete(once, stamp); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func complete(d *Document, s Stamp) error {
	p, err := d.Prepare(s)
	if err != nil {
		return err
	}
	return p.Complete(der(500))
}

// BenchmarkSignatures reads the signatures of a file with two seals back, with
// the comparison of its revisions.
func BenchmarkSignatures(b *testing.B) {
	for _, bf := range benchFiles {
		b.Run(bf.name, func(b *testing.B) {
			f, size := benchFile(b, bf.sample)
			d, err := Open(f, size)
			if err != nil {
				b.Fatal(err)
			}
			for i := range 2 {
				if d, err = prepare(b, d, at(1, 30+50*float64(i), 40, 42)).Document(); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(d.Size())
			b.ReportAllocs()
			for b.Loop() {
				fresh, err := Open(d.src.r, d.Size())
				if err != nil {
					b.Fatal(err)
				}
				if _, err := fresh.Signatures(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSealed puts a seal on a page as a service does that has done it before: opened,
// prepared, signed, read back and verified as a stranger would, written. The picture, the
// seal, the certificates' signatures and the tables of the key are known from before; dates,
// revocation, revisions and every byte are not. Each operation also signs barely by the
// library, verifies the file with the same memories, and does both without any (cold), so
// that all breathe the same air: medians, in microseconds and in bare signatures.
func BenchmarkSealed(b *testing.B) {
	s := newSigners(b)
	own := bureau(b, "合肥市样例局")
	s.withPicture(b, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	stamp := s.stamp(60)
	stamp.Marks[0].Appearance = vectors(own)
	file := victim.bytes()
	cold := s.trust
	s.trust.Pictures, s.trust.Seals.Known, s.trust.Seals.Judge = likeness.NewMemory(), ses.NewMemory(), fixedkey.NewKeys(16, nil).Judge
	verify := func(d *Document, err error, trust Trust) {
		if err != nil {
			b.Fatal(err)
		}
		report, err := d.Verify(context.Background(), trust)
		if err != nil || !report.Valid() {
			b.Fatalf("%v, %v", err, report.Err())
		}
	}
	seal := func(stamp Stamp, trust Trust) {
		p, err := open(b, file).Prepare(stamp)
		if err != nil {
			b.Fatal(err)
		}
		contents, err := ses.SignUnchecked(s.seal, ses.Stamp{Time: signingTime, Document: p.Digest(), Property: Property(p.ByteRange())}, s.sealCert, s.sealKey)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.Complete(contents); err != nil {
			b.Fatal(err)
		}
		d, err := p.Document()
		verify(d, err, trust)
		if _, err := p.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	sealed := put(b, file, stamp, s.sealContents)
	steps := []struct {
		name string
		do   func()
	}{
		{"bare", func() {
			if _, err := s.sealKey.SignUnchecked(file[:300]); err != nil {
				b.Fatal(err)
			}
		}},
		{"sealed", func() { seal(stamp, s.trust) }},
		{"verified", func() { verify(open(b, sealed), nil, s.trust) }},
		{"sealed-cold", func() {
			anew := stamp
			anew.Marks = slices.Clone(stamp.Marks)
			anew.Marks[0].Appearance = vectors(bureau(b, "合肥市样例局"))
			seal(anew, cold)
		}},
		{"verified-cold", func() { verify(open(b, sealed), nil, cold) }},
	}
	for range 64 { // the key has earned its tables
		steps[1].do()
		steps[2].do()
	}
	times := make([][]float64, len(steps))
	for n := 0; b.Loop(); n++ {
		for i, step := range steps {
			if strings.HasSuffix(step.name, "cold") && n%16 != 0 {
				continue
			}
			began := time.Now()
			step.do()
			times[i] = append(times[i], float64(time.Since(began).Nanoseconds())/1e3)
		}
	}
	floor := median(times[0])
	for i, step := range steps {
		b.ReportMetric(median(times[i]), step.name+"-us")
		if i > 0 {
			b.ReportMetric(median(times[i])/floor, step.name+"-x")
		}
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
