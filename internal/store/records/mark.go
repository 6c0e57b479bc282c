package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/licence"
)

// Prepared is a licence with all that can be made before its transaction: sealed, its
// look-up keys computed. Many are made on all processors, and stored by one.
type Prepared struct{ issue *issue }

// Prepare prepares a licence for [Store.IssueMarked].
func (s *Store) Prepare(sub licence.Submission) (Prepared, error) {
	i, err := s.prepare(sub)
	if err != nil {
		return Prepared{}, fmt.Errorf("issuing licence %s: %w", sub.Licence.Identifier, err)
	}
	return Prepared{i}, nil
}

// Mark is a setting that is stored with licences, in their transaction: how far their
// source was read.
type Mark struct {
	Name   string
	Before []byte // what must be stored there, or nothing at all is: [ErrSuperseded]
	// After returns what is stored; refused are the errors of licences by their index. It
	// may be called more than once.
	After func(refused map[int]error) ([]byte, error)
}

// IssueMarked stores licences in one transaction, with a mark if there is one. Licences
// that are refused ([licence.ErrNumberTaken], [licence.ErrRequestReused]) are in the map by
// their index and touch no other. An error means that nothing was stored; where it is
// [licence.ErrIndexTaken] the map has those whose places another process has taken.
func (s *Store) IssueMarked(ctx context.Context, all []Prepared, mark *Mark) (map[int]error, error) {
	issues, results := make([]*issue, len(all)), make([]result, len(all))
	for n, p := range all {
		issues[n] = p.issue
	}
	if err := s.knowSigners(ctx, issues); err != nil {
		return nil, err
	}
	var refused map[int]error
	// COMMIT is not bound to the caller's deadline, as in Issue.
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		if mark != nil && !bytes.Equal(tx.Table(tableMeta).Get(settingKey(mark.Name)), mark.Before) {
			return ErrSuperseded
		}
		if err := s.storeAll(tx, issues, results); err != nil {
			return err
		}
		var err error
		if refused, err = sortOut(results); err != nil || mark == nil {
			return err
		}
		after, err := mark.After(refused)
		if err != nil {
			return err
		}
		return putSettings(tx, map[string][]byte{mark.Name: after})
	})
	if err != nil {
		return refused, fmt.Errorf("issuing %d licences: %w", len(all), s.retaken(ctx, err))
	}
	return refused, nil
}

// sortOut tells refusals from what must not be stored at all.
func sortOut(results []result) (map[int]error, error) {
	refused, taken := make(map[int]error), make(map[int]error)
	for n := range results {
		switch err := results[n].err; {
		case err == nil:
		case errors.Is(err, licence.ErrNumberTaken), errors.Is(err, licence.ErrRequestReused):
			refused[n] = err
		case errors.Is(err, licence.ErrIndexTaken):
			taken[n] = err
		default:
			return nil, err
		}
	}
	if len(taken) > 0 {
		return taken, licence.ErrIndexTaken
	}
	return refused, nil
}
