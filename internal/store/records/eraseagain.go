package records

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// A store that was put back to an earlier moment does not know what was erased since. The
// record keys do: they were destroyed, and whoever puts back records does not put back keys.

// Lost is a licence that nobody can read any more, as far as its identifier is known
// without it.
type Lost struct {
	Category uint16
	Issuer   string
	Serial   licence.Serial
	Version  int
}

// Destroyed returns the licences and the entries of the audit log whose keys are destroyed
// although the store does not say that they were erased. It reads the whole register.
func (s *Store) Destroyed(ctx context.Context) ([]Lost, []uint64, error) {
	var all []Lost
	var entries []uint64
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for key, value := range tx.Table(tableRecords).Range(nil, nil) {
			f := found{number: binary.BigEndian.Uint64(key)}
			if err := decode(value, &f.stored); err != nil {
				return err
			}
			if f.erased() {
				continue
			}
			_, err := s.box.Open(sealed.Key(f.Key), f.place(), "licence", f.Sealed)
			if !errors.Is(err, sealed.ErrDestroyed) {
				continue // damage is for a check to tell
			}
			by, err := s.signer(tx, f.Signer)
			if err != nil {
				return err
			}
			l := Lost{Category: f.Category, Issuer: by.issuer, Version: int(binary.BigEndian.Uint16(f.Key[sealed.KeySize-2:]))}
			l.Serial.Bucket = binary.BigEndian.Uint16(f.Key)
			copy(l.Serial.Random[:], f.Key[2:])
			all = append(all, l)
		}
		for key, value := range tx.Table(tableAuditBeside).Range(nil, nil) {
			index := binary.BigEndian.Uint64(key)
			if value[0] == erasedMark {
				continue
			}
			if _, err := s.box.OpenBeside(index, value); errors.Is(err, sealed.ErrDestroyed) {
				entries = append(entries, index)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("looking for what was erased: %w", err)
	}
	return all, entries, nil
}

// EraseAgain erases licences whose keys are destroyed, in one transaction with an entry of
// the log for each: as [Store.ApproveErasure] does, without reading them.
func (s *Store) EraseAgain(ctx context.Context, all []licence.Erasure, entries []audit.Record) error {
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		indexed, numbered := make(map[string]bool), make(map[string]bool)
		for _, e := range all {
			f, err := s.eraseAgain(tx, e)
			if err != nil {
				return fmt.Errorf("licence %s: %w", e.Identifier, err)
			}
			indexed[string(refOf(f.number))] = true
			numbered[string(refOf(f.number))] = !e.KeepNumber
		}
		return errors.Join(removeFrom(tx.Index(indexHolders), indexed), removeFrom(tx.Index(indexNumbers), numbered), s.appendAudit(tx, entries...))
	})
	if err == nil {
		err = s.FollowDestroyed(ctx)
	}
	if err != nil {
		return fmt.Errorf("erasing %d licences again: %w", len(all), err)
	}
	return nil
}

func (s *Store) eraseAgain(tx kv.Tx, e licence.Erasure) (found, error) {
	key := sealed.KeyOf(e.Identifier)
	f, err := find(tx, key)
	if err != nil {
		return f, err
	}
	if f.erased() {
		return f, licence.ErrErased
	}
	if _, err := s.open(tx, f); !errors.Is(err, sealed.ErrDestroyed) {
		return f, errors.Join(err, errors.New("its key is not destroyed"))
	}
	v := erasure{
		Identifier: e.Identifier.String(), KeepNumber: e.KeepNumber, AppliedBy: e.AppliedBy, AppliedAt: e.AppliedAt.Unix(),
		ApprovedBy: e.ApprovedBy, ApprovedAt: e.ApprovedAt.Unix(),
	}
	return f, errors.Join(s.empty(tx, f, e.ApprovedAt), put(tx.Table(tableErasures), key[:], v))
}

// removeFrom removes the entries of licences from an index whose look-up keys are not known
// any more. It reads the whole index.
func removeFrom(i kv.Index, refs map[string]bool) error {
	var entries []pair
	for key, ref := range i.All() {
		if refs[string(ref)] {
			entries = append(entries, pair{bytes.Clone(key), bytes.Clone(ref)})
		}
	}
	for _, e := range entries {
		if err := i.Remove(e.key, e.value); err != nil {
			return err
		}
	}
	return nil
}
