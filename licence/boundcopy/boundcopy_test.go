package boundcopy_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/boundcopy"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

func sample(t testing.TB) *boundcopy.Copy {
	t.Helper()
	id, err := licence.NewIdentifier("11100000000013127D903", "11340100XN0000012K", licence.Serial{Bucket: 7}, 1)
	if err != nil {
		t.Fatal(err)
	}
	number, err := boundcopy.NewNumber(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	return &boundcopy.Copy{
		Number: number, Licence: id, Form: sm3.Sum([]byte("licence")), Recipient: "合肥市政务服务中心", Purpose: "办理不动产登记",
		Until: civil.Of(at) + 30, SignedAt: at,
	}
}

func TestCopySignedAndRead(t *testing.T) {
	t.Parallel()
	key, other := pkitest.NewKey(t), pkitest.NewKey(t)
	c := sample(t)
	signed, err := c.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := boundcopy.Open(signed, key.Public(), nil)
	if err != nil || *got != *c {
		t.Errorf("%+v, %v, want %+v", got, err, c)
	}
	if kid, err := boundcopy.KeyHint(signed); err != nil || kid != key.Public().KID() {
		t.Errorf("hint %s, %v", kid, err)
	}
	if _, err := boundcopy.Open(signed, other.Public(), nil); !errors.Is(err, boundcopy.ErrNotSigned) {
		t.Errorf("another key: %v", err)
	}
	for i := range signed {
		changed := bytes.Clone(signed)
		changed[i] ^= 1
		if _, err := boundcopy.Open(changed, key.Public(), nil); err == nil {
			t.Fatalf("byte %d was changed and nobody noticed", i)
		}
	}
}

// TestOnlyCopies: what the same key signed for another use is no copy.
func TestOnlyCopies(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	signed, err := sample(t).Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	m, err := cose.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []pki.Object{pki.ObjectAnswer, pki.ObjectCodeDocument, pki.ObjectLicence} {
		again, err := cose.Sign(object, key, m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := boundcopy.Open(again, key.Public(), nil); !errors.Is(err, boundcopy.ErrNotSigned) {
			t.Errorf("%s taken for a copy: %v", object, err)
		}
	}
}

func TestRefusedCopies(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	for name, change := range map[string]func(*boundcopy.Copy){
		"no recipient":          func(c *boundcopy.Copy) { c.Recipient = "" },
		"a long recipient":      func(c *boundcopy.Copy) { c.Recipient = strings.Repeat("合", 61) },
		"two lines":             func(c *boundcopy.Copy) { c.Purpose = "a\nb" },
		"a character to fool":   func(c *boundcopy.Copy) { c.Purpose = "a\u202eb" },
		"a number of its own":   func(c *boundcopy.Copy) { c.Number = "1" },
		"an end before the day": func(c *boundcopy.Copy) { c.Until = civil.Of(c.SignedAt) - 1 },
		"a day beyond calendar": func(c *boundcopy.Copy) { c.Until = 1 << 40 },
	} {
		c := sample(t)
		change(c)
		if _, err := c.Sign(key); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
	// A map with one more key, signed as a copy.
	extra, err := detcbor.Marshal(map[int]any{0: "AAAAAAAAAAAAAAAA", 9: 1})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := cose.Sign(pki.ObjectCopy, key, extra)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := boundcopy.Open(signed, key.Public(), nil); !errors.Is(err, boundcopy.ErrMalformed) {
		t.Errorf("an unknown key: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	key := pkitest.NewKey(f)
	signed, err := sample(f).Sign(key)
	if err != nil {
		f.Fatal(err)
	}
	m, err := cose.Parse(signed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		signed, err := cose.SignUnchecked(pki.ObjectCopy, key, payload)
		if err != nil {
			t.Skip("longer than what is signed")
		}
		c, err := boundcopy.Open(signed, key.Public(), nil)
		if err != nil {
			return
		}
		again, err := c.Sign(key)
		if err != nil {
			t.Fatalf("read, and cannot be signed: %v", err)
		}
		m, err := cose.Parse(again)
		if err != nil || !bytes.Equal(m.Payload, payload) {
			t.Errorf("%x was read and written as %x, %v", payload, m.Payload, err)
		}
	})
}
