package seal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/seal"
)

var said = []seal.Extension{
	{ID: oid.Seen, Value: []byte("what is seen")},
	{ID: oid.Of(1, 2, 3), Critical: true, Value: []byte{}},
}

func (w *workshop) signSaying(tb testing.TB, extensions []seal.Extension) []byte {
	tb.Helper()
	stamp := seal.Stamp{Time: now, Document: sm3.Sum([]byte("document")), Property: "p", Extensions: extensions}
	der, err := seal.Sign(w.make(tb), stamp, w.signer, w.signerKey)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// TestExtensionsOfASignature: what a signature says beside is signed, is read back by both
// readers, and is in one form for the strict one.
func TestExtensionsOfASignature(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	der := w.signSaying(t, said)
	for name, parse := range map[string]func([]byte) (*seal.Signature, error){"strict": seal.ParseSignature, "tolerant": seal.ParseSignatureTolerant} {
		s, err := parse(der)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(s.Stamp.Extensions) != 2 || !reflect.DeepEqual(s.Stamp.Extensions[0], said[0]) || !s.Stamp.Extensions[1].Critical {
			t.Errorf("%s: read back %+v", name, s.Stamp.Extensions)
		}
		if f := failed(s.Verify(context.Background(), sm3.Sum([]byte("document")), w.trust, second.Opinion{})); f != "" {
			t.Errorf("%s: steps failed: %s", name, f)
		}
		for id, want := range map[oid.ID]string{oid.Seen: "what is seen", oid.Of(1, 2, 3): "", oid.Of(1, 2, 4): "-"} {
			got, err := s.Extension(id)
			if err != nil || want == "-" && got != nil || want != "-" && (got == nil || string(got) != want) {
				t.Errorf("%s: %s says %q, %v", name, id, got, err)
			}
		}
	}
	changed, err := seal.ParseSignature(bytes.Replace(der, []byte("what is seen"), []byte("what is Seen"), 1))
	if err != nil {
		t.Fatal(err)
	}
	if f := failed(changed.Verify(context.Background(), sm3.Sum([]byte("document")), w.trust, second.Opinion{})); f != "signature" {
		t.Errorf("with another extension the step that fails is %q", f)
	}
	// In real signatures FALSE is written out, which is not DER, or something stands twice.
	falsely := bytes.Replace(der, []byte("\x01\x01\xff\x04\x00"), []byte("\x01\x01\x00\x04\x00"), 1)
	twice := w.signSaying(t, []seal.Extension{said[0], said[0]})
	for name, der := range map[string][]byte{"FALSE": falsely, "twice": twice} {
		if _, err := seal.ParseSignature(der); !errors.Is(err, seal.ErrMalformed) {
			t.Errorf("%s: read strictly: %v", name, err)
		}
		if _, err := seal.ParseSignatureTolerant(der); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := seal.ParseSignatureTolerant(twice)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Extension(oid.Seen); !errors.Is(err, seal.ErrMalformed) {
		t.Errorf("which of two counts: %v", err)
	}
}

// TestOpenSSLVerifiesExtensions has OpenSSL take a seal signature with extensions apart and
// verify it over the DER of toSign alone, whatever is in it.
func TestOpenSSLVerifiesExtensions(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	der := w.signSaying(t, said[:1])
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("signature.der", der)
	listing := tooltest.Run(t, "openssl", "asn1parse", "-inform", "DER", "-in", path("signature.der"))
	if !strings.Contains(listing, ":1.3.6.1.4.1.32473.1.3") {
		t.Errorf("OpenSSL does not see the extension:\n%s", listing)
	}
	member := regexp.MustCompile(`(?m)^ *(\d+):d=1 +hl=(\d+) +l= *(\d+) (?:prim|cons): *[A-Z]+`)
	found := member.FindAllStringSubmatch(listing, -1)
	if len(found) != 4 {
		t.Fatalf("OpenSSL sees %d members:\n%s", len(found), listing)
	}
	part := func(i, skipped int) []byte {
		var n [3]int
		for j := range n {
			var err error
			if n[j], err = strconv.Atoi(found[i][j+1]); err != nil {
				t.Fatal(err)
			}
		}
		return der[n[0]+skipped*n[1] : n[0]+n[1]+n[2]]
	}
	write("tosign.der", part(0, 0))
	write("signer.der", part(1, 1))
	write("sig.der", part(3, 1)[1:]) // behind the count of unused bits
	write("key.pem", []byte(tooltest.Run(t, "openssl", "x509", "-inform", "DER", "-in", path("signer.der"), "-noout", "-pubkey")))
	out := tooltest.Run(t, "openssl", "dgst", "-sm3", "-verify", path("key.pem"), "-sigopt", "distid:1234567812345678", "-signature", path("sig.der"), path("tosign.der"))
	if !strings.Contains(out, "Verified OK") {
		t.Errorf("OpenSSL says %q", out)
	}
}
