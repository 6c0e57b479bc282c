package office

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/trust"
)

// ErrNoEntry says that the audit log has no such entry or was never of such a size.
var ErrNoEntry = bilingual.New("审计日志没有这么多条", "the audit log does not go that far")

// readLog calls f with the audit log as of one moment and its size.
func (o *Office) readLog(ctx context.Context, f func(log audit.Storage, size uint64) error) error {
	return o.store.ReadLog(ctx, func(log audit.Storage) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		size, err := log.Size()
		if err != nil {
			return err
		}
		return f(log, size)
	})
}

// interruptible is a log whose reading ends with a context.
type interruptible struct {
	audit.Storage
	ctx context.Context
}

// Record implements [audit.Storage].
func (l interruptible) Record(index uint64) (audit.Record, error) {
	if err := l.ctx.Err(); err != nil {
		return audit.Record{}, err
	}
	return l.Storage.Record(index)
}

// VerifyLog recomputes the whole audit log, compares it with what witnesses saw, and
// returns its size and root. Damage is an [*audit.DamageError] that names the entry, a
// witness who saw another log an [*audit.ContradictionError].
func (o *Office) VerifyLog(ctx context.Context, witnesses ...audit.Witnessed) (uint64, []byte, error) {
	var size uint64
	var root []byte
	err := o.readLog(ctx, func(log audit.Storage, n uint64) error {
		var err error
		size = n
		root, err = audit.VerifyWitnessed(interruptible{log, ctx}, o.config.Domain, witnesses)
		return err
	})
	if ctxErr := ctx.Err(); ctxErr != nil {
		err = ctxErr // what was cut off is not damaged
	}
	if err != nil {
		return 0, nil, fmt.Errorf("verifying the audit log: %w", err)
	}
	return size, root, nil
}

// OpenWitness reads a file that somebody kept: a time file as scanners cache it, a
// checkpoint, a cosigned one, or a proof file. The keys are those that the log's
// checkpoints were ever signed with.
func OpenWitness(name string, file []byte, keys ...*pki.PublicKey) (audit.Witnessed, error) {
	if checkpoint, err := trust.Checkpoint(file); err == nil {
		file = checkpoint
	}
	return audit.OpenWitnessed(name, file, keys...)
}

// LogKeys returns the keys that verify the log's checkpoints: the present one, then
// those that signed before it.
func (o *Office) LogKeys(ctx context.Context) ([]*pki.PublicKey, error) {
	present, past, err := o.trustLog(ctx, o.now())
	if err != nil {
		return nil, err
	}
	t := trust.Trust{Log: present, PastLogs: past}
	return t.LogKeys()
}

// LogEntry is an entry of the audit log with its place.
type LogEntry struct {
	Index uint64
	audit.Entry
	// ErasedBy is the entry that erased this one's details; 0: none did.
	ErasedBy uint64
}

func logEntry(log audit.Storage, index uint64) (LogEntry, error) {
	r, err := log.Record(index)
	if err != nil {
		return LogEntry{}, fmt.Errorf("audit log entry %d: %w", index, err)
	}
	e, err := r.Entry()
	if err != nil {
		return LogEntry{}, fmt.Errorf("audit log entry %d: %w", index, err)
	}
	return LogEntry{index, e, r.ErasedBy}, nil
}

// Log calls f with every entry of the audit log, the oldest first.
func (o *Office) Log(ctx context.Context, f func(LogEntry) error) error {
	return o.readLog(ctx, func(log audit.Storage, size uint64) error {
		for i := range size {
			if err := ctx.Err(); err != nil {
				return err
			}
			e, err := logEntry(log, i)
			if err != nil {
				return err
			}
			if err := f(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// LogEntry returns one entry of the audit log.
func (o *Office) LogEntry(ctx context.Context, index uint64) (LogEntry, error) {
	var e LogEntry
	err := o.readLog(ctx, func(log audit.Storage, size uint64) error {
		if index >= size {
			return fmt.Errorf("entry %d of %d: %w", index, size, ErrNoEntry)
		}
		var err error
		e, err = logEntry(log, index)
		return err
	})
	return e, err
}

// SignedCheckpoint is a checkpoint of the audit log as it goes out.
type SignedCheckpoint struct {
	audit.Checkpoint
	Signed []byte // COSE_Sign1
}

// Checkpoint signs the present state of the audit log.
func (o *Office) Checkpoint(ctx context.Context) (SignedCheckpoint, error) {
	key, err := o.currentKey(ctx, keystore.PurposeService, checkpointKey)
	if err != nil {
		return SignedCheckpoint{}, err
	}
	var c SignedCheckpoint
	err = o.readLog(ctx, func(log audit.Storage, size uint64) error {
		var err error
		c, err = o.checkpoint(log, size, key)
		return err
	})
	return c, err
}

func (o *Office) checkpoint(log audit.Storage, size uint64, key *pki.Key) (SignedCheckpoint, error) {
	root, err := audit.Root(log, size)
	if err != nil {
		return SignedCheckpoint{}, fmt.Errorf("making a checkpoint: %w", err)
	}
	c := audit.Checkpoint{Origin: o.config.Domain, Size: size, Root: root, Time: o.now().Unix()}
	signed, err := c.Sign(key)
	return SignedCheckpoint{c, signed}, err
}

// ProveEntry returns the proof file of an entry under a checkpoint of this moment.
// The entry's details go into it only if disclose says so.
func (o *Office) ProveEntry(ctx context.Context, index uint64, disclose bool) ([]byte, error) {
	key, err := o.currentKey(ctx, keystore.PurposeService, checkpointKey)
	if err != nil {
		return nil, err
	}
	var file []byte
	err = o.readLog(ctx, func(log audit.Storage, size uint64) error {
		if index >= size {
			return fmt.Errorf("entry %d of %d: %w", index, size, ErrNoEntry)
		}
		c, err := o.checkpoint(log, size, key)
		if err != nil {
			return err
		}
		p, err := audit.NewProof(log, index, c.Signed, size, disclose)
		if err != nil {
			return err
		}
		file, err = p.Marshal()
		return err
	})
	return file, err
}

// LogInclusion is the proof that an entry is in the audit log of a size. It shows the
// entry's hash and nothing of its content.
type LogInclusion struct {
	audit.Receipt
	LeafHash []byte
}

// ProveInclusion proves an entry in the log of a size; 0: of the present size.
func (o *Office) ProveInclusion(ctx context.Context, index, size uint64) (LogInclusion, error) {
	p := LogInclusion{Receipt: audit.Receipt{Index: index, Size: size}}
	err := o.readLog(ctx, func(log audit.Storage, present uint64) error {
		if p.Size == 0 {
			p.Size = present
		}
		if p.Size > present || index >= p.Size {
			return fmt.Errorf("entry %d of %d: %w", index, p.Size, ErrNoEntry)
		}
		var err error
		if p.LeafHash, err = log.Node(0, index); err != nil {
			return err
		}
		if p.Path, err = audit.Inclusion(log, index, p.Size); err != nil {
			return err
		}
		p.Root, err = audit.Root(log, p.Size)
		return err
	})
	return p, err
}

// ProveConsistency proves that the log of one size is a beginning of another; 0 for
// the second: of the present size.
func (o *Office) ProveConsistency(ctx context.Context, first, second uint64) (*audit.ConsistencyProof, error) {
	var p *audit.ConsistencyProof
	err := o.readLog(ctx, func(log audit.Storage, present uint64) error {
		if second == 0 {
			second = present
		}
		if second > present || first > second {
			return fmt.Errorf("%d entries to %d: %w", first, second, ErrNoEntry)
		}
		var err error
		p, err = audit.NewConsistencyProof(log, first, second)
		return err
	})
	return p, err
}

// EraseDetails erases, where the law wants it, the personal details beside entries
// of the audit log, and records each erasure with its reason. The entries themselves
// stay, and the log stays provable.
func (o *Office) EraseDetails(ctx context.Context, actor, reason string, indexes ...uint64) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	erasures := make([]audit.Record, len(indexes))
	for i, index := range indexes {
		var err error
		if erasures[i], err = audit.NewErasure(index, o.now(), actor, reason); err != nil {
			return err
		}
	}
	return o.store.EraseDetails(ctx, erasures...)
}

// EraseDetailsOf is [Office.EraseDetails] for every entry about a subject that still
// has details. It returns their indexes; none is [audit.ErrNothingToErase].
func (o *Office) EraseDetailsOf(ctx context.Context, actor, reason, subject string) ([]uint64, error) {
	var indexes []uint64
	err := o.Log(ctx, func(e LogEntry) error {
		if e.Subject == subject && e.Commits() && e.ErasedBy == 0 && e.Act != audit.ActDetailsErase {
			indexes = append(indexes, e.Index)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(indexes) == 0 {
		return nil, fmt.Errorf("subject %q: %w", subject, audit.ErrNothingToErase)
	}
	return indexes, o.EraseDetails(ctx, actor, reason, indexes...)
}

// errReason: there is no reason, or one that is too long.
var errReason = bilingual.New(fmt.Sprintf("须说明理由，最多 %d 字节", maxReason), fmt.Sprintf("a reason of at most %d bytes must be given", maxReason))

// checkReason bounds why something was done.
func checkReason(reason string) error {
	if reason == "" || len(reason) > maxReason {
		return errReason
	}
	if err := cleantext.CheckLines(reason); err != nil {
		return fmt.Errorf("reason: %w", err)
	}
	return nil
}
