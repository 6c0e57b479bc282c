package audit

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// remade is a log with every hash put right, entries changed as f says.
func remade(tb testing.TB, m *memory, size uint64, f func(i uint64, r Record) Record) *memory {
	tb.Helper()
	n := newMemory()
	for i := range size {
		if _, err := Append(n, f(i, m.records[i])); err != nil {
			tb.Fatal(err)
		}
	}
	return n
}

func same(_ uint64, r Record) Record { return r }

// TestWitnesses: what no log shows by itself contradicts the first witness that saw
// it otherwise.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	key, own := newKey(t), newKey(t)
	m := newMemory()
	grow(t, m, 20)
	w, err := NewCosigner("见证方", own, origin, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := w.Cosign(checkpoint(t, m, 12, key), time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	held := func(name string, file []byte) Witnessed {
		t.Helper()
		w, err := OpenWitnessed(name, file, newKey(t).Public(), key.Public())
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	proof, err := NewProof(m, 7, checkpoint(t, m, 16, key), 16, false)
	if err != nil {
		t.Fatal(err)
	}
	at18, at4, at12 := held("at18", checkpoint(t, m, 18, key)), held("at4", checkpoint(t, m, 4, key)), held("at12", cosigned)
	at0, of7 := held("at0", checkpoint(t, m, 0, key)), held("of7", marshalled(t, proof))
	all := []Witnessed{at18, at4, at12, at0}
	edited := func(at uint64) func(uint64, Record) Record {
		return func(i uint64, r Record) Record {
			if i == at {
				return entry(t, 900)
			}
			return r
		}
	}
	swapped := func(i uint64, r Record) Record {
		switch i {
		case 13:
			return m.records[14]
		case 14:
			return m.records[13]
		}
		return r
	}
	// An entry left out, and another appended so that the size is the same.
	without := func(i uint64, r Record) Record {
		switch {
		case i == 19:
			return entry(t, 901)
		case i >= 5:
			return m.records[i+1]
		}
		return r
	}
	fork := remade(t, m, 12, edited(11))
	for name, tt := range map[string]struct {
		log       *memory
		witnesses []Witnessed
		want      ContradictionError
	}{
		"the log itself":                  {m, append([]Witnessed{of7}, all...), ContradictionError{}},
		"nobody saw it":                   {remade(t, m, 20, edited(19)), all, ContradictionError{}},
		"edited":                          {remade(t, m, 20, edited(7)), all, ContradictionError{Witness: "at12", From: 4, Until: 12}},
		"edited, and a proof of it":       {remade(t, m, 20, edited(7)), append([]Witnessed{of7}, all...), ContradictionError{Witness: "of7", From: 7, Until: 8}},
		"edited in the beginning":         {remade(t, m, 20, edited(0)), all, ContradictionError{Witness: "at4", From: 0, Until: 4}},
		"two exchanged":                   {remade(t, m, 20, swapped), all, ContradictionError{Witness: "at18", From: 12, Until: 18}},
		"one left out":                    {remade(t, m, 20, without), all, ContradictionError{Witness: "at12", From: 4, Until: 12}},
		"the last left out":               {remade(t, m, 17, same), all, ContradictionError{Witness: "at18", From: 17, Until: 18}},
		"an older copy":                   {remade(t, m, 10, same), all, ContradictionError{Witness: "at12", From: 10, Until: 11}},
		"an older copy that went on":      {remade(t, m, 20, func(i uint64, r Record) Record { return edited(max(i, 17))(i, r) }), all, ContradictionError{Witness: "at18", From: 12, Until: 18}},
		"everything removed":              {newMemory(), all, ContradictionError{Witness: "at4", From: 0, Until: 1}},
		"witnesses contradict each other": {m, append([]Witnessed{held("fork", checkpoint(t, fork, 12, key))}, all...), ContradictionError{Witness: "at12", From: 0, Until: 12}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Verify(tt.log); err != nil {
				t.Fatalf("the log is not whole in itself: %v", err)
			}
			_, err := VerifyWitnessed(tt.log, origin, tt.witnesses)
			var found *ContradictionError
			switch {
			case tt.want.Witness == "" && err == nil:
			case !errors.As(err, &found) || found.Witness != tt.want.Witness || found.From != tt.want.From || found.Until != tt.want.Until:
				t.Errorf("%v, want %+v", err, tt.want)
			}
		})
	}
	// A cut that left the entries in their place is a cut all the same.
	cut := remade(t, m, 20, same)
	cut.size = 15
	var found *ContradictionError
	if _, err := VerifyWitnessed(cut, origin, all); !errors.As(err, &found) || found.From != 15 || !strings.Contains(err.Error(), "entry 15") {
		t.Errorf("only the size cut: %v", err)
	}
	if _, err := VerifyWitnessed(m, "另一省", all); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("witnesses of another log: %v, want ErrCheckpoint", err)
	}
	for name, tt := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":       {nil, ErrProofFile},
		"text":          {[]byte("hello"), ErrProofFile},
		"another key's": {checkpoint(t, m, 3, own), ErrCheckpoint},
	} {
		if _, err := OpenWitnessed(name, tt.file, key.Public()); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	var none []*pki.PublicKey
	if _, err := OpenWitnessed("at18", checkpoint(t, m, 18, key), none...); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("without a key: %v, want ErrCheckpoint", err)
	}
}

// TestCutErasure: a cut that takes an erasure away leaves a trace, but a witness says
// where the cut is.
func TestCutErasure(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	m := newMemory()
	grow(t, m, 5)
	erasure, err := NewErasure(1, time.Unix(1700000100, 0), "officer", "court order")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Erase(m, erasure); err != nil {
		t.Fatal(err)
	}
	w, err := OpenWitnessed("at6", checkpoint(t, m, 6, key), key.Public())
	if err != nil {
		t.Fatal(err)
	}
	m.size = 5
	delete(m.records, 5)
	var damage *DamageError
	if _, err := Verify(m); !errors.As(err, &damage) || damage.Index != 1 {
		t.Errorf("alone: %v, want damage at entry 1", err)
	}
	var found *ContradictionError
	if _, err := VerifyWitnessed(m, origin, []Witnessed{w}); !errors.As(err, &found) || found.From != 5 || found.Until != 6 {
		t.Errorf("with a witness: %v, want entry 5", err)
	}
}

// TestVerifyCosignature: whose signature is around a checkpoint is known by the witness's
// key and by nothing else.
func TestVerifyCosignature(t *testing.T) {
	t.Parallel()
	log, own, other := newKey(t), newKey(t), newKey(t)
	m := newMemory()
	grow(t, m, 6)
	signed := checkpoint(t, m, 6, log)
	w, err := NewCosigner("见证方", own, origin, log.Public())
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := w.Cosign(signed, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(cosigned)
	damaged[len(damaged)-1] ^= 1
	payload := marshalled(t, Cosignature{Name: "日志自己", Time: 1, Checkpoint: signed})
	itself, err := cose.Sign(pki.ObjectCheckpoint, log, payload)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := cose.Sign(pki.Object("elicence/time/1"), own, payload)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		file      []byte
		witnesses []*pki.PublicKey
		want      *pki.PublicKey
		refused   bool
	}{
		"a checkpoint alone":       {signed, []*pki.PublicKey{own.Public()}, nil, false},
		"by the witness":           {cosigned, []*pki.PublicKey{other.Public(), own.Public()}, own.Public(), false},
		"by somebody":              {cosigned, []*pki.PublicKey{other.Public()}, nil, false},
		"no key at hand":           {cosigned, nil, nil, false},
		"damaged":                  {damaged, []*pki.PublicKey{own.Public()}, nil, true},
		"damaged, of somebody":     {damaged, []*pki.PublicKey{other.Public()}, nil, false},
		"by the log itself":        {itself, []*pki.PublicKey{own.Public(), log.Public()}, nil, true},
		"signed as another object": {elsewhere, []*pki.PublicKey{own.Public()}, nil, true},
	} {
		held, err := OpenWitnessed(name, tt.file, newKey(t).Public(), log.Public())
		if err != nil || held.Checkpoint.Size != 6 {
			t.Fatalf("%s: %+v, %v", name, held, err)
		}
		if cosigner := held.Cosigner != ""; cosigner == bytes.Equal(tt.file, signed) {
			t.Errorf("%s: cosigned by %q", name, held.Cosigner)
		}
		got, err := held.VerifyCosignature(tt.witnesses...)
		if refused := errors.Is(err, ErrCheckpoint); refused != tt.refused || (err != nil) != tt.refused || (got == nil) != (tt.want == nil) || got != nil && !got.Equal(tt.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
