package records

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal"
)

// A seal is some ten kilobytes that hardly ever change, and its uses are counted all day.
// So the uses stand beside it, a number each, and are added to those that the record says,
// which stay what they were: a use writes eight bytes.

// usesKey is where the uses of a seal are counted, in the table of settings and sizes.
func usesKey(id string) []byte { return []byte("seal-uses." + id) }

// sealShelf keeps seals as they were read last, each with the bytes that say so.
type sealShelf struct {
	mu  sync.Mutex
	all map[string]shelved // by id; guarded by mu
}

type shelved struct {
	stored []byte
	record seal.Record
}

// maxShelved bounds the seals that are kept.
const maxShelved = 1024

// read returns a stored record. What it holds is shared, and must not be changed.
func (s *sealShelf) read(id string, stored []byte) (seal.Record, error) {
	s.mu.Lock()
	known := s.all[id]
	s.mu.Unlock()
	if known.stored != nil && bytes.Equal(known.stored, stored) {
		return known.record, nil
	}
	r, err := parseSeal(stored)
	if err != nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || len(s.all) >= maxShelved {
		s.all = make(map[string]shelved)
	}
	s.all[id] = shelved{bytes.Clone(stored), r}
	return r, nil
}

func parseSeal(stored []byte) (seal.Record, error) {
	var r seal.Record
	err := json.Unmarshal(stored, &r)
	// Who appends to a list that is shared gets one of his own.
	r.Chain, r.Earlier, r.Rules.Keepers = slices.Clip(r.Chain), slices.Clip(r.Earlier), slices.Clip(r.Rules.Keepers)
	return r, err
}

// sealIn reads a seal with all its uses.
func (s *Store) sealIn(tx kv.Tx, id string) (seal.Record, error) {
	stored := tx.Table(tableSeals).Get([]byte(id))
	if stored == nil {
		return seal.Record{}, seal.ErrNotFound
	}
	r, err := s.seals.read(id, stored)
	r.Uses += getUint(tx.Table(tableMeta), usesKey(id))
	return r, err
}

// updateSeal changes a seal in a transaction with an entry of the audit log.
func (s *Store) updateSeal(ctx context.Context, id string, change func(*seal.Record) error, entry audit.Record) error {
	return s.db.Update(ctx, func(tx kv.Tx) error {
		stored := tx.Table(tableSeals).Get([]byte(id))
		if stored == nil {
			return seal.ErrNotFound
		}
		r, err := parseSeal(stored)
		if err != nil {
			return err
		}
		said := r.Uses
		r.Uses += getUint(tx.Table(tableMeta), usesKey(id))
		if err := change(&r); err != nil {
			return err
		}
		r.Uses = said
		value, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := tx.Table(tableSeals).Put([]byte(id), value); err != nil {
			return err
		}
		return s.appendAudit(tx, entry)
	})
}

// ApplySeals implements [seal.Register].
func (s *Store) ApplySeals(ctx context.Context, records []seal.Record, entries []audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		for _, r := range records {
			if err := insertJSON(tx, tableSeals, r.ID, seal.ErrExists, r); err != nil {
				return fmt.Errorf("seal %s: %w", r.ID, err)
			}
		}
		return s.appendAudit(tx, entries...)
	})
	if err != nil {
		return fmt.Errorf("applying for seals: %w", err)
	}
	return nil
}

// ApproveSeal implements [seal.Register].
func (s *Store) ApproveSeal(ctx context.Context, r seal.Record, entry audit.Record) error {
	err := s.updateSeal(ctx, r.ID, func(stored *seal.Record) error {
		if err := stored.CheckApproval(r.ApprovedBy); err != nil {
			return err
		}
		*stored = r
		return nil
	}, entry)
	if err != nil {
		return fmt.Errorf("seal %s: %w", r.ID, err)
	}
	return nil
}

// RenewSeal implements [seal.Register].
func (s *Store) RenewSeal(ctx context.Context, r seal.Record, entry audit.Record) error {
	err := s.updateSeal(ctx, r.ID, func(stored *seal.Record) error {
		if n := len(r.Earlier); !stored.Made() || n != len(stored.Earlier)+1 || !bytes.Equal(r.Earlier[n-1].SESeal, stored.SESeal) {
			return seal.ErrState
		}
		*stored = r
		return nil
	}, entry)
	if err != nil {
		return fmt.Errorf("seal %s: %w", r.ID, err)
	}
	return nil
}

// ChangeSeal implements [seal.Register].
func (s *Store) ChangeSeal(ctx context.Context, id string, change func(*seal.Record) error, entry audit.Record) (seal.Record, error) {
	var changed seal.Record
	err := s.updateSeal(ctx, id, func(stored *seal.Record) error {
		if err := change(stored); err != nil {
			return err
		}
		changed = *stored
		return nil
	}, entry)
	if err != nil {
		return changed, fmt.Errorf("seal %s: %w", id, err)
	}
	return changed, nil
}

// UseSeals implements [seal.Register]. Uses that come together share a transaction.
func (s *Store) UseSeals(ctx context.Context, id, by string, at time.Time, entries ...audit.Record) (int, error) {
	var done int
	var refused error // of the use behind those
	err := s.quietlyTogether(ctx, func(tx kv.Tx) ([]audit.Record, error) {
		done, refused = 0, nil
		r, err := s.sealIn(tx, id)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if refused = cmp.Or(r.CheckUse(by, at), r.Rules.CheckPurpose(string(e.Details))); refused != nil {
				break
			}
			r.Uses++
			done++
		}
		if done == 0 {
			return nil, refused
		}
		meta := tx.Table(tableMeta)
		return entries[:done], putUint(meta, usesKey(id), getUint(meta, usesKey(id))+uint64(done))
	})
	if err != nil {
		return 0, fmt.Errorf("seal %s: %w", id, err)
	}
	if refused != nil {
		return done, fmt.Errorf("seal %s: %w", id, refused)
	}
	return done, nil
}

// Seal implements [seal.Register].
func (s *Store) Seal(ctx context.Context, id string) (seal.Record, error) {
	var r seal.Record
	err := s.db.View(ctx, func(tx kv.Tx) error {
		var err error
		r, err = s.sealIn(tx, id)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("seal %q: %w", id, err)
	}
	return r, nil
}

// Seals implements [seal.Register].
func (s *Store) Seals(ctx context.Context) ([]seal.Record, error) {
	var all []seal.Record
	err := s.db.View(ctx, func(tx kv.Tx) error {
		all = nil
		for _, stored := range tx.Table(tableSeals).Range(nil, nil) {
			r, err := parseSeal(stored)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		meta := tx.Table(tableMeta)
		for i := range all {
			all[i].Uses += getUint(meta, usesKey(all[i].ID))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the seals: %w", err)
	}
	return all, nil
}
