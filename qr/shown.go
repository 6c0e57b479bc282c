package qr

import (
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Shown is a code of kind 3: what the holder chose to show of a licence, signed by the
// service, which has just looked it up, for [MaxShownLife].
type Shown struct {
	Expires  time.Time
	SignedAt time.Time
	Chosen   Chosen
}

// MaxShownLife is how long a code of kind 3 may live.
const MaxShownLife = 60 * time.Second

// Chosen is the part of a [Summary] that a holder shows. Only schema and category
// always stand there.
type Chosen struct {
	Schema   int
	Category int
	Number   string    // empty: not shown
	Holder   string    // empty: not shown
	MaskedID string    // empty: not shown
	Validity *Validity // nil: not shown
	Status   *uint64   // nil: not shown; list<<32 | index
	Fields   []any     // in catalogue order, nil where not shown; empty: none is shown
}

// Validity is the time in which a licence is valid. It is shown whole or not at all, so
// that a missing last day always means long-term.
type Validity struct {
	FirstDay civil.Day
	LastDay  *civil.Day // nil: long-term
}

// Choice says what a holder shows.
type Choice struct {
	Number, Holder, MaskedID, Validity, Status bool
	Fields                                     []bool // in catalogue order
}

// Choose returns the chosen part of a summary.
func (s *Summary) Choose(choice Choice) Chosen {
	c := Chosen{Schema: s.Schema, Category: s.Category}
	if choice.Number {
		c.Number = s.Number
	}
	if choice.Holder {
		c.Holder = s.Holder
	}
	if choice.MaskedID {
		c.MaskedID = s.MaskedID
	}
	if choice.Validity {
		c.Validity = &Validity{FirstDay: s.FirstDay, LastDay: s.LastDay}
	}
	if choice.Status {
		c.Status = &s.Status
	}
	fields := make([]any, len(s.Fields))
	for i, chosen := range choice.Fields {
		if chosen && i < len(fields) && s.Fields[i] != nil {
			fields[i] = s.Fields[i]
			c.Fields = fields
		}
	}
	return c
}

// shownClaims is the CWT payload of a code of kind 3.
type shownClaims struct {
	Expires  int64     `cbor:"4,keyasint"`
	SignedAt int64     `cbor:"6,keyasint"`
	Summary  chosenMap `cbor:"-70001,keyasint"`
}

type chosenMap struct {
	Schema   uint64  `cbor:"0,keyasint"`
	Category uint64  `cbor:"1,keyasint"`
	Number   string  `cbor:"2,keyasint,omitempty"`
	Holder   string  `cbor:"3,keyasint,omitempty"`
	MaskedID string  `cbor:"4,keyasint,omitempty"`
	FirstDay *int64  `cbor:"5,keyasint,omitempty"`
	LastDay  *int64  `cbor:"6,keyasint,omitempty"`
	Status   *uint64 `cbor:"7,keyasint,omitempty"`
	Fields   []any   `cbor:"8,keyasint,omitempty"`
}

func (s *Shown) check() error {
	c := s.Chosen
	switch {
	case !s.Expires.After(s.SignedAt):
		return badCredential("it ends before it was signed")
	case c.Validity != nil && (!c.Validity.FirstDay.Valid() || c.Validity.LastDay != nil && !c.Validity.LastDay.Valid()):
		return badCredential("a day is out of range")
	case c.Status != nil && uint32(*c.Status) >= 1<<20:
		return badCredential("status index is beyond its list")
	case len(c.Fields) > 0 && allNil(c.Fields):
		return badCredential("fields of which none is shown are left out")
	}
	return checkCommon(c.Schema, c.Category, c.Fields, c.Number, c.Holder, c.MaskedID)
}

func allNil(fields []any) bool {
	for _, f := range fields {
		if f != nil {
			return false
		}
	}
	return true
}

// Payload returns the deterministic CBOR that is signed.
func (s *Shown) Payload() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	c := s.Chosen
	out := shownClaims{
		Expires: s.Expires.Unix(), SignedAt: s.SignedAt.Unix(),
		Summary: chosenMap{
			Schema: uint64(c.Schema), Category: uint64(c.Category), Number: c.Number, Holder: c.Holder, MaskedID: c.MaskedID,
			Status: c.Status, Fields: c.Fields,
		},
	}
	if c.Validity != nil {
		out.Summary.FirstDay, out.Summary.LastDay = (*int64)(&c.Validity.FirstDay), (*int64)(c.Validity.LastDay)
	}
	return detcbor.Marshal(out)
}

// Size returns the bytes of the code once it is signed.
func (s *Shown) Size() (int, error) {
	payload, err := s.Payload()
	return signedSize(payload), err
}

// Sign returns the bytes of a code of kind 3: a COSE_Sign1 by the service's key. The
// signature is verified before it is returned.
func (s *Shown) Sign(key *pki.Key) ([]byte, error) {
	if s.Expires.Sub(s.SignedAt) > MaxShownLife {
		return nil, fmt.Errorf("a code of kind 3 lives at most %d seconds: %w", MaxShownLife/time.Second, ErrMalformed)
	}
	payload, err := s.Payload()
	if err != nil {
		return nil, err
	}
	if n := signedSize(payload); n > MaxScreen {
		return nil, fmt.Errorf("a code of kind 3 has %d bytes, at most %d are allowed: %w", n, MaxScreen, ErrMalformed)
	}
	return cose.Sign(pki.ObjectCodeService, key, payload)
}

// ParseShown reads the payload of a code of kind 3 whose signature was verified. The
// error wraps [ErrMalformed].
func ParseShown(payload []byte) (*Shown, error) {
	r := reader{b: payload}
	left := r.head(majorMap)
	s := new(Shown)
	s.Expires, s.SignedAt = r.life(&left)
	r.require(&left, -70001)
	s.Chosen = r.chosenSummary()
	r.end(left)
	if err := r.err("claims"); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// chosenSummary reads the summary map of a code of kind 3.
func (r *reader) chosenSummary() Chosen {
	left := r.head(majorMap)
	c := Chosen{Schema: r.small(&left, 0, 1<<31), Category: r.small(&left, 1, 1<<16)}
	for key, text := range []*string{2: &c.Number, 3: &c.Holder, 4: &c.MaskedID} {
		if text != nil && r.key(&left, int64(key)) {
			*text = r.chosen()
		}
	}
	if r.key(&left, 5) {
		c.Validity = &Validity{FirstDay: civil.Day(r.int())}
		if r.key(&left, 6) {
			last := civil.Day(r.int())
			c.Validity.LastDay = &last
		}
	}
	if r.key(&left, 7) {
		status := r.head(majorUint)
		c.Status = &status
	}
	if r.key(&left, 8) {
		c.Fields = r.fields()
	}
	r.end(left)
	return c
}
