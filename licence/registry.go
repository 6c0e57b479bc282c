package licence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// Errors that callers of a [Registry] decide on.
var (
	// ErrNotFound: the register holds no such licence.
	ErrNotFound = bilingual.New("没有该证照", "no such licence")
	// ErrNumberTaken: a licence of the category by the issuer that is not
	// revoked has this number.
	ErrNumberTaken = bilingual.New("该编号已用于另一份未注销的证照", "the number is on another licence that is not revoked")
	// ErrRequestReused: the request id came before with another application.
	ErrRequestReused = bilingual.New("该申请编号已用于另一份申请", "the request id was used for another application")
	// ErrListFull: the issuer's status list has no index left.
	ErrListFull = bilingual.New("状态列表已满", "the status list is full")
	// ErrChanged: the licence is not at the revision that the caller has seen.
	ErrChanged = bilingual.New("该证照其间已变更", "the licence was changed meanwhile")
	// ErrSchema: the category has another schema by now than the licence was made by.
	// Whoever makes it again by that one may store it.
	ErrSchema = bilingual.New("该证照类别其间已变更", "the category was changed meanwhile")
	// ErrIndexTaken: another process has stored this index of the status list since it
	// was reserved here. Whoever reserves again gets one that is free.
	ErrIndexTaken = errors.New("the index was given out before")
)

// Record is a licence as the register holds it.
type Record struct {
	Licence     *Licence
	Signed      []byte // the signed form
	State       State
	Cause       Cause     // of the last step
	Reason      string    // of the last step; empty before the first
	Since       time.Time // of the state
	Publication time.Time // when a pending licence is published by itself; zero: it is
	Revision    uint64    // grows with every change of the register
}

// At returns the record as it stands at a time: one whose publication has come is
// active.
func (r Record) At(now time.Time) Record {
	if s := r.State.At(now, r.Publication); s != r.State {
		r.State, r.Since = s, r.Publication
	}
	return r
}

// Submission is what [Registry.Issue] stores, in one transaction with its entry
// in the audit log.
type Submission struct {
	Licence *Licence
	Signed  []byte
	Point   pki.Point // of the key that signed
	Request Request
	// Publication is when the licence is published by itself; zero: at once.
	Publication time.Time
	Audit       audit.Record
	DryRun      bool // answer as if it were stored, and store nothing
}

// Request is the caller's own name for an application. A repeated request with
// the same content is answered with the first result; with another content it
// is refused. An empty ID is no request name.
type Request struct {
	Issuer string
	ID     string
	Digest [32]byte // SM3 of the application's content
}

// Transition is one step in a licence's life.
type Transition struct {
	Identifier Identifier
	Step       Step
	Cause      Cause
	Reason     string
	At         time.Time
	IfRevision uint64 // the revision that the caller has seen; 0: any
	Audit      audit.Record
	DryRun     bool
}

// Replacement puts a new version of a licence in the place of one that ends with it.
type Replacement struct {
	Submission            // of the new version: the same serial, the next version number
	End        Transition // of the old one: [Supersede], or [Withdraw] before it is published
}

// Count is how many licences of a category are in a state.
type Count struct {
	Category catalogue.ID
	State    State
	Licences uint64
}

// Check refuses a replacement that is not the next version of the licence that it ends,
// or ends it by another step than those that are for it.
func (r Replacement) Check() error {
	want := r.End.Identifier
	want.Version++
	switch {
	case r.Licence.Identifier != want:
		return errors.New("it is not the next version of the licence that it replaces")
	case r.End.Step != Supersede && r.End.Step != Withdraw:
		return fmt.Errorf("a version does not end by %q: %w", r.End.Step, ErrStep)
	case r.DryRun != r.End.DryRun:
		return errors.New("one half of it is a dry run")
	default:
		return nil
	}
}

// Registry is the register of licences. A write has returned when it is on the
// disk, and an error means that nothing was stored.
type Registry interface {
	// ReserveIndex draws a free index of a status list at random from its open
	// window. The reservation is kept in memory until [Registry.Issue] stores
	// it or [Registry.ReleaseIndex] gives it up; an index that was stored is
	// never handed out again.
	ReserveIndex(ctx context.Context, list uint32) (StatusRef, error)
	ReleaseIndex(ref StatusRef)
	// ReserveIndices draws as many indices at once as are asked for, or none.
	ReserveIndices(ctx context.Context, list uint32, n int) ([]StatusRef, error)
	// ListRoom returns how many indices of a status list are free.
	ListRoom(ctx context.Context, list uint32) (int, error)

	// Bucket returns the distribution bucket of a holder, 12 bits.
	Bucket(h Holder) uint16

	// Requested returns the licence that a request led to, or [ErrNotFound].
	Requested(ctx context.Context, r Request) (Record, error)
	// Issue stores a new licence.
	Issue(ctx context.Context, s Submission) (Record, error)
	// Replace stores a new version of a licence and ends the old one, both or neither.
	// The number may be the old one's. The error wraps [ErrNotFound], [ErrStep],
	// [ErrChanged] or what [Registry.Issue] says.
	Replace(ctx context.Context, r Replacement) (Record, error)
	// IssueAll stores new licences in one transaction. Each is accepted or refused by
	// itself, and there is a record or an error for each. All are held in memory:
	// callers keep to a few thousand.
	IssueAll(ctx context.Context, all []Submission) ([]Record, []error)
	// Transition takes a licence one step further. The error wraps [ErrNotFound],
	// [ErrStep] or [ErrChanged].
	Transition(ctx context.Context, t Transition) (Record, error)

	// ByIdentifier returns one licence.
	ByIdentifier(ctx context.Context, id Identifier) (Record, error)
	// Versions returns all versions of a licence, the first one first.
	Versions(ctx context.Context, id Identifier) ([]Record, error)
	// ByNumber returns the licences of a category with a number, newest first.
	ByNumber(ctx context.Context, category catalogue.ID, number string) ([]Record, error)
	// ByHolder returns a holder's licences, newest first.
	ByHolder(ctx context.Context, h IDType, number string) ([]Record, error)
	// List returns up to limit licences whose last change is after a revision,
	// oldest change first: the whole register page by page, and its changes.
	List(ctx context.Context, after uint64, limit int) ([]Record, error)
	// Counts returns how many licences there are of each category in each state, in the
	// order of categories and states, without those that are none.
	Counts(ctx context.Context) ([]Count, error)
}
