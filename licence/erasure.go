package licence

import (
	"context"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/audit"
)

// Errors about erasures.
var (
	// ErrErased: what the licence said was erased by law.
	ErrErased = bilingual.New("该证照已依法删除", "the licence was erased by law")
	// ErrNoErasure: nobody has applied for the erasure.
	ErrNoErasure = bilingual.New("尚无人申请删除该证照", "nobody has applied for the erasure of the licence")
	// ErrInForce: a licence is erased only when it has ended.
	ErrInForce = bilingual.New("该证照尚未失效，不能删除", "the licence has not ended")
)

// Erasure is the erasure of a licence by law: for which one officer applies and which
// another approves. What the licence says is removed, and so are its look-up keys, its
// credentials and devices. Its place in the status lists stays, revoked; its identifier
// is never used again; the audit log stays whole.
type Erasure struct {
	Identifier Identifier
	// KeepNumber: no other licence may get its number. Its look-up key, an HMAC, is then
	// all that is kept of it.
	KeepNumber bool
	AppliedBy  string
	AppliedAt  time.Time
	ApprovedBy string // empty: not yet
	ApprovedAt time.Time
}

// Erasures is the register of erasures. A write has returned when it is on the disk.
type Erasures interface {
	// ApplyErasure keeps an application, in place of an earlier one that was not approved.
	// The error wraps [ErrNotFound], [ErrErased] or [ErrInForce].
	ApplyErasure(ctx context.Context, e Erasure, entry audit.Record) error
	// ApproveErasure erases what was applied for. The error wraps [ErrNoErasure],
	// [ErrSamePerson], [ErrErased] or [ErrInForce].
	ApproveErasure(ctx context.Context, id Identifier, by string, at time.Time, entry audit.Record) (Erasure, error)
	// Erasures returns all, carried out or not, in no order that means anything.
	Erasures(ctx context.Context) ([]Erasure, error)
}

// EndedAt reports whether a licence has ended at a time, by a step or by its last day.
func (r Record) EndedAt(now time.Time) bool {
	last := r.Licence.LastDay
	return r.At(now).State.Ended() || last != nil && now.After(last.End())
}

// End returns when a licence has ended, or will by its last day; false: nobody knows yet.
func (r Record) End(now time.Time) (time.Time, bool) {
	r = r.At(now)
	last := r.Licence.LastDay
	switch {
	case r.State.Ended() && (last == nil || r.Since.Before(last.End())):
		return r.Since, true
	case last != nil:
		return last.End(), true
	default:
		return time.Time{}, false
	}
}
