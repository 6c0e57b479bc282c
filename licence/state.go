package licence

import (
	"errors"
	"fmt"
)

// State is where a licence stands in its life. Expiry is by date and not a
// state.
type State uint8

// The states. Their numbers are stored and never change.
const (
	Active    State = 1
	Suspended State = 2
	Revoked   State = 3
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Active:
		return "active"
	case Suspended:
		return "suspended"
	case Revoked:
		return "revoked"
	default:
		return fmt.Sprintf("state(%d)", uint8(s))
	}
}

// NameZH returns the state's Chinese name.
func (s State) NameZH() string {
	switch s {
	case Active:
		return "有效"
	case Suspended:
		return "暂扣"
	case Revoked:
		return "注销"
	default:
		return "未知"
	}
}

// Step is what may be done to a licence.
type Step string

// The steps.
const (
	Suspend Step = "suspend"
	Resume  Step = "resume"
	Revoke  Step = "revoke"
)

// ErrStep says that a step is not allowed in a licence's state.
var ErrStep = errors.New("not allowed in this state")

// Next returns the state that a step leads to. The error wraps [ErrStep].
func (s State) Next(step Step) (State, error) {
	switch {
	case s == Active && step == Suspend:
		return Suspended, nil
	case s == Suspended && step == Resume:
		return Active, nil
	case (s == Active || s == Suspended) && step == Revoke:
		return Revoked, nil
	default:
		return s, fmt.Errorf("cannot %s a licence that is %s: %w", step, s, ErrStep)
	}
}
