//go:build cgo

package pkcs11_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/keystore/pkcs11"
)

// softHSM makes a SoftHSM token and returns its file.
func softHSM(t *testing.T) pkcs11.Config {
	t.Helper()
	tooltest.Need(t, "softhsm2-util")
	module := tooltest.SoftHSM(t)
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", write("softhsm2.conf", "directories.tokendir = "+filepath.Join(dir, "tokens")+"\nobjectstore.backend = file\nlog.level = ERROR\n"))
	tooltest.Run(t, "softhsm2-util", "--init-token", "--free", "--label", "elicence", "--pin", "123456", "--so-pin", "654321")
	write("pin", "123456\n")
	b, err := json.Marshal(pkcs11.Config{Module: module, Token: "elicence", Key: "kek", PINFile: "pin"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := pkcs11.ReadConfig(write("token.json", string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, c pkcs11.Config) *pkcs11.Token {
	t.Helper()
	token, err := pkcs11.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	return token
}

func TestTokenWrapsTheKeyEncryptionKey(t *testing.T) {
	c := softHSM(t)
	token := open(t, c)
	if _, err := token.Wrapper(); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("a token without the key: %v, want ErrNoKey", err)
	}
	for range 2 { // the second time it is there
		if err := token.MakeWrappingKey(); err != nil {
			t.Fatal(err)
		}
	}
	w, err := token.Wrapper()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := keystore.Create(dir, keystore.Unlock{Token: w})
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.GenerateSigner(keystore.PurposeCA, "issuers")
	if err != nil {
		t.Fatal(err)
	}

	again, err := keystore.Open(dir, keystore.Unlock{Token: w})
	if err != nil {
		t.Fatal(err)
	}
	same, err := again.Signer(keystore.PurposeCA, "issuers")
	if err != nil || !same.Public().Equal(key.Public()) {
		t.Errorf("the key is another after opening: %v", err)
	}
	if _, err := keystore.Open(dir, keystore.Unlock{Passphrase: []byte("x")}); !errors.Is(err, keystore.ErrMethod) {
		t.Errorf("a passphrase for a token's store: %v, want ErrMethod", err)
	}
	a, err := keystore.Assess(dir)
	if err != nil {
		t.Fatal(err)
	}
	if kek := a.Keys[0]; kek.Place != keystore.InToken || kek.Where != "pkcs11:elicence kek" || !strings.Contains(kek.Protection, "AES of 256 bits") {
		t.Errorf("the key-encryption key is assessed as %+v", kek)
	}

	// From the token to a passphrase and back, with the store open.
	if err := s.Rewrap(keystore.Unlock{Passphrase: []byte("for a while")}); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(dir, keystore.Unlock{Token: w}); !errors.Is(err, keystore.ErrMethod) {
		t.Errorf("the token after the change: %v, want ErrMethod", err)
	}
	if err := s.Rewrap(keystore.Unlock{Token: w}); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(dir, keystore.Unlock{Token: w}); err != nil {
		t.Errorf("the token after the second change: %v", err)
	}
	if _, err := (keystore.Config{GMOnly: true}).Create(filepath.Join(t.TempDir(), "gm"), keystore.Unlock{Token: w}); !errors.Is(err, keystore.ErrNational) {
		t.Errorf("AES for a gm-only store: %v, want ErrNational", err)
	}
}

// TestWrappedBytes: what the token wrapped unwraps only whole and for its context,
// and a new key in the token does not open it.
func TestWrappedBytes(t *testing.T) {
	token := open(t, softHSM(t))
	if err := token.MakeWrappingKey(); err != nil {
		t.Fatal(err)
	}
	w, err := token.Wrapper()
	if err != nil {
		t.Fatal(err)
	}
	kek, context := bytes.Repeat([]byte{7}, 32), []byte("store")
	wrapped, err := w.Wrap(kek, context)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(wrapped, kek) {
		t.Error("the key stands in what was wrapped")
	}
	if got, err := w.Unwrap(wrapped, context); err != nil || !bytes.Equal(got, kek) {
		t.Errorf("Unwrap = %x, %v", got, err)
	}
	if _, err := w.Unwrap(wrapped, []byte("another")); err == nil {
		t.Error("it unwraps for another store")
	}
	for i := range wrapped {
		wrong := bytes.Clone(wrapped)
		wrong[i] ^= 1
		if _, err := w.Unwrap(wrong, context); err == nil {
			t.Errorf("it unwraps with byte %d changed", i)
		}
	}
	for n := range wrapped {
		if _, err := w.Unwrap(wrapped[:n], context); err == nil {
			t.Errorf("it unwraps cut off at %d", n)
		}
	}
}

func TestTokenRefuses(t *testing.T) {
	c := softHSM(t)
	refused := func(name, want string, change func(*pkcs11.Config)) {
		t.Helper()
		wrong := c
		change(&wrong)
		token, err := pkcs11.Open(wrong)
		if err == nil {
			t.Errorf("%s: opened", name)
			_ = token.Close()
			return
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	bad := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(bad, []byte("999999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("wrong PIN", "CKR_PIN_INCORRECT", func(c *pkcs11.Config) { c.PINFile = bad })
	refused("no such token", "could not find PKCS#11 token", func(c *pkcs11.Config) { c.Token = "other" })
	refused("no such module", "failed to open module", func(c *pkcs11.Config) { c.Module = bad })
	refused("no PIN", "reading the PIN", func(c *pkcs11.Config) { c.PINFile += "x" })
	if err := os.Chmod(bad, 0o644); err != nil {
		t.Fatal(err)
	}
	refused("PIN for everybody", "others may read", func(c *pkcs11.Config) { c.PINFile = bad })

	token := open(t, c)
	if _, err := token.Device(); err == nil {
		t.Error("a token without SM2 is a place for signing keys")
	}
}

// TestSM2CurveWithoutSM2: SoftHSM makes keys on the SM2 curve but signs with ECDSA.
// The keys are found again, and the first signature tells.
func TestSM2CurveWithoutSM2(t *testing.T) {
	const ckkEC, ckmECKeyPairGen, ckmECDSA = 0x3, 0x1040, 0x1041
	c := softHSM(t)
	c.SM2 = &pkcs11.Mechanisms{KeyType: ckkEC, Generate: ckmECKeyPairGen, Sign: ckmECDSA}
	d, err := open(t, c).Device()
	if err != nil {
		t.Fatal(err)
	}
	if d.Name() != "pkcs11:elicence" {
		t.Errorf("the device is named %q", d.Name())
	}
	at, err := d.MakeSigner(keystore.PurposeCA, "root", nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := d.Signer(at)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign([]byte("m")); !errors.Is(err, pki.ErrSelfCheck) {
		t.Errorf("an ECDSA signature: %v, want ErrSelfCheck", err)
	}
	for _, ref := range []string{"", "zz", strings.Repeat("00", 16)} {
		if _, err := d.Signer(keystore.Place{Ref: ref}); err == nil {
			t.Errorf("a key is found at %q", ref)
		}
	}
	listing := tooltest.Run(t, "softhsm2-util", "--show-slots")
	if !slices.ContainsFunc(strings.Split(listing, "\n"), func(line string) bool { return strings.Contains(line, "elicence") }) {
		t.Errorf("softhsm2-util does not show the token:\n%s", listing)
	}
}
