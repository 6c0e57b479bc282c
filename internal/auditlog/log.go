package auditlog

import (
	"context"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr/trust"
)

// ErrNoEntry says that the audit log has no such entry or was never of such a size.
var ErrNoEntry = bilingual.New("审计日志没有这么多条", "the audit log does not go that far")

// Store is where the log is kept.
type Store interface {
	// ReadLog calls f once with the log as of one moment.
	ReadLog(ctx context.Context, f func(audit.Storage) error) error
	// KeepCheckpoint keeps a signed checkpoint of a time, in UTC seconds.
	KeepCheckpoint(ctx context.Context, at int64, signed []byte) error
	// KeptCheckpoints calls f with those that were kept, from one time to another, the oldest
	// first, until it returns false.
	KeptCheckpoints(ctx context.Context, from, until int64, f func(signed []byte) bool) error
}

// Keys are the keys of checkpoints.
type Keys interface {
	// Signer returns the key that is in use.
	Signer(ctx context.Context) (*pki.Key, error)
	// Verifiers returns the present key, then those that signed before it.
	Verifiers(ctx context.Context) ([]*pki.PublicKey, error)
}

// Log is an audit log. It holds nothing of its own, and is safe for concurrent use.
type Log struct {
	store  Store
	keys   Keys
	origin string
	now    func() time.Time
}

// New returns the log of a store, whose checkpoints name an origin.
func New(store Store, keys Keys, origin string, now func() time.Time) *Log {
	return &Log{store: store, keys: keys, origin: origin, now: now}
}

// Read calls f with the log as of one moment and its size.
func (l *Log) Read(ctx context.Context, f func(log audit.Storage, size uint64) error) error {
	return l.store.ReadLog(ctx, func(log audit.Storage) error {
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

// Verify recomputes the whole log, compares it with what witnesses saw, and
// returns its size and root. Damage is an [*audit.DamageError] that names the entry, a
// witness who saw another log an [*audit.ContradictionError].
func (l *Log) Verify(ctx context.Context, witnesses ...audit.Witnessed) (uint64, []byte, error) {
	var size uint64
	var root []byte
	err := l.Read(ctx, func(log audit.Storage, n uint64) error {
		var err error
		size = n
		root, err = audit.VerifyWitnessed(audit.Interruptible(ctx, log), l.origin, witnesses)
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

// Keys returns the keys that verify the log's checkpoints: the present one, then those that
// signed before it.
func (l *Log) Keys(ctx context.Context) ([]*pki.PublicKey, error) { return l.keys.Verifiers(ctx) }

// Entry is an entry of the log with its place.
type Entry struct {
	Index uint64
	audit.Entry
	// ErasedBy is the entry that erased this one's details; 0: none did.
	ErasedBy uint64
	// Destroyed: the key of its details was destroyed, of which this log says nothing.
	Destroyed bool
}

func entryAt(log audit.Storage, index uint64) (Entry, error) {
	r, err := log.Record(index)
	if err != nil {
		return Entry{}, fmt.Errorf("audit log entry %d: %w", index, err)
	}
	e, err := r.Entry()
	if err != nil {
		return Entry{}, fmt.Errorf("audit log entry %d: %w", index, err)
	}
	return Entry{index, e, r.ErasedBy, r.Destroyed}, nil
}

// Entries calls f with every entry, the oldest first.
func (l *Log) Entries(ctx context.Context, f func(Entry) error) error {
	return l.Read(ctx, func(log audit.Storage, size uint64) error {
		for i := range size {
			if err := ctx.Err(); err != nil {
				return err
			}
			e, err := entryAt(log, i)
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

// Examine returns one entry with the words that are kept beside it, and says whether both are
// what was appended.
func (l *Log) Examine(ctx context.Context, index uint64) (audit.Examined, error) {
	var x audit.Examined
	err := l.Read(ctx, func(log audit.Storage, size uint64) error {
		if index >= size {
			return fmt.Errorf("entry %d of %d: %w", index, size, ErrNoEntry)
		}
		var err error
		x, err = audit.Examine(log, index)
		return err
	})
	return x, err
}

// Checkpoint is a checkpoint as it goes out.
type Checkpoint struct {
	audit.Checkpoint
	Signed []byte // COSE_Sign1
}

// Checkpoint signs the present state of the log.
func (l *Log) Checkpoint(ctx context.Context) (Checkpoint, error) {
	key, err := l.keys.Signer(ctx)
	if err != nil {
		return Checkpoint{}, err
	}
	var c Checkpoint
	err = l.Read(ctx, func(log audit.Storage, size uint64) error {
		var err error
		c, err = l.checkpoint(log, size, key)
		return err
	})
	return c, err
}

func (l *Log) checkpoint(log audit.Storage, size uint64, key *pki.Key) (Checkpoint, error) {
	root, err := audit.Root(log, size)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("making a checkpoint: %w", err)
	}
	c := audit.Checkpoint{Origin: l.origin, Size: size, Root: root, Time: l.now().Unix()}
	signed, err := c.Sign(key)
	return Checkpoint{c, signed}, err
}

// Prove returns the proof file of an entry under a checkpoint of this moment.
// The entry's details go into it only if disclose says so.
func (l *Log) Prove(ctx context.Context, index uint64, disclose bool) ([]byte, error) {
	key, err := l.keys.Signer(ctx)
	if err != nil {
		return nil, err
	}
	var file []byte
	err = l.Read(ctx, func(log audit.Storage, size uint64) error {
		if index >= size {
			return fmt.Errorf("entry %d of %d: %w", index, size, ErrNoEntry)
		}
		c, err := l.checkpoint(log, size, key)
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

// Inclusion is the proof that an entry is in the log of a size. It shows the
// entry's hash and nothing of its content.
type Inclusion struct {
	audit.Receipt
	LeafHash []byte
}

// Inclusion proves an entry in the log of a size; 0: of the present size.
func (l *Log) Inclusion(ctx context.Context, index, size uint64) (Inclusion, error) {
	p := Inclusion{Receipt: audit.Receipt{Index: index, Size: size}}
	err := l.Read(ctx, func(log audit.Storage, present uint64) error {
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

// Consistency proves that the log of one size is a beginning of another; 0 for
// the second: of the present size.
func (l *Log) Consistency(ctx context.Context, first, second uint64) (*audit.ConsistencyProof, error) {
	var p *audit.ConsistencyProof
	err := l.Read(ctx, func(log audit.Storage, present uint64) error {
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

// Excerpt is what somebody who is no part of the house keeps of the log.
type Excerpt struct {
	Proofs [][]byte // files of entries, under one checkpoint of this moment, without details
	Ways   [][]byte // files of the consistency of that checkpoint with what witnesses have seen
}

// Excerpt proves the entries that choose finds, and that the log goes on from what was seen.
func (l *Log) Excerpt(ctx context.Context, choose func(log audit.Storage, size uint64) ([]uint64, error), seen []audit.Witnessed) (Excerpt, error) {
	key, err := l.keys.Signer(ctx)
	if err != nil {
		return Excerpt{}, err
	}
	var x Excerpt
	err = l.Read(ctx, func(log audit.Storage, size uint64) error {
		checkpoint, err := l.checkpoint(log, size, key)
		if err != nil {
			return err
		}
		indexes, err := choose(audit.Interruptible(ctx, log), size)
		if err != nil {
			return err
		}
		for _, index := range indexes {
			p, err := audit.NewProof(log, index, checkpoint.Signed, size, false)
			if err != nil {
				return err
			}
			file, err := p.Marshal()
			if err != nil {
				return err
			}
			x.Proofs = append(x.Proofs, file)
		}
		for _, w := range seen {
			p, err := audit.NewConsistencyProof(log, w.Checkpoint.Size, size)
			if err != nil {
				return err
			}
			file, err := p.Marshal()
			if err != nil {
				return err
			}
			x.Ways = append(x.Ways, file)
		}
		return nil
	})
	return x, err
}
