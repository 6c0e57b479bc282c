package trust

import (
	"fmt"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki/cose"
)

// Checkpoint returns the checkpoint of the audit log that a time file carries. The
// file's own signature is not verified: the checkpoint has one of its log's, and a
// file that was kept for years as a witness may be of a root that is long gone.
func Checkpoint(timeFile []byte) ([]byte, error) {
	if int64(len(timeFile)) > maxSize[RoleTime] {
		return nil, fmt.Errorf("time file has %d bytes, at most %d are read: %w", len(timeFile), maxSize[RoleTime], ErrInvalid)
	}
	m, err := cose.Parse(timeFile)
	if err != nil {
		return nil, fmt.Errorf("time file: %w: %w", ErrInvalid, err)
	}
	var t Time
	if err := detcbor.Unmarshal(m.Payload, &t); err != nil {
		return nil, fmt.Errorf("time file: %w: %w", ErrInvalid, err)
	}
	return t.Checkpoint, nil
}
