package ocsp

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Limits of what is read.
const (
	MaxRequest    = 8 << 10 // bytes of a request
	MaxIDs        = 32      // certificates in one request
	MaxNonce      = 128     // octets (RFC 9654, 2.1)
	maxExtensions = 16
)

// ErrMalformed: not a request or a response in the form that is read here.
var ErrMalformed = errors.New("malformed OCSP message")

// Request asks about certificates.
type Request struct {
	IDs   []CertID
	Nonce []byte // 1 to 128 octets, or nil
}

// explicit is an EXPLICIT tag, or an IMPLICIT one of a constructed type.
func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

// ParseRequest reads an OCSPRequest strictly (RFC 6960, 4.1.1). The requestor's name
// and signature are skipped: who asks makes no difference here. The error wraps
// [ErrMalformed]. The caller must not change the bytes.
func ParseRequest(der []byte) (*Request, error) {
	bad := func(what string) (*Request, error) { return nil, fmt.Errorf("%s: %w", what, ErrMalformed) }
	if len(der) > MaxRequest {
		return bad(fmt.Sprintf("%d bytes, at most %d are read", len(der), MaxRequest))
	}
	input := cryptobyte.String(der)
	var whole, tbs, name, list, signature, content cryptobyte.String
	var named, signed bool
	if !input.ReadASN1(&whole, cbasn1.SEQUENCE) || !input.Empty() || !whole.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		return bad("not an OCSPRequest in DER")
	}
	if !whole.ReadOptionalASN1(&signature, &signed, explicit(0)) || !whole.Empty() ||
		signed && (!signature.ReadASN1(&content, cbasn1.SEQUENCE) || !signature.Empty()) {
		return bad("something follows that is not a signature")
	}
	if !tbs.ReadOptionalASN1(&name, &named, explicit(1)) || !tbs.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
		return bad("no list of requests")
	}
	r := new(Request)
	for !list.Empty() {
		if len(r.IDs) == MaxIDs {
			return bad(fmt.Sprintf("more than %d certificates", MaxIDs))
		}
		var one cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) {
			return bad("a request is not a SEQUENCE")
		}
		id, ok := readCertID(&one)
		if !ok {
			return bad(fmt.Sprintf("request %d has no CertID", len(r.IDs)))
		}
		if err := readExtensions(&one, 0, nil); err != nil {
			return nil, fmt.Errorf("request %d: %w", len(r.IDs), err)
		}
		r.IDs = append(r.IDs, id)
	}
	var err error
	if r.Nonce, err = readNonce(&tbs, 2); err != nil {
		return nil, err
	}
	return r, nil
}

// readExtensions reads the optional extensions at the end of something under an
// explicit tag. Those that known has a reader for are read, and a critical one that it
// has none for is refused.
func readExtensions(s *cryptobyte.String, tag uint8, known map[oid.ID]func(value cryptobyte.String) bool) error {
	var outer, list cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&outer, &present, explicit(tag)) || !s.Empty() {
		return fmt.Errorf("something follows that is not extensions: %w", ErrMalformed)
	}
	if !present {
		return nil
	}
	if !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty() || list.Empty() {
		return fmt.Errorf("extensions are not a list: %w", ErrMalformed)
	}
	var seen []oid.ID
	for !list.Empty() {
		e, ok := cert.ReadExtension(&list)
		if !ok || len(seen) == maxExtensions || slices.Contains(seen, e.ID) {
			return fmt.Errorf("extensions are not a list of at most %d, each once: %w", maxExtensions, ErrMalformed)
		}
		seen = append(seen, e.ID)
		read := known[e.ID]
		if read == nil && e.Critical {
			return fmt.Errorf("critical extension %s: %w", e.ID, ErrMalformed)
		}
		if read != nil && !read(e.Value) {
			return fmt.Errorf("extension %s is not as its standard has it: %w", e.ID, ErrMalformed)
		}
	}
	return nil
}

// readNonce reads optional extensions that may hold a nonce of 1 to 128 octets.
func readNonce(s *cryptobyte.String, tag uint8) ([]byte, error) {
	if s.Empty() {
		return nil, nil // as nearly always: nothing is made for it
	}
	var nonce cryptobyte.String
	err := readExtensions(s, tag, map[oid.ID]func(cryptobyte.String) bool{oid.OCSPNonce: func(value cryptobyte.String) bool {
		return value.ReadASN1(&nonce, cbasn1.OCTET_STRING) && value.Empty() && len(nonce) > 0 && len(nonce) <= MaxNonce
	}})
	return nonce, err
}

// DER returns the request's bytes.
func (r *Request) DER() ([]byte, error) {
	if len(r.IDs) == 0 || len(r.IDs) > MaxIDs || len(r.Nonce) > MaxNonce {
		return nil, fmt.Errorf("OCSP request with %d certificates and a nonce of %d octets", len(r.IDs), len(r.Nonce))
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range r.IDs {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(id.der) })
				}
			})
			addNonce(b, 2, r.Nonce)
		})
	})
	return b.Bytes()
}

// addNonce writes extensions that hold nothing but a nonce, if there is one.
func addNonce(b *cryptobyte.Builder, tag uint8, nonce []byte) {
	if len(nonce) == 0 {
		return
	}
	b.AddASN1(explicit(tag), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			cert.AddExtension(b, oid.OCSPNonce, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
		})
	})
}
