package office

import (
	"context"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// mandate is who issues licences and with which key, as of one moment. What is signed by
// it is dated with that moment: a key that takes over meanwhile changes nothing. Who makes
// one holds rotating for reading until what was signed is stored.
type mandate struct {
	issuer licence.Authority
	key    *pki.Key
	at     time.Time
}

func (o *Office) mandate(ctx context.Context, issuer licence.Authority) (mandate, error) {
	m := mandate{issuer: issuer, at: o.now()}
	var err error
	m.key, err = o.authorityKeyAt(ctx, issuer, m.at)
	return m, err
}

// bulkMandate is [Office.mandate] for thousands of licences.
func (o *Office) bulkMandate(ctx context.Context, issuer licence.Authority) (mandate, error) {
	m, err := o.mandate(ctx, issuer)
	if err != nil {
		return m, err
	}
	key := m.key
	m.key, err = o.signers.key(key.Public().Point(), true, func() (*pki.Key, error) { return key, nil })
	return m, err
}

// sign signs the licence of a draft and returns what the register stores of it, with its
// entry in the audit log.
func (m mandate) sign(actor string, d licenceDraft, l *licence.Licence) (licence.Submission, error) {
	signed, err := licence.Sign(l, m.key)
	if err != nil {
		return licence.Submission{}, err
	}
	return m.submission(actor, d, l, signed)
}

// submission is what the register stores of a signed licence.
func (m mandate) submission(actor string, d licenceDraft, l *licence.Licence, signed []byte) (licence.Submission, error) {
	act := audit.ActLicenceIssue
	if d.end != nil {
		act = audit.ActLicenceReissue
	}
	digest := sm3.Sum(signed)
	entry, err := audit.NewRecord(audit.Entry{Time: m.at.Unix(), Actor: actor, Act: act, Subject: l.Identifier.String(), Digest: digest[:]}, nil)
	if err != nil {
		return licence.Submission{}, err
	}
	return licence.Submission{
		Licence: l, Signed: signed, Point: m.key.Public().Point(), Request: d.request, Publication: d.published, Audit: entry, DryRun: d.dryRun,
	}, nil
}
