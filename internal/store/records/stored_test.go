package records

import (
	"bytes"
	"math"
	"testing"

	"github.com/elicence/elicence/internal/detcbor"
)

// TestStoredEncodes: what is written item by item is what the library writes, with and
// without each item that may be left out.
func TestStoredEncodes(t *testing.T) {
	t.Parallel()
	for mask := range 1 << 6 {
		s := stored{Key: bytes.Repeat([]byte{7}, 14), Category: 195, State: 2, Since: 1_700_000_000, Status: 1 << 33, Signer: 3, Sealed: make([]byte, 300)}
		if mask&1 != 0 {
			s.Revision = math.MaxUint32 + 5
		}
		if mask&2 != 0 {
			s.Request = make([]byte, 32)
		}
		if mask&4 != 0 {
			s.Reason = make([]byte, 60)
		}
		if mask&8 != 0 {
			s.Cause = 9
		}
		if mask&16 != 0 {
			s.Publish = 1_800_000_000
		}
		if mask&32 != 0 { // of an erased one
			s.Since, s.Sealed, s.Category, s.Signer = -5, nil, 0, 0
		}
		want, err := detcbor.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.encode(); !bytes.Equal(got, want) {
			t.Errorf("%06b: %x, want %x", mask, got, want)
		}
	}
}
