package audit

import (
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
)

// MaxReason bounds why something was done, in bytes.
const MaxReason = 1000

// errReason: there is no reason, or one that is too long.
var errReason = bilingual.New(fmt.Sprintf("须说明理由，最多 %d 字节", MaxReason), fmt.Sprintf("a reason of at most %d bytes must be given", MaxReason))

// CheckReason refuses a reason that may not stand beside an entry: why something was done, in the words of who did it, is
// at most [MaxReason] bytes of clean text and never empty.
func CheckReason(reason string) error {
	if reason == "" || len(reason) > MaxReason {
		return errReason
	}
	if err := cleantext.CheckLines(reason); err != nil {
		return fmt.Errorf("reason: %w", err)
	}
	return nil
}
