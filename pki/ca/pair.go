package ca

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
)

// Pair is a holder's two certificates (GM/T 0015, dual certificates) with the private
// key of the second, sealed to the first.
type Pair struct {
	Signing    *cert.Certificate
	Encryption *cert.Certificate
	Enveloped  []byte // SM2EnvelopedKey (GM/T 0009, 7.4), DER
}

// IssuePair issues a signing certificate for the request's key, and beside it an
// encryption certificate for a key that is made here. Both are recorded together or
// neither is.
//
// The private encryption key exists for a moment in memory, is sealed to the signing
// key and forgotten. No copy is kept: this is not a key management centre, and who
// loses the signing key loses what was encrypted to them. A domain whose law wants
// recoverable keys has its own centre make the pair and asks for a certificate only.
func (a *Authority) IssuePair(ctx context.Context, r Request, actor string) (*Pair, error) {
	p, err := a.env.Profiles.Profile(r.Profile)
	if err != nil {
		return nil, fmt.Errorf("profile %w", err)
	}
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating an encryption key: %w", err)
	}
	defer clear(private.D.Bits())
	public, err := pki.NewPublicKey(&private.PublicKey)
	if err != nil {
		return nil, err
	}
	r.Pair = true
	if r, err = a.validate(p, r); err != nil { // draws the subject serial that both share
		return nil, fmt.Errorf("certificate of profile %s: %w", r.Profile, err)
	}
	pair := new(Pair)
	// First what can fail without leaving anything behind.
	if pair.Enveloped, err = sm2.MarshalEnvelopedPrivateKey(rand.Reader, r.Key.ECDSA(), private); err != nil {
		return nil, fmt.Errorf("sealing an encryption key: %w", err)
	}
	signing, err := a.Prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	second := r
	second.Profile, second.Key, second.Pair, second.Renews = p.pair, public, false, nil
	encryption, err := a.Prepare(ctx, second)
	if err != nil {
		if abandoning := a.abandon(ctx, actor, []*Draft{signing}); abandoning != nil {
			err = fmt.Errorf("%w; %w", err, abandoning)
		}
		return nil, err
	}
	both, err := a.issue(ctx, actor, signing, encryption)
	if err != nil {
		return nil, err
	}
	pair.Signing, pair.Encryption = both[0], both[1]
	return pair, nil
}

// Response returns the pair as a CSRResponse (GM/T 0092), which the holder's device
// takes: the signing certificate, the sealed key and the encryption certificate.
//
//	CSRResponse ::= SEQUENCE {
//	    signCerts           SET OF Certificate,
//	    encryptedPrivateKey [0] SM2EnvelopedKey OPTIONAL,
//	    encryptCerts        [1] SET OF Certificate OPTIONAL }
func (p *Pair) Response() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(p.Signing.DER) })
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(p.Enveloped) })
		b.AddASN1(cbasn1.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(p.Encryption.DER) })
	})
	return b.Bytes()
}
