package ocsp

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// Template is everything of a basic response but its signature.
type Template struct {
	Singles    []Single
	ProducedAt time.Time
	Nonce      []byte            // of the request, or nil
	Responder  *cert.Certificate // embedded if the issuer does not sign itself, or nil
}

// Sign builds a response that names its responder by key, and verifies the signature
// before it is returned.
func (t *Template) Sign(key *pki.Key) ([]byte, error) { return t.sign(key.Public(), key.Sign) }

// SignUnchecked is [Template.Sign] without the verification, which costs three times
// the signature. It is for one asker who verifies it anyway; what is served to many
// is checked.
func (t *Template) SignUnchecked(key *pki.Key) ([]byte, error) {
	return t.sign(key.Public(), key.SignUnchecked)
}

func (t *Template) sign(public *pki.PublicKey, sign func([]byte) (pki.Signature, error)) ([]byte, error) {
	if err := t.check(public); err != nil {
		return nil, err
	}
	tbs, err := t.tbs(public)
	if err != nil {
		return nil, fmt.Errorf("OCSP response: %w", err)
	}
	sig, err := sign(tbs)
	if err != nil {
		return nil, fmt.Errorf("OCSP response: %w", err)
	}
	size := len(tbs) + 128
	if t.Responder != nil {
		size += len(t.Responder.DER)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, size))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0) // successful
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				oid.Add(b, oid.OCSPBasic)
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(tbs)
						oid.AddAlgorithm(b, oid.SM2WithSM3)
						b.AddASN1BitString(sig.DER())
						if t.Responder != nil {
							b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
								b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(t.Responder.DER) })
							})
						}
					})
				})
			})
		})
	})
	return b.Bytes()
}

func (t *Template) check(public *pki.PublicKey) error {
	if len(t.Singles) == 0 || len(t.Singles) > MaxIDs || len(t.Nonce) > MaxNonce {
		return fmt.Errorf("OCSP response with %d certificates and a nonce of %d octets", len(t.Singles), len(t.Nonce))
	}
	if t.Responder != nil && !t.Responder.Key.Equal(public) {
		return errors.New("OCSP response: the key is not the responder's")
	}
	for _, s := range t.Singles {
		if !s.NextUpdate.IsZero() && !s.NextUpdate.After(s.ThisUpdate) {
			return fmt.Errorf("OCSP response: serial %x: nextUpdate is not after thisUpdate", s.ID.Serial)
		}
		if s.Status == Revoked && (!s.Revocation.Reason.Known() || s.Revocation.Reason == cert.RemoveFromCRL) {
			return fmt.Errorf("OCSP response: serial %x: revoked for %s", s.ID.Serial, s.Revocation.Reason)
		}
	}
	return nil
}

// tbs writes ResponseData.
func (t *Template) tbs(public *pki.PublicKey) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 64+MaxNonce+len(t.Singles)*192))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(cert.KeyID(public)) })
		b.AddASN1GeneralizedTime(t.ProducedAt.UTC())
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for i := range t.Singles {
				b.AddASN1(cbasn1.SEQUENCE, t.Singles[i].marshal)
			}
		})
		addNonce(b, 1, t.Nonce)
	})
	return b.Bytes()
}

func (s *Single) marshal(b *cryptobyte.Builder) {
	b.AddBytes(s.ID.der)
	switch s.Status {
	case Good, Unknown:
		b.AddASN1(cbasn1.Tag(s.Status).ContextSpecific(), func(*cryptobyte.Builder) {})
	case Revoked:
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			b.AddASN1GeneralizedTime(s.Revocation.At.UTC())
			if s.Revocation.Reason != cert.Unspecified {
				b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.Revocation.Reason)) })
			}
		})
	default:
		b.SetError(fmt.Errorf("serial %x: %s", s.ID.Serial, s.Status))
	}
	b.AddASN1GeneralizedTime(s.ThisUpdate.UTC())
	if !s.NextUpdate.IsZero() {
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(s.NextUpdate.UTC()) })
	}
	if s.Status == Revoked && !s.Revocation.InvalidAt.IsZero() {
		// A verifier that asks here must know as much as one that reads the CRL: what
		// was signed after this date is as bad as after the revocation.
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				cert.AddExtension(b, oid.InvalidityDate, false, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(s.Revocation.InvalidAt.UTC()) })
			})
		})
	}
}
