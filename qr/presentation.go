package qr

import (
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Presentation is a code of kind 2: a credential as the holder's device shows it at
// one moment. The device signs the other items:
//
//	p := qr.Presentation{Credential: credential, At: now}
//	message, err := p.ToBeSigned()
//	… the device signs message: 64 raw bytes …
//	b, err := p.Assemble(signature)
//	digits, err := qr.Encode(qr.KindHolder, b)
type Presentation struct {
	Credential []byte     // COSE_Sign1, see [Credential.SignForDevice]
	At         time.Time  // by the device's clock, whole seconds
	Challenge  *Challenge // the hall's question that this answers, or nil
	Signature  pki.Signature

	body []byte // the items before the signature as they were read
}

// MaxDeviceCredential bounds the bytes of a credential for a device, so that its
// presentation fits [MaxScreen] with the longest hall's name.
const MaxDeviceCredential = MaxScreen - presentedOverhead - MaxHall

// presentedOverhead is the array's head, the credential's, the seconds, the nonce, the
// head of the hall's name and the signature.
const presentedOverhead = 1 + 3 + 5 + 1 + NonceSize + 2 + 2 + pki.SignatureSize

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// presentHead begins what a device signs: an array of five items, the first of which
// names the kind of object.
var presentHead = append([]byte{0x85, 0x60 | byte(len(pki.ObjectPresent))}, pki.ObjectPresent...)

type presentedItems struct {
	_          struct{} `cbor:",toarray"`
	Credential []byte
	Seconds    uint64
	Nonce      []byte // 0 or 16 bytes
	Hall       string // empty without a nonce
}

// encodeBody returns the four items that are signed, without an array around them.
func (p *Presentation) encodeBody() ([]byte, error) {
	seconds := p.At.Unix()
	if seconds < 0 || seconds > maxSeconds {
		return nil, fmt.Errorf("presentation: time is out of range: %w", ErrMalformed)
	}
	items := presentedItems{Credential: p.Credential, Seconds: uint64(seconds)}
	if p.Challenge != nil {
		if err := p.Challenge.check(); err != nil {
			return nil, err
		}
		items.Nonce, items.Hall = p.Challenge.Nonce[:], p.Challenge.Hall
	}
	b, err := detcbor.Marshal(items)
	if err != nil {
		return nil, err
	}
	return b[1:], nil
}

// ToBeSigned returns the bytes that the device signs: the deterministic CBOR of
// ["elicence/present/1", credential, seconds, nonce, hall].
func (p *Presentation) ToBeSigned() ([]byte, error) {
	body := p.body
	if body == nil {
		var err error
		if body, err = p.encodeBody(); err != nil {
			return nil, err
		}
	}
	return append(append(make([]byte, 0, len(presentHead)+len(body)), presentHead...), body...), nil
}

// Assemble puts the device's signature to what it has signed and returns the bytes of
// the code. A signature on P-256 is brought into its accepted form. A wrong one is
// refused, so that a phone never shows what no hall accepts; the credential's own
// signature is not verified here. The error wraps [ErrMalformed].
func (p *Presentation) Assemble(signature pki.Signature) ([]byte, error) {
	m, err := cose.Parse(p.Credential)
	if err != nil {
		return nil, fmt.Errorf("presentation: %w: %w", ErrMalformed, err)
	}
	c, err := ParseDeviceCredential(m.Payload)
	if err != nil {
		return nil, err
	}
	body, err := p.encodeBody()
	if err != nil {
		return nil, err
	}
	p.body, p.Signature = body, c.Device.Normal(signature)
	message, err := p.ToBeSigned()
	if err != nil {
		return nil, err
	}
	if c.Device.Judge(message, p.Signature, nil) != pki.Good {
		return nil, fmt.Errorf("presentation: the signature is not that of the credential's device: %w", ErrMalformed)
	}
	return p.bytes()
}

// bytes returns the code of a presentation whose body is there.
func (p *Presentation) bytes() ([]byte, error) {
	out := append(append(make([]byte, 0, len(p.body)+3+pki.SignatureSize), 0x85), p.body...)
	out = append(append(out, 0x58, pki.SignatureSize), p.Signature[:]...)
	if len(out) > MaxScreen {
		return nil, fmt.Errorf("presentation of %d bytes, at most %d are allowed: %w", len(out), MaxScreen, ErrMalformed)
	}
	return out, nil
}

// ParsePresentation reads the bytes of a code of kind 2 and verifies nothing. The
// error wraps [ErrMalformed].
func ParsePresentation(b []byte) (*Presentation, error) {
	if len(b) > MaxScreen {
		return nil, fmt.Errorf("presentation of %d bytes, at most %d are read: %w", len(b), MaxScreen, ErrMalformed)
	}
	r := reader{b: b}
	if r.head(majorArray) != 5 {
		r.fail("not five items")
	}
	p := &Presentation{Credential: r.octets()}
	seconds := r.head(majorUint)
	if seconds > maxSeconds {
		r.fail("the time is out of range")
	}
	p.At = time.Unix(int64(seconds), 0).UTC()
	nonce, hall := r.octets(), r.text()
	end := len(b) - len(r.b)
	signature := r.octets()
	switch {
	case len(signature) != pki.SignatureSize:
		r.fail("the signature is not 64 bytes")
	case len(nonce) == 0 && hall == "":
	case len(nonce) == NonceSize:
		p.Challenge = &Challenge{Nonce: [NonceSize]byte(nonce), Hall: hall}
	default:
		r.fail("the nonce is not 16 bytes, or a hall stands without one")
	}
	if err := r.err("presentation"); err != nil {
		return nil, err
	}
	if p.Challenge != nil {
		if err := p.Challenge.check(); err != nil {
			return nil, err
		}
	}
	p.Signature, p.body = pki.Signature(signature), b[1:end:end]
	return p, nil
}
