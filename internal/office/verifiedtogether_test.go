package office

import (
	"slices"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/fixedkey"
)

// TestVerifiedTogether: a signature that was verified with others counts over its own message
// and for its own key, and for nothing else, and what is not among them is verified.
func TestVerifiedTogether(t *testing.T) {
	t.Parallel()
	_, key := pkitest.NewKeyTwice(t)
	other := pkitest.NewKey(t)
	messages := [][]byte{[]byte("first"), []byte("second"), []byte("third")}
	sigs, err := key.SignAll(slices.Values(messages))
	if err != nil {
		t.Fatal(err)
	}
	alone, err := key.Sign([]byte("alone"))
	if err != nil {
		t.Fatal(err)
	}
	v := &verifiedTogether{key: key.Public(), messages: make(map[pki.Signature][]byte), otherwise: fixedkey.NewKeys(1, func(pki.Point) {})}
	for i, sig := range sigs {
		v.messages[sig] = messages[i]
	}
	for i, sig := range sigs {
		for k, msg := range messages {
			want := pki.Bad
			if i == k {
				want = pki.Good
			}
			if got := v.Judge(key.Public(), msg, sig, nil); got != want {
				t.Errorf("signature %d over message %d: %v, want %v", i, k, got, want)
			}
		}
		if got := v.Judge(other.Public(), messages[i], sig, nil); got != pki.Bad {
			t.Errorf("signature %d for another key: %v", i, got)
		}
		sig[63] ^= 1
		if got := v.Judge(key.Public(), messages[i], sig, nil); got != pki.Bad {
			t.Errorf("signature %d, changed: %v", i, got)
		}
	}
	if v.Judge(key.Public(), []byte("alone"), alone, nil) != pki.Good || v.Judge(key.Public(), messages[0], alone, nil) != pki.Bad {
		t.Error("a signature that was not among them is not judged by itself")
	}
}
