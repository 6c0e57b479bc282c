package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// holderWords is what is encrypted of a proposal about a holder.
type holderWords struct {
	Reason    string            `cbor:"1,keyasint"`
	Name      string            `cbor:"2,keyasint,omitempty"` // the new one
	Successor []string          `cbor:"3,keyasint,omitempty"` // type, number, name
	Decisions map[string]string `cbor:"4,keyasint,omitempty"` // by identifier
	// Digest is here as well: whoever has it and all else that it is over finds the name by
	// trying names. None: it is forgotten.
	Digest []byte `cbor:"5,keyasint,omitempty"`
}

// sealWords encrypts what a proposal says in words.
func (s *Store) sealWords(tx kv.Tx, v *proposal, p licence.Proposal) error {
	words := []byte(p.Reason)
	if a := p.Holder; a != nil {
		w := holderWords{Reason: p.Reason, Name: a.Name, Decisions: make(map[string]string)}
		if p.Digest != ([sm3.Size]byte{}) {
			w.Digest = p.Digest[:]
		}
		if a.Event == licence.EventMerged {
			w.Successor = []string{string(a.Successor.IDType), a.Successor.IDNumber, a.Successor.Name}
		}
		for id, fate := range a.Decisions {
			w.Decisions[id.String()] = string(fate)
		}
		var err error
		if words, err = detcbor.Marshal(w); err != nil {
			return err
		}
	}
	var err error
	v.Reason, err = s.box.SealShared(s.generation(tx), proposalKey(p.ID), "proposal", words)
	return err
}

// readWords reads what sealWords has encrypted, and the digest.
func (v proposal) readWords(words []byte, p *licence.Proposal) error {
	digest := v.Digest
	if v.Event == "" {
		p.Reason = string(words)
	} else {
		var w holderWords
		if err := decode(words, &w); err != nil {
			return err
		}
		a := &licence.HolderAct{Event: licence.HolderEvent(v.Event), Name: w.Name, Decisions: make(map[licence.Identifier]catalogue.Fate)}
		if len(w.Successor) == 3 {
			a.Successor = licence.Holder{IDType: licence.IDType(w.Successor[0]), IDNumber: w.Successor[1], Name: w.Successor[2]}
		}
		for text, fate := range w.Decisions {
			id, err := licence.ParseIdentifier(text)
			if err != nil {
				return fmt.Errorf("a decision of a stored proposal: %w", err)
			}
			a.Decisions[id] = catalogue.Fate(fate)
		}
		p.Reason, p.Holder = w.Reason, a
		if digest = w.Digest; digest == nil {
			return nil
		}
	}
	if len(digest) != sm3.Size {
		return errors.New("a stored proposal is damaged")
	}
	p.Digest = [sm3.Size]byte(digest)
	return nil
}

// ended reports whether nothing more comes of a proposal that was decided on.
func ended(p licence.Proposal) bool { return p.CancelledBy != "" || p.Done == p.Count }

// forgetName takes the new name of a holder, and the digest over it, out of a proposal that
// has ended: the licences have it, and what is erased of them is not to stay here.
func (s *Store) forgetName(tx kv.Tx, v *proposal, p *licence.Proposal) error {
	if !p.Named() {
		return nil
	}
	*p = p.Forget()
	return s.sealWords(tx, v, *p)
}

// ForgetNames implements [licence.Proposals]. Where there is nothing to forget it only reads.
func (s *Store) ForgetNames(ctx context.Context, at time.Time) error {
	var lapsed []licence.Proposal
	err := s.view(ctx, "looking for names to forget", func(tx kv.Tx) error {
		var err error
		lapsed, err = s.lapsedNames(tx, at)
		return err
	})
	if err != nil || len(lapsed) == 0 {
		return err
	}
	if err := s.db.Update(ctx, func(tx kv.Tx) error { return s.forgetLapsed(tx, at) }); err != nil {
		return fmt.Errorf("forgetting names: %w", err)
	}
	return nil
}

// lapsedNames returns the proposals that say a new name and have lapsed.
func (s *Store) lapsedNames(tx kv.Tx, at time.Time) ([]licence.Proposal, error) {
	var all []licence.Proposal
	for key, value := range tx.Table(tableProposals).Range(nil, nil) {
		var v proposal
		if len(key) != len(licence.ProposalID{}) {
			return nil, errors.New("the key of a proposal is damaged")
		}
		if err := decode(value, &v); err != nil {
			return nil, err
		}
		if licence.HolderEvent(v.Event) != licence.EventRenamed {
			continue
		}
		p, err := s.openProposal(licence.ProposalID(key), v)
		if err != nil {
			return nil, err
		}
		if p.Named() && p.State(at) == licence.ProposalExpired {
			all = append(all, p)
		}
	}
	return all, nil
}

// forgetLapsed is forgetName for all proposals that were not approved, or not carried out, in
// time.
func (s *Store) forgetLapsed(tx kv.Tx, at time.Time) error {
	lapsed, err := s.lapsedNames(tx, at)
	if err != nil {
		return err
	}
	for _, p := range lapsed {
		v, err := readProposal(tx, p.ID)
		if err != nil {
			return err
		}
		if err := s.forgetName(tx, &v, &p); err != nil {
			return err
		}
		if err := put(tx.Table(tableProposals), p.ID[:], v); err != nil {
			return err
		}
	}
	return nil
}

// heldProposed is the value of the table proposed where a proposal is about a holder.
type heldProposed struct {
	Identifier string `cbor:"1,keyasint"`
	Place      int    `cbor:"2,keyasint"`
	Revision   uint64 `cbor:"3,keyasint"`
	Fate       string `cbor:"4,keyasint"`
	Step       string `cbor:"5,keyasint,omitempty"`
	Cause      uint8  `cbor:"6,keyasint,omitempty"`
	Refusal    string `cbor:"7,keyasint,omitempty"`
}

// putProposed stores a licence of a proposal. Where it is one step for all it is an
// identifier, and behind a line feed why it was refused.
func (v proposal) putProposed(tx kv.Tx, key []byte, p licence.Proposed) error {
	if v.Event != "" {
		return put(tx.Table(tableProposed), key, heldProposed{
			Identifier: p.Identifier.String(), Place: p.Place, Revision: p.Revision, Fate: string(p.Fate), Step: string(p.Step), Cause: uint8(p.Cause), Refusal: p.Refusal,
		})
	}
	value := []byte(p.Identifier.String())
	if p.Refusal != "" {
		value = append(append(value, '\n'), p.Refusal...)
	}
	return tx.Table(tableProposed).Put(key, value)
}

// readProposed reads what putProposed has stored.
func (v proposal) readProposed(value []byte) (licence.Proposed, error) {
	if v.Event == "" {
		text, refusal, _ := bytes.Cut(value, []byte{'\n'})
		id, err := licence.ParseIdentifier(string(text))
		return licence.Proposed{Identifier: id, Refusal: string(refusal)}, err
	}
	var h heldProposed
	if err := decode(value, &h); err != nil {
		return licence.Proposed{}, err
	}
	id, err := licence.ParseIdentifier(h.Identifier)
	return licence.Proposed{
		Identifier: id, Refusal: h.Refusal, Place: h.Place, Revision: h.Revision, Fate: catalogue.Fate(h.Fate), Step: licence.Step(h.Step), Cause: licence.Cause(h.Cause),
	}, err
}

// CarryOut implements [licence.Proposals].
func (s *Store) CarryOut(ctx context.Context, id licence.ProposalID, from int, next []licence.Turn) (licence.Proposal, error) {
	var p licence.Proposal
	issues := make([]*issue, len(next))
	var err error
	for i, t := range next {
		if t.Replacement != nil && err == nil {
			issues[i], err = s.prepareReplacement(ctx, *t.Replacement)
		}
	}
	if err == nil {
		err = s.db.Update(ctx, func(tx kv.Tx) error {
			v, err := readProposal(tx, id)
			if err != nil {
				return err
			}
			switch {
			case v.Done != from:
				return fmt.Errorf("%d licences had their turn, not %d: %w", v.Done, from, licence.ErrChanged)
			case v.ApprovedBy == "" || v.CancelledBy != "" || len(next) == 0:
				return licence.ErrProposal
			}
			var entries []audit.Record
			for i, t := range next {
				taken, err := s.turn(tx, proposedKey(id, from+i), v, t, issues[i])
				if err != nil {
					return err
				}
				if taken == nil {
					v.Refused++
					continue
				}
				entries = append(entries, taken...)
			}
			v.Done += len(next)
			if p, err = s.openProposal(id, v); err != nil {
				return err
			}
			// Somebody has forgotten it since the turns were made.
			if v.Event == string(licence.EventRenamed) && !p.Named() {
				return licence.ErrProposal
			}
			if ended(p) {
				if err := s.forgetName(tx, &v, &p); err != nil {
					return err
				}
			}
			return errors.Join(put(tx.Table(tableProposals), id[:], v), s.appendAudit(tx, entries...))
		})
	}
	if err = s.retaken(ctx, err); err != nil {
		return licence.Proposal{}, fmt.Errorf("proposal %s: %w", id, err)
	}
	return p, nil
}

// turn takes the turn of one licence and returns its entries of the log, or notes why it
// was refused and returns nil.
func (s *Store) turn(tx kv.Tx, key []byte, v proposal, t licence.Turn, i *issue) ([]audit.Record, error) {
	p, err := v.readProposed(tx.Table(tableProposed).Get(key))
	if err != nil {
		return nil, err
	}
	if err := v.approved(p, t); err != nil {
		return nil, err
	}
	entries := []audit.Record{}
	switch {
	case t.Refusal != "":
		p.Refusal = t.Refusal
		return nil, v.putProposed(tx, key, p)
	case t.Replacement != nil:
		_, err = s.replace(tx, *t.Replacement, i)
		entries = append(entries, t.Replacement.End.Audit, t.Replacement.Audit)
	case t.Step != nil:
		_, err = s.step(tx, *t.Step)
		entries = append(entries, t.Step.Audit)
	}
	if refusesTurn(err) {
		p.Refusal = bilingual.Text(err)
		return nil, v.putProposed(tx, key, p)
	}
	return entries, err
}

// refusesTurn reports whether an error is about the licence whose turn it is.
func refusesTurn(err error) bool {
	return errors.Is(err, licence.ErrStep) || errors.Is(err, licence.ErrNotFound) || errors.Is(err, licence.ErrChanged)
}

// Trial implements [licence.Proposals].
func (s *Store) Trial(ctx context.Context, next []licence.Turn) ([]licence.Proposed, error) {
	all := make([]licence.Proposed, len(next))
	err := s.view(ctx, "trying the steps of a proposal", func(tx kv.Tx) error {
		for i, t := range next {
			all[i] = licence.Proposed{Identifier: t.Identifier, Refusal: t.Refusal}
			if t.Step == nil {
				continue
			}
			_, _, err := allowed(tx, *t.Step)
			if refusesTurn(err) {
				all[i].Refusal, err = bilingual.Text(err), nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// approved refuses a turn that is not what two officers have agreed on.
func (v proposal) approved(p licence.Proposed, t licence.Turn) error {
	end, revision := t.Step, uint64(0)
	if t.Replacement != nil {
		end = &t.Replacement.End
	}
	want := licence.Transition{Identifier: p.Identifier, Step: licence.Step(v.Step), Cause: licence.Cause(v.Cause)}
	if v.Event != "" {
		want.Step, want.Cause, revision = p.Step, p.Cause, p.Revision
	}
	if p.Identifier != t.Identifier || t.Step != nil && t.Replacement != nil {
		return errors.New("it is not the turn of this licence")
	}
	switch {
	case t.Refusal != "" && end == nil:
		return nil
	case end == nil && want.Step == "":
		return nil
	case end == nil || t.Refusal != "" || (t.Replacement != nil) != (p.Fate == catalogue.FateTransfer),
		end.Identifier != want.Identifier || end.Step != want.Step || end.Cause != want.Cause || end.IfRevision != revision:
		return errors.New("the step is not the one that was approved")
	default:
		return nil
	}
}
