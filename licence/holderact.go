package licence

import (
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence/catalogue"
)

// HolderEvent is what has happened to a holder.
type HolderEvent string

// The events.
const (
	EventDeceased  HolderEvent = "deceased"
	EventRenamed   HolderEvent = "renamed"
	EventMerged    HolderEvent = "merged" // into another body
	EventDissolved HolderEvent = "dissolved"
)

// NameZH returns the event's Chinese name.
func (e HolderEvent) NameZH() string {
	switch e {
	case EventDeceased:
		return "死亡"
	case EventRenamed:
		return "更名"
	case EventMerged:
		return "合并"
	case EventDissolved:
		return "解散或终止"
	default:
		return "未知"
	}
}

// HolderAct is what has happened to a holder, with what must be known to act on it. It
// does not say who the holder is: the licences of its proposal do, and what is erased of
// them does not stay behind here.
type HolderAct struct {
	Event HolderEvent
	// Name is the new one of a renamed holder. A register forgets it when the proposal has
	// ended, and with it the digest, which names could be tried against.
	Name      string
	Successor Holder // of a merged organisation
	// Decisions are an officer's for single licences, in place of the category's rule.
	Decisions map[Identifier]catalogue.Fate
}

// HolderDigest returns SM3 over the event and the number of licences, then for each licence
// in ascending order its identifier, revision, fate, step (or a hyphen) and cause with spaces
// between them, then the new name, the successor's type, number and name with spaces between
// them, and the reason; each line but the reason is followed by a line feed.
func HolderDigest(a HolderAct, reason string, ascending []Proposed) [sm3.Size]byte {
	h := sm3.New()
	h.Write(fmt.Appendf(nil, "%s\n%d\n", a.Event, len(ascending)))
	for _, p := range ascending {
		step := p.Step
		if step == "" {
			step = "-"
		}
		h.Write(fmt.Appendf(nil, "%s %d %s %s %s\n", p.Identifier, p.Revision, p.Fate, step, p.Cause))
	}
	h.Write(fmt.Appendf(nil, "%s\n%s %s %s\n%s", a.Name, a.Successor.IDType, a.Successor.IDNumber, a.Successor.Name, reason))
	return [sm3.Size]byte(h.Sum(nil))
}
