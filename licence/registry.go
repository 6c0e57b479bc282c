package licence

import (
	"context"
	"errors"
	"time"

	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
)

// Errors that callers of a [Registry] decide on.
var (
	// ErrNotFound: the register holds no such licence.
	ErrNotFound = errors.New("no such licence")
	// ErrNumberTaken: a licence of the category by the issuer that is not
	// revoked has this number.
	ErrNumberTaken = errors.New("the number is on another licence that is not revoked")
	// ErrRequestReused: the request id came before with another application.
	ErrRequestReused = errors.New("the request id was used for another application")
	// ErrListFull: the issuer's status list has no index left.
	ErrListFull = errors.New("the status list is full")
	// ErrIndexTaken: another process has stored this index of the status list since it
	// was reserved here. Whoever reserves again gets one that is free.
	ErrIndexTaken = errors.New("the index was given out before")
)

// Record is a licence as the register holds it.
type Record struct {
	Licence  *Licence
	Signed   []byte // the signed form
	State    State
	Reason   string    // of the last step; empty before the first
	Since    time.Time // of the state
	Revision uint64    // grows with every change of the register
}

// Submission is what [Registry.Issue] stores, in one transaction with its entry
// in the audit log.
type Submission struct {
	Licence *Licence
	Signed  []byte
	Point   pki.Point // of the key that signed
	Request Request
	Audit   audit.Record
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
	Reason     string
	At         time.Time
	Audit      audit.Record
}

// Count is how many licences of a category are in a state.
type Count struct {
	Category catalogue.ID
	State    State
	Licences uint64
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
	// IssueAll stores new licences in one transaction. Each is accepted or refused by
	// itself, and there is a record or an error for each. All are held in memory:
	// callers keep to a few thousand.
	IssueAll(ctx context.Context, all []Submission) ([]Record, []error)
	// Transition takes a licence one step further.
	Transition(ctx context.Context, t Transition) (Record, error)

	// ByIdentifier returns one licence.
	ByIdentifier(ctx context.Context, id Identifier) (Record, error)
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
