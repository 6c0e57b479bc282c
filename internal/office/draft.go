package office

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// licenceDraft is a licence that is about to be signed and stored.
type licenceDraft struct {
	issuer     licence.Authority
	valid      *licence.Valid
	identifier licence.Identifier
	request    licence.Request
	published  time.Time          // when it is published by itself; zero: at once
	before     licence.Identifier // the version that ends with it
	end        *StepRequest       // how; nil: it is the first version
	replace    func(context.Context, licence.Replacement) (licence.Record, error)
	dryRun     bool
}

// firstVersion drafts a licence under a new serial.
func (o *Office) firstVersion(ctx context.Context, category *catalogue.Category, issuer licence.Authority, valid *licence.Valid) (licenceDraft, error) {
	serial := licence.Serial{Bucket: o.store.Bucket(valid.Holder())}
	if _, err := rand.Read(serial.Random[:]); err != nil {
		return licenceDraft{}, fmt.Errorf("drawing a serial: %w", err)
	}
	identifier, err := licence.NewIdentifier(category.Code, issuer.USCC, serial, 1)
	return licenceDraft{issuer: issuer, valid: valid, identifier: identifier, published: o.publishedAt(issuer, category.ID)}, err
}

// publishedAt is when a licence that is issued now is published by itself; zero: now.
func (o *Office) publishedAt(issuer licence.Authority, id catalogue.ID) time.Time {
	minutes := issuer.UndoMinutes(id)
	if minutes == 0 {
		return time.Time{}
	}
	return o.now().UTC().Truncate(time.Second).Add(time.Duration(minutes) * time.Minute)
}

// issueDraft signs and stores a licence whose application has passed. The caller holds
// rotating for reading.
func (o *Office) issueDraft(ctx context.Context, actor string, d licenceDraft) (licence.Record, error) {
	if !d.dryRun {
		// Pictures first: a licence never refers to one that is not there.
		for _, image := range d.valid.Images() {
			if err := o.documents.Put(ctx, image); err != nil {
				return licence.Record{}, err
			}
		}
	}
	for range placeTries {
		record, err := o.issueAtPlace(ctx, actor, d)
		// Another process was faster with the place in the status list: the licence is
		// signed anew with another one.
		if !errors.Is(err, licence.ErrIndexTaken) {
			return record, err
		}
	}
	return licence.Record{}, fmt.Errorf("licence %s: %w", d.identifier, licence.ErrIndexTaken)
}

// placeTries is how often a licence is signed until it has a place in the status list
// that no other process has taken. Places are drawn from thousands, so two are enough
// nearly always.
const placeTries = 8

// issueAtPlace signs and stores a draft in a place of the status lists of its own.
func (o *Office) issueAtPlace(ctx context.Context, actor string, d licenceDraft) (licence.Record, error) {
	ref, err := o.reserve(ctx, d.issuer)
	if err != nil {
		return licence.Record{}, err
	}
	record, err := o.storeDraft(ctx, actor, d, ref)
	if err != nil || d.dryRun {
		o.store.ReleaseIndex(ref)
	}
	if err != nil {
		return licence.Record{}, err
	}
	if d.dryRun {
		return record, nil
	}
	o.unknown.issued(ref)
	if d.end != nil {
		o.unknown.tell()
	}
	return record, nil
}

// storeDraft signs a draft in its place of the status lists and stores it.
func (o *Office) storeDraft(ctx context.Context, actor string, d licenceDraft, ref licence.StatusRef) (licence.Record, error) {
	m, err := o.mandate(ctx, d.issuer)
	if err != nil {
		return licence.Record{}, err
	}
	s, err := m.sign(actor, d, d.valid.Licence(d.identifier, ref, m.at))
	if err != nil {
		return licence.Record{}, err
	}
	if d.end == nil {
		return o.store.Issue(ctx, s)
	}
	end, err := o.transition(actor, d.before, *d.end)
	if err != nil {
		return licence.Record{}, err
	}
	replacement := licence.Replacement{Submission: s, End: end}
	if d.replace != nil {
		return d.replace(ctx, replacement)
	}
	return o.store.Replace(ctx, replacement)
}
