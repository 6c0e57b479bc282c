package seal

import (
	"context"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/seal/impression"
)

// Record is a seal's life with us.
type Record struct {
	ID         string // 14 digits: esID
	Name       string // what stands on it
	OwnerUSCC  string
	OwnerName  string
	Class      Class // empty in applications of before there were classes, see [Record.Classified]
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

	// Standing is what was decided on an approved seal: [InUse], [Suspended] or
	// [Revoked], since when and why.
	Standing State
	Since    time.Time // zero: as approved
	Why      string    // in words; empty: as approved
	Rules    Rules
	Uses     uint64 // how often it was used
}

// Earlier is a seal before it was renewed.
type Earlier struct {
	SESeal []byte
	Chain  [][]byte
	Until  time.Time // when it was made anew
}

// State is where a seal is in its life.
type State string

// The states. A seal is applied for, made when it is approved, and then in use until it
// is revoked for ever.
const (
	Applied   State = "applied"
	InUse     State = "approved"
	Suspended State = "suspended"
	Revoked   State = "revoked"
)

// NameZH returns the state's Chinese name.
func (s State) NameZH() string {
	switch s {
	case Applied:
		return "待批准"
	case InUse:
		return "使用中"
	case Suspended:
		return "已停用"
	case Revoked:
		return "已注销"
	default:
		return "未知"
	}
}

// State returns where the seal is in its life.
func (r Record) State() State {
	switch {
	case !r.Made():
		return Applied
	case r.Standing == "":
		return InUse
	default:
		return r.Standing
	}
}

// Classified returns what the seal stands for.
func (r Record) Classified() Class {
	if r.Class == "" {
		return ClassOf(r.Design)
	}
	return r.Class
}

// Made reports whether the seal was approved and made.
func (r Record) Made() bool { return len(r.SESeal) > 0 }

// ValidUntil returns when the certificate ends that the seal signs with; zero before it was
// made.
func (r Record) ValidUntil() (time.Time, error) {
	if !r.Made() {
		return time.Time{}, nil
	}
	c, err := cert.Parse(r.Chain[0])
	if err != nil {
		return time.Time{}, fmt.Errorf("seal %s: %w", r.ID, err)
	}
	return c.NotAfter().UTC(), nil
}

// Errors that callers decide on.
var (
	// ErrNotFound: there is no such seal.
	ErrNotFound = bilingual.New("没有该印章", "no such seal")
	// ErrExists: a seal with this code was applied for before.
	ErrExists = bilingual.New("该印章编码已使用", "the seal code is in use")
	// ErrSamePerson: who applied for a seal may not approve it.
	ErrSamePerson = bilingual.New("印章须由申请人以外的人批准", "a seal is approved by another person than the one who applied")
	// ErrState: the seal is not in the state that the act needs.
	ErrState = bilingual.New("印章现在的状态不允许此操作", "the seal's state does not allow it")
	// ErrNotKeeper: only its keepers may use the seal.
	ErrNotKeeper = bilingual.New("不是该印章的保管人", "is no keeper of the seal")
	// ErrRules: the owner's rules do not allow this use.
	ErrRules = bilingual.New("用印规则不允许", "the owner's rules do not allow it")
	// ErrNoPurpose: the seal is used for no purpose that was said. It wraps [ErrRules].
	ErrNoPurpose = bilingual.Wrap("未说明用印事由", fmt.Errorf("no purpose is given: %w", ErrRules))
)

// CheckApproval says whether a person may approve a seal now: two people make a
// seal.
func (r Record) CheckApproval(by string) error {
	if r.Made() {
		return bilingual.Wrap("该印章已制成，不用批准", fmt.Errorf("it was approved by %s and made: %w", r.ApprovedBy, ErrState))
	}
	if cleantext.Alike(by, r.AppliedBy) {
		return ErrSamePerson
	}
	return nil
}

// Register keeps seals. A write has returned when it is on the disk, in one
// transaction with its entry in the audit log.
type Register interface {
	// ApplySeals stores new seals that wait for approval, all or none, or [ErrExists].
	ApplySeals(ctx context.Context, records []Record, entries []audit.Record) error
	// ApproveSeal stores a seal that was made. The stored record must still be
	// waiting and must allow the approval ([Record.CheckApproval]).
	ApproveSeal(ctx context.Context, r Record, entry audit.Record) error
	// RenewSeal stores a seal that was made anew. The stored record must be the one
	// that it renews: its seal is the last of the new record's earlier ones.
	RenewSeal(ctx context.Context, r Record, entry audit.Record) error
	// ChangeSeal changes the stored record. What change returns is returned, and then
	// nothing is stored.
	ChangeSeal(ctx context.Context, id string, change func(*Record) error, entry audit.Record) (Record, error)
	// UseSeals records uses of a seal by a person at a time, one for each entry, in their
	// order and as far as the stored record allows them ([Record.CheckUse]): of two uses at
	// once, one is the last that is allowed. The purpose is what the entry commits to
	// ([Rules.CheckPurpose]). It returns how many are recorded, all in one transaction, and
	// where that is not every one the error that refuses the next. It is called before the
	// sealed documents are released.
	UseSeals(ctx context.Context, id, by string, at time.Time, entries ...audit.Record) (int, error)
	// Seal returns one seal, or [ErrNotFound].
	Seal(ctx context.Context, id string) (Record, error)
	// Seals returns all seals in the order of their codes.
	Seals(ctx context.Context) ([]Record, error)
}
