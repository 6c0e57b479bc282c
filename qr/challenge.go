package qr

import (
	"fmt"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/detcbor"
)

// NonceSize is the length in bytes of a hall's nonce.
const NonceSize = 16

// MaxHall bounds a hall's name in bytes: 10 Chinese characters. Every byte of it is one
// less for what a credential on a phone can say.
const MaxHall = 30

// Challenge is what a hall shows for a phone to sign, so that the phone's answer is
// good for this hall and this once. The phone shows its holder the hall's name.
type Challenge struct {
	Nonce [NonceSize]byte
	Hall  string
}

// kindChallenge stands where a code has its kind, so that neither is taken for the
// other.
const kindChallenge Kind = 9

type challengeItem struct {
	_     struct{} `cbor:",toarray"`
	Nonce []byte
	Hall  string
}

func (c *Challenge) check() error {
	if c.Hall == "" || len(c.Hall) > MaxHall {
		return fmt.Errorf("challenge: the hall's name is missing or longer than %d bytes: %w", MaxHall, ErrMalformed)
	}
	if err := cleantext.Check(c.Hall); err != nil {
		return fmt.Errorf("challenge: the hall's name: %w: %w", ErrMalformed, err)
	}
	return nil
}

// Text returns the digits of the hall's code, at most 125: QR version 5 at level M.
func (c *Challenge) Text() (string, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	b, err := detcbor.Marshal(challengeItem{Nonce: c.Nonce[:], Hall: c.Hall})
	if err != nil {
		return "", err
	}
	return encode(kindChallenge, b)
}

// ParseChallenge reads the digits of a hall's code; [Scanned] makes them of what a
// camera delivers. The error wraps [ErrMalformed].
func ParseChallenge(digits string) (*Challenge, error) {
	_, b, err := decode(digits, kindChallenge, kindChallenge)
	if err != nil {
		return nil, err
	}
	r := reader{b: b}
	if r.head(majorArray) != 2 {
		r.fail("not two items")
	}
	nonce, hall := r.octets(), r.text()
	if len(nonce) != NonceSize {
		r.fail("the nonce is not 16 bytes")
	}
	if err := r.err("challenge"); err != nil {
		return nil, err
	}
	c := &Challenge{Nonce: [NonceSize]byte(nonce), Hall: hall}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}
