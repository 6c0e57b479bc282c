package licence

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// Errors about proposals.
var (
	// ErrNoProposal: there is no such proposal.
	ErrNoProposal = bilingual.New("没有该提议", "no such proposal")
	// ErrSamePerson: who proposes does not approve.
	ErrSamePerson = bilingual.New("须由另一名经办人批准，提出人不能批准", "a second officer approves what one has proposed")
	// ErrProposal: the proposal is not in the state for this.
	ErrProposal = bilingual.New("该提议现在的状态不允许此操作", "not allowed in this state of the proposal")
	// ErrDigest: what is approved is not what was proposed.
	ErrDigest = bilingual.New("清单摘要与提议不符", "the digest is not that of the proposal")
)

// Limits of a proposal.
const (
	ProposalLife = 7 * 24 * time.Hour // until it is approved; about a holder, from then on until it is carried out
	MaxProposed  = 1_000_000          // licences
)

// ProposalID names a proposal: eight random bytes.
type ProposalID [8]byte

// String returns 16 lower-case hexadecimal digits.
func (id ProposalID) String() string { return hex.EncodeToString(id[:]) }

// ParseProposalID reads what [ProposalID.String] writes.
func ParseProposalID(s string) (ProposalID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(ProposalID{}) || hex.EncodeToString(b) != s {
		return ProposalID{}, fmt.Errorf("not 16 hexadecimal digits: %w", ErrNoProposal)
	}
	return ProposalID(b), nil
}

// Proposal is one step for many licences, or what follows for all licences of a holder
// from what has happened to it. One officer proposes it and another approves.
type Proposal struct {
	ID          ProposalID
	Step        Step // for all of them; empty where Holder is not nil
	Cause       Cause
	Reason      string
	Holder      *HolderAct // nil: it is one step for all
	Count       int
	Digest      [sm3.Size]byte // of all that is proposed: [ProposalDigest] or [HolderDigest]; zero: see [HolderAct]
	ByCategory  map[catalogue.ID]int
	ByIssuer    map[string]int // by credit code
	ProposedBy  string
	ProposedAt  time.Time
	Expires     time.Time // unless it is approved before; see [Proposal.Lapses]
	ApprovedBy  string    // empty: not yet
	ApprovedAt  time.Time
	CancelledBy string // empty: it is not
	CancelledAt time.Time
	Done        int // licences that had their turn
	Refused     int // of them, those whose state did not allow the step
}

// ProposalState is where a proposal stands.
type ProposalState string

// The states of a proposal.
const (
	ProposalOpen      ProposalState = "proposed"
	ProposalApproved  ProposalState = "approved" // and under way
	ProposalDone      ProposalState = "done"
	ProposalExpired   ProposalState = "expired"
	ProposalCancelled ProposalState = "cancelled"
)

// NameZH returns the state's Chinese name.
func (s ProposalState) NameZH() string {
	switch s {
	case ProposalOpen:
		return "待批准"
	case ProposalApproved:
		return "已批准"
	case ProposalDone:
		return "已办结"
	case ProposalExpired:
		return "已过期"
	case ProposalCancelled:
		return "已取消"
	default:
		return "未知"
	}
}

// refuse says that a proposal is in a state in which something is not done.
func (s ProposalState) refuse(zh string) error {
	return bilingual.Wrap(fmt.Sprintf("该提议%s，%s", s.NameZH(), zh), fmt.Errorf("it is %s: %w", s, ErrProposal))
}

// State returns where the proposal stands at a time.
func (p Proposal) State(now time.Time) ProposalState {
	switch {
	case p.CancelledBy != "":
		return ProposalCancelled
	case p.ApprovedBy != "" && p.Done == p.Count:
		return ProposalDone
	case p.lapsed(now):
		return ProposalExpired
	case p.ApprovedBy != "":
		return ProposalApproved
	default:
		return ProposalOpen
	}
}

// Lapses returns when what is still to be done of a proposal may not be done any more: at the
// end of its time to be approved, and about a holder, whose new name is not to be kept for
// ever, as long after it was. One step for many, once approved, may be taken to its end at any
// time.
func (p Proposal) Lapses() (at time.Time, lapses bool) {
	switch {
	case p.ApprovedBy == "":
		return p.Expires, true
	case p.Holder != nil:
		return p.ApprovedAt.Add(ProposalLife), true
	default:
		return time.Time{}, false
	}
}

// lapsed reports whether that time is over. A name that was forgotten does not come back when
// the clock is set back.
func (p Proposal) lapsed(now time.Time) bool {
	at, lapses := p.Lapses()
	return lapses && !now.Before(at) || p.Holder != nil && p.Holder.Event == EventRenamed && !p.Named()
}

// Named reports whether a proposal says the new name of a holder, which a register forgets
// when nothing more comes of it.
func (p Proposal) Named() bool { return p.Holder != nil && p.Holder.Name != "" }

// Forget returns a proposal without the new name of a holder, and without the digest, which
// names could be tried against.
func (p Proposal) Forget() Proposal {
	if p.Named() {
		act := *p.Holder
		act.Name = ""
		p.Holder, p.Digest = &act, [sm3.Size]byte{}
	}
	return p
}

// Approve returns the proposal as approved. The error wraps [ErrProposal],
// [ErrSamePerson] or [ErrDigest].
func (p Proposal) Approve(by string, digest [sm3.Size]byte, at time.Time) (Proposal, error) {
	switch state := p.State(at); {
	case state != ProposalOpen:
		return p, state.refuse("不能批准")
	case cleantext.Alike(by, p.ProposedBy):
		return p, ErrSamePerson
	case digest != p.Digest:
		return p, ErrDigest
	}
	p.ApprovedBy, p.ApprovedAt = by, at
	return p, nil
}

// Cancel returns the proposal as cancelled: before it is approved by anybody, later,
// for what is still to be done, as well.
func (p Proposal) Cancel(by string, at time.Time) (Proposal, error) {
	if state := p.State(at); state != ProposalOpen && state != ProposalApproved {
		return p, state.refuse("不能取消")
	}
	p.CancelledBy, p.CancelledAt = by, at
	return p, nil
}

// Run refuses to carry out what was not approved, or not in time.
func (p Proposal) Run(at time.Time) error {
	if state := p.State(at); state != ProposalApproved && state != ProposalDone {
		return state.refuse("不能执行")
	}
	return nil
}

// ProposalDigest returns SM3 over the step, the cause, the number of licences, each
// identifier in ascending order and the reason, each but the reason followed by a line
// feed.
func ProposalDigest(step Step, cause Cause, reason string, ascending []Identifier) [sm3.Size]byte {
	h := sm3.New()
	h.Write(fmt.Appendf(nil, "%s\n%s\n%d\n", step, cause, len(ascending)))
	for _, id := range ascending {
		h.Write([]byte(id.String() + "\n"))
	}
	h.Write([]byte(reason))
	return [sm3.Size]byte(h.Sum(nil))
}

// SortProposed brings licences of a proposal into ascending order of their identifiers.
func SortProposed(all []Proposed) {
	slices.SortFunc(all, func(a, b Proposed) int { return compareIdentifiers(a.Identifier, b.Identifier) })
}

// SortIdentifiers brings identifiers into ascending order of their texts, each once.
func SortIdentifiers(all []Identifier) []Identifier {
	slices.SortFunc(all, compareIdentifiers)
	return slices.Compact(all)
}

// compareIdentifiers compares as their texts would: every part has one length.
func compareIdentifiers(a, b Identifier) int {
	return cmp.Or(
		strings.Compare(a.Type, b.Type), strings.Compare(a.Issuer, b.Issuer),
		cmp.Compare(a.Serial.Bucket, b.Serial.Bucket), bytes.Compare(a.Serial.Random[:], b.Serial.Random[:]),
		cmp.Compare(a.Version, b.Version),
	)
}

// Proposed is a licence of a proposal.
type Proposed struct {
	Identifier Identifier
	Refusal    string // why it did not get the step; empty: it did, or its turn has not come

	// What follows is of proposals about a holder only, where each licence has its own.
	Place    int    // of the holder among those of the licence
	Revision uint64 // at which it was proposed; what was changed since is refused
	Fate     catalogue.Fate
	Step     Step // empty: it is kept as it is
	Cause    Cause
}

// Turn is what is done with one licence of a proposal when its turn has come: a step, a new
// version that ends it, or, with neither, nothing.
type Turn struct {
	Identifier  Identifier
	Step        *Transition
	Replacement *Replacement
	Refusal     string // why nothing can be done; empty: it was to be kept as it is
}

// Proposals is the register of proposals. A write has returned when it is on the disk,
// with its entries of the audit log.
type Proposals interface {
	// Propose stores a proposal with its licences, in ascending order.
	Propose(ctx context.Context, p Proposal, all []Proposed, entry audit.Record) error
	// Proposal returns one, or [ErrNoProposal].
	Proposal(ctx context.Context, id ProposalID) (Proposal, error)
	// Proposals returns all, the newest first.
	Proposals(ctx context.Context) ([]Proposal, error)
	// Proposed returns up to limit licences of a proposal from a place in its order on.
	Proposed(ctx context.Context, id ProposalID, from, limit int) ([]Proposed, error)
	// Trial returns the licences whose steps come next, with the refusals that CarryOut would
	// note. New versions are not tried.
	Trial(ctx context.Context, next []Turn) ([]Proposed, error)
	// ForgetNames takes the new names of holders out of proposals that have lapsed.
	ForgetNames(ctx context.Context, at time.Time) error
	// ChangeProposal stores what change makes of a proposal.
	ChangeProposal(ctx context.Context, id ProposalID, change func(Proposal) (Proposal, error), entry audit.Record) (Proposal, error)
	// CarryOut takes the turns of the licences of a proposal that come next, in one
	// transaction with the proposal's own count, so that none is ever taken twice: from
	// is that count as the caller knows it, [ErrChanged] that it is another. A licence
	// whose state does not allow the step, or which was changed where that must not be, is
	// noted as refused. A new version that cannot be stored fails the whole, as
	// [Registry.Replace] does. The proposal must be approved.
	CarryOut(ctx context.Context, id ProposalID, from int, next []Turn) (Proposal, error)
}
