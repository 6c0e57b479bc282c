package seal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/seal"
)

// TestOFDRWVerifies: ofdrw's verifier reads our seal signatures and accepts them,
// BouncyCastle the seals in them, over the DER of what was read; and both refuse what was
// changed.
func TestOFDRWVerifies(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	signature := w.sign(t, "document")
	stamped, err := seal.WithTimeStamp(signature, []byte{0x30, 0x00})
	if err != nil {
		t.Fatal(err)
	}
	// The seal's own signature is broken, and the whole signed again by its user.
	made := w.make(t)
	renamed, err := seal.Parse(bytes.ReplaceAll(made.DER, []byte("合肥市样例局"), []byte("安徽省样例局")))
	if err != nil {
		t.Fatal(err)
	}
	onForged, err := seal.Sign(renamed, seal.Stamp{Time: now, Document: sm3.Sum([]byte("document")), Property: "p"}, w.signer, w.signerKey)
	if err != nil {
		t.Fatal(err)
	}
	large := w.particulars()
	large.Picture = seal.Picture{Type: "PNG", Data: bytes.Repeat([]byte{0, 0xff, 0x80}, 20000), WidthMM: 40, HeightMM: 30}
	der, err := seal.Make(large, w.maker, w.makerKey, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	oval, err := seal.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	withPNG, err := seal.Sign(oval, seal.Stamp{Time: now, Document: sm3.Sum([]byte("document")), Property: "ByteRange[0 1 2 3]"}, w.signer, w.signerKey)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := write("document", []byte("document")), write("other", []byte("Document"))
	const said = "accepted 34010000000001 合肥市样例局 42 42 ByteRange[0 1 2 3] 20240501080000GMT+00:00"
	var args []string
	cases := []struct {
		name      string
		signature []byte
		document  string
		want      string
	}{
		{"ours", signature, right, said},
		{"with a time stamp", stamped, right, said},
		{"a large picture", withPNG, right, strings.Replace(said, "42 42", "40 30", 1)},
		{"another document", signature, wrong, "refused"},
		{"another property", bytes.Replace(signature, []byte("ByteRange[0 1"), []byte("ByteRange[0 2"), 1), right, "refused"},
		{"another signature value", flipLast(bytes.Clone(signature)), right, "refused"},
		{"another name, its user's signature unchanged", bytes.ReplaceAll(signature, []byte("合肥市样例局"), []byte("安徽省样例局")), right, "refused"},
		{"another name, signed by its user", onForged, right, "refused seal"},
	}
	for _, c := range cases {
		args = append(args, write(c.name, c.signature), c.document)
	}
	for i, answer := range tooltest.Maven(t, "ses", args...) {
		if c := cases[i]; answer != c.want && (c.want != "refused" || !strings.HasPrefix(answer, "refused ")) {
			t.Errorf("%s: ofdrw says %q, want %q", c.name, answer, c.want)
		}
	}
}
