package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// licenceDraft is a licence that is about to be signed and stored.
type licenceDraft struct {
	mandate
	valid   *licence.Valid
	request licence.Request
	before  *licence.Record // the version that ends with it; nil: it is the first one
	end     StepRequest     // how that one ends
	dryRun  bool
}

// publishedAt is when a licence that is issued at a time is published by itself; zero:
// at once.
func publishedAt(issuer licence.Authority, id catalogue.ID, at time.Time) time.Time {
	minutes := issuer.UndoMinutes(id)
	if minutes == 0 {
		return time.Time{}
	}
	return at.UTC().Truncate(time.Second).Add(time.Duration(minutes) * time.Minute)
}

// issueDraft signs and stores a licence whose application has passed. The caller holds
// rotating for reading.
func (o *Office) issueDraft(ctx context.Context, actor string, d licenceDraft) (licence.Record, error) {
	if !d.dryRun {
		if err := o.keepPictures(ctx, d.valid); err != nil {
			return licence.Record{}, err
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
	return licence.Record{}, fmt.Errorf("category %s: %w", d.category.ID, licence.ErrIndexTaken)
}

// placeTries is how often a licence is signed until it has a place in the status list
// that no other process has taken. Places are drawn from thousands, so two are enough
// nearly always.
const placeTries = 8

// issueAtPlace signs and stores a draft at a place that is drawn for it.
func (o *Office) issueAtPlace(ctx context.Context, actor string, d licenceDraft) (licence.Record, error) {
	ref, err := o.reserve(ctx, d.issuer)
	if err != nil {
		return licence.Record{}, err
	}
	record, err := o.storeDraft(ctx, actor, d, ref)
	if err != nil || d.dryRun {
		o.store.ReleaseIndex(ref)
	}
	if err != nil || d.dryRun {
		return record, err
	}
	o.unknown.issued(ref)
	if d.before != nil {
		o.unknown.tell()
	}
	return record, nil
}

// storeDraft signs a draft at its place of the status lists and stores it.
func (o *Office) storeDraft(ctx context.Context, actor string, d licenceDraft, ref licence.StatusRef) (licence.Record, error) {
	l, err := o.licenceOf(d, ref)
	if err != nil {
		return licence.Record{}, err
	}
	signed, err := licence.Sign(l, d.key)
	if err != nil {
		return licence.Record{}, err
	}
	s, err := submission(actor, d.mandate, l, signed, d.request)
	if err != nil {
		return licence.Record{}, err
	}
	s.DryRun = d.dryRun
	if d.before == nil {
		return o.store.Issue(ctx, s)
	}
	end, err := o.transition(actor, d.before.Licence.Identifier, d.end)
	if err != nil {
		return licence.Record{}, err
	}
	return o.store.Replace(ctx, licence.Replacement{Submission: s, End: end})
}

// licenceOf makes the licence of a draft, under a new serial or as the next version.
func (o *Office) licenceOf(d licenceDraft, ref licence.StatusRef) (*licence.Licence, error) {
	if d.before == nil {
		return o.draft(d.mandate, d.valid, ref)
	}
	id := d.before.Licence.Identifier
	next, err := licence.NewIdentifier(id.Type, id.Issuer, id.Serial, id.Version+1)
	if err != nil {
		return nil, fmt.Errorf("licence %s: %w", id, err)
	}
	return d.valid.Licence(next, ref, d.at), nil
}
