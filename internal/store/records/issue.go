package records

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// issue is a licence that is about to be stored, with all that can be made before the
// transaction.
type issue struct {
	licence.Submission
	key        sealed.Key
	by         signer
	keys       indexKeys  // under which it is stored
	before     *indexKeys // under which others may still be, while look-up keys are renewed; else nil
	sealed     []byte
	generation sealed.Generation // of sealed
}

func (s *Store) prepare(sub licence.Submission) (*issue, error) {
	l := sub.Licence
	i := &issue{Submission: sub, key: sealed.KeyOf(l.Identifier), by: signer{point: sub.Point, issuer: l.Identifier.Issuer}}
	if err := s.seal(i, s.box.Generation()); err != nil {
		return nil, err
	}
	var err error
	if i.keys, err = s.indexKeys(s.box.LookupGeneration(), l, sub.Request); err != nil {
		return nil, err
	}
	return i, nil
}

// seal encrypts a licence that is about to be stored.
func (s *Store) seal(i *issue, g sealed.Generation) error {
	var err error
	i.sealed, err = s.box.Seal(g, i.key, i.Licence.Status, "licence", i.Signed)
	i.generation = g
	return err
}

// check says why a licence cannot be stored; it writes nothing.
func (b *batch) check(i *issue) error {
	for _, key := range i.requests() {
		if holds(b.tx.Index(indexRequests), key) {
			return licence.ErrRequestReused
		}
	}
	if holds(b.tx.Index(indexIdentifiers), identifierKey(i.key)) { // the record decides
		_, err := find(b.tx, i.key)
		if err == nil {
			return errors.New("a licence with this identifier exists")
		}
		if !errors.Is(err, licence.ErrNotFound) {
			return err
		}
	}
	if err := b.store.numberFree(b.tx, i); err != nil {
		return err
	}
	if err := b.placeFree(i.Licence.Status); err != nil {
		return err
	}
	return b.schemas.check(i.Licence)
}

// holds reports whether an index has a look-up key.
func holds(index kv.Index, key []byte) bool {
	for range index.Find(key) {
		return true
	}
	return false
}

// numberFree refuses a number that an issuer's licence of the category has which has not
// ended.
func (s *Store) numberFree(tx kv.Tx, i *issue) error {
	all, err := indexed(tx, indexNumbers, i.numbers()...)
	if err != nil {
		return err
	}
	for _, f := range all {
		by, err := s.signer(tx, f.Signer)
		if err != nil {
			return err
		}
		if f.erased() && by.issuer == i.by.issuer {
			return licence.ErrNumberTaken // it was to be kept from others
		}
		if f.state().Ended() || by.issuer != i.by.issuer {
			continue
		}
		other, err := s.open(tx, f)
		if err != nil {
			return err
		}
		if other.Licence.Category == i.Licence.Category && other.Licence.Number == i.Licence.Number {
			return licence.ErrNumberTaken
		}
	}
	return nil
}

// write stores a licence that was checked in the same transaction.
func (b *batch) write(i *issue) (licence.Record, error) {
	l := i.Licence
	number, err := b.nextRevision()
	if err != nil {
		return licence.Record{}, err
	}
	by, err := b.numberSigner(i.by)
	if err != nil {
		return licence.Record{}, err
	}
	if g := b.generation; g != i.generation { // it was sealed when another one was in use
		if err := b.store.seal(i, g); err != nil {
			return licence.Record{}, err
		}
	}
	state := i.state()
	f := found{number: number, stored: stored{
		Key: i.key[:], Category: uint16(l.Category), State: uint8(state), Since: l.SignedAt.Unix(), Status: l.Status.Packed(), //nolint:gosec // categories have three digits
		Signer: by, Sealed: i.sealed,
	}}
	if i.keys.request != nil {
		f.Request = i.Request.Digest[:]
	}
	if state == licence.Pending {
		f.Publish = i.Publication.Unix()
	}
	if err := errors.Join(i.index(b.tx, refOf(number)), b.takePlace(l.Status), f.write(b.tx)); err != nil {
		return licence.Record{}, err
	}
	b.counts[counted{f.Category, state}]++
	return i.record(number), nil
}

// state is the first state of a licence.
func (i *issue) state() licence.State {
	if i.Publication.IsZero() {
		return licence.Active
	}
	return licence.Pending
}

// record is a licence as it is answered when it is stored under a number.
func (i *issue) record(number uint64) licence.Record {
	return licence.Record{
		Licence: i.Licence, Signed: i.Signed, State: i.state(), Since: i.Licence.SignedAt, Publication: i.Publication, Revision: number,
	}
}

// index adds a licence to the indexes.
func (i *issue) index(tx kv.Tx, ref []byte) error {
	err := errors.Join(tx.Index(indexIdentifiers).Add(identifierKey(i.key), ref), tx.Index(indexNumbers).Add(i.keys.number, ref))
	for _, h := range i.keys.holders {
		err = errors.Join(err, tx.Index(indexHolders).Add(h, ref))
	}
	if i.keys.request != nil {
		err = errors.Join(err, tx.Index(indexRequests).Add(i.keys.request, ref))
	}
	return err
}

// result is what became of a licence that was to be stored.
type result struct {
	record licence.Record
	err    error
}

// storeAll stores licences and their entries of the audit log. One that is refused
// leaves nothing behind, and the others are stored; the error is that of the whole
// transaction.
func (s *Store) storeAll(tx kv.Tx, issues []*issue, results []result) error {
	b, err := s.newBatch(tx, issues...)
	if err != nil {
		return err
	}
	b.fetch(issues)
	entries := make([]audit.Record, 0, len(issues))
	for n, i := range issues {
		results[n] = result{}
		if i == nil {
			continue
		}
		if results[n].err = b.check(i); results[n].err != nil {
			continue
		}
		if i.DryRun {
			results[n].record = i.record(b.revision + 1)
			continue
		}
		if results[n].record, err = b.write(i); err != nil {
			return err
		}
		entries = append(entries, i.Audit)
	}
	if err := b.flush(); err != nil {
		return err
	}
	return s.appendAudit(tx, entries...)
}

// Issue implements [licence.Registry]. Calls that come together share a
// transaction.
func (s *Store) Issue(ctx context.Context, sub licence.Submission) (licence.Record, error) {
	results, err := s.issue(ctx, []licence.Submission{sub}, s.issueTogether)
	if err == nil {
		err = results[0].err
	}
	if err != nil {
		return licence.Record{}, fmt.Errorf("issuing licence %s: %w", sub.Licence.Identifier, err)
	}
	return results[0].record, nil
}

// IssueAll implements [licence.Registry].
func (s *Store) IssueAll(ctx context.Context, subs []licence.Submission) ([]licence.Record, []error) {
	records, errs := make([]licence.Record, len(subs)), make([]error, len(subs))
	results, err := s.issue(ctx, subs, func(issues []*issue) ([]result, error) {
		results := make([]result, len(issues))
		err := s.db.Update(ctx, func(tx kv.Tx) error { return s.storeAll(tx, issues, results) })
		return results, err
	})
	for i := range subs {
		if err != nil {
			errs[i] = err
		} else {
			records[i], errs[i] = results[i].record, results[i].err
		}
		if errs[i] != nil {
			errs[i] = fmt.Errorf("issuing licence %s: %w", subs[i].Licence.Identifier, errs[i])
		}
	}
	return records, errs
}

func (s *Store) issue(ctx context.Context, subs []licence.Submission, store func([]*issue) ([]result, error)) ([]result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	issues, refused := make([]*issue, len(subs)), make([]error, len(subs))
	for n, sub := range subs {
		issues[n], refused[n] = s.prepare(sub)
	}
	if err := s.knowSigners(ctx, issues); err != nil {
		return nil, err
	}
	// COMMIT is not bound to the caller's deadline: a caller that has gone away
	// must not leave it open whether the licence exists.
	results, err := store(issues)
	if err != nil {
		return nil, err
	}
	var taken error
	for n := range results {
		results[n].err = cmp.Or(refused[n], results[n].err)
		if errors.Is(results[n].err, licence.ErrIndexTaken) {
			taken = results[n].err
		}
	}
	if err := s.retaken(ctx, taken); err != taken {
		return nil, err
	}
	return results, nil
}

// knowSigners learns the signers of licences that are not remembered yet.
func (s *Store) knowSigners(ctx context.Context, issues []*issue) error {
	known := signer{}
	for _, i := range issues {
		if i == nil || i.by == known { // few sign many, one after the other
			continue
		}
		known = i.by
		if _, there := s.signers.number(known.value()); !there {
			return s.db.Confirm(ctx, s.learnSigners)
		}
	}
	return nil
}
