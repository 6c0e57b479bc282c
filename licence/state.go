package licence

import (
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
)

// State is where a licence stands in its life. Expiry is by date and not a
// state.
type State uint8

// The states. Their numbers are stored and never change.
const (
	Active    State = 1
	Suspended State = 2
	Revoked   State = 3
	// Superseded: a later version took its place.
	Superseded State = 4
	// Withdrawn: it was taken back before it was published, and never in force.
	Withdrawn State = 5
	// Pending: issued, and not published before a time that the record has. From that
	// time on it is [Active], whatever is stored ([State.At]).
	Pending State = 6
)

var stateNames = map[State]struct{ en, zh string }{
	Active:     {"active", "有效"},
	Suspended:  {"suspended", "暂扣"},
	Revoked:    {"revoked", "注销"},
	Superseded: {"superseded", "已换发"},
	Withdrawn:  {"withdrawn", "已撤回"},
	Pending:    {"pending", "待发布"},
}

// States lists all states.
func States() []State { return []State{Active, Suspended, Revoked, Superseded, Withdrawn, Pending} }

// String returns the state's name.
func (s State) String() string {
	if names, known := stateNames[s]; known {
		return names.en
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// NameZH returns the state's Chinese name.
func (s State) NameZH() string {
	if names, known := stateNames[s]; known {
		return names.zh
	}
	return "未知"
}

// sayZH says of a licence in Chinese that it is in the state.
func (s State) sayZH() string {
	if s == Suspended || s == Revoked {
		return "证照已" + s.NameZH()
	}
	return "证照" + s.NameZH()
}

// At returns the state at a time of a licence that is published at another.
func (s State) At(now, publication time.Time) State {
	if s == Pending && !now.Before(publication) {
		return Active
	}
	return s
}

// Ended reports whether a licence is over for good. Its number is free then.
func (s State) Ended() bool { return s == Revoked || s == Superseded || s == Withdrawn }

// ShownRevoked reports whether the status lists show a licence as revoked. One that was
// withdrawn has no code that anybody could scan, and no list tells of it.
func (s State) ShownRevoked() bool { return s == Revoked || s == Superseded }

// Step is what may be done to a licence.
type Step string

// The steps.
const (
	Issue     Step = "issue" // the first one; only [Registry.Issue] and [Registry.Replace] take it
	Publish   Step = "publish"
	Withdraw  Step = "withdraw"
	Suspend   Step = "suspend"
	Resume    Step = "resume"
	Revoke    Step = "revoke"
	Supersede Step = "supersede" // only [Registry.Replace] takes it
)

// NameZH returns the step's Chinese name.
func (s Step) NameZH() string {
	switch s {
	case Issue:
		return "签发"
	case Publish:
		return "发布"
	case Withdraw:
		return "撤回"
	case Suspend:
		return "暂扣"
	case Resume:
		return "恢复"
	case Revoke:
		return "注销"
	case Supersede:
		return "换发"
	default:
		return "执行未知步骤"
	}
}

// Steps lists the steps. A step's place in the list, from 1, is stored and never
// changes.
func Steps() []Step { return []Step{Issue, Publish, Withdraw, Suspend, Resume, Revoke, Supersede} }

// ErrStep says that a step is not allowed in a licence's state.
var ErrStep = bilingual.New("证照现在的状态不允许此操作", "not allowed in this state")

// Next returns the state that a step leads to. The error wraps [ErrStep].
func (s State) Next(step Step) (State, error) {
	switch {
	case s == Pending && step == Publish:
		return Active, nil
	case s == Pending && step == Withdraw:
		return Withdrawn, nil
	case s == Active && step == Suspend:
		return Suspended, nil
	case s == Suspended && step == Resume:
		return Active, nil
	case (s == Active || s == Suspended) && step == Revoke:
		return Revoked, nil
	case s == Active && step == Supersede:
		return Superseded, nil
	default:
		return s, bilingual.Wrap(fmt.Sprintf("%s，不能%s", s.sayZH(), step.NameZH()), fmt.Errorf("cannot %s a licence that is %s: %w", step, s, ErrStep))
	}
}
