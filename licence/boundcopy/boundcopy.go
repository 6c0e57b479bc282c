// Package boundcopy is the signed statement inside a purpose-bound copy of a licence
// (加注件): for whom the copy was made, for what, and until when it may be used.
//
// A [Copy] is deterministic CBOR in a COSE_Sign1 by the service
// ([pki.ObjectCopy]). It names the licence by its identifier and the SM3 of its signed
// form, so that it belongs to one version of one licence. docs/copies.md has its CDDL and
// says how the statement and the licence travel in a PDF.
//
// What this package refuses: a recipient or purpose that is not one clean line of 1 to
// [MaxText] characters, anything but the one encoding, and a signature by another key. It
// does not say whether the copy may still be used: that is for who holds the clock.
package boundcopy

import (
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// AttachmentName and AttachmentType are the statement's name and media type inside a
// PDF. A PDF that has it beside a licence is a copy and never the licence itself.
const (
	AttachmentName = "copy.cose"
	AttachmentType = "application/cose"
)

// Limits of a statement.
const (
	MaxText = 60      // characters of the recipient and of the purpose
	MaxSize = 2 << 10 // bytes of the signed form
)

// Errors that callers decide on.
var (
	// ErrBadText: the recipient or the purpose cannot stand on a copy.
	ErrBadText = bilingual.New("须为一行，1 至 60 字", "must be one line of 1 to 60 characters")
	// ErrMalformed: not a statement in its one form.
	ErrMalformed = errors.New("not the statement of a copy")
	// ErrNotSigned: the statement does not verify under the key.
	ErrNotSigned = errors.New("the statement of the copy is not signed by this key")
)

// Copy says what a copy is for.
type Copy struct {
	Number    string // of the copy, see [NewNumber]
	Licence   licence.Identifier
	Form      [sm3.Size]byte // SM3 of the licence's signed form
	Recipient string         // for whom
	Purpose   string         // for what
	Until     civil.Day      // the last day on which it may be used
	SignedAt  time.Time      // UTC, whole seconds
}

// payload is the CBOR map that is signed. Keys are never reused.
type payload struct {
	Number    string         `cbor:"0,keyasint"`
	Licence   string         `cbor:"1,keyasint"`
	Form      [sm3.Size]byte `cbor:"2,keyasint"`
	Recipient string         `cbor:"3,keyasint"`
	Purpose   string         `cbor:"4,keyasint"`
	Until     int64          `cbor:"5,keyasint"`
	SignedAt  int64          `cbor:"6,keyasint"`
}

const (
	numberBytes = 10
	numberSize  = 16
)

// NewNumber draws the number of a copy: 80 bits in 16 characters of base 32 (RFC 4648).
func NewNumber(random io.Reader) (string, error) {
	b := make([]byte, numberBytes)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("drawing the number of a copy: %w", err)
	}
	return base32.StdEncoding.EncodeToString(b), nil
}

// CheckText says whether a text can stand on a copy as its recipient or purpose.
func CheckText(text string) error {
	if n := utf8.RuneCountInString(text); n < 1 || n > MaxText {
		return ErrBadText
	}
	if err := cleantext.Check(text); err != nil {
		return fmt.Errorf("%w: %w", ErrBadText, err)
	}
	return nil
}

func (c *Copy) check() error {
	if b, err := base32.StdEncoding.DecodeString(c.Number); err != nil || len(c.Number) != numberSize || len(b) != numberBytes {
		return errors.New("its number is not 16 characters of base 32")
	}
	if err := CheckText(c.Recipient); err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	if err := CheckText(c.Purpose); err != nil {
		return fmt.Errorf("purpose: %w", err)
	}
	if !c.Until.Valid() || c.SignedAt.Unix() < 0 || c.Until.End().Before(c.SignedAt) {
		return errors.New("it ends before it was signed")
	}
	return nil
}

// Sign returns the signed form.
func (c *Copy) Sign(key *pki.Key) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("signing a copy: %w", err)
	}
	b, err := detcbor.Marshal(payload{
		Number: c.Number, Licence: c.Licence.String(), Form: c.Form, Recipient: c.Recipient, Purpose: c.Purpose,
		Until: int64(c.Until), SignedAt: c.SignedAt.Unix(),
	})
	if err != nil {
		return nil, err
	}
	signed, err := cose.Sign(pki.ObjectCopy, key, b)
	if err != nil {
		return nil, fmt.Errorf("signing a copy: %w", err)
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

// Open verifies a signed form under a key and returns what it says. A refused signature
// is put to the second opinion, which may be nil. The error wraps [ErrMalformed],
// [ErrNotSigned], [pki.ErrDisagree] or [pki.ErrBusy].
func Open(signed []byte, key *pki.PublicKey, second pki.SecondOpinion) (*Copy, error) {
	m, err := parse(signed)
	if err != nil {
		return nil, err
	}
	if err := pki.Judge(key, m.ToBeSigned(pki.ObjectCopy), m.Signature, second).Err(ErrNotSigned); err != nil {
		return nil, err
	}
	var p payload
	if err := detcbor.Unmarshal(m.Payload, &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	id, err := licence.ParseIdentifier(p.Licence)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	c := &Copy{
		Number: p.Number, Licence: id, Form: p.Form, Recipient: p.Recipient, Purpose: p.Purpose,
		Until: civil.Day(p.Until), SignedAt: time.Unix(p.SignedAt, 0).UTC(),
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	return c, nil
}
