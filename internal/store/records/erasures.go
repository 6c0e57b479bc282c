package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

var _ licence.Erasures = (*Store)(nil)

// erasure is the value of the table erasures, under the record key.
type erasure struct {
	Identifier string `cbor:"1,keyasint"`
	KeepNumber bool   `cbor:"2,keyasint"`
	AppliedBy  string `cbor:"3,keyasint"`
	AppliedAt  int64  `cbor:"4,keyasint"` // UTC seconds
	ApprovedBy string `cbor:"5,keyasint,omitempty"`
	ApprovedAt int64  `cbor:"6,keyasint,omitempty"`
}

func (v erasure) open() (licence.Erasure, error) {
	id, err := licence.ParseIdentifier(v.Identifier)
	if err != nil {
		return licence.Erasure{}, fmt.Errorf("a stored erasure: %w", err)
	}
	e := licence.Erasure{Identifier: id, KeepNumber: v.KeepNumber, AppliedBy: v.AppliedBy, AppliedAt: unixUTC(v.AppliedAt), ApprovedBy: v.ApprovedBy}
	if v.ApprovedBy != "" {
		e.ApprovedAt = unixUTC(v.ApprovedAt)
	}
	return e, nil
}

// erased reports whether nothing is left of a licence but its place.
func (f found) erased() bool { return len(f.Sealed) == 0 }

// ApplyErasure implements [licence.Erasures].
func (s *Store) ApplyErasure(ctx context.Context, e licence.Erasure, entry audit.Record) error {
	key := sealed.KeyOf(e.Identifier)
	v := erasure{Identifier: e.Identifier.String(), KeepNumber: e.KeepNumber, AppliedBy: e.AppliedBy, AppliedAt: e.AppliedAt.Unix()}
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		if _, _, err := s.erasable(tx, e.Identifier, e.AppliedAt); err != nil {
			return err
		}
		return errors.Join(put(tx.Table(tableErasures), key[:], v), s.appendAudit(tx, entry))
	})
	if err != nil {
		return fmt.Errorf("applying for the erasure of licence %s: %w", e.Identifier, err)
	}
	return nil
}

// erasable returns a licence that has ended.
func (s *Store) erasable(tx kv.Tx, id licence.Identifier, at time.Time) (found, licence.Record, error) {
	f, err := find(tx, sealed.KeyOf(id))
	if err != nil {
		return f, licence.Record{}, err
	}
	r, err := s.openAs(tx, f, id)
	if err == nil && !r.EndedAt(at) {
		err = licence.ErrInForce
	}
	return f, r, err
}

// ApproveErasure implements [licence.Erasures].
func (s *Store) ApproveErasure(ctx context.Context, id licence.Identifier, by string, at time.Time, entry audit.Record) (licence.Erasure, error) {
	key := sealed.KeyOf(id)
	var e licence.Erasure
	// What was cut off between an erasure and the destruction of its key is finished.
	if err := s.FollowDestroyed(ctx); err != nil {
		return e, fmt.Errorf("erasing licence %s: %w", id, err)
	}
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		var v erasure
		found, err := get(tx.Table(tableErasures), key[:], &v)
		switch {
		case err != nil:
			return err
		case !found || v.Identifier != id.String():
			return licence.ErrNoErasure
		case v.ApprovedBy != "":
			return licence.ErrErased
		case cleantext.Alike(v.AppliedBy, by):
			return licence.ErrSamePerson
		}
		f, r, err := s.erasable(tx, id, at)
		if err != nil {
			return err
		}
		v.ApprovedBy, v.ApprovedAt = by, at.Unix()
		if e, err = v.open(); err != nil {
			return err
		}
		return errors.Join(s.erase(tx, f, r, v.KeepNumber, at), s.forgetLapsed(tx, at), put(tx.Table(tableErasures), key[:], v), s.appendAudit(tx, entry))
	})
	if err != nil {
		return licence.Erasure{}, fmt.Errorf("erasing licence %s: %w", id, err)
	}
	if err := s.FollowDestroyed(ctx); err != nil {
		return licence.Erasure{}, fmt.Errorf("licence %s is erased in the register, its key is not destroyed yet: %w", id, err)
	}
	return e, nil
}

// erase leaves nothing of a licence but its place: its record key, category, signer and
// bits. One that ended by its last day is shown as revoked from now on, as nobody could
// say any more that it has ended.
func (s *Store) erase(tx kv.Tx, f found, r licence.Record, keepNumber bool, at time.Time) error {
	lookups, err := s.lookupsIn(tx)
	if err != nil {
		return err
	}
	ref := refOf(f.number)
	for _, g := range lookups.living() {
		keys, err := s.indexKeys(g, r.Licence, licence.Request{})
		if err != nil {
			return err
		}
		for _, key := range keys.holders {
			if err := tx.Index(indexHolders).Remove(key, ref); err != nil {
				return err
			}
		}
		if keepNumber {
			continue
		}
		if err := tx.Index(indexNumbers).Remove(keys.number, ref); err != nil {
			return err
		}
	}
	return s.empty(tx, f, at)
}

// empty leaves nothing of a licence that is in no index any more.
func (s *Store) empty(tx kv.Tx, f found, at time.Time) error {
	key := sealed.Key(f.Key)
	err := errors.Join(
		s.destroy(tx, sealed.LeafOf(f.place())),
		setPlane(tx, f.place(), planeRevoked, true), setCredentials(tx, key, planeRevoked, true),
		removeAll(tx.Table(tableCredentials), key[:]), removeAll(tx.Table(tableDevices), key[:]),
	)
	if err != nil {
		return err
	}
	before := f.state()
	f.Sealed, f.Reason = nil, nil
	if f.Request != nil {
		f.Request = []byte{0} // the request came, and is no application's any more
	}
	if before.Ended() {
		return f.write(tx)
	}
	f.State, f.Since = uint8(licence.Revoked), at.Unix()
	return change(tx, &f, before, licence.Revoke)
}

// removeAll removes every entry under a record key.
func removeAll(t kv.Table, key []byte) error {
	var keys [][]byte
	for rest := range prefixed(t, key) {
		keys = append(keys, append(bytes.Clone(key), rest...))
	}
	for _, k := range keys {
		if err := t.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// Erasures implements [licence.Erasures].
func (s *Store) Erasures(ctx context.Context) ([]licence.Erasure, error) {
	var all []licence.Erasure
	err := s.view(ctx, "listing erasures", func(tx kv.Tx) error {
		for _, value := range tx.Table(tableErasures).Range(nil, nil) {
			var v erasure
			if err := decode(value, &v); err != nil {
				return err
			}
			e, err := v.open()
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return nil
	})
	return all, err
}
