package audit

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Cosignature is what an outside witness says of a checkpoint: that it continues
// every checkpoint that the witness signed before.
//
// It is a COSE_Sign1 of kind [pki.ObjectCheckpoint] like the checkpoint within,
// by the witness's key. The witness's name and time stand in the payload, so they
// are signed; an array of three items is never taken for a checkpoint, which has
// four.
type Cosignature struct {
	_          struct{} `cbor:",toarray"`
	Name       string   // of the witness
	Time       int64    // UTC seconds
	Checkpoint []byte   // as the log signed it
}

// OpenCosignature verifies a cosigned checkpoint: the witness's signature, then the
// log's on the checkpoint within. The error wraps [ErrCheckpoint].
func OpenCosignature(signed []byte, witness, log *pki.PublicKey) (Cosignature, Checkpoint, error) {
	payload, err := openPayload(signed, witness)
	if err != nil {
		return Cosignature{}, Checkpoint{}, fmt.Errorf("reading a cosigned checkpoint: %w", err)
	}
	s, err := parseCosignature(payload)
	if err != nil {
		return Cosignature{}, Checkpoint{}, fmt.Errorf("reading a cosigned checkpoint: %w", err)
	}
	c, err := OpenCheckpoint(s.Checkpoint, log)
	if err != nil {
		return Cosignature{}, Checkpoint{}, err
	}
	return s, c, nil
}

func parseCosignature(payload []byte) (Cosignature, error) {
	var s Cosignature
	if err := detcbor.Unmarshal(payload, &s); err != nil {
		return Cosignature{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	if err := checkName(s.Name); err != nil || s.Time < 0 {
		return Cosignature{}, fmt.Errorf("name or time of the witness: %w", ErrCheckpoint)
	}
	return s, nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxNameSize {
		return fmt.Errorf("a name has %d bytes, want 1 to %d", len(name), maxNameSize)
	}
	return cleantext.Check(name)
}

// Errors by which a cosigner refuses.
var (
	// ErrRolledBack: the checkpoint is of a shorter log than was seen before.
	ErrRolledBack = bilingual.New("日志比以前短，已被回退", "the log is shorter than it was")
	// ErrSplitView: the checkpoint does not continue what was seen before.
	ErrSplitView = bilingual.New("日志与以前所见的不相连", "the log does not continue what was seen before")
)

// Cosigner is an outside witness of one log. It owns no file: what it saw last is
// its owner's to keep, durably, before the cosignature is given away.
type Cosigner struct {
	name   string
	key    *pki.Key
	origin string
	log    *pki.PublicKey
}

// NewCosigner returns a witness of the log with an origin and key.
func NewCosigner(name string, key *pki.Key, origin string, log *pki.PublicKey) (*Cosigner, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("name of the witness: %w", err)
	}
	if key.Public().Equal(log) {
		return nil, errors.New("a log is no witness of itself: the witness must have a key of its own")
	}
	return &Cosigner{name, key, origin, log}, nil
}

// Check verifies that a signed checkpoint continues the one that was seen last (nil:
// none) by a consistency proof between their sizes, and returns it. It refuses with
// [ErrRolledBack] or [ErrSplitView].
func (w *Cosigner) Check(last, signed []byte, path [][]byte) (Checkpoint, error) {
	c, err := OpenCheckpoint(signed, w.log)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != w.origin {
		return Checkpoint{}, fmt.Errorf("the checkpoint is of the log %q, not of %q: %w", c.Origin, w.origin, ErrCheckpoint)
	}
	seen := Checkpoint{Root: Hasher{}.EmptyRoot()}
	if last != nil {
		if seen, err = OpenCheckpoint(last, w.log); err != nil {
			return Checkpoint{}, fmt.Errorf("what was seen last: %w", err)
		}
	}
	if c.Size < seen.Size {
		return Checkpoint{}, fmt.Errorf("%d entries, %d were seen: %w", c.Size, seen.Size, ErrRolledBack)
	}
	if err := VerifyConsistency(seen.Size, seen.Root, c.Size, c.Root, path); err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrSplitView, err)
	}
	return c, nil
}

// Cosign signs a checkpoint that [Cosigner.Check] has passed. Only then, and after
// the owner has written down that it was seen.
func (w *Cosigner) Cosign(signed []byte, now time.Time) ([]byte, error) {
	payload, err := detcbor.Marshal(Cosignature{Name: w.name, Time: now.Unix(), Checkpoint: signed})
	if err != nil {
		return nil, fmt.Errorf("encoding a cosignature: %w", err)
	}
	cosigned, err := cose.Sign(pki.ObjectCheckpoint, w.key, payload)
	if err != nil {
		return nil, fmt.Errorf("cosigning a checkpoint: %w", err)
	}
	return cosigned, nil
}
