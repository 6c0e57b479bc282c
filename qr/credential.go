package qr

import (
	"fmt"
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
	// Device is the holder's device key in a credential of kind 2. A printed code
	// has none.
	Device *DeviceKey
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

// MaxDeviceLife is how long a credential for a device may live.
const MaxDeviceLife = 30 * 24 * time.Hour

// Payload returns the deterministic CBOR of the credential, the bytes that are
// signed.
func (c *Credential) Payload() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := c.Summary
	out := claims{
		Expires: c.Expires.Unix(), SignedAt: c.SignedAt.Unix(),
		Summary: &summaryMap{
			Schema: uint64(s.Schema), Category: uint64(s.Category), Number: s.Number, Holder: s.Holder, MaskedID: s.MaskedID,
			FirstDay: int64(s.FirstDay), LastDay: (*int64)(s.LastDay), Status: s.Status, Fields: s.Fields,
		},
	}
	if c.Device != nil && c.Device.algorithm == DeviceSM2 {
		out.DeviceSM2 = c.Device.point[:]
	} else if c.Device != nil {
		out.DeviceP256 = c.Device.point[:]
	}
	return detcbor.Marshal(out)
}

// Size returns the bytes of the credential once it is signed.
func (c *Credential) Size() (int, error) {
	payload, err := c.Payload()
	return signedSize(payload), err
}

// maxFields bounds the code fields of a category.
const maxFields = 4

// check holds for credentials that are written as for those that are read.
func (c *Credential) check() error {
	s := c.Summary
	switch {
	case !c.Expires.After(c.SignedAt):
		return badCredential("it ends before it was signed")
	case s.Number == "" || s.Holder == "":
		return badCredential("number or holder is missing")
	case !s.FirstDay.Valid() || s.LastDay != nil && !s.LastDay.Valid():
		return badCredential("a day is out of range")
	case uint32(s.Status) >= 1<<20:
		return badCredential("status index is beyond its list")
	}
	return checkCommon(s.Schema, s.Category, s.Fields, s.Number, s.Holder, s.MaskedID)
}

func badCredential(what string) error { return fmt.Errorf("credential: %s: %w", what, ErrMalformed) }

// checkCommon checks what summaries of all kinds have. Empty texts are not there.
func checkCommon(schema, category int, fields []any, texts ...string) error {
	switch {
	case schema < 1 || category < 1 || category > 999:
		return badCredential("schema or category out of range")
	case len(fields) > maxFields:
		return badCredential("more than four fields")
	}
	for _, f := range fields {
		switch v := f.(type) {
		case nil, int64:
		case string:
			if v == "" {
				return badCredential("an empty field is null")
			}
			texts = append(texts, v)
		default:
			return badCredential("a field is neither text, integer nor null")
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
	if c.Device != nil {
		return nil, fmt.Errorf("a printed code must not carry a device key: %w", ErrMalformed)
	}
	payload, err := c.Payload()
	if err != nil {
		return nil, err
	}
	return cose.Sign(pki.ObjectCodeLicence, key, payload)
}

// SignForDevice returns the credential that a holder's device presents in codes of
// kind 2: a COSE_Sign1 by the issuing authority's key, at most [MaxDeviceCredential]
// bytes that live at most [MaxDeviceLife]. The signature is verified before it is
// returned.
func (c *Credential) SignForDevice(key *pki.Key) ([]byte, error) {
	switch {
	case c.Device == nil:
		return nil, fmt.Errorf("a credential for a device must carry its key: %w", ErrMalformed)
	case c.Expires.Sub(c.SignedAt) > MaxDeviceLife:
		return nil, fmt.Errorf("a credential for a device lives at most %d days: %w", MaxDeviceLife/(24*time.Hour), ErrMalformed)
	}
	payload, err := c.Payload()
	if err != nil {
		return nil, err
	}
	if n := signedSize(payload); n > MaxDeviceCredential {
		return nil, fmt.Errorf("a credential for a device has %d bytes, at most %d are allowed: %w", n, MaxDeviceCredential, ErrMalformed)
	}
	return cose.Sign(pki.ObjectCodeHolder, key, payload)
}

// ParseCredential reads the payload of a code of kind 1 whose signature was
// verified. The error wraps [ErrMalformed].
func ParseCredential(payload []byte) (*Credential, error) {
	c, err := parseCredential(payload)
	if err == nil && c.Device != nil {
		return nil, badCredential("a printed code must not carry a device key")
	}
	return c, err
}

// ParseDeviceCredential reads the payload of the credential in a code of kind 2. The
// error wraps [ErrMalformed].
func ParseDeviceCredential(payload []byte) (*Credential, error) {
	c, err := parseCredential(payload)
	if err == nil && c.Device == nil {
		return nil, badCredential("a credential for a device must carry its key")
	}
	return c, err
}

func parseCredential(payload []byte) (*Credential, error) {
	r := reader{b: payload}
	left := r.head(majorMap)
	c := new(Credential)
	c.Expires, c.SignedAt = r.life(&left)
	r.require(&left, -70001)
	c.Summary = r.summary()
	var algorithm DeviceAlgorithm
	var point []byte
	switch {
	case r.key(&left, -70003):
		algorithm, point = DeviceSM2, r.octets()
	case r.key(&left, -70004):
		algorithm, point = DeviceP256, r.octets()
	}
	r.end(left)
	if err := r.err("claims"); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if algorithm != 0 {
		device, err := ParseDeviceKey(algorithm, point)
		if err != nil {
			return nil, err
		}
		c.Device = device
	}
	return c, nil
}

// signedSize is the size of a COSE_Sign1 over a payload: the array's head, 18 bytes
// of protected and one of unprotected header, the payload's head, 66 bytes of
// signature.
func signedSize(payload []byte) int {
	head := 1
	switch n := len(payload); {
	case n >= 1<<8:
		head = 3
	case n >= 24:
		head = 2
	}
	return 1 + 18 + 1 + head + len(payload) + 66
}
