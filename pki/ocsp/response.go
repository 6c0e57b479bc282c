package ocsp

import (
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// MaxResponse bounds the DER of a response that is read, in bytes.
const MaxResponse = 64 << 10

const maxCertificates = 4 // embedded in a response

// ClockTolerance is how far thisUpdate may lie ahead of a verifier's clock. The
// responder signs that moment, so nothing is gained by an earlier one.
const ClockTolerance = 5 * time.Minute

// undatedLife is how long a status without nextUpdate is current.
const undatedLife = 5 * time.Minute

// Status is what a responder says of a certificate.
type Status uint8

// The statuses, with their tags in CertStatus.
const (
	Good Status = iota
	Revoked
	Unknown
)

// String returns the name of RFC 6960.
func (s Status) String() string {
	switch s {
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// Single is the status of one certificate.
type Single struct {
	ID         CertID
	Status     Status
	Revocation cert.Revocation // if Revoked
	ThisUpdate time.Time       // UTC, whole seconds
	NextUpdate time.Time       // or zero: the responder always knows more
}

// CurrentAt reports whether the status speaks of a moment: from thisUpdate, less
// [ClockTolerance], until before nextUpdate. Without nextUpdate it is current for
// five minutes.
func (s *Single) CurrentAt(at time.Time) bool {
	end := s.NextUpdate
	if end.IsZero() {
		end = s.ThisUpdate.Add(undatedLife)
	}
	return !at.Before(s.ThisUpdate.Add(-ClockTolerance)) && at.Before(end)
}

// Response is a basic response that was read. Nothing about it is verified until
// [Response.Verify] has done so.
type Response struct {
	DER          []byte
	ProducedAt   time.Time
	Singles      []Single
	Nonce        []byte              // or nil
	Certificates []*cert.Certificate // embedded, trusted by nobody yet

	responderName  []byte // DER of a name, or nil
	responderKeyID []byte // SHA-1 of a key, or nil
	tbs            []byte
	signature      pki.Signature
}

// Refusal is an answer without a status (OCSPResponseStatus of RFC 6960, 4.2.1). It
// is not signed: anybody on the way can make one.
type Refusal uint8

// The refusals.
const (
	MalformedRequest Refusal = 1
	InternalError    Refusal = 2
	TryLater         Refusal = 3
	SigRequired      Refusal = 5
	Unauthorized     Refusal = 6
)

// Error implements error.
func (r Refusal) Error() string {
	switch r {
	case MalformedRequest:
		return "the OCSP responder says malformedRequest"
	case InternalError:
		return "the OCSP responder says internalError"
	case TryLater:
		return "the OCSP responder says tryLater"
	case SigRequired:
		return "the OCSP responder says sigRequired"
	case Unauthorized:
		return "the OCSP responder says unauthorized"
	}
	return fmt.Sprintf("the OCSP responder refuses with status %d", uint8(r))
}

// DER returns the response that says so.
func (r Refusal) DER() []byte { return []byte{0x30, 3, 0x0a, 1, byte(r)} }

// ParseResponse reads an OCSPResponse strictly and verifies nothing. A response
// without a status is returned as a [Refusal]; other errors wrap [ErrMalformed]. The
// caller must not change the bytes.
func ParseResponse(der []byte) (*Response, error) {
	bad := func(what string) (*Response, error) { return nil, fmt.Errorf("%s: %w", what, ErrMalformed) }
	if len(der) > MaxResponse {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxResponse))
	}
	input := cryptobyte.String(der)
	var whole, bytes0, typed, basic, content cryptobyte.String
	var status int
	if !input.ReadASN1(&whole, cbasn1.SEQUENCE) || !input.Empty() || !whole.ReadASN1Enum(&status) {
		return bad("not an OCSPResponse in DER")
	}
	if status != 0 {
		if !whole.Empty() || status < 1 || status > 6 || status == 4 {
			return bad("refusal is not one of RFC 6960")
		}
		return nil, Refusal(status)
	}
	if !whole.ReadASN1(&bytes0, explicit(0)) || !whole.Empty() || !bytes0.ReadASN1(&typed, cbasn1.SEQUENCE) || !bytes0.Empty() ||
		!oid.Expect(&typed, oid.OCSPBasic) || !typed.ReadASN1(&basic, cbasn1.OCTET_STRING) || !typed.Empty() ||
		!basic.ReadASN1(&content, cbasn1.SEQUENCE) || !basic.Empty() {
		return bad("not a basic response")
	}
	r := &Response{DER: der}
	if err := r.readBasic(content); err != nil {
		return nil, err
	}
	return r, nil
}

// readBasic reads the content of BasicOCSPResponse.
func (r *Response) readBasic(s cryptobyte.String) error {
	bad := func(what string) error { return fmt.Errorf("%s: %w", what, ErrMalformed) }
	var tbs, outer, list cryptobyte.String
	var signature []byte
	var present bool
	if !s.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return bad("no ResponseData")
	}
	if !oid.ExpectAlgorithm(&s, oid.SM2WithSM3) {
		return bad("not signed with SM2 and SM3")
	}
	if !s.ReadASN1BitStringAsBytes(&signature) {
		return bad("no signature")
	}
	var err error
	if r.signature, err = pki.ParseSignatureDER(signature); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !s.ReadOptionalASN1(&outer, &present, explicit(0)) || !s.Empty() || present && (!outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty()) {
		return bad("something follows that is not certificates")
	}
	for !list.Empty() {
		var der cryptobyte.String
		if len(r.Certificates) == maxCertificates || !list.ReadASN1Element(&der, cbasn1.SEQUENCE) {
			return bad(fmt.Sprintf("certificates are not a list of at most %d", maxCertificates))
		}
		c, err := cert.Parse(der)
		if err != nil {
			return fmt.Errorf("embedded certificate: %w: %w", ErrMalformed, err)
		}
		r.Certificates = append(r.Certificates, c)
	}
	r.tbs = tbs
	return r.readData(tbs)
}

// readData reads ResponseData.
func (r *Response) readData(tbs cryptobyte.String) error {
	bad := func(what string) error { return fmt.Errorf("%s: %w", what, ErrMalformed) }
	var s, id, list cryptobyte.String
	if !tbs.ReadASN1(&s, cbasn1.SEQUENCE) {
		return bad("no ResponseData")
	}
	switch {
	case s.PeekASN1Tag(explicit(1)):
		var name cryptobyte.String
		if !s.ReadASN1(&id, explicit(1)) || !id.ReadASN1Element(&name, cbasn1.SEQUENCE) || !id.Empty() {
			return bad("responder's name is not a name")
		}
		r.responderName = name
	default:
		var key cryptobyte.String
		if !s.ReadASN1(&id, explicit(2)) || !id.ReadASN1(&key, cbasn1.OCTET_STRING) || !id.Empty() || len(key) != 20 {
			return bad("responder is named neither by name nor by key")
		}
		r.responderKeyID = key
	}
	var ok bool
	if r.ProducedAt, ok = cert.ReadGeneralizedTime(&s); !ok {
		return bad("producedAt is not a time")
	}
	if !s.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
		return bad("no list of responses")
	}
	for !list.Empty() {
		single, err := readSingle(&list)
		if err != nil {
			return fmt.Errorf("response %d: %w", len(r.Singles), err)
		}
		if len(r.Singles) == MaxIDs {
			return bad(fmt.Sprintf("more than %d certificates", MaxIDs))
		}
		r.Singles = append(r.Singles, single)
	}
	var err error
	r.Nonce, err = readNonce(&s, 1)
	return err
}

// readSingle reads a SingleResponse.
func readSingle(list *cryptobyte.String) (Single, error) {
	var one Single
	bad := func(what string) (Single, error) { return one, fmt.Errorf("%s: %w", what, ErrMalformed) }
	var s, content cryptobyte.String
	var ok bool
	if !list.ReadASN1(&s, cbasn1.SEQUENCE) {
		return bad("not a SEQUENCE")
	}
	if one.ID, ok = readCertID(&s); !ok {
		return bad("no CertID")
	}
	switch {
	case s.PeekASN1Tag(cbasn1.Tag(0).ContextSpecific()):
		ok = s.ReadASN1(&content, cbasn1.Tag(0).ContextSpecific()) && content.Empty()
	case s.PeekASN1Tag(cbasn1.Tag(2).ContextSpecific()):
		one.Status = Unknown
		ok = s.ReadASN1(&content, cbasn1.Tag(2).ContextSpecific()) && content.Empty()
	default:
		one.Status = Revoked
		ok = s.ReadASN1(&content, explicit(1)) && one.readRevoked(content)
	}
	if !ok {
		return bad("status is none of good, revoked and unknown")
	}
	if one.ThisUpdate, ok = cert.ReadGeneralizedTime(&s); !ok {
		return bad("thisUpdate is not a time")
	}
	if s.PeekASN1Tag(explicit(0)) {
		if !s.ReadASN1(&content, explicit(0)) {
			return bad("nextUpdate is not a time")
		}
		if one.NextUpdate, ok = cert.ReadGeneralizedTime(&content); !ok || !content.Empty() || !one.NextUpdate.After(one.ThisUpdate) {
			return bad("nextUpdate is not a time after thisUpdate")
		}
	}
	// RFC 6960, 4.4.5: extensions of CRL entries may stand here.
	err := readExtensions(&s, 1, map[oid.ID]func(cryptobyte.String) bool{oid.InvalidityDate: func(value cryptobyte.String) bool {
		at, ok := cert.ReadGeneralizedTime(&value)
		one.Revocation.InvalidAt = at
		return ok && value.Empty() && one.Status == Revoked
	}})
	return one, err
}

// readRevoked reads RevokedInfo.
func (one *Single) readRevoked(s cryptobyte.String) bool {
	var outer cryptobyte.String
	var present, ok bool
	if one.Revocation.At, ok = cert.ReadGeneralizedTime(&s); !ok {
		return false
	}
	if !s.ReadOptionalASN1(&outer, &present, explicit(0)) || !s.Empty() {
		return false
	}
	if !present {
		return true
	}
	var reason int
	if !outer.ReadASN1Enum(&reason) || !outer.Empty() || reason < 0 || reason > 255 {
		return false
	}
	one.Revocation.Reason = cert.Reason(reason)
	// What a delta CRL takes back is not revoked here.
	return one.Revocation.Reason.Known() && one.Revocation.Reason != cert.RemoveFromCRL
}

// Find returns the status of a certificate of an issuer. If the response has
// several, one that is not good wins.
func (r *Response) Find(c, issuer *cert.Certificate) (Single, bool) {
	var found *Single
	for i := range r.Singles {
		if s := &r.Singles[i]; s.ID.Names(c, issuer) && (found == nil || found.Status == Good) {
			found = s
		}
	}
	if found == nil {
		return Single{}, false
	}
	return *found, true
}
