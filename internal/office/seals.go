package office

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
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
	OwnerName string     // empty: the name of the issuing authority with this code
	Region    string     // six digits that begin the seal's code; empty: the domain's
	Class     seal.Class // empty: what the design shows, see [seal.ClassOf]
	Design    impression.Spec
}

// ApplySeal records an application for a seal. Nothing is made before another
// person has approved it.
func (o *Office) ApplySeal(ctx context.Context, actor string, n NewSeal) (seal.Record, error) {
	made, err := o.applySeals(ctx, actor, n, n.Design)
	if err != nil {
		return seal.Record{}, err
	}
	return made[0], nil
}

// ApplySealSet records an application for a company's five seals at once, all or none:
// 公章, 财务专用章, 合同专用章, 发票专用章 and the seal of its legal representative. The design
// and the class of n are not looked at.
func (o *Office) ApplySealSet(ctx context.Context, actor string, n NewSeal, representative string) ([]seal.Record, error) {
	name, err := o.ownerName(ctx, n)
	if err != nil {
		return nil, err
	}
	n.Class = ""
	return o.applySeals(ctx, actor, n, impression.Set(name, n.OwnerUSCC, representative)...)
}

// ownerName is the given name of the owner, or that of the issuing authority.
func (o *Office) ownerName(ctx context.Context, n NewSeal) (string, error) {
	if err := idcode.CheckUSCC(n.OwnerUSCC); err != nil {
		return "", fmt.Errorf("owner: %w", err)
	}
	if n.OwnerName == "" {
		a, err := o.authorityOf(ctx, n.OwnerUSCC)
		if err != nil {
			return "", fmt.Errorf("owner's name must be given: %w", err)
		}
		return a.Name, nil
	}
	if err := cleantext.Check(n.OwnerName); err != nil {
		return "", fmt.Errorf("owner's name: %w", err)
	}
	return n.OwnerName, nil
}

func (o *Office) applySeals(ctx context.Context, actor string, n NewSeal, designs ...impression.Spec) ([]seal.Record, error) {
	var err error
	if n.OwnerName, err = o.ownerName(ctx, n); err != nil {
		return nil, err
	}
	if n.Region == "" {
		n.Region = o.config.Region
	}
	if err := ceremony.CheckRegion(n.Region); err != nil {
		return nil, fmt.Errorf("region %w", err)
	}
	// A seal that cannot be drawn is refused now, not when it is approved.
	for _, d := range designs {
		if err := d.CheckComplete(); err != nil {
			return nil, err
		}
		if _, err := impression.Draw(d); err != nil {
			return nil, err
		}
	}
	for {
		records, err := o.numberSeals(ctx, actor, n, designs)
		if err != nil {
			return nil, err
		}
		var entries []audit.Record
		for _, r := range records {
			entry, err := audit.NewRecord(audit.Entry{Time: r.AppliedAt.Unix(), Actor: actor, Act: audit.ActSealMake, Subject: r.ID}, nil)
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry)
		}
		err = o.store.ApplySeals(ctx, records, entries)
		if errors.Is(err, seal.ErrExists) {
			continue // another application took a code
		}
		return records, err
	}
}

// numberSeals gives designs the next free codes of a region.
func (o *Office) numberSeals(ctx context.Context, actor string, n NewSeal, designs []impression.Spec) ([]seal.Record, error) {
	next, err := o.nextSerial(ctx, n.Region)
	if err != nil {
		return nil, err
	}
	now := o.now().UTC().Truncate(time.Second)
	var records []seal.Record
	for i, d := range designs {
		class := n.Class
		if class == "" {
			class = seal.ClassOf(d)
		}
		records = append(records, seal.Record{
			ID: fmt.Sprintf("%s%08d", n.Region, next+i), Name: d.Text + d.Line, OwnerUSCC: n.OwnerUSCC, OwnerName: n.OwnerName, Class: class, Design: d, AppliedBy: actor, AppliedAt: now,
		})
	}
	return records, nil
}

// nextSerial returns the first free serial of a region: a seal's code is the region and
// an eight-digit serial.
func (o *Office) nextSerial(ctx context.Context, region string) (int, error) {
	all, err := o.store.Seals(ctx)
	if err != nil {
		return 0, err
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
	return next, nil
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

// sealOf returns a seal of an owner that a person may use now.
func (o *Office) sealOf(ctx context.Context, actor, uscc string) (seal.Record, error) {
	all, err := o.store.Seals(ctx)
	if err != nil {
		return seal.Record{}, err
	}
	refused := bilingual.Wrap("该机构没有已批准的印章", fmt.Errorf("%s has no approved seal: %w", uscc, seal.ErrNotFound))
	for _, r := range all {
		if r.OwnerUSCC != uscc || !r.Made() {
			continue
		}
		err := r.CheckUse(actor, o.now())
		if err == nil {
			return r, nil
		}
		refused = fmt.Errorf("seal %s: %w", r.ID, err)
	}
	return seal.Record{}, refused
}
