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
	"github.com/elicence/elicence/pki/keystore/sdf"
	"github.com/elicence/elicence/pki/keystore/sdftest"
)

// national is a gm-only store whose key-encryption key and signing keys are in an
// SDF device.
type national struct {
	hardware *sdftest.Device
	device   *sdf.Device
	config   keystore.Config
	unlock   keystore.Unlock
	dir      string
	store    *keystore.Store
}

func newNational(tb testing.TB, keys int) *national {
	tb.Helper()
	n := &national{hardware: sdftest.New(tb, "0001", keys), dir: filepath.Join(tb.TempDir(), "keys")}
	n.device = n.hardware.Open(tb)
	wrapper, err := n.device.Wrapper()
	if err != nil {
		tb.Fatal(err)
	}
	n.unlock = keystore.Unlock{Token: wrapper}
	n.config = keystore.Config{GMOnly: true, Devices: []keystore.Device{n.device}}
	n.store, err = n.config.Create(n.dir, n.unlock)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func TestSigningKeysInADevice(t *testing.T) {
	t.Parallel()
	n := newNational(t, 3)
	key, err := n.store.GenerateSigner(keystore.PurposeCA, "issuers")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.store.GenerateSigner(keystore.PurposeCA, "issuers"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key of the same name: %v, want fs.ErrExist", err)
	}
	fast, err := n.store.FastSigner(keystore.PurposeCA, "issuers")
	if err != nil {
		t.Fatal(err)
	}
	if sigs, err := fast.SignAll(slices.Values([][]byte{[]byte("a"), []byte("b")})); err != nil || !key.Public().Verify([]byte("b"), sigs[1]) {
		t.Errorf("many signatures by a device: %v", err)
	}
	second, err := n.store.GenerateSigner(keystore.PurposeSeal, "maker")
	if err != nil || second.Public().Equal(key.Public()) {
		t.Errorf("two keys at one place: %v", err)
	}
	if _, err := n.store.GenerateSigner(keystore.PurposeSeal, "third"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.store.GenerateSigner(keystore.PurposeSeal, "fourth"); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a key more than the device has: %v", err)
	}

	again, err := keystore.Config{Devices: n.config.Devices}.Open(n.dir, n.unlock)
	if err != nil {
		t.Fatal(err)
	}
	if !again.GMOnly() {
		t.Error("the store has forgotten that it is gm-only")
	}
	same, err := again.Signer(keystore.PurposeCA, "issuers")
	if err != nil {
		t.Fatal(err)
	}
	sig, err := same.Sign([]byte("m"))
	if err != nil || !key.Public().Verify([]byte("m"), sig) {
		t.Errorf("the key is another after opening: %v", err)
	}

	// Access passwords lie in the folder encrypted only, also after a rotation.
	if _, err := again.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if same, err = again.Signer(keystore.PurposeCA, "issuers"); err != nil || !same.Public().Equal(key.Public()) {
		t.Errorf("the key after a rotation: %v", err)
	}
	err = filepath.WalkDir(n.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, k := range n.hardware.Keys() {
			if bytes.Contains(b, k.Password) {
				t.Errorf("%s has an access password in it", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	n.hardware.Restart()
	if _, err := same.Sign([]byte("after a restart of the device")); err != nil {
		t.Errorf("after a restart of the device: %v", err)
	}
	n.hardware.Replace(t, 1)
	if _, err := again.Signer(keystore.PurposeCA, "issuers"); !errors.Is(err, keystore.ErrDamaged) {
		t.Errorf("another key at the index: %v, want ErrDamaged", err)
	}
	if _, err := same.Sign([]byte("m")); err == nil {
		t.Error("a signature of another key is released")
	}
	alone, err := keystore.Open(n.dir, n.unlock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alone.Signer(keystore.PurposeSeal, "maker"); !errors.Is(err, keystore.ErrNoDevice) {
		t.Errorf("without the device: %v, want ErrNoDevice", err)
	}
}

// TestBoundKeys: a key that a device has already is taken into use by hand.
func TestBoundKeys(t *testing.T) {
	t.Parallel()
	n := newNational(t, 3)
	third := n.hardware.Keys()[2]
	key, err := n.store.BindSigner(keystore.PurposeTSA, "2026", n.device, keystore.Place{Ref: "3", Access: third.Password})
	if err != nil {
		t.Fatal(err)
	}
	same, err := n.store.Signer(keystore.PurposeTSA, "2026")
	if err != nil || !same.Public().Equal(key.Public()) {
		t.Errorf("the key that was bound: %v", err)
	}
	for _, name := range []string{"a", "b"} { // the two that are left
		made, err := n.store.GenerateSigner(keystore.PurposeOCSP, name)
		if err != nil || made.Public().Equal(key.Public()) {
			t.Errorf("a key beside the one that was bound: %v", err)
		}
	}
	for name, at := range map[string]keystore.Place{
		"no such index":  {Ref: "9", Access: third.Password},
		"index 0":        {Ref: "0", Access: third.Password},
		"not an index":   {Ref: "one", Access: third.Password},
		"wrong password": {Ref: "2", Access: third.Password},
	} {
		if _, err := n.store.BindSigner(keystore.PurposeTSA, "other", n.device, at); err == nil {
			t.Errorf("%s: bound", name)
		}
	}
	if _, err := n.store.BindSigner("misc", "x", n.device, keystore.Place{Ref: "1"}); err == nil {
		t.Error("bound to a purpose that there is not")
	}
}

func TestGMOnlyRefuses(t *testing.T) {
	t.Parallel()
	n := newNational(t, 1)
	bare, err := keystore.Open(n.dir, n.unlock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.GenerateSigner(keystore.PurposeCA, "x"); !errors.Is(err, keystore.ErrDeviceOnly) {
		t.Errorf("a signing key in a file: %v, want ErrDeviceOnly", err)
	}
	_, request, err := cosign.NewDevice(nil)
	if err != nil {
		t.Fatal(err)
	}
	half, err := cosign.NewService(nil, request)
	if err != nil {
		t.Fatal(err)
	}
	if err := bare.PutHalf(keystore.PurposePerson, "p", half); !errors.Is(err, keystore.ErrDeviceOnly) {
		t.Errorf("half a signing key in a file: %v, want ErrDeviceOnly", err)
	}
	if _, err := bare.GenerateSecret(keystore.PurposeRegister, "s"); err != nil {
		t.Errorf("a symmetric secret: %v", err)
	}

	_, ordinary, u := newStore(t)
	if _, err := (keystore.Config{GMOnly: true}).Open(ordinary, u); !errors.Is(err, keystore.ErrNational) {
		t.Errorf("an ordinary store as a gm-only one: %v, want ErrNational", err)
	}
}

// TestGMOnlyCannotBeTakenBack: the flag in the `store` file, and a key file of an
// ordinary store, do not open the way to keys in files.
func TestGMOnlyCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	u := keystore.Unlock{File: filepath.Join(t.TempDir(), "kek")}
	if err := keystore.NewKeyFile(u.File); err != nil {
		t.Fatal(err)
	}
	if _, err := (keystore.Config{GMOnly: true}).Create(dir, u); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "store")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const flag = "\x03\xf5" // {3: true}
	if bytes.Count(b, []byte(flag)) != 1 {
		t.Fatalf("the flag is not where it was: %x", b)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(flag), []byte("\x03\xf4"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(dir, u); !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("with the flag taken back: %v, want ErrLocked", err)
	}
}

func TestGMOnlyPassphrase(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	u := keystore.Unlock{Passphrase: []byte("口令")}
	if _, err := (keystore.Config{GMOnly: true}).Create(dir, u); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(dir, u); err != nil {
		t.Errorf("right passphrase: %v", err)
	}
	if _, err := keystore.Open(dir, keystore.Unlock{Passphrase: []byte("x")}); !errors.Is(err, keystore.ErrLocked) {
		t.Errorf("wrong passphrase: %v, want ErrLocked", err)
	}
	a, err := keystore.Assess(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Keys[0].Protection; got != "pbkdf2-hmac-sm3, 600000 iterations" {
		t.Errorf("the passphrase is protected by %q", got)
	}
}

// TestGMOnlySaysNoForeignWord: nothing in a gm-only store names an algorithm that is
// not a national one.
func TestGMOnlySaysNoForeignWord(t *testing.T) {
	t.Parallel()
	n := newNational(t, 1)
	if _, err := n.store.GenerateSigner(keystore.PurposeCA, "root"); err != nil {
		t.Fatal(err)
	}
	a, err := keystore.Assess(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range a.Keys {
		for _, word := range []string{"AES", "SHA-", "P-256", "argon"} {
			if strings.Contains(k.Algorithm+k.Protection+k.Where, word) {
				t.Errorf("%s/%s: %+v", k.Purpose, k.Name, k)
			}
		}
	}
}
