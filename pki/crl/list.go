package crl

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"sort"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

// Entry is one revoked certificate.
type Entry struct {
	Serial []byte // magnitude, big-endian, without leading zeros
	cert.Revocation
}

// List is a CRL that was read. Nothing about it is verified until [List.Verify] has
// done so.
type List struct {
	DER        []byte
	Issuer     []byte // DER of the issuer's name
	ThisUpdate time.Time
	NextUpdate time.Time
	Number     *big.Int // cRLNumber, or nil
	Base       *big.Int // of a delta CRL: the number of the full CRL that it continues; else nil
	// Scope: where certificates of this list say that it stands (none: all
	// certificates of the issuer), and whether only one kind is meant.
	Points    []cert.GeneralName
	OnlyUsers bool
	OnlyCAs   bool
	// FreshestCRL names the places of the delta CRL.
	FreshestCRL    []cert.DistributionPoint
	AuthorityKeyID []byte // or nil

	tbs       []byte
	signature pki.Signature
	entries   cryptobyte.String
	offsets   []uint32 // into entries, in the order of serial numbers
	delta     *List    // on top of this list, or nil
}

// Errors that callers decide on.
var (
	// ErrMalformed: not a CRL in the form that is read here.
	ErrMalformed = errors.New("malformed CRL")
	// ErrUnsupported: a CRL by the standard, of a kind that is not read here.
	ErrUnsupported = errors.New("unsupported CRL")
	// ErrWrongIssuer: the certificate is not that of the CRL's issuer, or may not
	// sign CRLs.
	ErrWrongIssuer = errors.New("not the issuer of the CRL")
	// ErrWrongSignature: the signature is not the issuer's.
	ErrWrongSignature = errors.New("the CRL's signature is not its issuer's")
	// ErrWrongBase: a delta CRL does not continue this CRL.
	ErrWrongBase = errors.New("the delta CRL does not continue this CRL")
)

// IsDelta reports whether the list holds only what has changed since its base.
func (l *List) IsDelta() bool { return l.Base != nil }

// Len returns the number of entries in the list's own bytes, without a delta's.
func (l *List) Len() int { return len(l.offsets) }

// Verify checks the signature with the issuer's certificate, which must have the
// list's name and key identifier and the usage cRLSign. With a second opinion a
// refused signature is put to it; [pki.ErrDisagree] and [pki.ErrBusy] are not
// [ErrWrongSignature].
func (l *List) Verify(issuer *cert.Certificate, second pki.SecondOpinion) error {
	return l.verify(issuer, second, pki.Judge)
}

func (l *List) verify(issuer *cert.Certificate, second pki.SecondOpinion, rule func(*pki.PublicKey, []byte, pki.Signature, pki.SecondOpinion) pki.Outcome) error {
	wrong := func(what string) error {
		return fmt.Errorf("CRL against the certificate of %s: %s: %w", issuer.Subject, what, ErrWrongIssuer)
	}
	switch id := issuer.SubjectKeyID(); {
	case !bytes.Equal(l.Issuer, issuer.RawSubject()):
		return wrong("another name")
	case l.AuthorityKeyID != nil && id != nil && !bytes.Equal(l.AuthorityKeyID, id):
		return wrong("another key identifier")
	case issuer.Usage()&cert.CRLSign == 0:
		return wrong("it may not sign CRLs")
	}
	if err := rule(issuer.Key, l.tbs, l.signature, second).Err(ErrWrongSignature); err != nil {
		return fmt.Errorf("CRL of %s: %w", issuer.Subject, err)
	}
	if l.delta != nil {
		return l.delta.verify(issuer, second, rule)
	}
	return nil
}

// ClockTolerance is how far thisUpdate may lie ahead of a verifier's clock. The
// issuer signs that moment, so nothing is gained by an earlier one.
const ClockTolerance = 5 * time.Minute

// CurrentAt reports whether the list speaks of a moment: from thisUpdate, less
// [ClockTolerance], until before nextUpdate.
func (l *List) CurrentAt(at time.Time) bool {
	return !at.Before(l.ThisUpdate.Add(-ClockTolerance)) && at.Before(l.NextUpdate)
}

// Covers reports whether the certificate would stand in this list if it were
// revoked: same issuer, a distribution point in common, the right kind (RFC 5280,
// 6.3.3 b). A delta CRL alone covers nothing, as what it leaves out may still be
// revoked. Dates are for [List.CurrentAt].
func (l *List) Covers(c *cert.Certificate) bool {
	if l.IsDelta() || !bytes.Equal(l.Issuer, c.RawIssuer()) || l.OnlyUsers && c.IsCA() || l.OnlyCAs && !c.IsCA() {
		return false
	}
	return len(l.Points) == 0 || slices.ContainsFunc(c.CRLDistributionPoints(), func(p cert.DistributionPoint) bool {
		return !p.Partial && slices.ContainsFunc(p.Names, func(name cert.GeneralName) bool { return slices.Contains(l.Points, name) })
	})
}

// Find looks a serial number up: its magnitude in big-endian bytes without leading
// zeros. In a delta CRL alone the reason may be [cert.RemoveFromCRL].
func (l *List) Find(serial []byte) (cert.Revocation, bool) {
	if l.delta != nil {
		if r, found := l.delta.Find(serial); found {
			return r, r.Reason != cert.RemoveFromCRL
		}
	}
	i, found := sort.Find(len(l.offsets), func(i int) int { return compareSerials(serial, l.serialAt(i)) })
	if !found {
		return cert.Revocation{}, false
	}
	return l.entryAt(i).Revocation, true
}

// All returns the entries in the order of their serial numbers. They share the
// bytes of the list.
func (l *List) All() iter.Seq[Entry] {
	if l.delta == nil {
		return func(yield func(Entry) bool) {
			for i := range l.offsets {
				if !yield(l.entryAt(i)) {
					return
				}
			}
		}
	}
	return l.merged
}

// merged goes through base and delta side by side.
func (l *List) merged(yield func(Entry) bool) {
	next := 0 // of the delta
	changed := func(below []byte) bool {
		for ; next < l.delta.Len(); next++ {
			e := l.delta.entryAt(next)
			if below != nil && compareSerials(e.Serial, below) >= 0 {
				break
			}
			if e.Reason != cert.RemoveFromCRL && !yield(e) {
				return false
			}
		}
		return true
	}
	for i := range l.offsets {
		e := l.entryAt(i)
		if !changed(e.Serial) {
			return
		}
		if next < l.delta.Len() && bytes.Equal(l.delta.serialAt(next), e.Serial) {
			continue // the delta's entry stands for it, when the next serial comes
		}
		if !yield(e) {
			return
		}
	}
	changed(nil)
}

// serialAt returns the serial number of the i-th entry.
func (l *List) serialAt(i int) []byte {
	s := l.entries[l.offsets[i]:]
	serial, _ := readSerialOfEntry(s)
	return serial
}

// entryAt returns the i-th entry, which was read before.
func (l *List) entryAt(i int) Entry {
	s := l.entries[l.offsets[i]:]
	e, _ := readEntry(&s)
	return e
}

// compareSerials orders serial numbers by their value.
func compareSerials(a, b []byte) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}
