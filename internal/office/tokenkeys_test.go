package office_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
)

// thirdParty reads exported status list tokens as one who knows nothing of us.
type thirdParty struct {
	ids   []string // of the keys in the set
	keys  map[string]*ecdsa.PublicKey
	token string
	kid   string // of the token
	ends  time.Time
}

func readTokens(t *testing.T, f *officetest.Fixture) thirdParty {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tokens")
	if err := f.Office.ExportTokenStatus(ctx, "test", durable.Disk{}, dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "jwks.json"))
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []struct{ Kid, X, Y string } }
	if err := json.Unmarshal(b, &set); err != nil {
		t.Fatal(err)
	}
	p := thirdParty{keys: make(map[string]*ecdsa.PublicKey)}
	for _, k := range set.Keys {
		x, xErr := base64.RawURLEncoding.DecodeString(k.X)
		y, yErr := base64.RawURLEncoding.DecodeString(k.Y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
		if err = errors.Join(xErr, yErr, err); err != nil {
			t.Fatal(err)
		}
		p.ids, p.keys[k.Kid] = append(p.ids, k.Kid), key
	}
	if b, err = os.ReadFile(filepath.Join(dir, "1.jwt")); err != nil {
		t.Fatal(err)
	}
	p.token = string(b)
	var header struct{ Kid string }
	var claims struct{ Exp int64 }
	parts := strings.Split(p.token, ".")
	for i, into := range []any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p.kid, p.ends = header.Kid, time.Unix(claims.Exp, 0)
	if !p.verifies(t, p) {
		t.Errorf("the token of %s does not verify with the set beside it, %v", p.kid, p.ids)
	}
	return p
}

// verifies reports whether a token, which may be an earlier one, verifies with this set.
func (p thirdParty) verifies(t *testing.T, earlier thirdParty) bool {
	t.Helper()
	key := p.keys[earlier.kid]
	if key == nil {
		return false
	}
	at := strings.LastIndex(earlier.token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(earlier.token[at+1:])
	if err != nil || len(signature) != 64 {
		t.Fatalf("a signature of %d bytes, %v", len(signature), err)
	}
	digest := sha256.Sum256([]byte(earlier.token[:at]))
	return ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

// TestRotateTokenKey: a new key is announced before it signs, the old one stays in the set
// until its last token has ended, and its secret is destroyed by the rotation after that.
func TestRotateTokenKey(t *testing.T) {
	t.Parallel()
	const name = "token-status-es256"
	c := &clock{time.Now().UTC().Truncate(time.Second)}
	f := officetest.At(t, c.now)
	f.Issue(t, "066")
	generations := func() []office.KeyGeneration {
		t.Helper()
		all, err := f.Office.KeyGenerations(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(all, func(g office.KeyGeneration) bool { return !strings.HasPrefix(g.Name, name) })
	}
	secrets := func() []string {
		t.Helper()
		a, err := keystore.Assess(filepath.Join(f.Dir, "keys"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, k := range a.Keys {
			if strings.HasPrefix(k.Name, name) {
				names = append(names, k.Name)
			}
		}
		slices.Sort(names)
		return names
	}
	if all := generations(); len(all) > 0 {
		t.Errorf("before any was made there are %+v", all)
	}
	first := readTokens(t, f)
	if len(first.ids) != 1 || first.ends.Before(c.at) {
		t.Fatalf("keys %v, the token ends %s", first.ids, first.ends)
	}
	if err := f.Office.RotateKey(ctx, "officer", name, 24*time.Hour, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Office.RotateKey(ctx, "officer", name, 0, nil); !errors.Is(err, office.ErrOutOfRange) {
		t.Errorf("a second one while a key is announced: %v, want ErrOutOfRange", err)
	}
	announced := readTokens(t, f)
	if len(announced.ids) != 2 || announced.kid != first.kid {
		t.Errorf("while it is announced: keys %v, signed by %s, want %s", announced.ids, announced.kid, first.kid)
	}
	c.at = c.at.Add(24 * time.Hour)
	f.Reopen(t)
	second := readTokens(t, f)
	if len(second.ids) != 2 || second.kid == first.kid || !slices.Contains(announced.ids, second.kid) {
		t.Errorf("in use: keys %v, signed by %s, which was announced in %v", second.ids, second.kid, announced.ids)
	}
	if !second.verifies(t, announced) {
		t.Error("a token of the old key, which has not ended, does not verify any more")
	}
	c.at = c.at.Add(72*time.Hour - time.Second)
	if last := readTokens(t, f); len(last.ids) != 2 {
		t.Errorf("a second before its last token can end the old key is gone: %v", last.ids)
	}
	c.at = c.at.Add(time.Second)
	if after := readTokens(t, f); len(after.ids) != 1 || after.kid != second.kid || after.verifies(t, first) {
		t.Errorf("after that: keys %v, want %s alone", after.ids, second.kid)
	}
	if got := secrets(); len(got) != 2 {
		t.Errorf("secrets %v", got)
	}
	if err := f.Office.RotateKey(ctx, "officer", name, 0, nil); err != nil {
		t.Fatal(err)
	}
	third := readTokens(t, f)
	if len(third.ids) != 2 || third.kid == second.kid || third.kid == first.kid || !third.verifies(t, second) {
		t.Errorf("the third: keys %v, signed by %s", third.ids, third.kid)
	}
	if got := secrets(); !slices.Equal(got, []string{name + ".2", name + ".3"}) {
		t.Errorf("secrets %v: the first one's tokens have all ended", got)
	}
	f.Reopen(t)
	if again := readTokens(t, f); again.kid != third.kid || !slices.Equal(again.ids, third.ids) {
		t.Errorf("opened again: keys %v, signed by %s, want %v", again.ids, again.kid, third.ids)
	}
	var uses []bool
	for _, g := range generations() {
		uses = append(uses, g.InUse)
	}
	if !slices.Equal(uses, []bool{false, false, true}) {
		t.Errorf("in use: %v", uses)
	}
	rotations := 0
	err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
		if e.Act == audit.ActKeyRotate && strings.HasPrefix(e.Subject, name) {
			rotations++
		}
		return nil
	})
	if err != nil || rotations != 2 {
		t.Errorf("the log has %d rotations, %v, want 2", rotations, err)
	}
}
