package answer

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Sizes in bytes.
const (
	MaxSize = 1 << 10 // of the signed form, at most
	// NonceSize is that of a nonce. There is one: HMAC takes a key and the same key with
	// zeros behind it for one key.
	NonceSize = 32
)

// Errors that callers decide on.
var (
	// ErrMalformed: not an answer in its one form.
	ErrMalformed = errors.New("not a signed answer")
	// ErrNotSigned: the answer does not verify under the key.
	ErrNotSigned = errors.New("the answer is not signed by this key")
	// ErrNonce: a nonce has 32 bytes.
	ErrNonce = errors.New("not a nonce of 32 bytes")
)

// Commitment hides about whom an answer is.
type Commitment [sm3.Size]byte

// Subject is about whom a question is asked: a holder by the kind of the document and its
// number, or a licence.
type Subject struct{ kind, number string }

// OfHolder is a holder by a document.
func OfHolder(t licence.IDType, number string) Subject { return Subject{string(t), number} }

// OfLicence is one licence.
func OfLicence(id licence.Identifier) Subject { return Subject{"licence", id.String()} }

// Commit returns HMAC-SM3(nonce, "elicence/answer/1" ‖ 0 ‖ kind ‖ 0 ‖ number).
func (s Subject) Commit(nonce []byte) (Commitment, error) {
	if len(nonce) != NonceSize {
		return Commitment{}, ErrNonce
	}
	mac := hmac.New(sm3.New, nonce)
	mac.Write([]byte(string(pki.ObjectAnswer) + "\x00" + s.kind + "\x00" + s.number))
	return Commitment(mac.Sum(nil)), nil
}

// Answer is what is signed.
type Answer struct {
	Question Question
	Day      civil.Day // that the question is about
	Subject  Commitment
	Result   Result
	AsOf     time.Time // of the register, UTC, whole seconds
}

// payload is the CBOR map that is signed. Keys are never reused.
type payload struct {
	Question string     `cbor:"0,keyasint"`
	Day      int64      `cbor:"1,keyasint"`
	Subject  Commitment `cbor:"2,keyasint"`
	Result   uint64     `cbor:"3,keyasint"`
	AsOf     int64      `cbor:"4,keyasint"`
}

// Sign returns the signed form.
func (a *Answer) Sign(key *pki.Key) ([]byte, error) {
	b, err := detcbor.Marshal(payload{
		Question: a.Question.String(), Day: int64(a.Day), Subject: a.Subject, Result: uint64(a.Result), AsOf: a.AsOf.Unix(),
	})
	if err != nil {
		return nil, err
	}
	if _, err := decode(b); err != nil {
		return nil, fmt.Errorf("signing an answer: %w", err)
	}
	signed, err := cose.Sign(pki.ObjectAnswer, key, b)
	if err != nil {
		return nil, fmt.Errorf("signing an answer: %w", err)
	}
	return signed, nil
}

// KeyHint returns the key hint of a signed form.
func KeyHint(signed []byte) (pki.KID, error) {
	m, err := parse(signed)
	if err != nil {
		return pki.KID{}, err
	}
	return m.KID, nil
}

func parse(signed []byte) (*cose.Sign1, error) {
	return cose.ParseBounded(signed, MaxSize, ErrMalformed)
}

// Looks reports whether a file has the form of an answer, whoever signed it.
func Looks(signed []byte) bool {
	m, err := parse(signed)
	if err != nil {
		return false
	}
	_, err = decode(m.Payload)
	return err == nil
}

// Open verifies a signed form under a key and returns what it says. A refused signature
// is put to the second opinion, which may be nil. The error wraps [ErrMalformed],
// [ErrNotSigned], [pki.ErrDisagree] or [pki.ErrBusy].
func Open(signed []byte, key *pki.PublicKey, second pki.SecondOpinion) (*Answer, error) {
	m, err := parse(signed)
	if err != nil {
		return nil, err
	}
	if err := pki.Judge(key, m.ToBeSigned(pki.ObjectAnswer), m.Signature, second).Err(ErrNotSigned); err != nil {
		return nil, err
	}
	return decode(m.Payload)
}

func decode(b []byte) (*Answer, error) {
	var p payload
	if err := detcbor.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	q, err := ParseQuestion(p.Question)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	a := &Answer{Question: q, Day: civil.Day(p.Day), Subject: p.Subject, Result: Result(p.Result), AsOf: time.Unix(p.AsOf, 0).UTC()} //nolint:gosec // checked below
	if p.Result > uint64(CannotSay) || !a.Day.Valid() || p.AsOf < 0 {
		return nil, fmt.Errorf("result, day or time: %w", ErrMalformed)
	}
	return a, nil
}
