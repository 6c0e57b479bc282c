package sealed_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/keystore"
)

// lookupKey returns a look-up key that is there.
func lookupKey(t *testing.T, key []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func numberKey(t *testing.T, box *sealed.Box, g sealed.LookupGeneration, number string) []byte {
	t.Helper()
	key, err := box.NumberKey(g, 4, number)
	return lookupKey(t, key, err)
}

// TestLookups: in every generation keys tell uses, categories and holders apart, and say
// nothing without the secrets.
func TestLookups(t *testing.T) {
	t.Parallel()
	const number = "340199199003072410"
	box, other := newBox(t), newBox(t)
	seen := make(map[string]string)
	for g := sealed.FirstLookups; g <= 3; g++ {
		if g > sealed.FirstLookups {
			if err := errors.Join(box.BeginLookups(g), other.BeginLookups(g)); err != nil {
				t.Fatal(err)
			}
		}
		keys := map[string]func() ([]byte, error){
			"number of 004":      func() ([]byte, error) { return box.NumberKey(g, 4, number) },
			"number of 005":      func() ([]byte, error) { return box.NumberKey(g, 5, number) },
			"another number":     func() ([]byte, error) { return box.NumberKey(g, 4, "340199199003072411") },
			"holder":             func() ([]byte, error) { return box.HolderKey(g, "111", number) },
			"holder by passport": func() ([]byte, error) { return box.HolderKey(g, "414", number) },
			"request":            func() ([]byte, error) { return box.RequestKey(g, "111", number) },
			"request, shifted":   func() ([]byte, error) { return box.RequestKey(g, "1113", number[1:]) },
			"another key store":  func() ([]byte, error) { return other.NumberKey(g, 4, number) },
		}
		for name, of := range keys {
			key, err := of()
			lookupKey(t, key, err)
			if sealed.LookupGenerationOf(key) != g {
				t.Errorf("%s: generation %d, want %d", name, key[0], g)
			}
			// Apart by what is behind the generation, too.
			if other, twice := seen[string(key[1:sealed.LookupSize])]; twice {
				t.Errorf("%s of generation %d has the key of %s", name, g, other)
			}
			seen[string(key[1:sealed.LookupSize])] = name
		}
		if _, found := seen[string(numberKey(t, box, g, number)[1:])]; !found {
			t.Error("the same number has two keys")
		}
	}
}

// TestRenewedLookup: the key of the next generation is made from the one of before as the
// package says, whatever it was made from.
func TestRenewedLookup(t *testing.T) {
	t.Parallel()
	box := newBox(t)
	if _, err := box.NumberKey(2, 4, "x"); !errors.Is(err, sealed.ErrNoLookups) {
		t.Errorf("without a secret: %v, want ErrNoLookups", err)
	}
	for g := sealed.FirstLookups + 1; g <= 4; g++ {
		if err := box.BeginLookups(g); err != nil {
			t.Fatal(err)
		}
		request, err := box.RequestKey(g-1, "issuer", "R-1")
		lookupKey(t, request, err)
		for _, before := range [][]byte{numberKey(t, box, g-1, "x"), request} {
			kept := bytes.Clone(before)
			next, err := box.RenewedLookup(before)
			lookupKey(t, next, err)
			if !bytes.Equal(before, kept) {
				t.Error("the key of before was written to")
			}
			if bytes.Equal(next[1:], before[1:]) {
				t.Errorf("generation %d is that of before", g)
			}
		}
		if next, err := box.RenewedLookup(numberKey(t, box, g-1, "x")); err != nil || !bytes.Equal(next, numberKey(t, box, g, "x")) {
			t.Errorf("generation %d of a number is %x, %v", g, next, err)
		}
		want, err := box.RequestKey(g, "issuer", "R-1")
		if next, renewErr := box.RenewedLookup(request); err != nil || renewErr != nil || !bytes.Equal(next, want) {
			t.Errorf("generation %d of a request is %x, want %x", g, next, want)
		}
	}
	for name, key := range map[string][]byte{
		"nothing": nil, "too short": {1, 2, 3}, "generation 0": make([]byte, sealed.LookupSize),
		"the last generation": append([]byte{255}, make([]byte, 8)...),
		"too long":            append([]byte{1}, make([]byte, sealed.BindingSize)...),
		"without its secret":  append([]byte{9}, make([]byte, 8)...),
	} {
		if got, err := box.RenewedLookup(key); err == nil {
			t.Errorf("%s: %x", name, got)
		}
	}
}

// TestFirstLookups: the first generation is what registers of before have: 1, and HMAC-SM3
// over use and parts.
func TestFirstLookups(t *testing.T) {
	t.Parallel()
	keys := pkitest.KeyStore(t)
	box, err := sealed.CreateBox(keys, filepath.Join(t.TempDir(), "record-keys"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := keys.Secret(keystore.PurposeRegister, "lookup-1")
	if err != nil {
		t.Fatal(err)
	}
	sum := secret.MAC([]byte("number"), []byte("004"), []byte("x"))
	if got := numberKey(t, box, sealed.FirstLookups, "x"); !bytes.Equal(got, append([]byte{1}, sum[:8]...)) {
		t.Errorf("got %x, want 01 and the beginning of %x", got, sum)
	}
	if err := box.BeginLookups(2); err != nil {
		t.Fatal(err)
	}
	second, err := keys.Secret(keystore.PurposeRegister, "lookup-2")
	if err != nil {
		t.Fatal(err)
	}
	next := second.MAC([]byte("renewed"), append([]byte{1}, sum[:8]...))
	if got := numberKey(t, box, 2, "x"); !bytes.Equal(got, append([]byte{2}, next[:8]...)) {
		t.Errorf("generation 2: got %x, want 02 and the beginning of %x", got, next)
	}
}

// TestOtherLookups: two nodes that made a secret of their own each do not work together,
// until one has the other's.
func TestOtherLookups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unlock := keystore.Unlock{File: filepath.Join(dir, "kek")}
	if err := keystore.NewKeyFile(unlock.File); err != nil {
		t.Fatal(err)
	}
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	open := func(keys *keystore.Store, err error) *sealed.Box {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		box, err := sealed.OpenBox(keys, filepath.Join(dir, "record-keys"))
		if err != nil {
			t.Fatal(err)
		}
		return box
	}
	keys, err := keystore.Create(one, unlock)
	if err == nil {
		_, err = sealed.CreateBox(keys, filepath.Join(dir, "record-keys"))
	}
	if err == nil {
		err = os.CopyFS(two, os.DirFS(one))
	}
	if err == nil {
		err = filepath.WalkDir(two, func(path string, e fs.DirEntry, err error) error {
			if e.IsDir() {
				return errors.Join(err, os.Chmod(path, 0o700))
			}
			return errors.Join(err, os.Chmod(path, 0o600))
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	a, b := open(keys, nil), open(keystore.Open(two, unlock))
	if err := errors.Join(a.BeginLookups(2), b.BeginLookups(2)); err != nil {
		t.Fatal(err)
	}
	check, err := a.LookupCheck(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.UseLookups(2, check); !errors.Is(err, sealed.ErrOtherLookups) || b.LookupGeneration() != sealed.FirstLookups {
		t.Errorf("another secret: %v, want ErrOtherLookups", err)
	}
	if err := a.UseLookups(2, check); err != nil || a.LookupGeneration() != 2 {
		t.Errorf("its own secret: %v", err)
	}
	const name = "register/lookup-2.key"
	brought, err := os.ReadFile(filepath.Join(one, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(two, name), brought, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := b.UseLookups(2, check); err != nil {
		t.Errorf("the other's secret: %v", err)
	}
	if !bytes.Equal(numberKey(t, a, 2, "x"), numberKey(t, b, 2, "x")) {
		t.Error("the nodes look for a number under two keys")
	}
	if !bytes.Equal(numberKey(t, open(keystore.Open(two, unlock)), 2, "x"), numberKey(t, a, 2, "x")) {
		t.Error("a node that starts anew looks under another key")
	}
}
