package pdf

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/emmansun/gmsm/sm3"

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

// BenchmarkSealed puts a seal on a page and verifies it, beside the bare signature: with
// the picture known, as in a service, and compared anew.
func BenchmarkSealed(b *testing.B) {
	s := newSigners(b)
	own := bureau(b, "合肥市样例局")
	s.withPicture(b, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	stamp := s.stamp(60)
	stamp.Marks[0].Appearance = vectors(own)
	file := victim.bytes()
	sealed := put(b, file, stamp, s.sealContents)
	b.Run("bare SM2 signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.sealKey.SignUnchecked(file[:300]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stamp", func(b *testing.B) {
		for b.Loop() {
			put(b, file, stamp, s.sealContents)
		}
	})
	verify := func(b *testing.B, memory *likeness.Memory) {
		trust := s.trust
		trust.Pictures = memory
		for b.Loop() {
			report, err := open(b, sealed).Verify(context.Background(), trust)
			if err != nil || !report.Valid() {
				b.Fatalf("%v, %v", err, report.Err())
			}
		}
	}
	b.Run("verify, picture known", func(b *testing.B) { verify(b, likeness.NewMemory()) })
	b.Run("verify, picture compared", func(b *testing.B) { verify(b, nil) })
}
