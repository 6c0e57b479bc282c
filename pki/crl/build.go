package crl

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Template is everything of a CRL but its entries and its signature. What is empty
// is left out.
type Template struct {
	Issuer      *cert.Certificate // has the usage cRLSign
	Number      uint64            // cRLNumber
	Base        uint64            // makes a delta CRL on top of the full CRL with this number
	ThisUpdate  time.Time         // UTC, whole seconds
	NextUpdate  time.Time
	Points      []string // URIs that the certificates of this list name; none: all certificates of the issuer
	FreshestCRL []string // URIs of the delta CRL
	Expect      int      // about how many entries follow, so that the buffer is made once
}

// Sizes in bytes that the buffer is planned with.
const (
	typicalEntry = 52  // 16 bytes of serial number and a reason
	maxHeader    = 6   // tag and length below 2^32
	tailRoom     = 256 // signature algorithm and signature
)

// Build streams the entries, which must come in strictly rising order of their
// serial numbers, into a CRL, signs it, reads the result back and verifies it; with
// a second opinion both implementations must accept. An error of the sequence is
// returned as it is, wrapped. Nothing is released on any error.
//
// All is written into one buffer: what stands before the entries has a known length
// but for three ASN.1 lengths, so room is kept for the longest, and the lengths are
// written backwards when the entries are there.
func Build(t *Template, entries iter.Seq2[Entry, error], key *pki.Key, second pki.SecondOpinion) (*List, error) {
	if err := t.check(key); err != nil {
		return nil, fmt.Errorf("CRL %d: %w", t.Number, err)
	}
	preface, err := t.preface()
	if err != nil {
		return nil, fmt.Errorf("CRL %d: %w", t.Number, err)
	}
	extensions, err := t.extensions()
	if err != nil {
		return nil, fmt.Errorf("CRL %d: %w", t.Number, err)
	}
	start := 3*maxHeader + len(preface)
	buf := make([]byte, start, start+min(max(t.Expect, 0)*typicalEntry, MaxSize)+len(extensions)+tailRoom)
	if buf, err = appendEntries(buf, entries, t.Base != 0); err != nil {
		return nil, fmt.Errorf("CRL %d: %w", t.Number, err)
	}
	head := start
	if len(buf) > start { // an empty revokedCertificates is left out
		head = prependHeader(buf, head, cbasn1.SEQUENCE, len(buf)-start)
	}
	buf = append(buf, extensions...)
	head -= copy(buf[head-len(preface):], preface)
	head = prependHeader(buf, head, cbasn1.SEQUENCE, len(buf)-head)

	// The whole list is read back and verified below.
	sig, err := key.SignUnchecked(buf[head:])
	if err != nil {
		return nil, fmt.Errorf("CRL %d: %w", t.Number, err)
	}
	tail := cryptobyte.NewBuilder(buf)
	oid.AddAlgorithm(tail, oid.SM2WithSM3)
	tail.AddASN1BitString(sig.DER())
	if buf, err = tail.Bytes(); err != nil {
		return nil, fmt.Errorf("CRL %d: %w", t.Number, err)
	}
	head = prependHeader(buf, head, cbasn1.SEQUENCE, len(buf)-head)

	list, err := Parse(buf[head:])
	if err != nil {
		return nil, fmt.Errorf("reading CRL %d back: %w", t.Number, err)
	}
	if err := list.verify(t.Issuer, second, pki.Unanimous); err != nil {
		return nil, fmt.Errorf("CRL %d just signed: %w: %w", t.Number, pki.ErrSelfCheck, err)
	}
	return list, nil
}

func (t *Template) check(key *pki.Key) error {
	switch {
	case !t.Issuer.Key.Equal(key.Public()):
		return errors.New("the key is not the issuer's")
	case t.Issuer.Usage()&cert.CRLSign == 0:
		return fmt.Errorf("%s: %w", t.Issuer.Subject, ErrWrongIssuer)
	case t.Number == 0:
		return errors.New("the number is zero")
	case t.Base >= t.Number:
		return fmt.Errorf("the base %d of a delta CRL is not before it", t.Base)
	case t.Base != 0 && len(t.FreshestCRL) > 0:
		return errors.New("a delta CRL names a delta CRL")
	case !t.NextUpdate.After(t.ThisUpdate):
		return errors.New("nextUpdate is not after thisUpdate")
	}
	return nil
}

// preface writes what stands before the entries.
func (t *Template) preface() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1Int64(1) // v2
	oid.AddAlgorithm(&b, oid.SM2WithSM3)
	b.AddBytes(t.Issuer.RawSubject())
	cert.AddTime(&b, t.ThisUpdate)
	cert.AddTime(&b, t.NextUpdate)
	return b.Bytes()
}

func (t *Template) extensions() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag0, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			id := t.Issuer.SubjectKeyID()
			if id == nil {
				id = cert.KeyID(t.Issuer.Key)
			}
			cert.AddAuthorityKeyID(b, id)
			cert.AddExtension(b, oid.CRLNumber, false, func(b *cryptobyte.Builder) { b.AddASN1Uint64(t.Number) })
			if t.Base != 0 {
				cert.AddExtension(b, oid.DeltaCRL, true, func(b *cryptobyte.Builder) { b.AddASN1Uint64(t.Base) })
			}
			if len(t.Points) > 0 {
				cert.AddExtension(b, oid.IssuingPoint, true, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { cert.AddDistributionPointName(b, t.Points) })
				})
			}
			if len(t.FreshestCRL) > 0 {
				cert.AddExtension(b, oid.FreshestCRL, false, func(b *cryptobyte.Builder) { cert.AddDistributionPoints(b, t.FreshestCRL) })
			}
		})
	})
	return b.Bytes()
}

// appendEntries writes all entries and refuses those that no reader would take.
func appendEntries(buf []byte, entries iter.Seq2[Entry, error], delta bool) ([]byte, error) {
	var last [maxInteger]byte // the caller may use its memory again
	lastLen := -1
	for e, err := range entries {
		if err != nil {
			return nil, fmt.Errorf("reading who is revoked: %w", err)
		}
		switch {
		case len(e.Serial) == 0 || e.Serial[0] == 0 || len(e.Serial) > maxInteger || len(e.Serial) == maxInteger && e.Serial[0]&0x80 != 0:
			return nil, fmt.Errorf("serial %x is not a magnitude of at most %d octets", e.Serial, maxInteger)
		case lastLen >= 0 && compareSerials(last[:lastLen], e.Serial) >= 0:
			return nil, fmt.Errorf("serial %x does not come after %x", e.Serial, last[:lastLen])
		case !e.Reason.Known() || e.Reason == cert.RemoveFromCRL && !delta:
			return nil, fmt.Errorf("serial %x: a full CRL has no %s", e.Serial, e.Reason)
		case !writable(e.At) || !e.InvalidAt.IsZero() && !writable(e.InvalidAt):
			return nil, fmt.Errorf("serial %x: a date is outside of the years 1950 to 9999", e.Serial)
		}
		lastLen = copy(last[:], e.Serial)
		if buf = appendEntry(buf, e); len(buf) > MaxSize-tailRoom {
			return nil, fmt.Errorf("more than %d bytes of entries: use more shards", MaxSize-tailRoom)
		}
	}
	return buf, nil
}

func writable(t time.Time) bool {
	year := t.UTC().Year()
	return year >= 1950 && year <= 9999
}

// appendEntry writes one entry by hand, as a million of them go into a list. None
// of its parts is longer than 127 bytes, so that every length is one byte.
func appendEntry(buf []byte, e Entry) []byte {
	start := len(buf)
	buf = append(buf, byte(cbasn1.SEQUENCE), 0, byte(cbasn1.INTEGER), byte(len(e.Serial)))
	if e.Serial[0]&0x80 != 0 {
		buf[start+3]++
		buf = append(buf, 0)
	}
	buf = append(buf, e.Serial...)
	if at := e.At.UTC(); at.Year() < 2050 {
		buf = at.AppendFormat(append(buf, byte(cbasn1.UTCTime), 13), "060102150405Z")
	} else {
		buf = at.AppendFormat(append(buf, byte(cbasn1.GeneralizedTime), 15), "20060102150405Z")
	}
	if e.Reason != cert.Unspecified || !e.InvalidAt.IsZero() {
		list := len(buf)
		buf = append(buf, byte(cbasn1.SEQUENCE), 0)
		if e.Reason != cert.Unspecified {
			buf = appendExtension(buf, oid.CRLReason, byte(cbasn1.ENUM), 1)
			buf = append(buf, byte(e.Reason))
		}
		if !e.InvalidAt.IsZero() {
			buf = appendExtension(buf, oid.InvalidityDate, byte(cbasn1.GeneralizedTime), 15)
			buf = e.InvalidAt.UTC().AppendFormat(buf, "20060102150405Z")
		}
		buf[list+1] = byte(len(buf) - list - 2)
	}
	buf[start+1] = byte(len(buf) - start - 2)
	return buf
}

// appendExtension writes a non-critical Extension up to the content of its value,
// which has a tag and a length.
func appendExtension(buf []byte, id oid.ID, tag, length byte) []byte {
	buf = append(buf, byte(cbasn1.SEQUENCE), byte(2+len(id)+2+2)+length, byte(cbasn1.OBJECT_IDENTIFIER), byte(len(id)))
	buf = append(buf, id...)
	return append(buf, byte(cbasn1.OCTET_STRING), 2+length, tag, length)
}

// prependHeader writes a tag and a length before the byte at head and returns where
// they begin.
func prependHeader(buf []byte, head int, tag cbasn1.Tag, length int) int {
	if length < 0x80 {
		head--
		buf[head] = byte(length)
	} else {
		octets := 0
		for n := length; n > 0; n >>= 8 {
			head--
			buf[head] = byte(n)
			octets++
		}
		head--
		buf[head] = 0x80 | byte(octets)
	}
	head--
	buf[head] = byte(tag)
	return head
}
