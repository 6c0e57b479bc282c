package office

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// mandate is who issues licences of a category and with which key, as of one moment. What
// is signed by it is dated with that moment: a key that takes over meanwhile changes
// nothing. Who makes one holds rotating for reading until what was signed is stored.
type mandate struct {
	category *catalogue.Category
	issuer   licence.Authority
	key      *pki.Key
	at       time.Time
	// published is when what is issued by it is published by itself; zero: at once.
	published time.Time
}

func (o *Office) mandate(ctx context.Context, category *catalogue.Category, issuer licence.Authority) (mandate, error) {
	m := mandate{category: category, issuer: issuer, at: o.now()}
	m.published = publishedAt(issuer, category.ID, m.at)
	var err error
	m.key, err = o.authorityKeyAt(ctx, issuer, m.at)
	return m, err
}

// bulkMandate is [Office.mandate] for thousands of licences.
func (o *Office) bulkMandate(ctx context.Context, category *catalogue.Category, issuer licence.Authority) (mandate, error) {
	m, err := o.mandate(ctx, category, issuer)
	if err != nil {
		return m, err
	}
	key := m.key
	m.key, err = o.signers.key(key.Public().Point(), true, func() (*pki.Key, error) { return key, nil })
	return m, err
}

// keepPictures stores the pictures of an application. They come first: a licence never
// refers to one that is not there.
func (o *Office) keepPictures(ctx context.Context, valid *licence.Valid) error {
	for _, image := range valid.Images() {
		if err := o.documents.Put(ctx, image); err != nil {
			return err
		}
	}
	return nil
}

// draft makes a licence under a new identifier.
func (o *Office) draft(m mandate, valid *licence.Valid, ref licence.StatusRef) (*licence.Licence, error) {
	serial := licence.Serial{Bucket: o.store.Bucket(valid.Holder())}
	if _, err := rand.Read(serial.Random[:]); err != nil {
		return nil, fmt.Errorf("drawing a serial: %w", err)
	}
	identifier, err := licence.NewIdentifier(m.category.Code, m.issuer.USCC, serial, 1)
	if err != nil {
		return nil, err
	}
	return valid.Licence(identifier, ref, m.at), nil
}

// submission is what the register stores of a signed licence, with its entry in the audit
// log.
func submission(actor string, m mandate, l *licence.Licence, signed []byte, request licence.Request) (licence.Submission, error) {
	act := audit.ActLicenceIssue
	if l.Identifier.Version > 1 {
		act = audit.ActLicenceReissue
	}
	digest := sm3.Sum(signed)
	entry, err := audit.NewRecord(audit.Entry{
		Time: m.at.Unix(), Actor: actor, Act: act, Subject: l.Identifier.String(), Digest: digest[:],
	}, nil)
	if err != nil {
		return licence.Submission{}, err
	}
	return licence.Submission{Licence: l, Signed: signed, Point: m.key.Public().Point(), Request: request, Publication: m.published, Audit: entry}, nil
}
