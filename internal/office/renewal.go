package office

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
)

// RenewSeals renews the certificates of seals that end within a time, and makes those
// seals anew: a seal names the certificate that signs with it, so a renewed certificate
// is worth nothing without (GB/T 38540; the list of certificates in the seal's
// property). The key stays. Documents that were sealed before carry the seal of their
// day, and the record keeps it as well.
//
// A seal is made anew as well if its maker's certificate ends within the time, which is
// renewed first, or if its maker's key was compromised.
//
// Only seals in use are renewed. One that cannot be, because its certificate is held or revoked for example,
// does not hinder the others: the error names every one. It returns the seals that were
// made anew.
func (o *Office) RenewSeals(ctx context.Context, actor string, within time.Duration) ([]seal.Record, error) {
	p, err := o.profiles.Profile(ca.ProfileOrganizationSeal)
	if err != nil {
		return nil, err
	}
	if within <= 0 || within > p.Life()/2 {
		return nil, fmt.Errorf("seals live %d days, and are renewed at most %d before their end, not %d: %w", p.Life()/day, p.Life()/2/day, within/day, ErrOutOfRange)
	}
	if err := o.renewMaker(ctx, actor, within); err != nil {
		return nil, err
	}
	all, err := o.store.Seals(ctx)
	if err != nil {
		return nil, err
	}
	var renewed []seal.Record
	var errs []error
	for _, r := range all {
		if r.State() != seal.InUse {
			continue
		}
		again, done, err := o.renewSeal(ctx, actor, p, r, within)
		if err != nil {
			errs = append(errs, fmt.Errorf("seal %s: %w", r.ID, err))
		}
		if done {
			renewed = append(renewed, again)
		}
	}
	return renewed, errors.Join(errs...)
}

// renewMaker renews the certificate of the seal maker.
func (o *Office) renewMaker(ctx context.Context, actor string, within time.Duration) error {
	_, c, err := o.maker(ctx)
	if err != nil {
		return fmt.Errorf("seal maker: %w", err)
	}
	if c.NotAfter().Sub(o.now()) > within {
		return nil
	}
	serial, ok := cert.SerialOf(c.SerialNumber())
	if !ok {
		return fmt.Errorf("seal maker: certificate %s is none of ours", c.Serial())
	}
	if _, err := o.RenewCertificate(ctx, actor, serial, nil); err != nil {
		return fmt.Errorf("seal maker: %w", err)
	}
	return nil
}

// makerLasts reports whether the maker's certificate in a seal goes on, and its key may
// still make seals.
func (o *Office) makerLasts(ctx context.Context, r seal.Record, within time.Duration) (bool, error) {
	made, err := seal.Parse(r.SESeal)
	if err != nil {
		return false, err
	}
	lost, err := o.compromised(ctx, made.Maker.Key.Point())
	return !lost && made.Maker.NotAfter().Sub(o.now()) > within, err
}

func (o *Office) renewSeal(ctx context.Context, actor string, p *ca.Profile, r seal.Record, within time.Duration) (seal.Record, bool, error) {
	// A run that was cut off may have left the certificate renewed and the seal not.
	signer, err := cert.Parse(r.Chain[0])
	if err != nil {
		return r, false, err
	}
	listed := signer.Serial()
	if signer, err = o.certificateOf(ctx, signer.Key); err != nil {
		return r, false, err
	}
	lasts, err := o.makerLasts(ctx, r, within)
	if err != nil {
		return r, false, err
	}
	if lasts && signer.NotAfter().Sub(o.now()) > within && signer.Serial() == listed {
		return r, false, nil
	}
	serial, ok := cert.SerialOf(signer.SerialNumber())
	if !ok {
		return r, false, errors.New("the certificate's serial number is not one of ours")
	}
	record, err := o.Certificate(ctx, serial)
	if err != nil {
		return r, false, err
	}
	if record.State != ca.Good {
		return r, false, fmt.Errorf("its certificate %s is %s: %w", serial, record.State, ca.ErrState)
	}
	authority, err := o.authority(ctx, caSeals)
	if err != nil {
		return r, false, err
	}
	if signer.NotAfter().Sub(o.now()) <= within {
		if signer, err = certify(ctx, authority, successorRequest(p, signer), actor); err != nil {
			return r, false, err
		}
	}
	again, err := o.makeSeal(ctx, r, signer)
	if err != nil {
		return r, false, err
	}
	again.Earlier = append(again.Earlier, seal.Earlier{SESeal: r.SESeal, Chain: r.Chain, Until: o.now().UTC().Truncate(time.Second)})
	digest := sm3.Sum(again.SESeal)
	entry, err := audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: actor, Act: audit.ActSealRenew, Subject: r.ID, Digest: digest[:]}, nil)
	if err != nil {
		return r, false, err
	}
	return again, true, o.store.RenewSeal(ctx, again, entry)
}

// makeSeal returns a seal's record with the SESeal, by the maker, for a certificate.
func (o *Office) makeSeal(ctx context.Context, r seal.Record, signer *cert.Certificate) (seal.Record, error) {
	drawing, err := impression.Draw(r.Design)
	if err != nil {
		return r, err
	}
	maker, makerCertificate, err := o.maker(ctx)
	if err != nil {
		return r, err
	}
	issuer, err := o.issuerOf(ctx, signer)
	if err != nil {
		return r, err
	}
	width, height := drawing.Size()
	der, err := seal.Make(seal.Particulars{
		ID: r.ID, Name: r.Name, Kind: 1, Certificate: signer, Created: o.now().UTC().Truncate(time.Second), ValidFrom: signer.NotBefore(), ValidUntil: signer.NotAfter(),
		Picture: seal.Picture{Type: "SVG", Data: drawing.SVGZ(), WidthMM: int(math.Round(width)), HeightMM: int(math.Round(height))},
	}, makerCertificate, maker, o.second)
	if err != nil {
		return r, err
	}
	r.SESeal, r.Chain = der, [][]byte{signer.DER, issuer.DER}
	return r, nil
}

// issuerOf returns the authority for seals that signed a certificate.
func (o *Office) issuerOf(ctx context.Context, c *cert.Certificate) (*cert.Certificate, error) {
	ring, err := o.keyringOfAuthority(ctx, caSeals)
	if err != nil {
		return nil, err
	}
	for _, g := range ring {
		a, err := o.authorityOfKey(ctx, g)
		if err != nil {
			return nil, err
		}
		if c.SignedBy(a.Certificate().Key, nil) == nil {
			return a.Certificate(), nil
		}
	}
	return nil, fmt.Errorf("certificate %s is none of the authority for seals", c.Serial())
}
