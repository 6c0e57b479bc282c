package records

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

var _ licence.Registry = (*Store)(nil)

// Bucket implements [licence.Registry].
func (s *Store) Bucket(h licence.Holder) uint16 { return s.box.Bucket(h) }

// record reads, decrypts and verifies the licence of a record key.
func (s *Store) record(tx kv.Tx, key sealed.Key) (licence.Record, error) {
	f, err := find(tx, key)
	if err != nil {
		return licence.Record{}, err
	}
	return s.open(tx, f)
}

// ByIdentifier implements [licence.Registry].
func (s *Store) ByIdentifier(ctx context.Context, id licence.Identifier) (licence.Record, error) {
	var r licence.Record
	err := s.view(ctx, "licence "+id.String(), func(tx kv.Tx) error {
		var err error
		if r, err = s.record(tx, sealed.KeyOf(id)); err != nil {
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
func (s *Store) Requested(ctx context.Context, q licence.Request) (licence.Record, error) {
	var r licence.Record
	// The caller is about to acknowledge what it sees.
	err := s.confirm(ctx, "looking up a request", func(tx kv.Tx) error {
		keys, err := s.keys(tx, func(g sealed.LookupGeneration) ([]byte, error) { return s.box.RequestKey(g, q.Issuer, q.ID) })
		if err != nil {
			return err
		}
		all, err := indexed(tx, indexRequests, keys...)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return licence.ErrNotFound
		}
		if !bytes.Equal(all[0].Request, q.Digest[:]) {
			return licence.ErrRequestReused
		}
		r, err = s.open(tx, all[0])
		return err
	})
	return r, err
}

// ByNumber implements [licence.Registry].
func (s *Store) ByNumber(ctx context.Context, category catalogue.ID, number string) ([]licence.Record, error) {
	key := func(g sealed.LookupGeneration) ([]byte, error) { return s.box.NumberKey(g, category, number) }
	return s.lookUp(ctx, "looking up a number", indexNumbers, key, func(l *licence.Licence) bool {
		return l.Category == category && l.Number == number
	})
}

// ByHolder implements [licence.Registry].
func (s *Store) ByHolder(ctx context.Context, t licence.IDType, number string) ([]licence.Record, error) {
	key := func(g sealed.LookupGeneration) ([]byte, error) { return s.box.HolderKey(g, t, number) }
	return s.lookUp(ctx, "looking up a holder", indexHolders, key, func(l *licence.Licence) bool {
		return slices.ContainsFunc(l.Holders, func(h licence.Holder) bool { return h.IDType == t && h.IDNumber == number })
	})
}

// lookUp reads the licences that an index has under a look-up key, newest change first. Meant
// tells those that the key was made from.
func (s *Store) lookUp(ctx context.Context, what, index string, key func(sealed.LookupGeneration) ([]byte, error), meant func(*licence.Licence) bool) ([]licence.Record, error) {
	var records []licence.Record
	err := s.view(ctx, what, func(tx kv.Tx) error {
		keys, err := s.keys(tx, key)
		if err != nil {
			return err
		}
		all, err := indexed(tx, index, keys...)
		if err == nil {
			records, err = s.openAll(tx, all)
		}
		return err
	})
	return slices.DeleteFunc(records, func(r licence.Record) bool { return !meant(r.Licence) }), err
}

// List implements [licence.Registry].
func (s *Store) List(ctx context.Context, after uint64, limit int) ([]licence.Record, error) {
	var records []licence.Record
	err := s.view(ctx, "listing licences", func(tx kv.Tx) error {
		page, err := changed(tx, after, limit)
		if err != nil {
			return err
		}
		for _, f := range page {
			r, err := s.open(tx, f)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return nil
	})
	return records, err
}

// changed returns up to limit licences whose last change is after a revision, oldest
// change first. Those that have not changed since they were issued stand in the table
// of records in the order of their revisions, the others in that of changes.
func changed(tx kv.Tx, after uint64, limit int) ([]found, error) {
	var page []found
	if limit <= 0 {
		return nil, nil
	}
	for key, value := range tx.Table(tableRecords).Range(uint64Key(after+1), nil) {
		if len(key) != 8 {
			return nil, errors.New("the key of a record is damaged")
		}
		f := found{number: binary.BigEndian.Uint64(key)}
		if err := decode(value, &f.stored); err != nil {
			return nil, err
		}
		if f.Revision != 0 || f.erased() {
			continue
		}
		if page = append(page, f); len(page) == limit {
			break
		}
	}
	var entries []changeEntry
	for key, value := range tx.Table(tableChanges).Range(uint64Key(after+1), nil) {
		e, err := readChange(key, value)
		if err != nil {
			return nil, err
		}
		f, err := at(tx, e.number)
		if err != nil {
			return nil, err
		}
		if f.revision() != e.revision || f.erased() {
			continue // it has changed again since, or nothing is left of it
		}
		if len(entries) == limit || len(page) == limit && e.revision > page[limit-1].number {
			break
		}
		entries = append(entries, e)
	}
	for _, e := range entries {
		f, err := at(tx, e.number)
		if err != nil {
			return nil, err
		}
		page = append(page, f)
	}
	slices.SortFunc(page, func(a, b found) int { return cmp.Compare(a.revision(), b.revision()) })
	return page[:min(limit, len(page))], nil
}

// Counts implements [licence.Registry].
func (s *Store) Counts(ctx context.Context) ([]licence.Count, error) {
	var all []licence.Count
	err := s.view(ctx, "counting licences", func(tx kv.Tx) error {
		for key, value := range tx.Table(tableCounts).Range(nil, nil) {
			if len(key) != 3 || len(value) != 8 {
				return errors.New("a count is damaged")
			}
			if n := binary.BigEndian.Uint64(value); n > 0 {
				all = append(all, licence.Count{Category: catalogue.ID(binary.BigEndian.Uint16(key)), State: licence.State(key[2]), Licences: n})
			}
		}
		return nil
	})
	return all, err
}
