package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// Mark is a setting that is stored with a batch of licences, in its transaction: how far
// the source of the batch was read.
type Mark struct {
	Name   string
	Before []byte // what must be stored there, or nothing of the batch is: [ErrSuperseded]
	// After returns what is stored; refused are the errors of the batch's licences by
	// their index. It may be called more than once.
	After func(refused map[int]error) ([]byte, error)
	// Audit are further entries of the audit log, before those of the licences.
	Audit []audit.Record
}

// IssueAll stores licences in one transaction, in their order, with a mark if there is
// one. A licence that is refused ([licence.ErrNumberTaken], [licence.ErrRequestReused])
// is in the map by its index and touches no other; any other error means that nothing
// was stored.
func (s *Store) IssueAll(_ context.Context, subs []licence.Submission, mark *Mark) (map[int]error, error) {
	var refused map[int]error
	ciphertexts := make([][]byte, len(subs))
	for i, sub := range subs {
		var err error
		if ciphertexts[i], err = s.box.Seal(sealed.KeyOf(sub.Licence.Identifier), "licence", sub.Signed); err != nil {
			return nil, fmt.Errorf("issuing licence %s: %w", sub.Licence.Identifier, err)
		}
	}
	err := s.together(func(tx *bbolt.Tx) error {
		refused = make(map[int]error)
		if mark != nil && !bytes.Equal(tx.Bucket(buckets.meta).Get(settingKey(mark.Name)), mark.Before) {
			return ErrSuperseded
		}
		if mark != nil {
			if err := s.appendAudit(tx, mark.Audit...); err != nil {
				return err
			}
		}
		entries := make([]audit.Record, 0, len(subs))
		for i, sub := range subs {
			_, err := s.issueIn(tx, sub, ciphertexts[i])
			switch {
			case errors.Is(err, licence.ErrNumberTaken), errors.Is(err, licence.ErrRequestReused):
				refused[i] = err
			case err != nil:
				return fmt.Errorf("licence %s: %w", sub.Licence.Identifier, err)
			default:
				entries = append(entries, sub.Audit)
			}
		}
		if err := s.appendAudit(tx, entries...); err != nil {
			return err
		}
		if mark == nil {
			return nil
		}
		after, err := mark.After(refused)
		if err != nil {
			return err
		}
		return putSettings(tx, map[string][]byte{mark.Name: after})
	})
	if err != nil {
		return nil, fmt.Errorf("issuing %d licences: %w", len(subs), err)
	}
	return refused, nil
}

// ReserveIndices reserves up to n indices of a list as ReserveIndex does one. Where the
// list has fewer, it is those.
func (s *Store) ReserveIndices(ctx context.Context, list uint32, n int) ([]licence.StatusRef, error) {
	refs := make([]licence.StatusRef, 0, n)
	for len(refs) < n {
		ref, err := s.ReserveIndex(ctx, list)
		if errors.Is(err, licence.ErrListFull) && len(refs) > 0 {
			break
		}
		if err != nil {
			for _, r := range refs {
				s.ReleaseIndex(r)
			}
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}
