package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
)

var _ licence.Registry = (*Store)(nil)

// state is the value of the bucket states.
type state struct {
	State    uint8  `cbor:"1,keyasint"`
	Since    int64  `cbor:"2,keyasint"` // UTC seconds
	Revision uint64 `cbor:"3,keyasint"`
	Status   uint64 `cbor:"4,keyasint"`
	Point    []byte `cbor:"5,keyasint"` // the key that signed
	Reason   []byte `cbor:"6,keyasint,omitempty"`
}

// Bucket implements [licence.Registry].
func (s *Store) Bucket(h licence.Holder) uint16 { return s.box.Bucket(h) }

// Issue implements [licence.Registry]. Calls that come together share a
// transaction.
func (s *Store) Issue(_ context.Context, sub licence.Submission) (licence.Record, error) {
	l := sub.Licence
	key := sealed.KeyOf(l.Identifier)
	ciphertext, err := s.box.Seal(key, "licence", sub.Signed)
	if err != nil {
		return licence.Record{}, fmt.Errorf("issuing licence %s: %w", l.Identifier, err)
	}
	var revision uint64
	// COMMIT is not bound to the caller's deadline: a caller that has gone away
	// must not leave it open whether the licence exists.
	err = s.together(func(tx *bbolt.Tx) error {
		var err error
		if revision, err = s.issueIn(tx, sub, ciphertext); err != nil {
			return err
		}
		return s.appendAudit(tx, sub.Audit)
	})
	if err != nil {
		return licence.Record{}, fmt.Errorf("issuing licence %s: %w", l.Identifier, err)
	}
	return licence.Record{Licence: l, Signed: sub.Signed, State: licence.Active, Since: l.SignedAt, Revision: revision}, nil
}

// issueIn stores a licence within a transaction. What it refuses it refuses before it has
// written anything.
func (s *Store) issueIn(tx *bbolt.Tx, sub licence.Submission, ciphertext []byte) (uint64, error) {
	l := sub.Licence
	key := sealed.KeyOf(l.Identifier)
	if tx.Bucket(buckets.licences).Get(key[:]) != nil {
		return 0, errors.New("a licence with this identifier exists")
	}
	request := s.box.RequestKey(sub.Request.Issuer, sub.Request.ID)
	if sub.Request.ID != "" && tx.Bucket(buckets.requests).Get(request[:]) != nil {
		return 0, licence.ErrRequestReused
	}
	if err := s.claimNumber(tx, l, key); err != nil {
		return 0, err
	}
	if sub.Request.ID != "" {
		value := append(sub.Request.Digest[:len(sub.Request.Digest):len(sub.Request.Digest)], key[:]...)
		if err := tx.Bucket(buckets.requests).Put(request[:], value); err != nil {
			return 0, err
		}
	}
	if err := storeIndex(tx, l.Status); err != nil {
		return 0, err
	}
	if err := tx.Bucket(buckets.licences).Put(key[:], ciphertext); err != nil {
		return 0, err
	}
	for _, h := range l.Holders {
		lookup := s.box.HolderKey(h.IDType, h.IDNumber)
		if err := tx.Bucket(buckets.byHolder).Put(append(lookup[:], key[:]...), []byte{}); err != nil {
			return 0, err
		}
	}
	st := state{State: uint8(licence.Active), Since: l.SignedAt.Unix(), Status: l.Status.Packed(), Point: sub.Point[:]}
	return putState(tx, key, st, 0)
}

// claimNumber refuses a number that an issuer's licence of the category has
// which is not revoked.
func (s *Store) claimNumber(tx *bbolt.Tx, l *licence.Licence, key sealed.Key) error {
	lookup := s.box.NumberKey(l.Category, l.Number)
	for other, issuer := range prefixed(tx.Bucket(buckets.byNumber), lookup[:]) {
		if string(issuer) != l.Identifier.Issuer {
			continue
		}
		var st state
		if found, err := get(tx.Bucket(buckets.states), other, &st); err != nil || !found {
			return errors.Join(err, errors.New("an index points to no licence"))
		}
		if licence.State(st.State) != licence.Revoked {
			return licence.ErrNumberTaken
		}
	}
	return tx.Bucket(buckets.byNumber).Put(append(lookup[:], key[:]...), []byte(l.Identifier.Issuer))
}

// prefixed walks the keys that begin with prefix, without it.
func prefixed(b *bbolt.Bucket, prefix []byte) func(func(rest, value []byte) bool) {
	return func(yield func(rest, value []byte) bool) {
		c := b.Cursor()
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !yield(k[len(prefix):], v) {
				return
			}
		}
	}
}

// putState stores a state under the next revision and moves the record's entry
// in the changes there from its earlier one (0: none).
func putState(tx *bbolt.Tx, key sealed.Key, st state, earlier uint64) (uint64, error) {
	meta, changes := tx.Bucket(buckets.meta), tx.Bucket(buckets.changes)
	st.Revision = getUint(meta, metaRevision) + 1
	if earlier != 0 {
		if err := changes.Delete(uint64Key(earlier)); err != nil {
			return 0, err
		}
	}
	return st.Revision, errors.Join(
		putUint(meta, metaRevision, st.Revision),
		changes.Put(uint64Key(st.Revision), key[:]),
		put(tx.Bucket(buckets.states), key[:], st),
	)
}

// Transition implements [licence.Registry].
func (s *Store) Transition(_ context.Context, t licence.Transition) (licence.Record, error) {
	key := sealed.KeyOf(t.Identifier)
	reason, err := s.box.Seal(key, "reason", []byte(t.Reason))
	if err != nil {
		return licence.Record{}, fmt.Errorf("changing licence %s: %w", t.Identifier, err)
	}
	var record licence.Record
	err = s.db.Update(func(tx *bbolt.Tx) error {
		var st state
		found, err := get(tx.Bucket(buckets.states), key[:], &st)
		if err != nil {
			return err
		}
		if !found {
			return licence.ErrNotFound
		}
		next, err := licence.State(st.State).Next(t.Step)
		if err != nil {
			return err
		}
		ref := licence.UnpackStatusRef(st.Status)
		suspended := next == licence.Suspended
		if err := errors.Join(setPlane(tx, ref, planeSuspended, suspended), setCredentials(tx, key, planeSuspended, suspended)); err != nil {
			return err
		}
		if next == licence.Revoked {
			if err := errors.Join(setPlane(tx, ref, planeRevoked, true), setCredentials(tx, key, planeRevoked, true)); err != nil {
				return err
			}
		}
		st.State, st.Since, st.Reason = uint8(next), t.At.Unix(), reason
		if _, err := putState(tx, key, st, st.Revision); err != nil {
			return err
		}
		if record, err = s.record(tx, key[:]); err != nil {
			return err
		}
		return s.appendAudit(tx, t.Audit)
	})
	if err != nil {
		return licence.Record{}, fmt.Errorf("changing licence %s: %w", t.Identifier, err)
	}
	return record, nil
}

// record reads and decrypts one licence.
func (s *Store) record(tx *bbolt.Tx, key []byte) (licence.Record, error) {
	var st state
	found, err := get(tx.Bucket(buckets.states), key, &st)
	if err != nil {
		return licence.Record{}, err
	}
	ciphertext := tx.Bucket(buckets.licences).Get(key)
	if !found || ciphertext == nil || len(key) != sealed.KeySize {
		return licence.Record{}, licence.ErrNotFound
	}
	signed, err := s.box.Open(sealed.Key(key), "licence", ciphertext)
	if err != nil {
		return licence.Record{}, err
	}
	public, err := pki.ParsePoint(st.Point)
	if err != nil {
		return licence.Record{}, err
	}
	// The signature is verified at every read: a record that was exchanged or
	// damaged never gets further than here.
	l, err := licence.Open(signed, public)
	if err != nil {
		return licence.Record{}, err
	}
	r := licence.Record{Licence: l, Signed: signed, State: licence.State(st.State), Since: time.Unix(st.Since, 0).UTC(), Revision: st.Revision}
	if len(st.Reason) > 0 {
		reason, err := s.box.Open(sealed.Key(key), "reason", st.Reason)
		if err != nil {
			return licence.Record{}, err
		}
		r.Reason = string(reason)
	}
	return r, nil
}

// view reads records in one transaction.
func (s *Store) view(what string, f func(tx *bbolt.Tx) error) error {
	if err := s.db.View(f); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ByIdentifier implements [licence.Registry].
func (s *Store) ByIdentifier(_ context.Context, id licence.Identifier) (licence.Record, error) {
	key := sealed.KeyOf(id)
	var r licence.Record
	err := s.view("licence "+id.String(), func(tx *bbolt.Tx) error {
		var err error
		if r, err = s.record(tx, key[:]); err != nil {
			return err
		}
		if r.Licence.Identifier != id {
			return licence.ErrNotFound
		}
		return nil
	})
	return r, err
}

// Requested implements [licence.Registry].
func (s *Store) Requested(_ context.Context, q licence.Request) (licence.Record, error) {
	var r licence.Record
	err := s.view("looking up a request", func(tx *bbolt.Tx) error {
		lookup := s.box.RequestKey(q.Issuer, q.ID)
		value := tx.Bucket(buckets.requests).Get(lookup[:])
		if value == nil {
			return licence.ErrNotFound
		}
		if len(value) != len(q.Digest)+sealed.KeySize {
			return errors.New("the stored request is damaged")
		}
		if !bytes.Equal(value[:len(q.Digest)], q.Digest[:]) {
			return licence.ErrRequestReused
		}
		var err error
		r, err = s.record(tx, value[len(q.Digest):])
		return err
	})
	return r, err
}

// ByNumber implements [licence.Registry].
func (s *Store) ByNumber(_ context.Context, category catalogue.ID, number string) ([]licence.Record, error) {
	lookup := s.box.NumberKey(category, number)
	return s.indexed("looking up a number", buckets.byNumber, lookup)
}

// ByHolder implements [licence.Registry].
func (s *Store) ByHolder(_ context.Context, t licence.IDType, number string) ([]licence.Record, error) {
	lookup := s.box.HolderKey(t, number)
	return s.indexed("looking up a holder", buckets.byHolder, lookup)
}

// indexed reads the licences of an index entry, newest change first.
func (s *Store) indexed(what string, bucket []byte, lookup sealed.Lookup) ([]licence.Record, error) {
	var records []licence.Record
	err := s.view(what, func(tx *bbolt.Tx) error {
		for key := range prefixed(tx.Bucket(bucket), lookup[:]) {
			r, err := s.record(tx, key)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return nil
	})
	slices.SortFunc(records, func(a, b licence.Record) int {
		if a.Revision > b.Revision {
			return -1
		}
		return 1
	})
	return records, err
}

// List implements [licence.Registry].
func (s *Store) List(_ context.Context, after uint64, limit int) ([]licence.Record, error) {
	var records []licence.Record
	err := s.view("listing licences", func(tx *bbolt.Tx) error {
		c := tx.Bucket(buckets.changes).Cursor()
		for k, key := c.Seek(uint64Key(after + 1)); k != nil && len(records) < limit; k, key = c.Next() {
			r, err := s.record(tx, key)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return nil
	})
	return records, err
}
