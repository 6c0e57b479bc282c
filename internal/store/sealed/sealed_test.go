package sealed_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
)

func newBox(t *testing.T) *sealed.Box {
	t.Helper()
	box, err := sealed.CreateBox(pkitest.KeyStore(t))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// TestSeal: a text opens under its own key and use only, and not when a byte of it
// was changed.
func TestSeal(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	key := sealed.Key{0x0a, 0xbc, 1}
	otherRecord, otherBucket := key, key
	otherRecord[2], otherBucket[1] = 2, 0xbd
	plain := bytes.Repeat([]byte("欧阳龘 340199199003072410 "), 50)
	text, err := box.Seal(key, "licence", plain)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > len(plain)/2 {
		t.Errorf("%d bytes become %d: not compressed", len(plain), len(text))
	}
	if got, err := box.Open(key, "licence", text); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("Open: %v", err)
	}
	again, err := box.Seal(key, "licence", plain)
	if err != nil || bytes.Equal(again, text) {
		t.Errorf("the same text twice is the same ciphertext: %v", err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another record":    func() ([]byte, error) { return box.Open(otherRecord, "licence", text) },
		"another bucket":    func() ([]byte, error) { return box.Open(otherBucket, "licence", text) },
		"another use":       func() ([]byte, error) { return box.Open(key, "reason", text) },
		"another key store": func() ([]byte, error) { return newBox(t).Open(key, "licence", text) },
		"beside the log":    func() ([]byte, error) { return box.OpenBeside(0, text) },
		"empty":             func() ([]byte, error) { return box.Open(key, "licence", nil) },
		"cut":               func() ([]byte, error) { return box.Open(key, "licence", text[:13]) },
	} {
		if _, err := open(); !errors.Is(err, sealed.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
	for i := range text {
		wrong := bytes.Clone(text)
		wrong[i] ^= 0x10
		if _, err := box.Open(key, "licence", wrong); !errors.Is(err, sealed.ErrDamaged) {
			t.Fatalf("byte %d changed: %v, want ErrDamaged", i, err)
		}
	}
}

// TestBeside: an entry's text cannot be moved to another entry, of the same block of
// keys or of another.
func TestBeside(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	text, err := box.SealBeside(7, []byte("reason"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := box.OpenBeside(7, text); err != nil || string(got) != "reason" {
		t.Errorf("OpenBeside: %q, %v", got, err)
	}
	for _, index := range []uint64{8, 7 + 1<<24} {
		if _, err := box.OpenBeside(index, text); !errors.Is(err, sealed.ErrDamaged) {
			t.Errorf("entry %d: %v, want ErrDamaged", index, err)
		}
	}
}

// TestLookups: keys tell uses, categories and holders apart, and say nothing without
// the secret.
func TestLookups(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	seen := make(map[sealed.Lookup]string)
	for name, key := range map[string]sealed.Lookup{
		"number of 004":      box.NumberKey(4, "340199199003072410"),
		"number of 005":      box.NumberKey(5, "340199199003072410"),
		"another number":     box.NumberKey(4, "340199199003072411"),
		"holder":             box.HolderKey("111", "340199199003072410"),
		"holder by passport": box.HolderKey("414", "340199199003072410"),
		"request":            box.RequestKey("111", "340199199003072410"),
		"request, shifted":   box.RequestKey("1113", "40199199003072410"),
		"another key store":  newBox(t).NumberKey(4, "340199199003072410"),
	} {
		if other, twice := seen[key]; twice {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[key] = name
	}
	if _, found := seen[box.NumberKey(4, "340199199003072410")]; !found {
		t.Error("the same number has two keys")
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
