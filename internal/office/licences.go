package office

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// IssueOptions go with an application.
type IssueOptions struct {
	// RequestID is the caller's own name for the application; the same again is
	// answered with the first result.
	RequestID string
	// ReadFile reads pictures that are named as files. Nil refuses them.
	ReadFile func(path string) ([]byte, error)
	// DryRun answers as if the licence were issued, and stores nothing.
	DryRun bool
}

// Issue checks an application and issues the licence. A fault is a
// [*licence.InvalidError] with every fault by field.
func (o *Office) Issue(ctx context.Context, actor string, id catalogue.ID, a *licence.Application, opt IssueOptions) (licence.Record, error) {
	return o.bySchema(ctx, func() (licence.Record, error) { return o.issue(ctx, actor, id, a, opt) })
}

// bySchema makes a licence, and once more where another node has changed its category
// meanwhile: it is checked by the schema that is in force when it is stored.
func (o *Office) bySchema(ctx context.Context, try func() (licence.Record, error)) (licence.Record, error) {
	r, err := try()
	if !errors.Is(err, licence.ErrSchema) {
		return r, err
	}
	if err := o.categories.Follow(ctx); err != nil {
		return r, err
	}
	return try()
}

func (o *Office) issue(ctx context.Context, actor string, id catalogue.ID, a *licence.Application, opt IssueOptions) (licence.Record, error) {
	category, ok := o.Catalogue().Category(id)
	if !ok {
		return licence.Record{}, fmt.Errorf("category %s: %w", id, catalogue.ErrNoCategory)
	}
	o.rotating.RLock()
	defer o.rotating.RUnlock()
	issuer, err := o.issuerFor(ctx, id, a.Issuer)
	if errors.Is(err, ErrNoAuthority) {
		_, faults := licence.Validate(a, category, nil, opt.ReadFile)
		var invalid *licence.InvalidError
		if errors.As(faults, &invalid) {
			invalid.Faults[0].Reason = err.Error()
		}
		return licence.Record{}, errors.Join(err, faults)
	}
	if err != nil {
		return licence.Record{}, err
	}
	valid, err := licence.Validate(a, category, &issuer, opt.ReadFile)
	if err != nil {
		return licence.Record{}, err
	}
	request, err := requestOf(id, issuer.USCC, a, opt.RequestID)
	if err != nil {
		return licence.Record{}, err
	}
	return o.once(ctx, actor, request, func() (licence.Record, error) {
		d, err := o.firstVersion(ctx, category, issuer, valid)
		if err != nil {
			return licence.Record{}, err
		}
		d.request, d.dryRun = request, opt.DryRun
		return o.issueDraft(ctx, actor, d)
	})
}

// once does what a request asks for, unless it came before: then it is answered with
// the licence that it led to.
func (o *Office) once(ctx context.Context, actor string, request licence.Request, do func() (licence.Record, error)) (licence.Record, error) {
	if request.ID == "" {
		return do()
	}
	earlier, err := o.requested(ctx, actor, request)
	if !errors.Is(err, licence.ErrNotFound) {
		return earlier, err
	}
	r, err := do()
	if errors.Is(err, licence.ErrRequestReused) {
		// Another call with the same request came first.
		return o.requested(ctx, actor, request)
	}
	return r, err
}

// requested answers with the licence of an earlier request, which is a look at it.
func (o *Office) requested(ctx context.Context, actor string, request licence.Request) (licence.Record, error) {
	r, err := o.store.Requested(ctx, request)
	if err != nil {
		return licence.Record{}, err
	}
	r = r.At(o.now())
	if err := o.looked(ctx, actor, r); err != nil {
		return licence.Record{}, err
	}
	return r, nil
}

// requestOf names a request by its issuer and the content of the application.
func requestOf(id catalogue.ID, issuer string, a *licence.Application, requestID string) (licence.Request, error) {
	if len(requestID) > 200 || cleantext.Check(requestID) != nil {
		return licence.Request{}, errors.New("request id is not a line of at most 200 bytes")
	}
	content, err := json.Marshal(struct {
		Category    catalogue.ID
		Application *licence.Application
	}{id, a})
	if err != nil {
		return licence.Request{}, err
	}
	return licence.Request{Issuer: issuer, ID: requestID, Digest: sm3.Sum(content)}, nil
}

// Licence returns one licence of the register. The look is in the audit log before
// it is answered.
func (o *Office) Licence(ctx context.Context, actor string, id licence.Identifier) (licence.Record, error) {
	r, err := o.record(ctx, id)
	if err != nil {
		return licence.Record{}, err
	}
	if err := o.looked(ctx, actor, r); err != nil {
		return licence.Record{}, err
	}
	return r, nil
}

// record reads a licence as it stands now, which is no look at it: what is shown of it
// is recorded by whoever shows it.
func (o *Office) record(ctx context.Context, id licence.Identifier) (licence.Record, error) {
	r, err := o.store.ByIdentifier(ctx, id)
	return r.At(o.now()), err
}

// Versions returns all versions of a licence, the first one first. It is a look at each
// of them.
func (o *Office) Versions(ctx context.Context, actor string, id licence.Identifier) ([]licence.Record, error) {
	return o.shown(ctx, actor, func() ([]licence.Record, error) { return o.store.Versions(ctx, id) })
}

// HolderLicences returns a holder's licences, the newest change first. It is a look at
// each of them.
func (o *Office) HolderLicences(ctx context.Context, actor string, t licence.IDType, number string) ([]licence.Record, error) {
	return o.shown(ctx, actor, func() ([]licence.Record, error) { return o.store.ByHolder(ctx, t, number) })
}

// Licences returns up to limit licences whose last change came after a revision,
// the oldest change first. It is a look at each of them.
func (o *Office) Licences(ctx context.Context, actor string, after uint64, limit int) ([]licence.Record, error) {
	return o.shown(ctx, actor, func() ([]licence.Record, error) { return o.store.List(ctx, after, limit) })
}

// shown reads licences that are about to be shown, as they stand now.
func (o *Office) shown(ctx context.Context, actor string, read func() ([]licence.Record, error)) ([]licence.Record, error) {
	records, err := read()
	if err != nil {
		return nil, err
	}
	for i := range records {
		records[i] = records[i].At(o.now())
	}
	if err := o.looked(ctx, actor, records...); err != nil {
		return nil, err
	}
	return records, nil
}

// looked records that licences are about to be shown. Nothing is shown if it fails.
func (o *Office) looked(ctx context.Context, actor string, shown ...licence.Record) error {
	entries := make([]audit.Record, len(shown))
	for i, r := range shown {
		digest := sm3.Sum(r.Signed)
		var err error
		entries[i], err = audit.NewRecord(audit.Entry{
			Time: o.now().Unix(), Actor: actor, Act: audit.ActLicenceLook, Subject: r.Licence.Identifier.String(), Digest: digest[:],
		}, nil)
		if err != nil {
			return err
		}
	}
	_, err := o.store.Append(ctx, entries...)
	return err
}

// Changes returns up to q.Limit changes of the feed, the oldest first. A change tells
// no more of a licence than its identifier and its state, so it is no look at it.
func (o *Office) Changes(ctx context.Context, q licence.ChangeQuery) ([]licence.Change, error) {
	var all []licence.Change
	for {
		page, err := o.store.Changes(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Changes {
			c.Record = c.Record.At(o.now())
			all = append(all, c)
		}
		q.After, q.Limit = page.Next, q.Limit-len(page.Changes)
		if page.End || q.Limit == 0 {
			return all, nil
		}
	}
}

// Counts returns how many licences there are of each category in each state.
func (o *Office) Counts(ctx context.Context) ([]licence.Count, error) { return o.store.Counts(ctx) }
