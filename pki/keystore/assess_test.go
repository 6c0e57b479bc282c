package keystore_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/pki/cosign"
	"github.com/elicence/elicence/pki/keystore"
)

func TestAssess(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "keys")
	shares := newShares(t, newID(t), 2, 3)
	s, err := keystore.Config{Now: func() time.Time { return at }}.Create(dir, keystore.Unlock{Shares: shares})
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.GenerateSigner(keystore.PurposeCA, "root")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.GenerateSecret(keystore.PurposeRegister, "lookup-1"); err != nil {
		t.Fatal(err)
	}
	_, request, err := cosign.NewDevice(nil)
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
	a, err := keystore.Assess(dir)
	if err != nil || len(a.Faults) > 0 {
		t.Fatal(err, a.Faults)
	}
	if a.Store != s.ID() || a.GMOnly || a.Generation != 1 || a.Rotating {
		t.Errorf("the store is assessed as %+v", a)
	}
	var got []string
	for _, k := range a.Keys {
		if !k.Created.Equal(at) {
			t.Errorf("%s/%s was made at %v, want %v", k.Purpose, k.Name, k.Created, at)
		}
		got = append(got, strings.Join([]string{k.Purpose, k.Name, k.Algorithm, string(k.Place), k.Protection}, "; "))
	}
	want := []string{
		"key-encryption; shares; SM4-GCM, HMAC-SM3; offline share; 2 of 3 shares",
		"master; generation-1; SM4-GCM, HMAC-SM3; file; SM4-GCM under the key-encryption key",
		"ca; root; SM2; file; SM4-GCM under the master key",
		"person; p1; SM2, half of two; file; SM4-GCM under the master key",
		"register; lookup-1; HMAC-SM3, SM4-GCM; file; SM4-GCM under the master key",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the keys are assessed as\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if p := a.Keys[2].Point; p == nil || *p != key.Public().Point() {
		t.Errorf("the root's point is %v", p)
	}

	// What is wrong with a file is said beside the others.
	root, other := filepath.Join(dir, "ca", "root.key"), filepath.Join(dir, "ca", "other.key")
	if err := os.Rename(root, other); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root, []byte("not a key"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err = keystore.Assess(dir)
	if err != nil {
		t.Fatal(err)
	}
	wrong := make(map[string][]error)
	for _, f := range a.Faults {
		wrong[f.File] = append(wrong[f.File], f.Err)
	}
	if len(a.Keys) != len(want)-1 || len(wrong[other]) != 1 || !errors.Is(wrong[other][0], keystore.ErrDamaged) ||
		len(wrong[root]) != 1 || !errors.Is(wrong[root][0], keystore.ErrMode) || len(wrong[dir]) != 1 {
		t.Errorf("%d keys and the faults %v", len(a.Keys), wrong)
	}
	if _, err := keystore.Assess(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder without a store: %v", err)
	}
}

// TestModesOfEverything: whatever in a store others may use is found when it is opened.
func TestModesOfEverything(t *testing.T) {
	t.Parallel()
	f := fill(t)
	var paths []string
	err := filepath.WalkDir(f.dir, func(path string, _ os.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil || len(paths) < 9 {
		t.Fatal(err, paths)
	}
	for _, path := range append(paths, f.unlock.File) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, open := range []os.FileMode{0o040, 0o020, 0o010, 0o004, 0o002, 0o001} {
			if err := os.Chmod(path, info.Mode()|open); err != nil {
				t.Fatal(err)
			}
			if _, err := keystore.Open(f.dir, f.unlock); !errors.Is(err, keystore.ErrMode) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s with %v: %v, want ErrMode", path, info.Mode()|open, err)
			}
		}
		if err := os.Chmod(path, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	f.check(t, "with the modes as they were", f.reopen(t, f.unlock))
	link := filepath.Join(f.dir, "seal", "link.key")
	if err := os.Symlink(filepath.Join(f.dir, "seal", "a.key"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(f.dir, f.unlock); !errors.Is(err, keystore.ErrMode) {
		t.Errorf("a link: %v, want ErrMode", err)
	}
}

// TestDamageAndWrongKeyAreOne: a damaged `store` file and a wrong key give the same
// words, byte for byte.
func TestDamageAndWrongKeyAreOne(t *testing.T) {
	t.Parallel()
	f := fill(t)
	wrong := keystore.Unlock{File: filepath.Join(t.TempDir(), "kek")}
	if err := keystore.NewKeyFile(wrong.File); err != nil {
		t.Fatal(err)
	}
	_, wrongKey := keystore.Open(f.dir, wrong)
	path := filepath.Join(f.dir, "store")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for i := range b {
		damaged := slices.Clone(b)
		damaged[i] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keystore.Open(f.dir, f.unlock)
		if err == nil {
			t.Errorf("byte %d changed: opened", i)
			continue
		}
		if err.Error() == wrongKey.Error() {
			same++
		}
	}
	if !errors.Is(wrongKey, keystore.ErrLocked) || same < len(b)/2 {
		t.Errorf("of %d changed bytes %d are told as a wrong key is: %v", len(b), same, wrongKey)
	}
}
