package pdf

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/fixedkey"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
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
				fresh, err := Open(d, d.Size())
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

// A house seals as a service does that has done it before: the picture, the seal, the
// certificates' signatures and the tables of the key are known; dates, revocation,
// revisions and every byte are not.
type house struct {
	*signers
	look  *impression.Drawing
	stamp Stamp
	cold  Trust // that knows nothing from before
}

func newHouse(b *testing.B) *house {
	h := &house{signers: newSigners(b), look: bureau(b, "合肥市样例局")}
	h.withPicture(b, ses.Picture{Type: "SVG", Data: h.look.SVG(), WidthMM: 42, HeightMM: 42})
	h.stamp = h.signers.stamp(60)
	h.stamp.Marks[0].Appearance = vectors(h.look)
	h.cold = h.trust
	h.trust.Pictures, h.trust.Seals.Known, h.trust.Seals.Judge = likeness.NewMemory(), ses.NewMemory(), fixedkey.NewKeys(16, nil).Judge
	for range 64 { // the key earns its tables
		h.seal(b, open(b, victim.bytes()), h.stamp, h.trust)
	}
	return h
}

// seal prepares, signs, reads back and verifies as a stranger would.
func (h *house) seal(b *testing.B, d *Document, stamp Stamp, trust Trust) (*Prepared, *Document) {
	b.Helper()
	p, err := d.Prepare(stamp)
	if err != nil {
		b.Fatal(err)
	}
	said, err := p.SealStamp(signingTime)
	if err != nil {
		b.Fatal(err)
	}
	message, err := h.signers.seal.Message(said, h.sealCert, h.fastKey)
	if err != nil {
		b.Fatal(err)
	}
	sig, err := h.fastKey.SignUnchecked(message)
	if err != nil {
		b.Fatal(err)
	}
	contents, err := h.signers.seal.Assemble(message, sig, h.sealCert)
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Complete(contents); err != nil {
		b.Fatal(err)
	}
	sealed, err := p.Document()
	if err != nil {
		b.Fatal(err)
	}
	h.verify(b, sealed, trust)
	return p, sealed
}

func (h *house) verify(b *testing.B, d *Document, trust Trust) {
	b.Helper()
	report, err := d.Verify(context.Background(), trust)
	if err != nil || !report.Valid() {
		b.Fatalf("%v, %v", err, report.Err())
	}
}

// bare signs by the library and does nothing else.
func (h *house) bare(b *testing.B) {
	b.Helper()
	if _, err := h.sealKey.SignUnchecked([]byte("no more than this")); err != nil {
		b.Fatal(err)
	}
}

// timed is one of the things that are measured in turns, so that all breathe the same air.
type timed struct {
	name string
	do   func()
	rare bool // every sixteenth time
}

// inTurns reports the medians of the steps in microseconds, and in times of the first.
func inTurns(b *testing.B, steps ...timed) {
	b.Helper()
	times := make([][]float64, len(steps))
	for n := 0; b.Loop(); n++ {
		for i, s := range steps {
			if s.rare && n%16 != 0 {
				continue
			}
			began := time.Now()
			s.do()
			times[i] = append(times[i], float64(time.Since(began).Nanoseconds())/1e3)
		}
	}
	floor := median(times[0])
	for i, s := range steps {
		b.ReportMetric(median(times[i]), s.name+"-us")
		if i > 0 {
			b.ReportMetric(median(times[i])/floor, s.name+"-x")
		}
	}
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// BenchmarkSealed puts a seal on a page, from opening the file to writing it, and verifies
// it, beside the bare signature; both also with nothing known from before (cold).
func BenchmarkSealed(b *testing.B) {
	h := newHouse(b)
	file := victim.bytes()
	sealed := put(b, file, h.stamp, h.sealContents)
	seal := func(stamp Stamp, trust Trust) {
		p, _ := h.seal(b, open(b, file), stamp, trust)
		if _, err := p.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	inTurns(b,
		timed{name: "bare", do: func() { h.bare(b) }},
		timed{name: "sealed", do: func() { seal(h.stamp, h.trust) }},
		timed{name: "verified", do: func() { h.verify(b, open(b, sealed), h.trust) }},
		timed{name: "sealed-cold", rare: true, do: func() {
			anew := h.stamp
			anew.Marks = slices.Clone(h.stamp.Marks)
			anew.Marks[0].Appearance = vectors(h.look)
			seal(anew, h.cold)
		}},
		timed{name: "verified-cold", rare: true, do: func() { h.verify(b, open(b, sealed), h.cold) }},
	)
}

// BenchmarkLarge puts a seal on a file of 50 MB on a disk, and a second one, each read back,
// beside reading and hashing the file.
func BenchmarkLarge(b *testing.B) {
	h := newHouse(b)
	f, size := benchFile(b, sample{pages: 20, ballast: 50 << 20})
	buf := make([]byte, 256<<10)
	again := h.stamp
	again.Marks = slices.Clone(h.stamp.Marks)
	again.Marks[0].X += 50
	var once *Document
	inTurns(b,
		timed{name: "hashed", do: func() {
			digest := sm3.New()
			if _, err := io.CopyBuffer(digest, io.NewSectionReader(f, 0, size), buf); err != nil {
				b.Fatal(err)
			}
			_ = digest.Sum(nil)
		}},
		timed{name: "sealed", do: func() {
			d, err := Open(f, size)
			if err != nil {
				b.Fatal(err)
			}
			_, once = h.seal(b, d, h.stamp, h.trust)
		}},
		timed{name: "again", do: func() { h.seal(b, once, again, h.trust) }},
	)
}

// BenchmarkSeen is what naming and finding what is seen cost, beside a bare signature: of
// one seal, and of a straddle seal over a hundred pages.
func BenchmarkSeen(b *testing.B) {
	s := newSigners(b)
	own := bureau(b, "合肥市样例局")
	s.withPicture(b, ses.Picture{Type: "SVG", Data: own.SVG(), WidthMM: 42, HeightMM: 42})
	b.Run("bare SM2 signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.sealKey.SignUnchecked(make([]byte, 300)); err != nil {
				b.Fatal(err)
			}
		}
	})
	one := s.stamp(60)
	one.Marks[0].Appearance = vectors(own)
	hundred := s.stamp(0)
	hundred.Marks, hundred.ContentsSize = cutMarks(vectors(own), "right", upTo(100)...), hundred.ContentsSize+8000
	for _, of := range []struct {
		name  string
		file  sample
		stamp Stamp
	}{{"one seal", victim, one}, {"a hundred slices", sample{pages: 100}, hundred}} {
		file := put(b, of.file.bytes(), of.stamp, s.sealContents)
		report, err := open(b, file).Verify(context.Background(), s.trust)
		if err != nil || !report.Valid() {
			b.Fatalf("%v, %v", err, report.Err())
		}
		found := &report.Signatures[0]
		signature, err := ses.ParseSignature(found.Contents)
		if err != nil {
			b.Fatal(err)
		}
		statement := signature.Stamp.Extensions[0].Value
		b.Logf("%s: %d bytes name what is seen, %d more than the file before", of.name, len(statement), len(file)-len(of.file.bytes()))
		memory := likeness.NewMemory()
		b.Run("find "+of.name, func(b *testing.B) {
			for b.Loop() {
				found.doc.look = nil // each file is read anew
				found.Checks = nil
				if found.judgeSeen(statement, memory); found.Err() != nil {
					b.Fatal(found.Err())
				}
			}
		})
		b.Run("prepare "+of.name, func(b *testing.B) {
			doc := open(b, of.file.bytes())
			for b.Loop() {
				if _, err := doc.Prepare(of.stamp); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("verify "+of.name, func(b *testing.B) {
			trust := s.trust
			trust.Pictures = memory
			for b.Loop() {
				if report, err := open(b, file).Verify(context.Background(), trust); err != nil || !report.Valid() {
					b.Fatal(err)
				}
			}
		})
	}
}
