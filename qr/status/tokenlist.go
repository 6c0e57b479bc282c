package status

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/detcbor"
)

// Types of the tokens that carry a [TokenList]: the header typ of a JWT, the
// protected header 16 of a CWT (draft-ietf-oauth-status-list-20, 5.1 and 5.2).
const (
	TokenTypeJWT = "statuslist+jwt"
	TokenTypeCWT = "application/statuslist+cwt"
)

// Values of a status in a token list (7.1).
const (
	tokenValid     = 0
	tokenInvalid   = 1
	tokenSuspended = 2
)

const tokenBits = 2 // bits per status; four statuses are a byte

// TokenList is a status list in the form of the IETF Token Status List, for third
// parties that read no other. It is the claims of a token, which a [TokenKey] signs: no
// algorithm number is registered for SM2 in JOSE or COSE.
type TokenList struct {
	Subject  string        // https address of the token, as credentials name it
	IssuedAt time.Time     // whole seconds
	Expires  time.Time     // zero: not stated
	TTL      time.Duration // how long it may be kept, whole seconds; 0: not stated
	list     []byte        // lst: two bits per index, compressed
}

// ErrTokenList says that a token list cannot be stated.
var ErrTokenList = errors.New("not the claims of a token status list")

// TokenList returns the set as a token list under an https address. An index that is revoked
// is INVALID whether or not it is suspended too, one that is only suspended is
// SUSPENDED. The list ends at the high mark, so that an index that was never given
// out is out of bounds and must be rejected; what fills up its last byte is INVALID.
func (s *Set) TokenList(subject string, issuedAt time.Time) (*TokenList, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if address, ok := strings.CutPrefix(subject, "https://"); !ok || address == "" || cleantext.Check(subject) != nil {
		return nil, fmt.Errorf("subject is not an https address: %w", ErrTokenList)
	}
	const perByte = 8 / tokenBits
	statuses := make([]byte, (s.High+perByte-1)/perByte)
	for i := range uint32(len(statuses) * perByte) {
		value := byte(tokenValid)
		switch {
		case i >= s.High, s.Revoked.Has(i):
			value = tokenInvalid
		case s.Suspended.Has(i):
			value = tokenSuspended
		}
		statuses[i/perByte] |= value << (i % perByte * tokenBits)
	}
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compressing a token list: %w", err)
	}
	if _, err := w.Write(statuses); err != nil {
		return nil, fmt.Errorf("compressing a token list: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing a token list: %w", err)
	}
	return &TokenList{Subject: subject, IssuedAt: issuedAt, list: packed.Bytes()}, nil
}

func (t *TokenList) check() error {
	switch {
	case t.IssuedAt.Unix() < 0:
		return fmt.Errorf("issued before 1970: %w", ErrTokenList)
	case !t.Expires.IsZero() && !t.Expires.After(t.IssuedAt):
		return fmt.Errorf("it expires before it is issued: %w", ErrTokenList)
	case t.TTL < 0 || t.TTL != 0 && t.TTL < time.Second:
		return fmt.Errorf("the time to live is not a positive number of seconds: %w", ErrTokenList)
	}
	return nil
}

// JWTClaims returns the JSON claims set of a Status List Token in JWT format
// (5.1), whose header has typ [TokenTypeJWT].
func (t *TokenList) JWTClaims() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	type statusList struct {
		Bits int    `json:"bits"`
		List string `json:"lst"`
	}
	claims := struct {
		Expires  int64      `json:"exp,omitempty"`
		IssuedAt int64      `json:"iat"`
		List     statusList `json:"status_list"`
		Subject  string     `json:"sub"`
		TTL      int64      `json:"ttl,omitempty"`
	}{t.expires(), t.IssuedAt.Unix(), statusList{tokenBits, base64.RawURLEncoding.EncodeToString(t.list)}, t.Subject, t.ttl()}
	b, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("encoding a token list: %w", err)
	}
	return b, nil
}

// CWTClaims returns the CBOR claims set of a Status List Token in CWT format
// (5.2), deterministic, whose protected header 16 is [TokenTypeCWT].
func (t *TokenList) CWTClaims() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	type statusList struct {
		Bits int    `cbor:"bits"`
		List []byte `cbor:"lst"`
	}
	return detcbor.Marshal(struct {
		Subject  string     `cbor:"2,keyasint"`
		Expires  int64      `cbor:"4,keyasint,omitempty"`
		IssuedAt int64      `cbor:"6,keyasint"`
		List     statusList `cbor:"65533,keyasint"`
		TTL      int64      `cbor:"65534,keyasint,omitempty"`
	}{t.Subject, t.expires(), t.IssuedAt.Unix(), statusList{tokenBits, t.list}, t.ttl()})
}

func (t *TokenList) expires() int64 {
	if t.Expires.IsZero() {
		return 0
	}
	return t.Expires.Unix()
}

func (t *TokenList) ttl() int64 { return int64(t.TTL / time.Second) }
