package pki_test

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// TestGmSSLAgrees: GmSSL comes to the verdicts of the published vectors. Vectors over a
// bare digest are left out: it has no command for them.
func TestGmSSLAgrees(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "gmssl")
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// What GmSSL accepts and nobody should. The first needs the private key to make; the
	// others are its command's business, which reads a signature and not the file.
	known := map[string]bool{
		"sG + tP is infinity and r is e": true, "a zero octet behind the sequence": true, "a second signature behind the sequence": true,
	}
	ran := 0
	for _, g := range readVectors(t).TestGroups {
		if g.Type == typeDigest {
			continue
		}
		key := file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: unhex(t, g.PublicKeyDER)}))
		for _, v := range g.Tests {
			ran++
			out, err := tooltest.Try(t, "gmssl", "sm2verify", "-pubkey", key, "-in", file("msg", unhex(t, v.Msg)), "-sig", file("sig", unhex(t, v.Sig)))
			if (err == nil) != (v.Result == "valid" || known[v.Comment]) {
				t.Errorf("test %d, %s: GmSSL says %v %q, want %s", v.ID, v.Comment, err, out, v.Result)
			}
		}
	}
	if ran < 150 {
		t.Errorf("%d vectors ran", ran)
	}
}
