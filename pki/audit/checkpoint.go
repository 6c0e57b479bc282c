package audit

import (
	"fmt"

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

// Sign signs the checkpoint as a COSE_Sign1 of kind [pki.ObjectCheckpoint].
func (c Checkpoint) Sign(key *pki.Key) ([]byte, error) {
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

// OpenCheckpoint verifies a signed checkpoint.
func OpenCheckpoint(signed []byte, key *pki.PublicKey) (Checkpoint, error) {
	var c Checkpoint
	m, err := cose.Parse(signed)
	if err != nil {
		return c, fmt.Errorf("reading a checkpoint: %w", err)
	}
	if !m.Verify(pki.ObjectCheckpoint, key) {
		return c, fmt.Errorf("checkpoint is not signed by key %s", key.KID())
	}
	if err := detcbor.Unmarshal(m.Payload, &c); err != nil {
		return c, fmt.Errorf("reading a checkpoint: %w", err)
	}
	return c, nil
}
