package audit

import (
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
)

// Checkpoint is the state of a log at one moment.
type Checkpoint struct {
	_      struct{} `cbor:",toarray"`
	Origin string   // whose log
	Size   uint64
	Root   []byte
	Time   int64 // UTC seconds
}

// MaxCheckpointSize bounds a signed checkpoint, with or without a cosignature, in
// bytes.
const MaxCheckpointSize = 4096

// maxNameSize bounds the names of logs and cosigners in bytes.
const maxNameSize = 256

// ErrCheckpoint says that bytes are not a checkpoint in its one form, or are not
// signed by the key that they should be.
var ErrCheckpoint = bilingual.New("不是该日志的检查点", "not a checkpoint of this log")

// At returns the time of the checkpoint.
func (c Checkpoint) At() time.Time { return time.Unix(c.Time, 0).UTC() }

func (c Checkpoint) check() error {
	if c.Origin == "" || len(c.Origin) > maxNameSize || len(c.Root) != sm3.Size || c.Time < 0 {
		return fmt.Errorf("origin, root or time: %w", ErrCheckpoint)
	}
	return nil
}

// Sign signs the checkpoint as a COSE_Sign1 of kind [pki.ObjectCheckpoint].
func (c Checkpoint) Sign(key *pki.Key) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	payload, err := detcbor.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding a checkpoint: %w", err)
	}
	signed, err := cose.Sign(pki.ObjectCheckpoint, key, payload)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint verifies a signed checkpoint. The error wraps [ErrCheckpoint].
func OpenCheckpoint(signed []byte, key *pki.PublicKey) (Checkpoint, error) {
	payload, err := openPayload(signed, key)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("reading a checkpoint: %w", err)
	}
	var c Checkpoint
	if err := detcbor.Unmarshal(payload, &c); err != nil {
		return Checkpoint{}, fmt.Errorf("reading a checkpoint: %w: %w", ErrCheckpoint, err)
	}
	if err := c.check(); err != nil {
		return Checkpoint{}, fmt.Errorf("reading a checkpoint: %w", err)
	}
	return c, nil
}

// openPayload verifies a COSE_Sign1 of kind [pki.ObjectCheckpoint].
func openPayload(signed []byte, key *pki.PublicKey) ([]byte, error) {
	m, err := cose.ParseBounded(signed, MaxCheckpointSize, ErrCheckpoint)
	if err != nil {
		return nil, err
	}
	if m.KID != key.KID() || !m.Verify(pki.ObjectCheckpoint, key) {
		return nil, fmt.Errorf("it is not signed by key %s: %w", key.KID(), ErrCheckpoint)
	}
	return m.Payload, nil
}
