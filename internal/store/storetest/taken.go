package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// takenElsewhere: who finds a place of the status lists given out by another node draws
// from what that node has left, whatever the act was.
func (s *suite) takenElsewhere(k KeyedStore) {
	here, there := s.store, Store(k.Node(s.tb))
	defer func() { s.check(there.Close()) }()
	replaced, turned := s.issue("N1"), s.issue("N2")
	now := time.Unix(1700000000, 0).UTC()
	all := []licence.Proposed{{Identifier: turned.Licence.Identifier, Revision: turned.Revision, Fate: catalogue.FateTransfer, Step: licence.Supersede, Cause: licence.Corrected}}
	act := licence.HolderAct{Event: licence.EventRenamed, Name: "新样例"}
	p := licence.Proposal{
		ID: licence.ProposalID{7}, Reason: "更名", Holder: &act, Count: 1, Digest: licence.HolderDigest(act, "更名", all), ProposedBy: "甲", ProposedAt: now, Expires: now.Add(licence.ProposalLife),
	}
	s.check(here.Propose(ctx, p, all, s.entry(audit.ActMassPropose, "x")))
	_, err := here.ChangeProposal(ctx, p.ID, func(p licence.Proposal) (licence.Proposal, error) { return p.Approve("乙", p.Digest, now) }, s.entry(audit.ActMassApprove, "x"))
	s.check(err)
	for i, act := range map[int]func(r licence.Replacement) error{
		0: func(r licence.Replacement) error { _, err := here.Replace(ctx, r); return err },
		1: func(r licence.Replacement) error {
			r.End.IfRevision = turned.Revision
			_, err := here.CarryOut(ctx, p.ID, 0, []licence.Turn{{Identifier: turned.Licence.Identifier, Replacement: &r}})
			return err
		},
	} {
		before := []licence.Record{replaced, turned}[i]
		s.store = there
		var theirs licence.Record
		for n := range 3 {
			theirs = s.issue(fmt.Sprintf("T%d-%d", i, n))
		}
		s.store = here
		r := licence.Replacement{Submission: s.next(before, ""), End: s.end(before.Licence.Identifier, licence.Supersede)}
		here.ReleaseIndex(r.Licence.Status)
		r.Licence.Status = theirs.Licence.Status
		if err := act(r); !errors.Is(err, licence.ErrIndexTaken) {
			s.tb.Errorf("act %d at a place that is taken: %v, want ErrIndexTaken", i, err)
		}
		here.ReleaseIndex(r.Licence.Status) // as it was reserved
		ours, err := here.ListRoom(ctx, 1)
		s.check(err)
		room, err := there.ListRoom(ctx, 1)
		if s.check(err); ours != room {
			s.tb.Errorf("act %d: %d places are thought to be free, %d are", i, ours, room)
		}
	}
}
