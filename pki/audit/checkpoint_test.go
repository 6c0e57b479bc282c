package audit

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// newKey is pkitest.NewKey, which imports this package.
func newKey(tb testing.TB) *pki.Key {
	tb.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := pki.NewKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

const origin = "安徽省(测试)"

// checkpoint signs the first size entries of a log.
func checkpoint(tb testing.TB, m *memory, size uint64, key *pki.Key) []byte {
	tb.Helper()
	root, err := Root(m, size)
	if err != nil {
		tb.Fatal(err)
	}
	signed, err := Checkpoint{Origin: origin, Size: size, Root: root, Time: 1700000000}.Sign(key)
	if err != nil {
		tb.Fatal(err)
	}
	return signed
}

// signed signs anything as a checkpoint.
func signed(tb testing.TB, key *pki.Key, payload any) []byte {
	tb.Helper()
	b, err := detcbor.Marshal(payload)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := cose.Sign(pki.ObjectCheckpoint, key, b)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	c := Checkpoint{Origin: origin, Size: 7, Root: make([]byte, 32), Time: 1700000000}
	good, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenCheckpoint(good, key.Public())
	if err != nil || got.Origin != c.Origin || got.Size != c.Size || got.Time != c.Time || !bytes.Equal(got.Root, c.Root) {
		t.Errorf("OpenCheckpoint = %+v, %v, want %+v", got, err, c)
	}
	if _, err := OpenCheckpoint(good, newKey(t).Public()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("another key's checkpoint: %v, want ErrCheckpoint", err)
	}
	for i := range good {
		changed := bytes.Clone(good)
		changed[i] ^= 1
		if _, err := OpenCheckpoint(changed, key.Public()); !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("byte %d changed: %v, want ErrCheckpoint", i, err)
		}
	}
	other, err := cose.Sign(pki.ObjectTime, key, []byte{0x80})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"no origin":         signed(t, key, Checkpoint{Root: make([]byte, 32)}),
		"long origin":       signed(t, key, Checkpoint{Origin: strings.Repeat("a", 257), Root: make([]byte, 32)}),
		"short root":        signed(t, key, Checkpoint{Origin: "a", Root: make([]byte, 31)}),
		"before 1970":       signed(t, key, Checkpoint{Origin: "a", Root: make([]byte, 32), Time: -1}),
		"three items":       signed(t, key, []any{"a", 1, make([]byte, 32)}),
		"another object":    other,
		"a trailing byte":   append(bytes.Clone(good), 0),
		"nothing":           nil,
		"over the limit":    make([]byte, MaxCheckpointSize+1),
		"a cosignature":     signed(t, key, Cosignature{Name: "w", Checkpoint: good}),
		"not deterministic": signed(t, key, map[string]int{"a": 1}),
	} {
		if _, err := OpenCheckpoint(b, key.Public()); !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%s: %v, want ErrCheckpoint", name, err)
		}
	}
	if _, err := (Checkpoint{Origin: origin}).Sign(key); err == nil {
		t.Error("a checkpoint without a root is signed")
	}
}

// TestCosigner: a witness signs what continues what it saw, and nothing else.
func TestCosigner(t *testing.T) {
	t.Parallel()
	log, own := newKey(t), newKey(t)
	w, err := NewCosigner("见证方", own, origin, log.Public())
	if err != nil {
		t.Fatal(err)
	}
	m, fork := newMemory(), newMemory()
	grow(t, m, 9)
	fork.size = 0
	for i := range 9 {
		r := m.records[uint64(i)]
		if i == 5 {
			r = entry(t, 500)
		}
		if _, err := Append(fork, r); err != nil {
			t.Fatal(err)
		}
	}
	path := func(m *memory, first, second uint64) [][]byte {
		p, err := Consistency(m, first, second)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	at7 := checkpoint(t, m, 7, log)
	for name, tt := range map[string]struct {
		last, signed []byte
		path         [][]byte
		want         error
	}{
		"the first":              {nil, at7, nil, nil},
		"the same again":         {at7, at7, nil, nil},
		"the same size, later":   {at7, checkpoint(t, m, 7, log), nil, nil},
		"a longer log":           {at7, checkpoint(t, m, 9, log), path(m, 7, 9), nil},
		"a longer log, no proof": {at7, checkpoint(t, m, 9, log), nil, ErrSplitView},
		"a proof of other sizes": {at7, checkpoint(t, m, 9, log), path(m, 6, 9), ErrSplitView},
		"a shorter log":          {at7, checkpoint(t, m, 6, log), nil, ErrRolledBack},
		"another log":            {at7, checkpoint(t, fork, 7, log), nil, ErrSplitView},
		"another, longer log":    {at7, checkpoint(t, fork, 9, log), path(fork, 7, 9), ErrSplitView},
		"another signer":         {at7, checkpoint(t, m, 9, own), path(m, 7, 9), ErrCheckpoint},
		"another origin":         {nil, signed(t, log, Checkpoint{Origin: "x", Root: Hasher{}.EmptyRoot()}), nil, ErrCheckpoint},
		"an empty log":           {nil, checkpoint(t, m, 0, log), nil, nil},
		"an empty log of a root": {nil, signed(t, log, Checkpoint{Origin: origin, Root: make([]byte, 32)}), nil, ErrSplitView},
		"a proof for the first":  {nil, at7, path(m, 6, 7), ErrSplitView},
	} {
		if _, err := w.Check(tt.last, tt.signed, tt.path); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	cosigned, err := w.Cosign(at7, time.Unix(1700000500, 0))
	if err != nil {
		t.Fatal(err)
	}
	s, c, err := OpenCosignature(cosigned, own.Public(), log.Public())
	if err != nil || s.Name != "见证方" || s.Time != 1700000500 || c.Size != 7 {
		t.Errorf("OpenCosignature = %+v, %+v, %v", s, c, err)
	}
	if _, _, err := OpenCosignature(cosigned, log.Public(), log.Public()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("by the log's key: %v, want ErrCheckpoint", err)
	}
	if _, _, err := OpenCosignature(at7, log.Public(), log.Public()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a checkpoint as a cosignature: %v, want ErrCheckpoint", err)
	}
	if _, err := NewCosigner("见证方", log, origin, log.Public()); err == nil {
		t.Error("a log may witness itself")
	}
	if _, err := NewCosigner("", own, origin, log.Public()); err == nil {
		t.Error("a witness needs no name")
	}
}

func FuzzCheckpoint(f *testing.F) {
	log, own := newKey(f), newKey(f)
	m := newMemory()
	grow(f, m, 3)
	good := checkpoint(f, m, 3, log)
	f.Add(good)
	f.Add(signed(f, own, Cosignature{Name: "w", Checkpoint: good}))
	f.Add(signed(f, log, Checkpoint{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Nobody else has the key, so nothing but what was signed is accepted.
		if _, err := OpenCheckpoint(b, log.Public()); err == nil && !bytes.Equal(b, good) {
			t.Errorf("%x is accepted", b)
		}
		if _, _, err := OpenCosignature(b, own.Public(), log.Public()); err == nil {
			if m, err := cose.Parse(b); err != nil || !m.Verify(pki.ObjectCheckpoint, own.Public()) {
				t.Errorf("%x is accepted", b)
			}
		}
		// The content, without the signature in its way.
		if s, err := parseCosignature(b); err == nil && (s.Name == "" || s.Time < 0) {
			t.Errorf("%x is accepted", b)
		}
		if w, err := OpenWitnessed("fuzz", b, log.Public()); err == nil && w.Checkpoint.Size != 3 {
			t.Errorf("%x is a witness of %d entries", b, w.Checkpoint.Size)
		}
	})
}
