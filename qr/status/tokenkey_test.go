package status_test

import (
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/golang-jwt/jwt/v5"
	cosealg "github.com/veraison/go-cose"

	"github.com/elicence/elicence/qr/status"
)

// newToken returns a key and a list to sign.
func newToken(tb testing.TB) (*status.TokenKey, *ecdsa.PublicKey, *status.TokenList) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	key, err := status.NewTokenKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	set := &status.Set{List: 1, High: 4096}
	set.Revoked.Set(7)
	set.Suspended.Set(9)
	list, err := set.TokenList("https://localhost/token-status/1", time.Unix(1_714_550_400, 0))
	if err != nil {
		tb.Fatal(err)
	}
	list.Expires, list.TTL = list.IssuedAt.Add(24*time.Hour), 15*time.Minute
	return key, &private.PublicKey, list
}

// statuses reads a list as a relying party does.
func statuses(tb testing.TB, lst []byte, indices ...int) []byte {
	tb.Helper()
	r, err := zlib.NewReader(bytes.NewReader(lst))
	if err != nil {
		tb.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	var found []byte
	for _, i := range indices {
		found = append(found, content[i/4]>>(i%4*2)&3)
	}
	return found
}

// TestTokenJWT: a JWT library that knows nothing of us verifies the token with the key of
// the JWK Set, and refuses a changed one.
func TestTokenJWT(t *testing.T) {
	t.Parallel()
	key, public, list := newToken(t)
	token, err := key.JWT(rand.Reader, list)
	if err != nil {
		t.Fatal(err)
	}
	set, err := status.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	var published struct {
		Keys []struct{ Crv, Kty, X, Y, Alg, Kid, Use string }
	}
	if err := json.Unmarshal(set, &published); err != nil || len(published.Keys) != 1 {
		t.Fatalf("JWK Set %s: %v", set, err)
	}
	jwk := published.Keys[0]
	if jwk.Crv != "P-256" || jwk.Kty != "EC" || jwk.Alg != "ES256" || jwk.Use != "sig" || jwk.Kid != key.ID() {
		t.Errorf("JWK %+v", jwk)
	}
	x, xErr := base64.RawURLEncoding.DecodeString(jwk.X)
	y, yErr := base64.RawURLEncoding.DecodeString(jwk.Y)
	read, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err = errors.Join(xErr, yErr, err); err != nil || !read.Equal(public) {
		t.Fatalf("the JWK is another key: %v", err)
	}
	at := jwt.WithTimeFunc(func() time.Time { return list.IssuedAt.Add(time.Minute) })
	parse := func(text string, options ...jwt.ParserOption) (*jwt.Token, error) {
		return jwt.Parse(text, func(t *jwt.Token) (any, error) {
			if t.Header["kid"] != jwk.Kid || t.Header["typ"] != "statuslist+jwt" {
				return nil, errors.New("another key or type")
			}
			return read, nil
		}, append(options, jwt.WithValidMethods([]string{"ES256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding())...)
	}
	parsed, err := parse(string(token), at)
	if err != nil {
		t.Fatal(err)
	}
	claims := parsed.Claims.(jwt.MapClaims)
	if claims["sub"] != list.Subject || claims["ttl"] != 900.0 {
		t.Errorf("claims %v", claims)
	}
	in := claims["status_list"].(map[string]any)
	lst, err := base64.RawURLEncoding.DecodeString(in["lst"].(string))
	if err != nil || in["bits"] != 2.0 {
		t.Fatalf("status list %v: %v", in, err)
	}
	if got := statuses(t, lst, 6, 7, 8, 9); !bytes.Equal(got, []byte{0, 1, 0, 2}) {
		t.Errorf("statuses 6 to 9 are %v", got)
	}
	if _, err := parse(string(token), jwt.WithTimeFunc(func() time.Time { return list.Expires.Add(time.Second) })); !errors.Is(err, jwt.ErrTokenExpired) {
		t.Errorf("after its end: %v", err)
	}
	list.Subject = "https://localhost/token-status/2"
	another, err := key.JWT(rand.Reader, list)
	if err != nil {
		t.Fatal(err)
	}
	swapped := append(another[:bytes.LastIndexByte(another, '.')], token[bytes.LastIndexByte(token, '.'):]...)
	if _, err := parse(string(swapped), at); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		t.Errorf("the signature of another token: %v", err)
	}
}

// TestTokenCWT: the COSE library verifies the token, with every header protected.
func TestTokenCWT(t *testing.T) {
	t.Parallel()
	key, public, list := newToken(t)
	token, err := key.CWT(rand.Reader, list)
	if err != nil {
		t.Fatal(err)
	}
	var m cosealg.Sign1Message
	if err := m.UnmarshalCBOR(token); err != nil {
		t.Fatal(err)
	}
	verifier, err := cosealg.NewVerifier(cosealg.AlgorithmES256, public)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(nil, verifier); err != nil {
		t.Fatal(err)
	}
	if typ := m.Headers.Protected[int64(16)]; typ != "application/statuslist+cwt" || string(m.Headers.Protected[cosealg.HeaderLabelKeyID].([]byte)) != key.ID() || len(m.Headers.Unprotected) != 0 {
		t.Errorf("headers %v, %v", m.Headers.Protected, m.Headers.Unprotected)
	}
	var claims map[int]any
	if err := cbor.Unmarshal(m.Payload, &claims); err != nil {
		t.Fatal(err)
	}
	if got := statuses(t, claims[65533].(map[any]any)["lst"].([]byte), 6, 7, 8, 9); !bytes.Equal(got, []byte{0, 1, 0, 2}) {
		t.Errorf("statuses 6 to 9 are %v", got)
	}
	m.Payload[len(m.Payload)-1] ^= 1
	if err := m.Verify(nil, verifier); err == nil {
		t.Error("a changed token is accepted")
	}
}

func TestTokenKeyRefuses(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []*ecdsa.PrivateKey{nil, other} {
		if _, err := status.NewTokenKey(key); !errors.Is(err, status.ErrTokenKey) {
			t.Errorf("%v, want ErrTokenKey", err)
		}
	}
	key, _, list := newToken(t)
	list.Expires = list.IssuedAt
	if _, err := key.JWT(rand.Reader, list); !errors.Is(err, status.ErrTokenList) {
		t.Errorf("JWT of an expired list: %v", err)
	}
	if _, err := key.CWT(rand.Reader, list); !errors.Is(err, status.ErrTokenList) {
		t.Errorf("CWT of an expired list: %v", err)
	}
}
