package pki_test

import (
	"crypto"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// faulty signs another digest than the one that it is given, from a number of signatures on.
type faulty struct {
	*sm2.PrivateKey
	right int
}

func (f *faulty) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if f.right--; f.right < 0 {
		digest = make([]byte, len(digest))
	}
	return f.PrivateKey.Sign(random, digest, opts)
}

// many answers for many digests with an error.
type many struct {
	*sm2.PrivateKey
	err error
}

func (m many) SignDigests(io.Reader, [][32]byte) ([]pki.Signature, error) { return nil, m.err }

// TestSignAll: nothing is released if one signature is wrong, whoever finds it.
func TestSignAll(t *testing.T) {
	t.Parallel()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	msgs := [][]byte{[]byte("a"), []byte("b"), nil}
	key := func(signer crypto.Signer) *pki.Key {
		k, err := pki.NewKey(signer)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sigs, err := key(private).SignAll(slices.Values(msgs))
	if err != nil {
		t.Fatal(err)
	}
	for i, msg := range msgs {
		if !key(private).Public().Verify(msg, sigs[i]) {
			t.Errorf("signature %d is wrong", i)
		}
	}
	if sigs, err := key(&faulty{private, 2}).SignAll(slices.Values(msgs)); !errors.Is(err, pki.ErrSelfCheck) || sigs != nil {
		t.Errorf("the last one is wrong: %v, %v", sigs, err)
	}
	if sigs, err := key(many{private, pki.ErrSelfCheck}).SignAll(slices.Values(msgs)); !errors.Is(err, pki.ErrSelfCheck) || sigs != nil {
		t.Errorf("who signs many has found one: %v, %v", sigs, err)
	}
	if sigs, err := key(private).SignAll(slices.Values([][]byte(nil))); err != nil || len(sigs) != 0 {
		t.Errorf("nothing: %v, %v", sigs, err)
	}
}
