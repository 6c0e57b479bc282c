package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
)

func TestComplete(t *testing.T) {
	t.Parallel()
	waiting, err := open(t, sample{}.bytes()).Prepare(at(1, 30, 40, 42))
	if err != nil {
		t.Fatal(err)
	}
	named, err := waiting.seen.Size()
	if err != nil {
		t.Fatal(err)
	}
	room := 600 + named
	for _, tc := range []struct {
		name     string
		contents []byte
		want     string // "" for success
	}{
		{"fits exactly", der(room), ""},
		{"short", der(10), ""},
		{"one byte too long", der(room + 1), fmt.Sprintf("there is room for %d", room)},
		{"empty", nil, "not one DER value"},
		{"not a sequence", []byte{4, 1, 1}, "not one DER value"},
		{"cut off", der(300)[:299], "not one DER value"},
		{"padded", append(der(300), 0), "follow its DER value"},
		{"followed by rubbish", append(der(300), 1), "not zero"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, err := open(t, sample{}.bytes()).Prepare(at(1, 30, 40, 42))
			if err != nil {
				t.Fatal(err)
			}
			err = p.Complete(tc.contents)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Fatalf("Complete: %v, want %q", err, tc.want)
			}
			if err != nil {
				return
			}
			list := signatures(t, fileOf(t, p))
			if !bytes.Equal(list[0].Contents, tc.contents) || !list[0].Intact() {
				t.Errorf("read back %d bytes, faults %v", len(list[0].Contents), list[0].Faults)
			}
			if err := p.Complete(tc.contents); err == nil {
				t.Error("a second Complete succeeded")
			}
		})
	}
}

func TestIncomplete(t *testing.T) {
	t.Parallel()
	p, err := open(t, sample{}.bytes()).Prepare(at(1, 30, 40, 42))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := p.WriteTo(io.Discard); n != 0 || !errors.Is(err, ErrIncomplete) {
		t.Errorf("WriteTo: %d, %v; want ErrIncomplete", n, err)
	}
	if _, err := p.Document(); !errors.Is(err, ErrIncomplete) {
		t.Errorf("Document: %v; want ErrIncomplete", err)
	}
	if p.Increment() != nil {
		t.Error("Increment is not nil before Complete")
	}
}

// TestDigest computes the digest from the finished file.
func TestDigest(t *testing.T) {
	t.Parallel()
	doc := open(t, sample{ballast: 300_000}.bytes())
	p := prepare(t, doc, at(1, 30, 40, 42))
	file := fileOf(t, p)
	r := p.ByteRange()
	covered := append(bytes.Clone(file[:r[1]]), file[r[2]:r[2]+r[3]]...)
	if got, want := p.Digest(), sm3.Sum(covered); got != want {
		t.Errorf("digest is %x, want %x", got, want)
	}
	if file[r[1]] != '<' || file[r[2]-1] != '>' || r[2]+r[3] != int64(len(file)) {
		t.Errorf("the gap is %q…%q and the range ends at %d of %d", file[r[1]], file[r[2]-1], r[2]+r[3], len(file))
	}
	list := signatures(t, file)
	read, err := io.ReadAll(list[0].Covered())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read, covered) {
		t.Errorf("Covered returned %d bytes that are not the %d covered ones", len(read), len(covered))
	}
	prefix, err := open(t, file).Digest(doc.Size())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := doc.Digest(doc.Size())
	if err != nil {
		t.Fatal(err)
	}
	if want := sm3.Sum(file[:doc.Size()]); prefix != want || whole != want {
		t.Errorf("digest of the original is %x and %x, want %x", prefix, whole, want)
	}
}

// countingReader counts the bytes that are read of a file.
type countingReader struct {
	io.ReaderAt
	n int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// TestLazy stamps a big file several times and counts what is read of it.
func TestLazy(t *testing.T) {
	t.Parallel()
	file := sample{pages: 3, ballast: 8 << 20}.bytes()
	counter := &countingReader{ReaderAt: bytes.NewReader(file)}
	doc, err := Open(counter, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if counter.n > 200_000 {
		t.Errorf("Open read %d bytes of %d", counter.n, len(file))
	}
	p := prepare(t, doc, at(1, 10, 10, 30))
	if extra := counter.n - int64(len(file)); extra > 400_000 {
		t.Errorf("the first stamp read %d bytes of a file of %d", counter.n, len(file))
	}
	counter.n = 0
	for i := range 5 {
		if doc, err = p.Document(); err != nil {
			t.Fatal(err)
		}
		p = prepare(t, doc, at(2, 10, 10+40*float64(i), 30))
	}
	if counter.n > 1_000_000 {
		t.Errorf("five further stamps read %d bytes of the file", counter.n)
	}
	list := signatures(t, fileOf(t, p))
	if len(list) != 6 || !list[0].Intact() || list[5].Digest != p.Digest() {
		t.Errorf("after six stamps: %d signatures, first intact %v", len(list), list[0].Intact())
	}
}

// TestChain stamps files of all kinds at random, with and without opening them
// again, and checks after each stamp that every earlier signature stands as it
// did.
func TestChain(t *testing.T) {
	t.Parallel()
	for _, tc := range kinds {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(7, uint64(len(tc.name))))
			doc := open(t, tc.sample.bytes())
			pages := max(1, tc.sample.pages)
			var digests [][32]byte
			for i := range 12 {
				s := at(1+random.IntN(pages), 5+float64(i%4)*50, 5+float64(i/4)*80, 20+random.Float64()*25)
				if random.IntN(4) == 0 {
					s.Marks = nil
				} else if random.IntN(3) == 0 {
					s.Marks = append(s.Marks, Mark{Page: pages, X: s.Marks[0].X, Y: s.Marks[0].Y + 50, Width: 20, Height: 20, Appearance: seal()})
				}
				p := prepare(t, doc, s)
				digests = append(digests, p.Digest())
				var err error
				if doc, err = p.Document(); err != nil {
					t.Fatal(err)
				}
				if random.IntN(2) == 0 {
					doc = open(t, fileOf(t, p))
				}
				list, err := doc.Signatures()
				if err != nil {
					t.Fatal(err)
				}
				if len(list) != len(digests) {
					t.Fatalf("after stamp %d: %d signatures", i+1, len(list))
				}
				for j, sig := range list {
					if !sig.Intact() || sig.Digest != digests[j] || sig.Revision != j+2 || len(sig.Changes) != i-j {
						t.Fatalf("after stamp %d: signature %d: faults %v, changes %v, revision %d, same digest %v",
							i+1, j+1, sig.Faults, sig.Changes, sig.Revision, sig.Digest == digests[j])
					}
				}
			}
		})
	}
}
