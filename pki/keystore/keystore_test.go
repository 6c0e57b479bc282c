package keystore_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/pki/cosign"
	"github.com/elicence/elicence/pki/keystore"
)

// newStore returns a store that opens with a file, and how to open it.
func newStore(tb testing.TB) (*keystore.Store, string, keystore.Unlock) {
	tb.Helper()
	dir := tb.TempDir()
	u := keystore.Unlock{File: filepath.Join(dir, "kek")}
	if err := keystore.NewKeyFile(u.File); err != nil {
		tb.Fatal(err)
	}
	s, err := keystore.Create(filepath.Join(dir, "keys"), u)
	if err != nil {
		tb.Fatal(err)
	}
	return s, filepath.Join(dir, "keys"), u
}

func TestKeysSurvive(t *testing.T) {
	t.Parallel()
	s, dir, u := newStore(t)
	key, err := s.GenerateSigner(keystore.PurposeService, "code")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := s.GenerateSecret(keystore.PurposeRegister, "lookup-1")
	if err != nil {
		t.Fatal(err)
	}
	enrolling, request, err := cosign.NewDevice(nil)
	if err != nil {
		t.Fatal(err)
	}
	half, err := cosign.NewService(nil, request)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutHalf(keystore.PurposePerson, "p1", half); err != nil {
		t.Fatal(err)
	}

	again, err := keystore.Open(dir, u)
	if err != nil {
		t.Fatal(err)
	}
	sameKey, err := again.Signer(keystore.PurposeService, "code")
	if err != nil {
		t.Fatal(err)
	}
	sig, err := sameKey.Sign([]byte("m"))
	if err != nil || !key.Public().Verify([]byte("m"), sig) {
		t.Errorf("the key is another after opening: %v", err)
	}
	sameSecret, err := again.Secret(keystore.PurposeRegister, "lookup-1")
	if err != nil || sameSecret.MAC([]byte("a")) != secret.MAC([]byte("a")) {
		t.Errorf("the secret is another after opening: %v", err)
	}
	sameHalf, err := again.Half(keystore.PurposePerson, "p1")
	if err != nil {
		t.Fatal(err)
	}
	pending, commitment, err := enrolling.Finish(half.Public()).Begin(nil, []byte("m"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := sameHalf.Answer(nil, []byte("m"), commitment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pending.Finish(answer); err != nil {
		t.Errorf("the half is another after opening: %v", err)
	}
}

// TestFastSigner: the same key by another way, alone and for many messages.
func TestFastSigner(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	key, err := s.GenerateSigner(keystore.PurposeAuthority, "a")
	if err != nil {
		t.Fatal(err)
	}
	fast, err := s.FastSigner(keystore.PurposeAuthority, "a")
	if err != nil || !fast.Public().Equal(key.Public()) {
		t.Fatalf("another key: %v", err)
	}
	msgs := [][]byte{[]byte("a"), nil, []byte("c"), []byte("d"), []byte("e"), []byte("f"), []byte("g")}
	sigs, err := fast.SignAll(slices.Values(msgs))
	if err != nil || len(sigs) != len(msgs) {
		t.Fatalf("%d signatures: %v", len(sigs), err)
	}
	for i, msg := range msgs {
		alone, err := fast.Sign(msg)
		if err != nil || !key.Public().Verify(msg, alone) || !key.Public().Verify(msg, sigs[i]) {
			t.Errorf("message %d: a signature is not the key's: %v", i, err)
		}
	}
	if _, err := s.FastSigner(keystore.PurposeAuthority, "b"); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("no such key: %v, want ErrNoKey", err)
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	t.Parallel()
	s, dir, u := newStore(t)
	first, err := s.GenerateSigner(keystore.PurposeCA, "root")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.GenerateSigner(keystore.PurposeCA, "root"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second key of the same name: %v, want fs.ErrExist", err)
	}
	if _, err := keystore.Create(dir, u); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a store: %v, want fs.ErrExist", err)
	}
	if err := keystore.NewKeyFile(u.File); !errors.Is(err, fs.ErrExist) {
		t.Errorf("NewKeyFile over a key: %v, want fs.ErrExist", err)
	}
	still, err := s.Signer(keystore.PurposeCA, "root")
	if err != nil || !still.Public().Equal(first.Public()) {
		t.Errorf("the first key is gone: %v", err)
	}
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	right := keystore.Unlock{Passphrase: []byte("correct horse")}
	if _, err := keystore.Create(dir, right); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(dir, right); err != nil {
		t.Errorf("right passphrase: %v", err)
	}
	if _, err := keystore.Open(dir, keystore.Unlock{Passphrase: []byte("wrong")}); !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("wrong passphrase: %v, want ErrLocked", err)
	}
	for name, u := range map[string]keystore.Unlock{
		"nothing":       {},
		"both":          {File: "x", Passphrase: []byte("y")},
		"the other way": {File: filepath.Join(dir, "store")},
	} {
		if _, err := keystore.Open(dir, u); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// TestFilesAreBound: a key file that was changed, renamed, moved to another purpose
// or taken from another store does not open.
func TestFilesAreBound(t *testing.T) {
	t.Parallel()
	s, dir, _ := newStore(t)
	for _, name := range []string{"a", "b"} {
		if _, err := s.GenerateSigner(keystore.PurposeSeal, name); err != nil {
			t.Fatal(err)
		}
	}
	stranger, strangerDir, _ := newStore(t)
	if _, err := stranger.GenerateSigner(keystore.PurposeSeal, "a"); err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(dir, "seal", "a.key"), filepath.Join(dir, "seal", "b.key")
	original, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(strangerDir, "seal", "a.key"))
	if err != nil {
		t.Fatal(err)
	}
	try := func(name string, content []byte, open func() error) {
		t.Helper()
		if err := os.WriteFile(a, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if open() == nil {
			t.Errorf("%s: opens", name)
		}
	}
	asA := func() error { _, err := s.Signer(keystore.PurposeSeal, "a"); return err }
	try("another key under this name", other, asA)
	try("a key of another store", foreign, asA)
	try("empty", nil, asA)
	try("trailing byte", append(bytes.Clone(original), 0), asA)
	for i := range original {
		wrong := bytes.Clone(original)
		wrong[i] ^= 1
		try("byte changed", wrong, asA)
	}
	if err := os.MkdirAll(filepath.Join(dir, "ca"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca", "a.key"), original, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Signer(keystore.PurposeCA, "a"); err == nil {
		t.Error("a seal's key opens as an authority's")
	}
	if err := os.WriteFile(a, original, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := asA(); err != nil {
		t.Errorf("the original does not open: %v", err)
	}
	if _, err := s.Secret(keystore.PurposeSeal, "a"); err == nil {
		t.Error("a signing key opens as a secret")
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	s, dir, u := newStore(t)
	if _, err := s.GenerateSigner(keystore.PurposeCA, "x"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{u.File, filepath.Join(dir, "store"), filepath.Join(dir, "ca", "x.key")} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v, want 0600", path, info.Mode(), err)
		}
	}
	if err := os.Chmod(u.File, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(dir, u); !errors.Is(err, keystore.ErrMode) {
		t.Errorf("a key file that others may read: %v, want ErrMode", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	for _, name := range []string{"", "../x", "a/b", ".hidden", "长", strings.Repeat("a", 101)} {
		if _, err := s.GenerateSigner(keystore.PurposeCA, name); err == nil {
			t.Errorf("a key is made under the name %q", name)
		}
	}
	if _, err := s.Signer(keystore.PurposeCA, "none"); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("a key that is not there: %v, want ErrNoKey", err)
	}
}

// TestPartsDoNotRunTogether: MAC over ("a", "bc") is not MAC over ("ab", "c").
func TestPartsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	secret, err := s.GenerateSecret(keystore.PurposeRegister, "s")
	if err != nil {
		t.Fatal(err)
	}
	if secret.MAC([]byte("a"), []byte("bc")) == secret.MAC([]byte("ab"), []byte("c")) {
		t.Error("parts run together")
	}
	one, err := secret.AEAD([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := secret.AEAD([]byte("b"))
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, one.NonceSize())
	if _, err := two.Open(nil, nonce, one.Seal(nil, nonce, []byte("m"), nil), nil); err == nil {
		t.Error("keys derived for different parts are the same")
	}
}
