package fixedkey

import (
	"encoding/binary"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/elicence/elicence/pki"
)

// faults is what a [Keys] tells of.
type faults []pki.Point

func (f *faults) add(p pki.Point) { *f = append(*f, p) }

// earn has a key accepted until it has tables.
func earn(tb testing.TB, k *Keys, s signer) {
	tb.Helper()
	for range often {
		if got := k.Judge(s.public, nil, s.sign(tb, nil), refuses{}); got != pki.Good {
			tb.Fatalf("a right signature is %v", got)
		}
	}
	if k.tabled[s.public.Point()] == nil || k.tabled[s.public.Point()].Verifier == nil {
		tb.Fatalf("no tables after %d signatures", often)
	}
}

// refuses is a second opinion that shares every refusal.
type refuses struct{}

func (refuses) Verify(pki.Point, []byte, pki.Signature) (bool, error) { return false, nil }

func TestKeysEarnTables(t *testing.T) {
	t.Parallel()
	var told faults
	s, k := newSigner(t), NewKeys(2, nil)
	k.fault = told.add
	wrong := s.sign(t, []byte("other"))
	for range 2 * often {
		if got := k.Judge(s.public, nil, wrong, refuses{}); got != pki.Bad {
			t.Fatalf("a wrong signature is %v", got)
		}
	}
	if len(k.waiting)+len(k.tabled) != 0 {
		t.Fatal("forgeries earn tables")
	}
	earn(t, k, s)
	for n := range 3 * confirmEvery {
		message := []byte{byte(n)}
		if got := k.Judge(s.public, message, s.sign(t, message), refuses{}); got != pki.Good {
			t.Fatalf("%d: a right signature is %v", n, got)
		}
		if got := k.Judge(s.public, message, wrong, refuses{}); got != pki.Bad {
			t.Fatalf("%d: a wrong signature is %v", n, got)
		}
	}
	if len(told) != 0 {
		t.Errorf("faults of %v", told)
	}
}

// TestKeysAreBounded: not more keys have tables than there is room for, one in use keeps
// its own, and one that has gone out of use makes room.
func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	k := NewKeys(1, nil)
	first, second := newSigner(t), newSigner(t)
	earn(t, k, first)
	for range 3 * often {
		k.Judge(first.public, nil, first.sign(t, nil), refuses{})
		k.Judge(second.public, nil, second.sign(t, nil), refuses{})
	}
	if k.tabled[first.public.Point()] == nil || len(k.tabled) != 1 {
		t.Fatal("a key in use has lost its tables")
	}
	earn(t, k, second)
	if len(k.tabled) != 1 {
		t.Fatalf("%d keys have tables", len(k.tabled))
	}
	for range maxWaiting + 10 {
		k.waiting[pki.Point(slices.Concat([]byte{2}, binary.BigEndian.AppendUint64(make([]byte, 24), mathrand.Uint64())))] = 1
	}
	k.Judge(first.public, nil, first.sign(t, nil), refuses{})
	if len(k.waiting) > maxWaiting {
		t.Errorf("%d keys are counted", len(k.waiting))
	}
}

// TestKeysGiveUpWrongTables: where tables go wrong, what they refuse is still accepted by
// the library, and what they alone accept is, once it is put to the library, a
// disagreement. Both are told, once, and no tables are used any more.
func TestKeysGiveUpWrongTables(t *testing.T) {
	t.Parallel()
	for name, accepts := range map[string]bool{"they refuse": false, "they accept": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told faults
			k := NewKeys(2, told.add)
			s, thief := newSigner(t), newSigner(t)
			earn(t, k, s)
			// The tables of the thief's key in the place of the issuer's. They take what the
			// thief signs in the issuer's name, over the issuer's ZA.
			k.tabled[s.public.Point()].Verifier = New(thief.public)
			sign, want := s.sign, pki.Good
			if accepts {
				sign, want = signer{thief.PrivateKey, s.public}.sign, pki.Disagree
			}
			if got := k.Judge(s.public, nil, sign(t, nil), refuses{}); got != want {
				t.Errorf("%v, want %v", got, want)
			}
			if !slices.Equal(told, faults{s.public.Point()}) {
				t.Errorf("told of %v", told)
			}
			if got := k.Judge(s.public, nil, s.sign(t, nil), refuses{}); got != pki.Good || len(k.tabled) != 0 {
				t.Errorf("after the fault: %v, %d tables", got, len(k.tabled))
			}
			for range 2 * often {
				k.Judge(s.public, nil, s.sign(t, nil), refuses{})
			}
			if len(k.tabled) != 0 || len(told) != 1 {
				t.Errorf("%d tables, told of %v", len(k.tabled), told)
			}
		})
	}
}

// TestKeysConfirm: of a key with tables every so many judgements are put to the library.
func TestKeysConfirm(t *testing.T) {
	t.Parallel()
	var told faults
	k := NewKeys(1, told.add)
	s, thief := newSigner(t), newSigner(t)
	earn(t, k, s)
	k.Judge(s.public, nil, s.sign(t, nil), refuses{}) // the first, which is confirmed
	k.tabled[s.public.Point()].Verifier = New(thief.public)
	forged := signer{thief.PrivateKey, s.public}.sign(t, nil)
	var got pki.Outcome
	n := 0
	for ; n < confirmEvery && got != pki.Disagree; n++ {
		got = k.Judge(s.public, nil, forged, refuses{})
	}
	if got != pki.Disagree || n != confirmEvery {
		t.Errorf("%v after %d judgements, want a disagreement after %d", got, n, confirmEvery)
	}
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	var k *Keys
	s := newSigner(t)
	if got := k.Judge(s.public, nil, s.sign(t, nil), nil); got != pki.Good {
		t.Error(got)
	}
}

// TestKeysConcurrently: many ask at once, for more keys than there is room for, and every
// answer is the right one. It is for the race detector as well.
func TestKeysConcurrently(t *testing.T) {
	t.Parallel()
	k := NewKeys(2, func(p pki.Point) { t.Errorf("the tables of %s were given up", p) })
	signers := []signer{newSigner(t), newSigner(t), newSigner(t)}
	var right, wrong []pki.Signature
	for _, s := range signers {
		right, wrong = append(right, s.sign(t, []byte("right"))), append(wrong, s.sign(t, []byte("wrong")))
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for n := range 120 {
				i := (worker + n) % len(signers)
				if got := k.Judge(signers[i].public, []byte("right"), right[i], refuses{}); got != pki.Good {
					t.Errorf("a right signature is %v", got)
				}
				if got := k.Judge(signers[i].public, []byte("right"), wrong[i], refuses{}); got != pki.Bad {
					t.Errorf("a wrong signature is %v", got)
				}
			}
		})
	}
	group.Wait()
	if len(k.tabled) != 2 {
		t.Errorf("%d keys have tables, want 2", len(k.tabled))
	}
}
