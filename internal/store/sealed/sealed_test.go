package sealed_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/keytree"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
)

func newBox(t *testing.T) *sealed.Box {
	t.Helper()
	box, err := sealed.CreateBox(pkitest.KeyStore(t), filepath.Join(t.TempDir(), "record-keys"))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// both are the ways of encrypting: under keys that records share, and under one of each.
var both = map[string]sealed.Generation{"shared keys": sealed.Shared, "a key of each": sealed.First}

// TestSeal: a text opens under its own key and use only, and not when a byte of it
// was changed.
func TestSeal(t *testing.T) {
	t.Parallel()
	for name, g := range both {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := newBox(t)
			if err := box.Begin(sealed.Shared + 7); err != nil { // another one beside
				t.Fatal(err)
			}
			if err := box.Begin(sealed.Shared); err != nil {
				t.Fatal(err)
			}
			checkSeal(t, box, g)
		})
	}
}

func checkSeal(t *testing.T, box *sealed.Box, g sealed.Generation) {
	key, place := sealed.Key{0x0a, 0xbc, 1}, licence.StatusRef{List: 3, Index: 70000}
	otherRecord, otherBucket := key, key
	otherRecord[2], otherBucket[1] = 2, 0xbd
	plain := bytes.Repeat([]byte("欧阳龘 340199199003072410 "), 50)
	text, err := box.Seal(g, key, place, "licence", plain)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > len(plain)/2 {
		t.Errorf("%d bytes become %d: not compressed", len(plain), len(text))
	}
	if got, err := box.Open(key, place, "licence", text); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("Open: %v", err)
	}
	again, err := box.Seal(g, key, place, "licence", plain)
	if err != nil || bytes.Equal(again, text) {
		t.Errorf("the same text twice is the same ciphertext: %v", err)
	}
	stranger := newBox(t)
	if err := stranger.Begin(g); err != nil {
		t.Fatal(err)
	}
	other := place
	other.Index++
	for name, open := range map[string]func() ([]byte, error){
		"another record":    func() ([]byte, error) { return box.Open(otherRecord, place, "licence", text) },
		"another bucket":    func() ([]byte, error) { return box.Open(otherBucket, place, "licence", text) },
		"another use":       func() ([]byte, error) { return box.Open(key, place, "reason", text) },
		"another key store": func() ([]byte, error) { return stranger.Open(key, place, "licence", text) },
		"beside the log":    func() ([]byte, error) { return box.OpenBeside(0, text) },
		"empty":             func() ([]byte, error) { return box.Open(key, place, "licence", nil) },
		"cut":               func() ([]byte, error) { return box.Open(key, place, "licence", text[:13]) },
	} {
		if _, err := open(); !errors.Is(err, sealed.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
	if _, err := box.Open(key, other, "licence", text); g != sealed.Shared && !errors.Is(err, sealed.ErrDamaged) {
		t.Errorf("another place: %v, want ErrDamaged", err)
	}
	for i := range text {
		wrong := bytes.Clone(text)
		wrong[i] ^= 0x10
		if _, err := box.Open(key, place, "licence", wrong); !errors.Is(err, sealed.ErrDamaged) && (i > 0 || !errors.Is(err, sealed.ErrNoKeys)) {
			t.Fatalf("byte %d changed: %v, want ErrDamaged", i, err)
		}
	}
}

// TestBeside: an entry's text cannot be moved to another entry, of the same block of
// keys or of another.
func TestBeside(t *testing.T) {
	t.Parallel()
	for name, g := range both {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := newBox(t)
			if err := box.Begin(sealed.Shared); err != nil {
				t.Fatal(err)
			}
			text, err := box.SealBeside(g, 0xfedcba98, 7, []byte("reason"))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := box.OpenBeside(7, text); err != nil || string(got) != "reason" {
				t.Errorf("OpenBeside: %q, %v", got, err)
			}
			for _, index := range []uint64{8, 7 + 1<<24, 7 + 1<<52} {
				if _, err := box.OpenBeside(index, text); !errors.Is(err, sealed.ErrDamaged) {
					t.Errorf("entry %d: %v, want ErrDamaged", index, err)
				}
			}
			wrong := bytes.Clone(text)
			wrong[2] ^= 1 // of the epoch, or of the nonce
			if _, err := box.OpenBeside(7, wrong); !errors.Is(err, sealed.ErrDamaged) {
				t.Errorf("a byte changed: %v, want ErrDamaged", err)
			}
		})
	}
}

// TestDestroy: what was destroyed opens in no copy of its ciphertext, by any box over the
// folder; everything else does, and is encrypted as before.
func TestDestroy(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "record-keys")
	keys := pkitest.KeyStore(t)
	box, err := sealed.CreateBox(keys, dir)
	if err != nil {
		t.Fatal(err)
	}
	key, gone, kept := sealed.Key{1}, licence.StatusRef{List: 1, Index: 5}, licence.StatusRef{List: 1, Index: 6}
	seal := func(place licence.StatusRef) []byte {
		t.Helper()
		text, err := box.Seal(sealed.First, key, place, "licence", []byte("张三"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	beside, err := box.SealBeside(sealed.First, 0, 9, []byte("reason"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := seal(gone), seal(kept)
	if err := box.Destroy(sealed.First, sealed.LeafOf(gone), keytree.Entry(0, 9)); err != nil {
		t.Fatal(err)
	}
	again, err := sealed.OpenBox(keys, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, box := range []*sealed.Box{box, again} {
		if _, err := box.Open(key, gone, "licence", a); !errors.Is(err, sealed.ErrDestroyed) {
			t.Errorf("what was destroyed: %v, want ErrDestroyed", err)
		}
		if _, err := box.OpenBeside(9, beside); !errors.Is(err, sealed.ErrDestroyed) {
			t.Errorf("what was destroyed beside the log: %v, want ErrDestroyed", err)
		}
		if _, err := box.Seal(sealed.First, key, gone, "licence", []byte("x")); !errors.Is(err, sealed.ErrDestroyed) {
			t.Errorf("encrypting again: %v, want ErrDestroyed", err)
		}
		if got, err := box.Open(key, kept, "licence", b); err != nil || string(got) != "张三" {
			t.Errorf("the neighbour: %q, %v", got, err)
		}
	}
	if err := box.End(sealed.First); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Open(key, kept, "licence", b); !errors.Is(err, sealed.ErrNoKeys) {
		t.Errorf("after the end of the generation: %v, want ErrNoKeys", err)
	}
}

// TestBuckets: every holder has one of 4096 buckets, always the same, and they are
// spread.
func TestBuckets(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	used := make(map[uint16]bool)
	for i := range 2000 {
		h := licence.Holder{IDType: "111", IDNumber: string(rune('0'+i%10)) + string(rune(0x4e00+i))}
		b := box.Bucket(h)
		if b >= 4096 || b != box.Bucket(h) {
			t.Fatalf("bucket %d", b)
		}
		used[b] = true
	}
	if len(used) < 1400 { // about 1,580 of 2,000 draws from 4,096 differ
		t.Errorf("2,000 holders share %d buckets", len(used))
	}
}

// BenchmarkSeal encrypts a licence under a key that records share and under one of its own:
// the difference is what it costs that it can be destroyed.
func BenchmarkSeal(b *testing.B) {
	box, err := sealed.CreateBox(pkitest.KeyStore(b), filepath.Join(b.TempDir(), "record-keys"))
	if err == nil {
		err = box.Begin(sealed.Shared)
	}
	if err != nil {
		b.Fatal(err)
	}
	plain := bytes.Repeat([]byte("0123456789abcdefghi欧阳龘"), 20)
	for name, g := range both {
		b.Run(name, func(b *testing.B) {
			for n := uint32(0); b.Loop(); n++ {
				text, err := box.Seal(g, sealed.Key{}, licence.StatusRef{List: 1, Index: n % 4096}, "licence", plain)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(text)), "bytes")
			}
		})
	}
}
