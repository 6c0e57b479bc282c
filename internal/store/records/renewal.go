package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/audit"
)

// A renewal brings every entry of the indexes under look-up keys of the next generation. An
// entry's key is made from the one of before, so nothing is decrypted, and what is known by
// its look-up key alone, as the names of all requests and what is kept of erased licences, is
// renewed like everything else. How far it has come is stored with each page: what was killed
// goes on where it was, and several processes may work at it, or on the records.

// renewal is one that is under way.
type renewal struct {
	Index   int    `cbor:"1,keyasint"` // of renewed, that is worked on
	After   []byte `cbor:"2,keyasint"` // the last look-up key that was moved
	Entries uint64 `cbor:"3,keyasint"` // that were moved
	Started int64  `cbor:"4,keyasint"` // UTC seconds
}

// renewed are the indexes whose keys are look-up keys.
func renewed() []string { return []string{indexNumbers, indexHolders, indexRequests} }

// Renewing says how a renewal is carried on.
type Renewing struct {
	// Page is how many entries are moved in one transaction; 0: 2,048.
	Page int
	// Progress, if not nil, is told how many entries are moved durably.
	Progress func(entries uint64)
	// Entry makes the entry of the audit log that says that it is done, and is stored with it.
	Entry func(entries uint64) (audit.Record, error)
}

const renewalPage = 2048

var (
	// ErrRenewing says that look-up keys are being renewed.
	ErrRenewing = bilingual.New("正在更换检索密钥", "the look-up keys are being renewed")
	// ErrSharedKeys says that records are still under keys that they share.
	ErrSharedKeys = bilingual.New("各记录仍共用密钥，须先重新加密", "the records share their keys: they are to be rekeyed first")
	// ErrNotRenewing says that no renewal is under way.
	ErrNotRenewing = bilingual.New("没有正在进行的检索密钥更换", "no renewal of look-up keys is under way")
)

// Lookups says which look-up keys are in use, and whether the others are being renewed.
func (s *Store) Lookups(ctx context.Context) (sealed.LookupGeneration, bool, error) {
	var l lookups
	err := s.db.View(ctx, func(tx kv.Tx) error {
		var err error
		l, err = s.lookupsIn(tx)
		return err
	})
	return sealed.LookupGeneration(l.Generation), l.Renewal != nil, err
}

// BeginRenewal has everything that is written from now on looked up by keys of the next
// generation, whose secret must be there, and moves what lies there when [Store.RenewLookups]
// is called. Programs of before do not open the store any more.
func (s *Store) BeginRenewal(ctx context.Context, target sealed.LookupGeneration, at int64, entry audit.Record) error {
	check, err := s.box.LookupCheck(target)
	if err != nil {
		return fmt.Errorf("renewing look-up keys: %w", err)
	}
	err = s.db.Update(ctx, func(tx kv.Tx) error {
		meta := tx.Table(tableMeta)
		l, err := s.lookupsIn(tx)
		switch {
		case err != nil:
			return err
		case l.Renewal != nil:
			return ErrRenewing
		case target == 0 || target-1 != sealed.LookupGeneration(l.Generation):
			return fmt.Errorf("generation %d does not follow %d", target, l.Generation)
		case getUint(meta, metaFormat) == formatShared:
			return ErrSharedKeys
		}
		if err := s.renewBindings(tx); err != nil {
			return err
		}
		return errors.Join(
			put(meta, metaLookups, lookups{uint8(target), check, &renewal{Started: at}}), putUint(meta, metaFormat, formatRenewed),
			s.appendAudit(tx, entry),
		)
	})
	if err != nil {
		return fmt.Errorf("renewing look-up keys: %w", err)
	}
	return nil
}

// renewBindings moves binding codes. They live for minutes, so they are few.
func (s *Store) renewBindings(tx kv.Tx) error {
	bindings, moved := tx.Table(tableBindings), make(map[string]binding)
	for key, value := range bindings.Range(nil, nil) {
		var b binding
		if err := decode(value, &b); err != nil {
			return err
		}
		moved[string(key)] = b
	}
	for key, b := range moved {
		lookup, err := s.box.RenewedLookup([]byte(key))
		if err != nil {
			return err
		}
		if b.Hash, err = s.box.RenewedLookup(b.Hash); err != nil {
			return err
		}
		if err := errors.Join(bindings.Delete([]byte(key)), put(bindings, lookup, b)); err != nil {
			return err
		}
	}
	return nil
}

// RenewLookups goes on with a renewal until it is done, and has the engine leave nothing of the
// look-up keys of before in its indexes. It returns how many entries were moved since it began.
func (s *Store) RenewLookups(ctx context.Context, how Renewing) (uint64, error) {
	if how.Page <= 0 {
		how.Page = renewalPage
	}
	if how.Progress == nil {
		how.Progress = func(uint64) {}
	}
	var last renewal
	for began, tidied := false, false; ; began = true {
		r, done, err := s.renewPage(ctx, how, tidied)
		switch {
		case began && errors.Is(err, ErrNotRenewing):
			return last.Entries, nil // another process has finished it
		case err != nil:
			return last.Entries, fmt.Errorf("renewing look-up keys: %w", err)
		}
		if last = r; !done {
			tidied = false
			how.Progress(r.Entries)
			continue
		}
		if tidied {
			return r.Entries, nil
		}
		if err := s.tidy(ctx); err != nil {
			return r.Entries, fmt.Errorf("renewing look-up keys: %w", err)
		}
		tidied = true
	}
}

// tidy has the engine leave out of its files what was moved, where it keeps it.
func (s *Store) tidy(ctx context.Context) error {
	t, able := s.engine.(tidier)
	if !able {
		return nil
	}
	for _, name := range renewed() {
		if err := t.Tidy(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// renewPage moves a page of entries, and reports whether there was none left. Then it ends the
// renewal, if it is to.
func (s *Store) renewPage(ctx context.Context, how Renewing, end bool) (renewal, bool, error) {
	var r renewal
	done := false
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		l, err := s.lookupsIn(tx)
		if err != nil {
			return err
		}
		if l.Renewal == nil {
			return ErrNotRenewing
		}
		done, err = s.moveEntries(tx, sealed.LookupGeneration(l.Generation), l.Renewal, how.Page)
		if err != nil {
			return err
		}
		r = *l.Renewal
		if !done || !end {
			return put(tx.Table(tableMeta), metaLookups, l)
		}
		e, err := how.Entry(r.Entries)
		if err != nil {
			return err
		}
		l.Renewal = nil
		return errors.Join(put(tx.Table(tableMeta), metaLookups, l), s.appendAudit(tx, e))
	})
	return r, done, err
}

// moveEntries moves a page of entries to their keys of the target, and notes how far it has
// come. It reports whether there is no entry of before any more.
func (s *Store) moveEntries(tx kv.Tx, target sealed.LookupGeneration, r *renewal, limit int) (bool, error) {
	for all := renewed(); r.Index < len(all); r.Index, r.After = r.Index+1, nil {
		index := tx.Index(all[r.Index])
		page := entriesBefore(index, target, r.After, limit)
		for _, e := range page {
			key, err := s.box.RenewedLookup(e.key)
			if err == nil && sealed.LookupGenerationOf(key) != target {
				err = fmt.Errorf("an entry is of generation %d", sealed.LookupGenerationOf(e.key))
			}
			if err != nil {
				return false, fmt.Errorf("index %s: %w", all[r.Index], err)
			}
			if err := errors.Join(index.Remove(e.key, e.value), index.Add(key, e.value)); err != nil {
				return false, err
			}
		}
		if len(page) > 0 {
			r.After = page[len(page)-1].key
			r.Entries += uint64(len(page))
			return false, nil
		}
	}
	// Who is left behind would not be found any more, so this looks from the beginning.
	for i, name := range renewed() {
		if len(entriesBefore(tx.Index(name), target, nil, 1)) > 0 {
			r.Index, r.After = i, nil
			return false, nil
		}
	}
	return true, nil
}

// entriesBefore returns the first entries of generations before one, from a look-up key on. A
// look-up key begins with its generation, so they stand before all others.
func entriesBefore(index kv.Index, target sealed.LookupGeneration, from []byte, limit int) []pair {
	var page []pair
	for key, ref := range index.From(from) {
		if len(page) == limit || sealed.LookupGenerationOf(key) >= target {
			break
		}
		page = append(page, pair{bytes.Clone(key), bytes.Clone(ref)})
	}
	return page
}
