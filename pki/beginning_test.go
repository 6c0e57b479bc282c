package pki_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// TestBeginnings: what a key remembers of its messages' beginnings changes no digest, of
// messages that begin so, nearly so, or end before the beginning does.
func TestBeginnings(t *testing.T) {
	t.Parallel()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *pki.PublicKey {
		key, err := pki.NewPublicKey(&private.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	begin := func(n int) []byte { return fmt.Appendf(bytes.Repeat([]byte("seal"), 1000), "%d", n) }
	key := fresh()
	var all sync.WaitGroup
	for n := range 20 { // more than are remembered
		all.Go(func() {
			for range 3 {
				key.ExpectBeginning(begin(n))
				key.ExpectBeginning(begin(n)[:2000+n])
				key.ExpectBeginning(nil)
				key.ExpectBeginning([]byte("short"))
			}
		})
	}
	all.Wait()
	for n := range 20 {
		wrong := begin(n)
		wrong[1234]++
		for _, msg := range [][]byte{begin(n), append(begin(n), "and more"...), wrong, append(wrong, 'x'), begin(n)[:1999], begin(n)[:2001], nil} {
			if got, want := key.Digest(msg), fresh().Digest(msg); got != want {
				t.Errorf("beginning %d, message of %d bytes: digest %x, want %x", n, len(msg), got, want)
			}
		}
	}
}
