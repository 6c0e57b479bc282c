package qr

import (
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Document is what a document code says: which file a paper print was made from.
type Document struct {
	Expires  time.Time // of the signature
	SignedAt time.Time
	Number   string         // the document's number
	Length   uint64         // bytes of the PDF before the increment that prints this code
	SM3      [sm3.Size]byte // of these bytes
	Seals    []string       // codes of the seals that the increment applies
}

type documentItem struct {
	_      struct{} `cbor:",toarray"`
	Number string
	Length uint64
	SM3    [sm3.Size]byte
	Seals  []string
}

// maxSeals bounds the seals that a document code names.
const maxSeals = 8

func (d *Document) check() error {
	bad := func(what string) error { return fmt.Errorf("document code: %s: %w", what, ErrMalformed) }
	switch {
	case !d.Expires.After(d.SignedAt):
		return bad("it ends before it was signed")
	case d.Number == "" || len(d.Number) > 200:
		return bad("number is missing or too long")
	case d.Length == 0:
		return bad("the document has no bytes")
	case d.Seals == nil || len(d.Seals) > maxSeals:
		return bad("not a list of at most eight seals")
	}
	for _, t := range append([]string{d.Number}, d.Seals...) {
		if err := cleantext.Check(t); err != nil {
			return fmt.Errorf("document code: %w: %w", ErrMalformed, err)
		}
	}
	return nil
}

// Sign returns the bytes of a document code: a COSE_Sign1 by the service's key.
func (d *Document) Sign(key *pki.Key) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	payload, err := detcbor.Marshal(claims{
		Expires: d.Expires.Unix(), SignedAt: d.SignedAt.Unix(),
		Document: &documentItem{Number: d.Number, Length: d.Length, SM3: d.SM3, Seals: d.Seals},
	})
	if err != nil {
		return nil, err
	}
	return cose.Sign(pki.ObjectCodeDocument, key, payload)
}

// ParseDocument reads the payload of a code of kind 4 whose signature was
// verified. The error wraps [ErrMalformed].
func ParseDocument(payload []byte) (*Document, error) {
	var c claims
	if err := detcbor.Unmarshal(payload, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if c.Document == nil || c.Summary != nil || c.DeviceSM2 != nil || c.DeviceP256 != nil {
		return nil, fmt.Errorf("not the claims of a document: %w", ErrMalformed)
	}
	d := &Document{
		Expires: time.Unix(c.Expires, 0).UTC(), SignedAt: time.Unix(c.SignedAt, 0).UTC(),
		Number: c.Document.Number, Length: c.Document.Length, SM3: c.Document.SM3, Seals: c.Document.Seals,
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}
