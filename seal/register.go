package seal

import (
	"context"
	"errors"
	"time"

	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/seal/impression"
)

// Record is a seal's life with us.
type Record struct {
	ID         string // 14 digits: esID
	Name       string // what stands on it
	OwnerUSCC  string
	OwnerName  string
	Design     impression.Spec
	AppliedBy  string
	AppliedAt  time.Time
	ApprovedBy string    // empty: not yet approved
	ApprovedAt time.Time // zero: not yet approved
	SESeal     []byte    // DER, once approved
	// Chain holds the DER of the certificate the seal signs with, then of the
	// authority for seals.
	Chain [][]byte
	// Earlier holds the seal as it was before each renewal, the oldest first: documents
	// of its day carry it.
	Earlier []Earlier
}

// Earlier is a seal before it was renewed.
type Earlier struct {
	SESeal []byte
	Chain  [][]byte
	Until  time.Time // when it was made anew
}

// Approved reports whether the seal was made and may be used.
func (r Record) Approved() bool { return len(r.SESeal) > 0 }

// Errors that callers decide on.
var (
	// ErrNotFound: there is no such seal.
	ErrNotFound = errors.New("no such seal")
	// ErrExists: a seal with this code was applied for before.
	ErrExists = errors.New("the seal code is in use")
	// ErrSamePerson: who applied for a seal may not approve it.
	ErrSamePerson = errors.New("a seal is approved by another person than the one who applied")
	// ErrState: the seal is not in the state that the act needs.
	ErrState = errors.New("the seal's state does not allow it")
)

// CheckApproval says whether a person may approve a seal now: two people make a
// seal.
func (r Record) CheckApproval(by string) error {
	if r.Approved() {
		return ErrState
	}
	if by == r.AppliedBy {
		return ErrSamePerson
	}
	return nil
}

// Register keeps seals. A write has returned when it is on the disk, in one
// transaction with its entry in the audit log.
type Register interface {
	// ApplySeal stores a new seal that waits for approval, or [ErrExists].
	ApplySeal(ctx context.Context, r Record, entry audit.Record) error
	// ApproveSeal stores a seal that was made. The stored record must still be
	// waiting and must allow the approval ([Record.CheckApproval]).
	ApproveSeal(ctx context.Context, r Record, entry audit.Record) error
	// RenewSeal stores a seal that was made anew. The stored record must be the one
	// that it renews: its seal is the last of the new record's earlier ones.
	RenewSeal(ctx context.Context, r Record, entry audit.Record) error
	// UseSeal records one use of an approved seal. It is called before the
	// sealed document is released.
	UseSeal(ctx context.Context, id string, entry audit.Record) error
	// Seal returns one seal, or [ErrNotFound].
	Seal(ctx context.Context, id string) (Record, error)
	// Seals returns all seals in the order of their codes.
	Seals(ctx context.Context) ([]Record, error)
}
