package keystore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/pki/keystore"
)

func newShares(tb testing.TB, store keystore.ID, threshold, total int) []keystore.Share {
	tb.Helper()
	shares, err := keystore.NewShares(store, threshold, total)
	if err != nil {
		tb.Fatal(err)
	}
	return shares
}

func newID(tb testing.TB) keystore.ID {
	tb.Helper()
	id, err := keystore.NewID()
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func TestAnyThresholdOfSharesOpens(t *testing.T) {
	t.Parallel()
	shares := newShares(t, newID(t), 3, 5)
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := keystore.Create(dir, keystore.Unlock{Shares: shares})
	if err != nil {
		t.Fatal(err)
	}
	if s.ID() != shares[0].Store() {
		t.Error("the store has not taken its identifier from the shares")
	}
	key, err := s.GenerateSigner(keystore.PurposeCA, "root")
	if err != nil {
		t.Fatal(err)
	}
	for set := range 1 << len(shares) {
		var given []keystore.Share
		for i := range shares {
			if set&(1<<i) != 0 {
				given = append(given, shares[i])
			}
		}
		slices.Reverse(given)
		opened, err := keystore.Open(dir, keystore.Unlock{Shares: given})
		switch {
		case len(given) == 0:
			if !errors.Is(err, keystore.ErrMethod) {
				t.Errorf("no shares: %v, want ErrMethod", err)
			}
			continue
		case len(given) < 3:
			if !errors.Is(err, keystore.ErrSharesTooFew) {
				t.Errorf("%v: %v, want ErrSharesTooFew", given, err)
			}
			continue
		case err != nil:
			t.Errorf("%v: %v", given, err)
			continue
		}
		same, err := opened.Signer(keystore.PurposeCA, "root")
		if err != nil || !same.Public().Equal(key.Public()) {
			t.Errorf("%v: the key is another: %v", given, err)
		}
	}
}

func TestSharesRefused(t *testing.T) {
	t.Parallel()
	id := newID(t)
	shares := newShares(t, id, 2, 3)
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := keystore.Create(dir, keystore.Unlock{Shares: shares})
	if err != nil {
		t.Fatal(err)
	}
	earlier := shares
	shares = newShares(t, id, 2, 3)
	if err := s.Rewrap(keystore.Unlock{Shares: shares}); err != nil {
		t.Fatal(err)
	}
	other := newShares(t, newID(t), 2, 3)
	for _, c := range []struct {
		name  string
		given []keystore.Share
		want  error
	}{
		{"one", shares[:1], keystore.ErrSharesTooFew},
		{"the same twice", []keystore.Share{shares[1], shares[1]}, keystore.ErrShareDuplicate},
		{"right ones and one twice", []keystore.Share{shares[0], shares[1], shares[1]}, keystore.ErrShareDuplicate},
		{"of another store", other[:2], keystore.ErrShareForeign},
		{"one of another store", []keystore.Share{shares[0], other[1]}, keystore.ErrShareForeign},
		{"right ones and a foreign one", []keystore.Share{shares[0], shares[1], other[2]}, keystore.ErrShareForeign},
		{"that were replaced", earlier[:2], keystore.ErrShareForeign},
		{"one that was replaced", []keystore.Share{shares[0], earlier[1]}, keystore.ErrShareForeign},
	} {
		if _, err := keystore.Open(dir, keystore.Unlock{Shares: c.given}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for name, given := range map[string][]keystore.Share{
		"not all":       shares[:2],
		"wrong order":   {shares[0], shares[2], shares[1]},
		"one twice":     {shares[0], shares[0], shares[1]},
		"of two sets":   {shares[0], earlier[1], shares[2]},
		"another store": other,
	} {
		if err := s.Rewrap(keystore.Unlock{Shares: given}); err == nil {
			t.Errorf("%s: the store is locked with them", name)
		}
	}
	if _, err := keystore.Open(dir, keystore.Unlock{Shares: shares[1:]}); err != nil {
		t.Errorf("the right shares: %v", err)
	}
	for _, bad := range [][2]int{{1, 2}, {0, 3}, {3, 2}, {2, keystore.MaxShares + 1}, {-1, 2}} {
		if _, err := keystore.NewShares(id, bad[0], bad[1]); err == nil {
			t.Errorf("%d of %d shares are made", bad[0], bad[1])
		}
	}
}

func TestShareFiles(t *testing.T) {
	t.Parallel()
	share := newShares(t, newID(t), 2, 3)[2]
	text, err := share.PEM()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "share")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := keystore.ReadShare(path)
	if err != nil || got != share {
		t.Errorf("ReadShare = %v, %v, want %v", got, err, share)
	}
	if got.Index() != 3 || got.Threshold() != 2 || got.Total() != 3 {
		t.Errorf("share %d, %d of %d", got.Index(), got.Threshold(), got.Total())
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.ReadShare(path); !errors.Is(err, keystore.ErrMode) {
		t.Errorf("a share that others may read: %v, want ErrMode", err)
	}
	for i := range text {
		wrong := bytes.Clone(text)
		wrong[i] ^= 1
		if _, err := keystore.ParseShare(wrong); !errors.Is(err, keystore.ErrShareDamaged) {
			t.Errorf("byte %d changed: %v, want ErrShareDamaged", i, err)
		}
	}
	for name, wrong := range map[string]string{
		"empty":             "",
		"cut off":           string(text[:len(text)-1]),
		"something before":  "\n" + string(text),
		"something behind":  string(text) + "\n",
		"twice":             string(text) + string(text),
		"another type":      strings.ReplaceAll(string(text), "KEY SHARE", "PRIVATE KEY"),
		"headers":           strings.Replace(string(text), "-----\n", "-----\nA: b\n\n", 1),
		"Windows line ends": strings.ReplaceAll(string(text), "\n", "\r\n"),
	} {
		if _, err := keystore.ParseShare([]byte(wrong)); !errors.Is(err, keystore.ErrShareDamaged) {
			t.Errorf("%s: %v, want ErrShareDamaged", name, err)
		}
	}
}

// TestNothingIsPrinted: secrets do not land in a message by mistake.
func TestNothingIsPrinted(t *testing.T) {
	t.Parallel()
	s, _, _ := newStore(t)
	secret, err := s.GenerateSecret(keystore.PurposeRegister, "s")
	if err != nil {
		t.Fatal(err)
	}
	share := newShares(t, s.ID(), 2, 2)[0]
	u := keystore.Unlock{Passphrase: []byte("hunter2")}
	for _, v := range []any{s, secret, share, u, &u, &share} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(verb, v); len(got) > 120 || strings.ContainsAny(got, "[{&") || strings.Contains(got, "hunter2") {
				t.Errorf("%T prints with %s as %s", v, verb, got)
			}
		}
	}
}
