package status

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/fxamacker/cbor/v2"

	"github.com/elicence/elicence/internal/detcbor"
)

// TokenKey signs Status List Tokens with ES256 (RFC 7518, 3.4; RFC 9053, 2.1), the one
// algorithm that every reader of them has. It signs nothing else.
type TokenKey struct {
	key *ecdsa.PrivateKey
	jwk publicJWK
	id  string
}

// publicJWK has its members in the order of RFC 7638, 3.3.
type publicJWK struct {
	Curve string `json:"crv"`
	Type  string `json:"kty"`
	X     string `json:"x"`
	Y     string `json:"y"`
}

// ErrTokenKey says that a key is not one for tokens.
var ErrTokenKey = errors.New("not a key on P-256")

// NewTokenKey takes a key on P-256. Its id is the key's SHA-256 thumbprint (RFC 7638).
func NewTokenKey(key *ecdsa.PrivateKey) (*TokenKey, error) {
	if key == nil || key.Curve != elliptic.P256() {
		return nil, ErrTokenKey
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTokenKey, err)
	}
	text := base64.RawURLEncoding.EncodeToString
	k := &TokenKey{key: key, jwk: publicJWK{Curve: "P-256", Type: "EC", X: text(point[1:33]), Y: text(point[33:])}}
	required, err := json.Marshal(k.jwk)
	if err != nil {
		return nil, fmt.Errorf("encoding a JWK: %w", err)
	}
	sum := sha256.Sum256(required)
	k.id = text(sum[:])
	return k, nil
}

// ID names the key: the kid of what it signs.
func (k *TokenKey) ID() string { return k.id }

// JWKS returns public keys as a JWK Set (RFC 7517, 5).
func JWKS(keys ...*TokenKey) ([]byte, error) {
	type key struct {
		publicJWK
		Algorithm string `json:"alg"`
		ID        string `json:"kid"`
		Use       string `json:"use"`
	}
	set := struct {
		Keys []key `json:"keys"`
	}{make([]key, 0, len(keys))}
	for _, k := range keys {
		set.Keys = append(set.Keys, key{k.jwk, "ES256", k.id, "sig"})
	}
	b, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("encoding a JWK Set: %w", err)
	}
	return append(b, '\n'), nil
}

// JWT returns the list as a Status List Token in JWT format (5.1): JWS compact
// serialization.
func (k *TokenKey) JWT(random io.Reader, l *TokenList) ([]byte, error) {
	claims, err := l.JWTClaims()
	if err != nil {
		return nil, err
	}
	header, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		ID        string `json:"kid"`
		Type      string `json:"typ"`
	}{"ES256", k.id, TokenTypeJWT})
	if err != nil {
		return nil, fmt.Errorf("encoding a JWS header: %w", err)
	}
	token := base64.RawURLEncoding.AppendEncode(nil, header)
	token = append(token, '.')
	token = base64.RawURLEncoding.AppendEncode(token, claims)
	signature, err := k.sign(random, token)
	if err != nil {
		return nil, err
	}
	return base64.RawURLEncoding.AppendEncode(append(token, '.'), signature), nil
}

// Numbers of COSE: the tag of COSE_Sign1, header parameters (RFC 9052, 3.1; RFC 9596, 2), and
// the algorithm.
const (
	tagSign1  = 18
	algES256  = -7
	headerAlg = 1
	headerKID = 4
	headerTyp = 16
)

// CWT returns the list as a Status List Token in CWT format (5.2): a tagged COSE_Sign1 with
// all headers protected.
func (k *TokenKey) CWT(random io.Reader, l *TokenList) ([]byte, error) {
	claims, err := l.CWTClaims()
	if err != nil {
		return nil, err
	}
	protected, err := detcbor.Marshal(map[int]any{headerAlg: algES256, headerKID: []byte(k.id), headerTyp: TokenTypeCWT})
	if err != nil {
		return nil, err
	}
	toBeSigned, err := detcbor.Marshal([]any{"Signature1", protected, []byte{}, claims})
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(random, toBeSigned)
	if err != nil {
		return nil, err
	}
	return detcbor.Marshal(cbor.Tag{Number: tagSign1, Content: []any{protected, map[int]any{}, claims, signature}})
}

// sign returns r ‖ s, and has verified it: a list that nobody can verify helps nobody.
func (k *TokenKey) sign(random io.Reader, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	r, s, err := ecdsa.Sign(random, k.key, digest[:])
	if err != nil {
		return nil, fmt.Errorf("signing a status list token: %w", err)
	}
	if !ecdsa.Verify(&k.key.PublicKey, digest[:], r, s) {
		return nil, errors.New("signing a status list token: the signature just made does not verify")
	}
	return append(fixed(r), fixed(s)...), nil
}

// fixed writes a number below the order of P-256 in 32 bytes.
func fixed(n *big.Int) []byte { return n.FillBytes(make([]byte, 32)) }
