package audit

import (
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// TestProofByOpenSSL checks a proof file with OpenSSL's SM2 and SM3 and the definition
// of an audit path (RFC 6962, 2.1.1): the checkpoint's signature, and the root from
// the entry and its path.
func TestProofByOpenSSL(t *testing.T) {
	t.Parallel()
	log := newKey(t)
	m := newMemory()
	grow(t, m, 13)
	signed := checkpoint(t, m, 13, log)
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s, err := cose.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	var der cryptobyte.Builder
	der.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, half := range [][]byte{s.Signature[:32], s.Signature[32:]} {
			number := strings.TrimLeft(string(half), "\x00")
			b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) {
				if number[0] >= 0x80 {
					b.AddUint8(0)
				}
				b.AddBytes([]byte(number))
			})
		}
	})
	key := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: log.Public().SPKI()}))
	message := s.ToBeSigned(pki.ObjectCheckpoint)
	tooltest.Run(t, "openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-verify", key, "-signature", write("signature", der.BytesOrPanic()), write("message", message))
	message[len(message)-1] ^= 1
	if out, err := tooltest.Try(t, "openssl", "dgst", "-sm3", "-sigopt", "distid:1234567812345678", "-verify", key, "-signature", filepath.Join(dir, "signature"), write("message", message)); err == nil {
		t.Errorf("OpenSSL accepts another checkpoint: %s", out)
	}

	sum := func(parts ...[]byte) []byte {
		t.Helper()
		var all []byte
		for _, p := range parts {
			all = append(all, p...)
		}
		printed := strings.Fields(tooltest.Run(t, "openssl", "dgst", "-sm3", "-r", write("input", all)))
		hash, err := hex.DecodeString(printed[0])
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	// root is the recursion of the definition, turned inside out.
	var root func(index, size uint64, leaf []byte, path [][]byte) []byte
	root = func(index, size uint64, leaf []byte, path [][]byte) []byte {
		if size == 1 {
			return sum([]byte{0}, leaf)
		}
		left := uint64(1)
		for left*2 < size {
			left *= 2
		}
		last := len(path) - 1
		if index < left {
			return sum([]byte{1}, root(index, left, leaf, path[:last]), path[last])
		}
		return sum([]byte{1}, path[last], root(index-left, size-left, leaf, path[:last]))
	}
	c, err := OpenCheckpoint(signed, log.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []uint64{0, 6, 12} {
		p, err := NewProof(m, index, signed, 13, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := root(p.Index, 13, p.Leaf, p.Path); string(got) != string(c.Root) {
			t.Errorf("entry %d: OpenSSL comes to root %x, want %x", index, got, c.Root)
		}
	}
}
