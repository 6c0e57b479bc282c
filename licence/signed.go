package licence

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// MaxSignedSize bounds a signed form, in bytes. Images are outside it.
const MaxSignedSize = 256 << 10

// ErrBadSigned says that bytes are not a licence's signed form.
var ErrBadSigned = errors.New("not a licence in signed form")

// ErrNotSigned says that a signed form does not verify under the issuer's key.
var ErrNotSigned = errors.New("the licence is not signed by this issuer")

// payload is the CBOR map that is signed, as it is read. Keys are never reused.
// [Licence.AppendPayload] writes it.
type payload struct {
	Schema     uint64           `cbor:"0,keyasint"`
	Category   uint64           `cbor:"1,keyasint"`
	Identifier string           `cbor:"2,keyasint"`
	Number     string           `cbor:"3,keyasint"`
	IssuerName string           `cbor:"4,keyasint"`
	Holders    []payloadHolder  `cbor:"5,keyasint"`
	IssueDay   int64            `cbor:"6,keyasint"`
	FirstDay   int64            `cbor:"7,keyasint"`
	LastDay    *int64           `cbor:"8,keyasint,omitempty"`
	Fields     map[string]Value `cbor:"9,keyasint"`
	Status     uint64           `cbor:"10,keyasint"`
	SignedAt   int64            `cbor:"11,keyasint"`
}

type payloadHolder struct {
	_        struct{} `cbor:",toarray"`
	Name     string
	IDType   string
	IDNumber string
}

// Payload returns the deterministic CBOR of the licence, the bytes that are
// signed.
func (l *Licence) Payload() []byte { return l.AppendPayload(nil) }

// AppendPayload appends [Licence.Payload].
func (l *Licence) AppendPayload(dst []byte) []byte {
	pairs := 11
	if l.LastDay != nil {
		pairs++
	}
	dst = detcbor.AppendMap(dst, pairs)
	dst = detcbor.AppendUint(append(dst, 0), uint64(l.Schema)) //nolint:gosec // counts up from 1
	dst = detcbor.AppendUint(append(dst, 1), uint64(l.Category))
	var identifier [identifierSize]byte
	dst = detcbor.AppendText(append(dst, 2), l.Identifier.appendTo(identifier[:0]))
	dst = detcbor.AppendText(append(dst, 3), l.Number)
	dst = detcbor.AppendText(append(dst, 4), l.IssuerName)
	dst = detcbor.AppendArray(append(dst, 5), len(l.Holders))
	for _, h := range l.Holders {
		dst = detcbor.AppendArray(dst, 3)
		dst = detcbor.AppendText(dst, h.Name)
		dst = detcbor.AppendText(dst, h.IDType)
		dst = detcbor.AppendText(dst, h.IDNumber)
	}
	dst = detcbor.AppendInt(append(dst, 6), int64(l.IssueDay))
	dst = detcbor.AppendInt(append(dst, 7), int64(l.FirstDay))
	if l.LastDay != nil {
		dst = detcbor.AppendInt(append(dst, 8), int64(*l.LastDay))
	}
	dst = detcbor.AppendMap(append(dst, 9), len(l.Fields))
	codes := make([]string, 0, 24)
	for code := range l.Fields {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, detcbor.CompareText)
	for _, code := range codes {
		dst = l.Fields[code].appendCBOR(detcbor.AppendText(dst, code))
	}
	dst = detcbor.AppendUint(append(dst, 10), l.Status.Packed())
	return detcbor.AppendInt(append(dst, 11), l.SignedAt.Unix())
}

// Sign returns the signed form: COSE_Sign1 by the issuing authority's key. The
// signature is verified before it is returned.
func Sign(l *Licence, key *pki.Key) ([]byte, error) {
	return sign(l, key, cose.Sign)
}

// SignUnchecked is [Sign] without the verification, for the benchmark that
// shows its cost and for callers that verify what they store.
func SignUnchecked(l *Licence, key *pki.Key) ([]byte, error) {
	return sign(l, key, cose.SignUnchecked)
}

func sign(l *Licence, key *pki.Key, by func(pki.Object, *pki.Key, []byte) ([]byte, error)) ([]byte, error) {
	signed, err := by(pki.ObjectLicence, key, l.Payload())
	if err != nil {
		return nil, fmt.Errorf("signing licence %s: %w", l.Identifier, err)
	}
	return signed, l.checkSize(signed)
}

// SignAll is [Sign] for many licences of one key; see [pki.Key.SignAll].
func SignAll(all []*Licence, key *pki.Key) ([][]byte, error) {
	signed, err := cose.SignAll(pki.ObjectLicence, key, len(all), func(dst []byte, i int) []byte { return all[i].AppendPayload(dst) })
	if err != nil {
		return nil, fmt.Errorf("signing %d licences: %w", len(all), err)
	}
	for i, l := range all {
		if err := l.checkSize(signed[i]); err != nil {
			return nil, err
		}
	}
	return signed, nil
}

func (l *Licence) checkSize(signed []byte) error {
	if len(signed) > MaxSignedSize {
		return fmt.Errorf("licence %s has %d bytes in signed form, at most %d are allowed", l.Identifier, len(signed), MaxSignedSize)
	}
	return nil
}

// Open verifies a signed form under the issuer's key and returns the licence.
// The error wraps [ErrBadSigned] or [ErrNotSigned].
func Open(signed []byte, key *pki.PublicKey) (*Licence, error) {
	return OpenJudged(signed, key, nil)
}

// OpenJudged is [Open] for those who tell a stranger the answer: a signature that
// is refused is put to the second opinion first. [pki.ErrDisagree] and
// [pki.ErrBusy] are not [ErrNotSigned].
func OpenJudged(signed []byte, key *pki.PublicKey, second pki.SecondOpinion) (*Licence, error) {
	m, err := parse(signed)
	if err != nil {
		return nil, err
	}
	if err := pki.Judge(key, m.ToBeSigned(pki.ObjectLicence), m.Signature, second).Err(ErrNotSigned); err != nil {
		return nil, err
	}
	return decode(m.Payload)
}

// KeyHint returns the key hint of a signed form, so that the caller can find
// the issuer's key.
func KeyHint(signed []byte) (pki.KID, error) {
	m, err := parse(signed)
	if err != nil {
		return pki.KID{}, err
	}
	return m.KID, nil
}

func parse(signed []byte) (*cose.Sign1, error) {
	return cose.ParseBounded(signed, MaxSignedSize, ErrBadSigned)
}

// decode reads a verified payload.
func decode(b []byte) (*Licence, error) {
	var p payload
	if err := detcbor.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSigned, err)
	}
	id, err := ParseIdentifier(p.Identifier)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSigned, err)
	}
	if p.Category == 0 || p.Category > 999 || len(p.Holders) == 0 {
		return nil, fmt.Errorf("category or holders missing: %w", ErrBadSigned)
	}
	l := &Licence{
		Category: catalogue.ID(p.Category), Schema: int(p.Schema), Identifier: id, Number: p.Number, IssuerName: p.IssuerName,
		IssueDay: civil.Day(p.IssueDay), FirstDay: civil.Day(p.FirstDay), LastDay: (*civil.Day)(p.LastDay), Fields: p.Fields,
		Status: UnpackStatusRef(p.Status), SignedAt: time.Unix(p.SignedAt, 0).UTC(),
	}
	for _, h := range p.Holders {
		l.Holders = append(l.Holders, Holder{Name: h.Name, IDType: IDType(h.IDType), IDNumber: h.IDNumber})
	}
	return l, nil
}
