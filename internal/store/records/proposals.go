package records

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

var _ licence.Proposals = (*Store)(nil)

// proposal is the value of the table proposals.
type proposal struct {
	Step        string         `cbor:"1,keyasint"`
	Cause       uint8          `cbor:"2,keyasint"`
	Reason      []byte         `cbor:"3,keyasint"` // encrypted: the reason, or [holderWords] where there is an event
	Count       int            `cbor:"4,keyasint"`
	Digest      []byte         `cbor:"5,keyasint"` // none where there is an event: see [holderWords]
	ByCategory  map[uint16]int `cbor:"6,keyasint"`
	ByIssuer    map[string]int `cbor:"7,keyasint"`
	ProposedBy  string         `cbor:"8,keyasint"`
	ProposedAt  int64          `cbor:"9,keyasint"` // UTC seconds
	Expires     int64          `cbor:"10,keyasint"`
	ApprovedBy  string         `cbor:"11,keyasint,omitempty"`
	ApprovedAt  int64          `cbor:"12,keyasint,omitempty"`
	CancelledBy string         `cbor:"13,keyasint,omitempty"`
	CancelledAt int64          `cbor:"14,keyasint,omitempty"`
	Done        int            `cbor:"15,keyasint"`
	Refused     int            `cbor:"16,keyasint"`
	Event       string         `cbor:"17,keyasint,omitempty"` // what has happened to a holder
}

// proposalKey is the key under which a proposal's reason is encrypted. Its bucket is one
// that no licence has.
func proposalKey(id licence.ProposalID) sealed.Key {
	k := sealed.Key{0xff, 0xff}
	copy(k[2:], id[:])
	return k
}

func storedProposal(p licence.Proposal) proposal {
	v := proposal{
		Step: string(p.Step), Cause: uint8(p.Cause), Count: p.Count, Digest: p.Digest[:], ByCategory: make(map[uint16]int), ByIssuer: p.ByIssuer,
		ProposedBy: p.ProposedBy, ProposedAt: p.ProposedAt.Unix(), Expires: p.Expires.Unix(), Done: p.Done, Refused: p.Refused,
	}
	for id, n := range p.ByCategory {
		v.ByCategory[uint16(id)] = n
	}
	if p.Holder != nil {
		v.Event, v.Digest = string(p.Holder.Event), nil
	}
	v.decide(p)
	return v
}

// decide takes over what an officer has decided.
func (v *proposal) decide(p licence.Proposal) {
	v.ApprovedBy, v.CancelledBy = p.ApprovedBy, p.CancelledBy
	if p.ApprovedBy != "" {
		v.ApprovedAt = p.ApprovedAt.Unix()
	}
	if p.CancelledBy != "" {
		v.CancelledAt = p.CancelledAt.Unix()
	}
}

func (s *Store) openProposal(id licence.ProposalID, v proposal) (licence.Proposal, error) {
	words, err := s.box.OpenShared(proposalKey(id), "proposal", v.Reason)
	if err != nil {
		return licence.Proposal{}, err
	}
	p := licence.Proposal{
		ID: id, Step: licence.Step(v.Step), Cause: licence.Cause(v.Cause), Count: v.Count,
		ByCategory: make(map[catalogue.ID]int), ByIssuer: v.ByIssuer, ProposedBy: v.ProposedBy, ProposedAt: unixUTC(v.ProposedAt), Expires: unixUTC(v.Expires),
		ApprovedBy: v.ApprovedBy, CancelledBy: v.CancelledBy, Done: v.Done, Refused: v.Refused,
	}
	if err := v.readWords(words, &p); err != nil {
		return licence.Proposal{}, err
	}
	for id, n := range v.ByCategory {
		p.ByCategory[catalogue.ID(id)] = n
	}
	if v.ApprovedBy != "" {
		p.ApprovedAt = unixUTC(v.ApprovedAt)
	}
	if v.CancelledBy != "" {
		p.CancelledAt = unixUTC(v.CancelledAt)
	}
	return p, nil
}

// readProposal reads a proposal as it is stored.
func readProposal(tx kv.Tx, id licence.ProposalID) (proposal, error) {
	var v proposal
	found, err := get(tx.Table(tableProposals), id[:], &v)
	if err == nil && !found {
		err = licence.ErrNoProposal
	}
	return v, err
}

// proposedKey is where a licence of a proposal lies.
func proposedKey(id licence.ProposalID, place int) []byte {
	return binary.BigEndian.AppendUint32(id[:len(id):len(id)], uint32(place)) //nolint:gosec // below licence.MaxProposed
}

// Propose implements [licence.Proposals].
func (s *Store) Propose(ctx context.Context, p licence.Proposal, all []licence.Proposed, entry audit.Record) error {
	v := storedProposal(p)
	var err error
	if len(all) != p.Count || p.Count == 0 || p.Count > licence.MaxProposed {
		err = fmt.Errorf("it has %d licences, and says %d", len(all), p.Count)
	}
	if err == nil {
		err = s.db.Update(ctx, func(tx kv.Tx) error {
			if tx.Table(tableProposals).Get(p.ID[:]) != nil {
				return ErrExists
			}
			if err := s.forgetLapsed(tx, p.ProposedAt); err != nil {
				return err
			}
			if err := s.sealWords(tx, &v, p); err != nil {
				return err
			}
			for i, l := range all {
				if err := v.putProposed(tx, proposedKey(p.ID, i), l); err != nil {
					return err
				}
			}
			return errors.Join(put(tx.Table(tableProposals), p.ID[:], v), s.appendAudit(tx, entry))
		})
	}
	if err != nil {
		return fmt.Errorf("proposal %s: %w", p.ID, err)
	}
	return nil
}

// Proposal implements [licence.Proposals].
func (s *Store) Proposal(ctx context.Context, id licence.ProposalID) (licence.Proposal, error) {
	var p licence.Proposal
	// Who carries out what was carried out acknowledges it by what is read here.
	err := s.confirm(ctx, "proposal "+id.String(), func(tx kv.Tx) error {
		v, err := readProposal(tx, id)
		if err == nil {
			p, err = s.openProposal(id, v)
		}
		return err
	})
	return p, err
}

// Proposals implements [licence.Proposals].
func (s *Store) Proposals(ctx context.Context) ([]licence.Proposal, error) {
	var all []licence.Proposal
	err := s.view(ctx, "listing the proposals", func(tx kv.Tx) error {
		all = nil
		for key, value := range tx.Table(tableProposals).Range(nil, nil) {
			var v proposal
			if len(key) != len(licence.ProposalID{}) {
				return errors.New("the key of a proposal is damaged")
			}
			if err := decode(value, &v); err != nil {
				return err
			}
			p, err := s.openProposal(licence.ProposalID(key), v)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b licence.Proposal) int { return b.ProposedAt.Compare(a.ProposedAt) })
	return all, err
}

// Proposed implements [licence.Proposals].
func (s *Store) Proposed(ctx context.Context, id licence.ProposalID, from, limit int) ([]licence.Proposed, error) {
	var all []licence.Proposed
	err := s.view(ctx, "licences of proposal "+id.String(), func(tx kv.Tx) error {
		all = nil
		v, err := readProposal(tx, id)
		if err != nil {
			return err
		}
		for _, value := range tx.Table(tableProposed).Range(proposedKey(id, from), proposedKey(id, from+limit)) {
			p, err := v.readProposed(value)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}

// ChangeProposal implements [licence.Proposals].
func (s *Store) ChangeProposal(ctx context.Context, id licence.ProposalID, change func(licence.Proposal) (licence.Proposal, error), entry audit.Record) (licence.Proposal, error) {
	var p licence.Proposal
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		v, err := readProposal(tx, id)
		if err != nil {
			return err
		}
		if p, err = s.openProposal(id, v); err != nil {
			return err
		}
		if p, err = change(p); err != nil {
			return err
		}
		v.decide(p)
		if ended(p) {
			if err := s.forgetName(tx, &v, &p); err != nil {
				return err
			}
		}
		return errors.Join(put(tx.Table(tableProposals), id[:], v), s.appendAudit(tx, entry))
	})
	if err != nil {
		return licence.Proposal{}, fmt.Errorf("proposal %s: %w", id, err)
	}
	return p, nil
}
