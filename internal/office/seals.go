package office

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/ca/ceremony"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
)

// NewSeal is an application for a seal.
type NewSeal struct {
	OwnerUSCC string
	OwnerName string // empty: the name of the issuing authority with this code
	Region    string // six digits that begin the seal's code; empty: the domain's
	Design    impression.Spec
}

// ApplySeal records an application for a seal. Nothing is made before another
// person has approved it.
func (o *Office) ApplySeal(ctx context.Context, actor string, n NewSeal) (seal.Record, error) {
	if err := idcode.CheckUSCC(n.OwnerUSCC); err != nil {
		return seal.Record{}, fmt.Errorf("owner: %w", err)
	}
	if n.OwnerName == "" {
		a, err := o.authorityOf(ctx, n.OwnerUSCC)
		if err != nil {
			return seal.Record{}, fmt.Errorf("owner's name must be given: %w", err)
		}
		n.OwnerName = a.Name
	}
	if err := cleantext.Check(n.OwnerName); err != nil {
		return seal.Record{}, fmt.Errorf("owner's name: %w", err)
	}
	if n.Region == "" {
		n.Region = o.config.Region
	}
	if err := ceremony.CheckRegion(n.Region); err != nil {
		return seal.Record{}, fmt.Errorf("region %w", err)
	}
	// A seal that cannot be drawn is refused now, not when it is approved.
	if _, err := impression.Draw(n.Design); err != nil {
		return seal.Record{}, err
	}
	now := o.now().UTC().Truncate(time.Second)
	r := seal.Record{
		Name: n.Design.Text + n.Design.Line, OwnerUSCC: n.OwnerUSCC, OwnerName: n.OwnerName, Design: n.Design,
		AppliedBy: actor, AppliedAt: now,
	}
	for {
		var err error
		if r.ID, err = o.nextSealID(ctx, n.Region); err != nil {
			return seal.Record{}, err
		}
		entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActSealMake, Subject: r.ID}, nil)
		if err != nil {
			return seal.Record{}, err
		}
		err = o.store.ApplySeal(ctx, r, entry)
		if errors.Is(err, seal.ErrExists) {
			continue // another application took the code
		}
		return r, err
	}
}

// nextSealID returns the first free code of a region: region and an eight-digit
// serial.
func (o *Office) nextSealID(ctx context.Context, region string) (string, error) {
	all, err := o.store.Seals(ctx)
	if err != nil {
		return "", err
	}
	next := 1
	for _, r := range all {
		if serial, ok := strings.CutPrefix(r.ID, region); ok {
			var n int
			if _, err := fmt.Sscanf(serial, "%d", &n); err == nil && n >= next {
				next = n + 1
			}
		}
	}
	return fmt.Sprintf("%s%08d", region, next), nil
}

// ApproveSeal makes a seal that another person applied for: its key, its
// certificate and the SESeal, signed by the seal maker.
func (o *Office) ApproveSeal(ctx context.Context, actor, id string) (seal.Record, error) {
	r, err := o.store.Seal(ctx, id)
	if err != nil {
		return r, err
	}
	if err := r.CheckApproval(actor); err != nil {
		return r, fmt.Errorf("seal %s: %w", id, err)
	}
	_, signer, err := o.certified(ctx, actor, keystore.PurposeSeal, r.ID, caSeals, ca.Request{
		Profile: ca.ProfileOrganizationSeal, OrganizationCode: r.OwnerUSCC,
		Subject: cert.Name{Country: "CN", Organization: r.OwnerUSCC + r.OwnerName, CommonName: r.ID},
	})
	if err != nil {
		return r, err
	}
	if r, err = o.makeSeal(ctx, r, signer); err != nil {
		return r, err
	}
	now := o.now().UTC().Truncate(time.Second)
	r.ApprovedBy, r.ApprovedAt = actor, now
	digest := sm3.Sum(r.SESeal)
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: audit.ActSealApprove, Subject: r.ID, Digest: digest[:]}, nil)
	if err != nil {
		return r, err
	}
	return r, o.store.ApproveSeal(ctx, r, entry)
}

// maker returns the seal maker's key and certificate.
func (o *Office) maker(ctx context.Context) (*pki.Key, *cert.Certificate, error) {
	key, err := o.currentKey(ctx, keystore.PurposeSeal, makerKey)
	if err != nil {
		return nil, nil, err
	}
	c, err := o.certificateOf(ctx, key.Public())
	return key, c, err
}

// Seals returns all seals.
func (o *Office) Seals(ctx context.Context) ([]seal.Record, error) { return o.store.Seals(ctx) }

// sealOf returns an approved seal of an owner.
func (o *Office) sealOf(ctx context.Context, uscc string) (seal.Record, error) {
	all, err := o.store.Seals(ctx)
	if err != nil {
		return seal.Record{}, err
	}
	for _, r := range all {
		if r.OwnerUSCC == uscc && r.Approved() {
			return r, nil
		}
	}
	return seal.Record{}, fmt.Errorf("%s has no approved seal: %w", uscc, seal.ErrNotFound)
}
