package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
)

// errDryRun ends a transaction that was to answer and to store nothing.
var errDryRun = errors.New("dry run")

// update runs a write, or in a dry run all of it but its commit.
func (s *Store) update(ctx context.Context, dryRun bool, f func(kv.Tx) error) error {
	if !dryRun {
		return s.together(ctx, f)
	}
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// Transition implements [licence.Registry].
func (s *Store) Transition(ctx context.Context, t licence.Transition) (licence.Record, error) {
	var record licence.Record
	err := s.update(ctx, t.DryRun, func(tx kv.Tx) error {
		f, err := s.step(tx, t)
		if err != nil {
			return err
		}
		if record, err = s.openAs(tx, f, t.Identifier); err != nil {
			return err
		}
		return s.appendAudit(tx, t.Audit)
	})
	if err != nil {
		return licence.Record{}, fmt.Errorf("changing licence %s: %w", t.Identifier, err)
	}
	return record, nil
}

// openAs opens a licence that was found by the record key of an identifier, which does
// not hold all of it.
func (s *Store) openAs(tx kv.Tx, f found, id licence.Identifier) (licence.Record, error) {
	r, err := s.open(tx, f)
	if err == nil && r.Licence.Identifier != id {
		err = licence.ErrNotFound
	}
	return r, err
}

// step takes a licence one step further: its state, its bits and those of its
// credentials, its place in the changes, the counts. What it refuses it has not begun.
func (s *Store) step(tx kv.Tx, t licence.Transition) (found, error) {
	key := sealed.KeyOf(t.Identifier)
	f, next, err := allowed(tx, t)
	if err != nil {
		return f, err
	}
	ref := f.place()
	reason, err := s.box.Seal(s.generation(tx), key, ref, "reason", []byte(t.Reason))
	if err != nil {
		return f, err
	}
	set := func(plane byte, on bool) error {
		return errors.Join(setPlane(tx, ref, plane, on), setCredentials(tx, key, plane, on))
	}
	if was, is := f.state() == licence.Suspended, next == licence.Suspended; was != is {
		if err := set(planeSuspended, is); err != nil {
			return f, err
		}
	}
	if next.ShownRevoked() {
		if err := set(planeRevoked, true); err != nil {
			return f, err
		}
	}
	before := f.state()
	f.State, f.Since, f.Cause, f.Reason = uint8(next), t.At.Unix(), uint8(t.Cause), reason
	return f, change(tx, &f, before, t.Step)
}

// allowed returns a licence and the state that a step leads it to, or says why it may not be
// taken.
func allowed(tx kv.Tx, t licence.Transition) (found, licence.State, error) {
	key := sealed.KeyOf(t.Identifier)
	f, err := find(tx, key)
	if err != nil {
		return f, 0, err
	}
	if t.IfRevision != 0 && t.IfRevision != f.revision() {
		return f, 0, fmt.Errorf("it is at revision %d, not %d: %w", f.revision(), t.IfRevision, licence.ErrChanged)
	}
	next, err := f.stateAt(t.At).Next(t.Step)
	if err != nil {
		return f, 0, err
	}
	if t.Step == licence.Withdraw {
		// It was published by its time, and codes were given out, if the clock was set back since.
		for range prefixed(tx.Table(tableCredentials), key[:]) {
			return f, 0, fmt.Errorf("there are codes of it: %w", licence.ErrStep)
		}
	}
	return f, next, nil
}

// Replace implements [licence.Registry].
func (s *Store) Replace(ctx context.Context, r licence.Replacement) (licence.Record, error) {
	var record licence.Record
	i, err := s.prepareReplacement(ctx, r)
	if err == nil {
		err = s.update(ctx, r.DryRun, func(tx kv.Tx) error {
			var err error
			if record, err = s.replace(tx, r, i); err != nil {
				return err
			}
			return s.appendAudit(tx, r.End.Audit, r.Audit)
		})
	}
	if err = s.retaken(ctx, err); err != nil {
		return licence.Record{}, fmt.Errorf("replacing licence %s: %w", r.End.Identifier, err)
	}
	return record, nil
}

// prepareReplacement makes all of a new version that can be made before the transaction.
func (s *Store) prepareReplacement(ctx context.Context, r licence.Replacement) (*issue, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	i, err := s.prepare(r.Submission)
	if err != nil {
		return nil, err
	}
	return i, s.knowSigners(ctx, []*issue{i})
}

// replace ends a licence and stores its new version, without the entries of the log. If the
// step is refused nothing was begun.
func (s *Store) replace(tx kv.Tx, r licence.Replacement, i *issue) (licence.Record, error) {
	old, err := find(tx, sealed.KeyOf(r.End.Identifier))
	if err != nil {
		return licence.Record{}, err
	}
	if _, err := s.openAs(tx, old, r.End.Identifier); err != nil {
		return licence.Record{}, err
	}
	if _, err := s.step(tx, r.End); err != nil {
		return licence.Record{}, err
	}
	// The old one has ended, so its number is free for the new one.
	b, err := s.newBatch(tx, i)
	if err != nil {
		return licence.Record{}, err
	}
	if err := b.check(i); err != nil {
		return licence.Record{}, err
	}
	record, err := b.write(i)
	if err != nil {
		return licence.Record{}, err
	}
	return record, b.flush()
}

// Versions implements [licence.Registry].
func (s *Store) Versions(ctx context.Context, id licence.Identifier) ([]licence.Record, error) {
	key := sealed.KeyOf(id)
	var records []licence.Record
	err := s.view(ctx, "versions of licence "+id.String(), func(tx kv.Tx) error {
		all, err := indexed(tx, indexIdentifiers, identifierKey(key))
		if err != nil {
			return err
		}
		// Versions of one licence differ in the last two bytes of their keys.
		all = slices.DeleteFunc(all, func(f found) bool { return !bytes.Equal(f.Key[:sealed.KeySize-2], key[:sealed.KeySize-2]) })
		records, err = s.openAll(tx, all)
		return err
	})
	records = slices.DeleteFunc(records, func(r licence.Record) bool {
		return r.Licence.Identifier.Type != id.Type || r.Licence.Identifier.Issuer != id.Issuer
	})
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("versions of licence %s: %w", id, licence.ErrNotFound)
	}
	slices.SortFunc(records, func(a, b licence.Record) int { return a.Licence.Identifier.Version - b.Licence.Identifier.Version })
	return records, err
}
