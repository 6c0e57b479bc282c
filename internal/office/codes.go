package office

import (
	"context"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/picture"
)

// Code is a licence's printed code.
type Code struct {
	Digits string
	// Cut reports that texts were cut to fit.
	Cut bool
	// Address is what the picture on paper holds.
	Address string
}

// Paper returns the symbol for paper.
func (c Code) Paper() (*picture.Symbol, error) { return picture.Draw(c.Address, picture.Paper) }

// Code signs a printed code for a licence, by its issuing authority, and records it
// before it gives it away. A revoked licence gets none.
func (o *Office) Code(ctx context.Context, actor string, r licence.Record) (Code, error) {
	l := r.Licence
	if r.State == licence.Revoked {
		return Code{}, fmt.Errorf("licence %s is revoked and gets no code: %w", l.Identifier, licence.ErrStep)
	}
	category, ok := o.catalogue.Category(l.Category)
	if !ok {
		return Code{}, fmt.Errorf("category %s: %w", l.Category, ErrNoCategory)
	}
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	issuer, err := o.authorityOf(ctx, l.Identifier.Issuer)
	if err != nil {
		return Code{}, err
	}
	key, err := o.authorityKey(ctx, issuer)
	if err != nil {
		return Code{}, err
	}
	now := o.now().UTC()
	c := &qr.Credential{SignedAt: now, Expires: qr.PrintedExpiry(now, l.LastDay), Summary: disclose.Summary(l, category, disclose.Full)}
	cut, err := disclose.Fit(c, category, qr.MaxPaper)
	if err != nil {
		return Code{}, fmt.Errorf("code of licence %s: %w", l.Identifier, err)
	}
	b, err := c.Sign(key)
	if err != nil {
		return Code{}, fmt.Errorf("code of licence %s: %w", l.Identifier, err)
	}
	digits, err := qr.Encode(qr.KindLicence, b)
	if err != nil {
		return Code{}, fmt.Errorf("code of licence %s: %w", l.Identifier, err)
	}
	digest := sm3.Sum([]byte(digits))
	entry, err := audit.NewRecord(audit.Entry{
		Time: now.Unix(), Actor: actor, Act: audit.ActLicenceCode, Subject: l.Identifier.String(), Digest: digest[:],
	}, nil)
	if err != nil {
		return Code{}, err
	}
	if _, err := o.store.Append(ctx, entry); err != nil {
		return Code{}, fmt.Errorf("code of licence %s: %w", l.Identifier, err)
	}
	return Code{Digits: digits, Cut: cut, Address: qr.Address(o.config.Host, digits)}, nil
}
