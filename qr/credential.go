package qr

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Credential is the small signed summary that a code carries.
type Credential struct {
	Expires  time.Time // of the signature, not of the licence
	SignedAt time.Time
	Summary  Summary
	// DeviceSM2 or DeviceP256 is the holder's device key in a credential of
	// kind 2, a 33-byte compressed point. A printed code has neither.
	DeviceSM2  []byte
	DeviceP256 []byte
}

// Summary is what a code says of a licence.
type Summary struct {
	Schema   int // number of the category's field list
	Category int // 1…
	Number   string
	Holder   string
	MaskedID string     // empty: absent
	FirstDay civil.Day  // the issue day; the first day of validity where that is another
	LastDay  *civil.Day // nil: long-term
	Status   uint64     // list<<32 | index
	Fields   []any      // the category's code fields in catalogue order: string, int64, or nil where absent
}

// claims is the CWT payload (RFC 8392).
type claims struct {
	Expires    int64         `cbor:"4,keyasint"`
	SignedAt   int64         `cbor:"6,keyasint"`
	Summary    *summaryMap   `cbor:"-70001,keyasint,omitempty"`
	DeviceSM2  []byte        `cbor:"-70003,keyasint,omitempty"`
	DeviceP256 []byte        `cbor:"-70004,keyasint,omitempty"`
	Document   *documentItem `cbor:"-70005,keyasint,omitempty"`
}

type summaryMap struct {
	Schema   uint64 `cbor:"0,keyasint"`
	Category uint64 `cbor:"1,keyasint"`
	Number   string `cbor:"2,keyasint"`
	Holder   string `cbor:"3,keyasint"`
	MaskedID string `cbor:"4,keyasint,omitempty"`
	FirstDay int64  `cbor:"5,keyasint"`
	LastDay  *int64 `cbor:"6,keyasint,omitempty"`
	Status   uint64 `cbor:"7,keyasint"`
	Fields   []any  `cbor:"8,keyasint,omitempty"`
}

// MaxPrintedLife is how long the signature of a printed code may live.
const MaxPrintedLife = 20 * 365 * 24 * time.Hour

// PrintedExpiry returns the end of a printed code's signature: the end of the
// licence's last day, at most [MaxPrintedLife] after it was signed.
func PrintedExpiry(signedAt time.Time, lastDay *civil.Day) time.Time {
	limit := signedAt.Add(MaxPrintedLife)
	if lastDay != nil && lastDay.End().Before(limit) && lastDay.End().After(signedAt) {
		return lastDay.End()
	}
	return limit
}

// Payload returns the deterministic CBOR of the credential, the bytes that are
// signed.
func (c *Credential) Payload() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := c.Summary
	return detcbor.Marshal(claims{
		Expires: c.Expires.Unix(), SignedAt: c.SignedAt.Unix(), DeviceSM2: c.DeviceSM2, DeviceP256: c.DeviceP256,
		Summary: &summaryMap{
			Schema: uint64(s.Schema), Category: uint64(s.Category), Number: s.Number, Holder: s.Holder, MaskedID: s.MaskedID,
			FirstDay: int64(s.FirstDay), LastDay: (*int64)(s.LastDay), Status: s.Status, Fields: s.Fields,
		},
	})
}

// maxFields bounds the code fields of a category.
const maxFields = 4

// check holds for credentials that are written as for those that are read.
func (c *Credential) check() error {
	s := c.Summary
	bad := func(what string) error { return fmt.Errorf("credential: %s: %w", what, ErrMalformed) }
	switch {
	case !c.Expires.After(c.SignedAt):
		return bad("it ends before it was signed")
	case s.Schema < 1 || s.Category < 1 || s.Category > 999:
		return bad("schema or category out of range")
	case s.Number == "" || s.Holder == "":
		return bad("number or holder is missing")
	case !s.FirstDay.Valid() || s.LastDay != nil && !s.LastDay.Valid():
		return bad("a day is out of range")
	case uint32(s.Status) >= 1<<20:
		return bad("status index is beyond its list")
	case len(s.Fields) > maxFields:
		return bad("more than four fields")
	}
	texts := append(make([]string, 0, 3+maxFields), s.Number, s.Holder, s.MaskedID)
	for _, f := range s.Fields {
		switch v := f.(type) {
		case nil, int64:
		case string:
			if v == "" {
				return bad("an empty field is null")
			}
			texts = append(texts, v)
		default:
			return bad("a field is neither text, integer nor null")
		}
	}
	for _, t := range texts {
		if err := cleantext.Check(t); err != nil {
			return fmt.Errorf("credential: %w: %w", ErrMalformed, err)
		}
	}
	return nil
}

// Sign returns the bytes of a printed code: a COSE_Sign1 by the issuing
// authority's key. The signature is verified before it is returned.
func (c *Credential) Sign(key *pki.Key) ([]byte, error) {
	if len(c.DeviceSM2) > 0 || len(c.DeviceP256) > 0 {
		return nil, fmt.Errorf("a printed code must not carry a device key: %w", ErrMalformed)
	}
	payload, err := c.Payload()
	if err != nil {
		return nil, err
	}
	return cose.Sign(pki.ObjectCodeLicence, key, payload)
}

// ParseCredential reads the payload of a code of kind 1 whose signature was
// verified. The error wraps [ErrMalformed].
func ParseCredential(payload []byte) (*Credential, error) {
	r := reader{b: payload}
	left := r.head(majorMap)
	r.require(&left, 4)
	expires := r.int()
	r.require(&left, 6)
	signedAt := r.int()
	r.require(&left, -70001)
	c := &Credential{Expires: time.Unix(expires, 0).UTC(), SignedAt: time.Unix(signedAt, 0).UTC(), Summary: r.summary()}
	if r.key(&left, -70003) || r.key(&left, -70004) {
		r.fail("a printed code must not carry a device key")
	}
	r.end(left)
	if err := r.err(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// Cut shortens the summary until the credential's bytes are at most limit: first
// the code fields are left out from the last to the first, then the holder's name
// is cut and ends with an ellipsis. It reports whether anything was cut. The same
// licence is always cut in the same way, whoever draws the code.
func (c *Credential) Cut(limit int) (bool, error) {
	cut := false
	c.Summary.Fields = slices.Clone(c.Summary.Fields)
	for {
		payload, err := c.Payload()
		if err != nil {
			return cut, err
		}
		if len(payload)+signedOverhead <= limit {
			return cut, nil
		}
		cut = true
		if i := lastField(c.Summary.Fields); i >= 0 {
			c.Summary.Fields[i] = nil
			continue
		}
		name := []rune(c.Summary.Holder)
		if len(name) < 10 {
			return cut, errors.New("the credential does not fit a code even without its fields")
		}
		c.Summary.Holder = string(name[:len(name)-5]) + "…"
	}
}

// signedOverhead is what COSE_Sign1 adds to a payload of up to 64 KiB.
const signedOverhead = 1 + 18 + 1 + 3 + 66

func lastField(fields []any) int {
	for i := len(fields) - 1; i >= 0; i-- {
		if fields[i] != nil {
			return i
		}
	}
	return -1
}
