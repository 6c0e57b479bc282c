package office

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// IssueOptions go with an application.
type IssueOptions struct {
	// RequestID is the caller's own name for the application; the same again is
	// answered with the first result.
	RequestID string
	// ReadFile reads pictures that are named as files. Nil refuses them.
	ReadFile func(path string) ([]byte, error)
}

// Issue checks an application and issues the licence. A fault is a
// [*licence.InvalidError] with every fault by field.
func (o *Office) Issue(ctx context.Context, actor string, id catalogue.ID, a *licence.Application, opt IssueOptions) (licence.Record, error) {
	category, ok := o.catalogue.Category(id)
	if !ok {
		return licence.Record{}, fmt.Errorf("category %s: %w", id, ErrNoCategory)
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
	if request.ID != "" {
		earlier, err := o.requested(ctx, actor, request)
		if !errors.Is(err, licence.ErrNotFound) {
			return earlier, err
		}
	}
	record, err := o.issueValid(ctx, actor, category, issuer, valid, request)
	if request.ID != "" && errors.Is(err, licence.ErrRequestReused) {
		// Another call with the same request came first.
		return o.requested(ctx, actor, request)
	}
	return record, err
}

// requested answers with the licence of an earlier request, which is a look at it.
func (o *Office) requested(ctx context.Context, actor string, request licence.Request) (licence.Record, error) {
	r, err := o.store.Requested(ctx, request)
	if err != nil {
		return licence.Record{}, err
	}
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

// issueValid signs and stores a licence whose application has passed.
func (o *Office) issueValid(ctx context.Context, actor string, category *catalogue.Category, issuer licence.Authority, valid *licence.Valid, request licence.Request) (licence.Record, error) {
	key, err := o.authorityKey(ctx, issuer)
	if err != nil {
		return licence.Record{}, err
	}
	// Pictures first: a licence never refers to one that is not there.
	for _, image := range valid.Images() {
		if err := o.documents.Put(ctx, image); err != nil {
			return licence.Record{}, err
		}
	}
	serial := licence.Serial{Bucket: o.store.Bucket(valid.Holder())}
	if _, err := rand.Read(serial.Random[:]); err != nil {
		return licence.Record{}, fmt.Errorf("drawing a serial: %w", err)
	}
	identifier, err := licence.NewIdentifier(category.Code, issuer.USCC, serial, 1)
	if err != nil {
		return licence.Record{}, err
	}
	for range placeTries {
		var record licence.Record
		record, err = o.signAndStore(ctx, actor, valid, identifier, issuer, key, request)
		// Another process was faster with the place in the status list: the licence is
		// signed anew with another one.
		if !errors.Is(err, licence.ErrIndexTaken) {
			return record, err
		}
	}
	return licence.Record{}, err
}

// placeTries is how often a licence is signed until it has a place in the status list
// that no other process has taken. Places are drawn from thousands, so two are enough
// nearly always.
const placeTries = 8

// signAndStore issues a licence under an identifier.
func (o *Office) signAndStore(ctx context.Context, actor string, valid *licence.Valid, identifier licence.Identifier, issuer licence.Authority, key *pki.Key, request licence.Request) (licence.Record, error) {
	ref, err := o.reserve(ctx, issuer)
	if err != nil {
		return licence.Record{}, err
	}
	now := o.now()
	l := valid.Licence(identifier, ref, now)
	signed, err := licence.Sign(l, key)
	if err != nil {
		o.store.ReleaseIndex(ref)
		return licence.Record{}, err
	}
	digest := sm3.Sum(signed)
	entry, err := audit.NewRecord(audit.Entry{
		Time: now.Unix(), Actor: actor, Act: audit.ActLicenceIssue, Subject: identifier.String(), Digest: digest[:],
	}, nil)
	if err != nil {
		o.store.ReleaseIndex(ref)
		return licence.Record{}, err
	}
	record, err := o.store.Issue(ctx, licence.Submission{Licence: l, Signed: signed, Point: issuer.Point, Request: request, Audit: entry})
	if err != nil {
		o.store.ReleaseIndex(ref)
		return licence.Record{}, err
	}
	o.unknown.issued(ref)
	return record, nil
}

// maxReason bounds the reason of a step, in bytes.
const maxReason = 1000

var stepActs = map[licence.Step]audit.Act{
	licence.Suspend: audit.ActLicenceSuspend,
	licence.Resume:  audit.ActLicenceResume,
	licence.Revoke:  audit.ActLicenceRevoke,
}

// Step suspends, resumes or revokes a licence. The reason is kept encrypted; the
// audit log commits to it.
func (o *Office) Step(ctx context.Context, actor string, id licence.Identifier, step licence.Step, reason string) (licence.Record, error) {
	act, known := stepActs[step]
	if !known {
		return licence.Record{}, fmt.Errorf("step %q is not known", step)
	}
	if err := checkReason(reason); err != nil {
		return licence.Record{}, err
	}
	now := o.now().UTC().Truncate(time.Second)
	entry, err := audit.NewRecord(audit.Entry{Time: now.Unix(), Actor: actor, Act: act, Subject: id.String()}, []byte(reason))
	if err != nil {
		return licence.Record{}, err
	}
	record, err := o.store.Transition(ctx, licence.Transition{Identifier: id, Step: step, Reason: reason, At: now, Audit: entry})
	if err == nil {
		o.unknown.tell()
	}
	return record, err
}

// Licence returns one licence of the register. The look is in the audit log before
// it is answered.
func (o *Office) Licence(ctx context.Context, actor string, id licence.Identifier) (licence.Record, error) {
	r, err := o.store.ByIdentifier(ctx, id)
	if err != nil {
		return licence.Record{}, err
	}
	if err := o.looked(ctx, actor, r); err != nil {
		return licence.Record{}, err
	}
	return r, nil
}

// Licences returns up to limit licences whose last change came after a revision,
// the oldest change first. It is a look at each of them.
func (o *Office) Licences(ctx context.Context, actor string, after uint64, limit int) ([]licence.Record, error) {
	records, err := o.store.List(ctx, after, limit)
	if err != nil {
		return nil, err
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
