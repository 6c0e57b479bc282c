package crl

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Limits of what is read.
const (
	// MaxSize bounds the DER of a CRL, in bytes: about two million entries.
	MaxSize       = 128 << 20
	maxInteger    = 20 // octets of a serial number or a CRL number (RFC 5280, 4.1.2.2 and 5.2.3)
	maxExtensions = 16 // of a list or of an entry
)

// minEntry is the length of the shortest possible entry.
const minEntry = 2 + 3 + 15

// tag0 is [0] EXPLICIT.
var tag0 = cbasn1.Tag(0).Constructed().ContextSpecific()

// Parse reads a CRL strictly and keeps the bytes, which the caller must not change.
// It verifies nothing. The error wraps [ErrMalformed] or [ErrUnsupported].
func Parse(der []byte) (*List, error) {
	bad := func(what string) (*List, error) { return nil, fmt.Errorf("%s: %w", what, ErrMalformed) }
	if len(der) > MaxSize {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxSize))
	}
	l := &List{DER: der}
	input := cryptobyte.String(der)
	var whole, tbs cryptobyte.String
	var signature []byte
	if !input.ReadASN1(&whole, cbasn1.SEQUENCE) || !input.Empty() || !whole.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return bad("not a CertificateList in DER")
	}
	if !oid.ExpectAlgorithm(&whole, oid.SM2WithSM3) {
		return bad("not signed with SM2 and SM3")
	}
	if !whole.ReadASN1BitStringAsBytes(&signature) || !whole.Empty() {
		return bad("no signature, or something follows it")
	}
	var err error
	if l.signature, err = pki.ParseSignatureDER(signature); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	l.tbs = tbs
	if err := l.readTBS(tbs); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *List) readTBS(tbs cryptobyte.String) error {
	bad := func(what string) error { return fmt.Errorf("%s: %w", what, ErrMalformed) }
	var content, issuer cryptobyte.String
	var version int
	if !tbs.ReadASN1(&content, cbasn1.SEQUENCE) || !content.ReadASN1Integer(&version) || version != 1 {
		return bad("not version 2")
	}
	if !oid.ExpectAlgorithm(&content, oid.SM2WithSM3) {
		return bad("the signed part is not for SM2 with SM3")
	}
	if !content.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || len(issuer) <= 2 {
		return bad("no issuer")
	}
	l.Issuer = issuer
	var ok bool
	if l.ThisUpdate, ok = cert.ReadTime(&content); !ok {
		return bad("thisUpdate is not a time")
	}
	if l.NextUpdate, ok = cert.ReadTime(&content); !ok {
		return bad("nextUpdate is missing or not a time")
	}
	if !l.NextUpdate.After(l.ThisUpdate) {
		return bad("nextUpdate is not after thisUpdate")
	}
	if content.PeekASN1Tag(cbasn1.SEQUENCE) {
		if !content.ReadASN1(&l.entries, cbasn1.SEQUENCE) || l.entries.Empty() {
			return bad("revokedCertificates is there and empty")
		}
	}
	var explicit, extensions cryptobyte.String
	if !content.ReadASN1(&explicit, tag0) || !explicit.ReadASN1(&extensions, cbasn1.SEQUENCE) || !explicit.Empty() || !content.Empty() {
		return bad("no extensions, or something follows them")
	}
	if err := l.readExtensions(extensions); err != nil {
		return err
	}
	return l.index()
}

// readExtensions reads the extensions of the list. Whatever is critical and unknown
// is refused.
func (l *List) readExtensions(s cryptobyte.String) error {
	var seen []oid.ID
	for !s.Empty() {
		e, ok := cert.ReadExtension(&s)
		if !ok || len(seen) == maxExtensions || slices.Contains(seen, e.ID) {
			return fmt.Errorf("extensions are not a list of at most %d, each once: %w", maxExtensions, ErrMalformed)
		}
		seen = append(seen, e.ID)
		switch e.ID {
		case oid.CRLNumber:
			l.Number, ok = readNumber(e.Value)
		case oid.DeltaCRL:
			l.Base, ok = readNumber(e.Value)
			ok = ok && e.Critical
		case oid.AuthorityKeyID:
			l.AuthorityKeyID, ok = cert.ReadAuthorityKeyID(e.Value)
		case oid.FreshestCRL:
			l.FreshestCRL, ok = cert.ReadDistributionPoints(e.Value)
		case oid.IssuingPoint:
			if err := l.readIssuingPoint(e.Value); err != nil {
				return err
			}
			ok = e.Critical
		default:
			if e.Critical {
				return fmt.Errorf("critical extension %s: %w", e.ID, ErrUnsupported)
			}
		}
		if !ok {
			return fmt.Errorf("extension %s is not as RFC 5280 has it: %w", e.ID, ErrMalformed)
		}
	}
	if l.IsDelta() && (l.Number == nil || l.Number.Cmp(l.Base) < 0 || l.FreshestCRL != nil) {
		return fmt.Errorf("a delta CRL without a number after its base, or with a delta of its own: %w", ErrMalformed)
	}
	return nil
}

// readIssuingPoint reads IssuingDistributionPoint (RFC 5280, 5.2.5).
func (l *List) readIssuingPoint(value cryptobyte.String) error {
	malformed := fmt.Errorf("issuingDistributionPoint: %w", ErrMalformed)
	var s, reasons cryptobyte.String
	var someReasons, indirect, attributes, ok bool
	if !value.ReadASN1(&s, cbasn1.SEQUENCE) || !value.Empty() || s.Empty() {
		return malformed
	}
	if s.PeekASN1Tag(tag0) {
		if l.Points, ok = cert.ReadDistributionPointName(&s); !ok {
			return malformed
		}
	}
	if !readFlag(&s, 1, &l.OnlyUsers) || !readFlag(&s, 2, &l.OnlyCAs) ||
		!s.ReadOptionalASN1(&reasons, &someReasons, cbasn1.Tag(3).ContextSpecific()) ||
		!readFlag(&s, 4, &indirect) || !readFlag(&s, 5, &attributes) || !s.Empty() || l.OnlyUsers && l.OnlyCAs {
		return malformed
	}
	if someReasons || indirect || attributes {
		return fmt.Errorf("indirect, for some reasons only, or for attribute certificates: %w", ErrUnsupported)
	}
	return nil
}

// readFlag reads an implicitly tagged BOOLEAN DEFAULT FALSE.
func readFlag(s *cryptobyte.String, tag cbasn1.Tag, out *bool) bool {
	var content cryptobyte.String
	if !s.ReadOptionalASN1(&content, out, tag.ContextSpecific()) {
		return false
	}
	return !*out || len(content) == 1 && content[0] == 0xff
}

// readNumber reads a CRL number.
func readNumber(value cryptobyte.String) (*big.Int, bool) {
	n := new(big.Int)
	if len(value) > 2+maxInteger || !value.ReadASN1Integer(n) || !value.Empty() || n.Sign() < 0 {
		return nil, false
	}
	return n, true
}

// index reads every entry once and remembers where each serial number is.
func (l *List) index() error {
	rest := l.entries
	l.offsets = make([]uint32, 0, len(rest)/minEntry/2)
	ordered := true
	var last []byte
	for !rest.Empty() {
		offset := len(l.entries) - len(rest)
		e, err := readEntry(&rest)
		if err != nil {
			return fmt.Errorf("entry %d: %w", len(l.offsets), err)
		}
		if e.Reason == cert.RemoveFromCRL && !l.IsDelta() {
			return fmt.Errorf("entry %d, serial %x: removeFromCRL outside of a delta CRL: %w", len(l.offsets), e.Serial, ErrMalformed)
		}
		ordered = ordered && compareSerials(last, e.Serial) < 0
		last = e.Serial
		l.offsets = append(l.offsets, uint32(offset))
	}
	if ordered {
		return nil
	}
	return l.sort()
}

// place is a serial number as three words, most significant first, and where it stands.
type place struct {
	high, middle uint64
	low, offset  uint32
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.middle, b.middle), cmp.Compare(a.low, b.low))
}

// sort puts the index of a list that is not in order into order. Serial numbers are
// taken out of the entries first: a stranger's list of this size, whose signature is
// not verified yet, would otherwise buy many seconds of reading.
func (l *List) sort() error {
	places := make([]place, len(l.offsets))
	for i := range places {
		var number [maxInteger]byte
		serial := l.serialAt(i)
		copy(number[maxInteger-len(serial):], serial)
		places[i] = place{
			binary.BigEndian.Uint64(number[:]), binary.BigEndian.Uint64(number[8:]), binary.BigEndian.Uint32(number[16:]), l.offsets[i],
		}
	}
	slices.SortFunc(places, comparePlaces)
	for i := range places {
		l.offsets[i] = places[i].offset
		if i > 0 && comparePlaces(places[i-1], places[i]) == 0 {
			return fmt.Errorf("serial %x stands twice: %w", l.serialAt(i), ErrMalformed)
		}
	}
	return nil
}

// readSerial reads a serial number's magnitude. Zero is read, as some authorities
// gave it to themselves.
func readSerial(s *cryptobyte.String) ([]byte, bool) {
	var magnitude []byte
	var element cryptobyte.String
	if !s.ReadASN1Element(&element, cbasn1.INTEGER) || len(element) > 2+maxInteger || !element.ReadASN1Integer(&magnitude) {
		return nil, false
	}
	return bytes.TrimLeft(magnitude, "\x00"), true // zero has no bytes
}

func readSerialOfEntry(s cryptobyte.String) ([]byte, bool) {
	var entry cryptobyte.String
	if !s.ReadASN1(&entry, cbasn1.SEQUENCE) {
		return nil, false
	}
	return readSerial(&entry)
}

// readEntry reads one entry of revokedCertificates (RFC 5280, 5.1.2.6 and 5.3).
func readEntry(s *cryptobyte.String) (Entry, error) {
	var e Entry
	bad := func(what string) (Entry, error) { return e, fmt.Errorf("%s: %w", what, ErrMalformed) }
	var content, extensions cryptobyte.String
	var ok bool
	if !s.ReadASN1(&content, cbasn1.SEQUENCE) {
		return bad("not an entry in DER")
	}
	if e.Serial, ok = readSerial(&content); !ok {
		return bad(fmt.Sprintf("serial number is not an INTEGER of at most %d octets", maxInteger))
	}
	if e.At, ok = cert.ReadTime(&content); !ok {
		return bad("revocation date is not a time")
	}
	if content.Empty() {
		return e, nil
	}
	if !content.ReadASN1(&extensions, cbasn1.SEQUENCE) || extensions.Empty() || !content.Empty() {
		return bad("something follows that is not a list of extensions")
	}
	var seen [maxExtensions]oid.ID
	for n := 0; !extensions.Empty(); n++ {
		x, ok := cert.ReadExtension(&extensions)
		if !ok || n == maxExtensions || slices.Contains(seen[:n], x.ID) {
			return bad(fmt.Sprintf("extensions are not a list of at most %d, each once", maxExtensions))
		}
		seen[n] = x.ID
		switch x.ID {
		case oid.CRLReason:
			var reason int
			if !x.Value.ReadASN1Enum(&reason) || !x.Value.Empty() || reason < 0 || reason > 255 || !cert.Reason(reason).Known() {
				return bad("reason is not one of RFC 5280")
			}
			e.Reason = cert.Reason(reason)
		case oid.InvalidityDate:
			if e.InvalidAt, ok = cert.ReadGeneralizedTime(&x.Value); !ok || !x.Value.Empty() {
				return bad("invalidity date is not a time")
			}
		case oid.CertificateIssuer:
			return e, fmt.Errorf("an entry of another issuer: %w", ErrUnsupported)
		default:
			if x.Critical {
				return e, fmt.Errorf("critical extension %s: %w", x.ID, ErrUnsupported)
			}
		}
	}
	return e, nil
}
