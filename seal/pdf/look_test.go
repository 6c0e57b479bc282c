package pdf

import (
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
	"github.com/elicence/elicence/seal/seen"
)

// TestPlainNumber: a number is spelled in one way, and told in parts of a unit by its digits.
func TestPlainNumber(t *testing.T) {
	t.Parallel()
	for written, want := range map[syntax.Real]struct {
		plain string
		parts int64
		told  bool
	}{
		"1.5": {"1.5", 15000, true}, "+1.5": {"1.5", 15000, true}, "01.50": {"1.5", 15000, true}, "0.5": {"0.5", 5000, true},
		".5": {"0.5", 5000, true}, "-.5": {"-0.5", -5000, true}, "-0.25": {"-0.25", -2500, true}, "-00.0": {"0", 0, true}, "5.": {"5", 50000, true},
		"595.2756": {"595.2756", 5952756, true}, "0.00009": {"0.00009", 0, true}, "-0.00019": {"-0.00019", -1, true}, "1.20": {"1.2", 12000, true},
		"10000000.0": {"10000000", seen.MaxSide, true}, "-10000000.0": {"-10000000", -seen.MaxSide, true}, "10000000.0001": {"10000000.0001", 0, false},
		"100000000000000000000000000000000000000000.5": {"100000000000000000000000000000000000000000.5", 0, false},
	} {
		if got := plainNumber(written); got != want.plain {
			t.Errorf("%s is spelled %s, want %s", written, got, want.plain)
		}
		if got, told := fixed(written); told != want.told || told && got != want.parts {
			t.Errorf("%s is %d parts, %v, want %d, %v", written, got, told, want.parts, want.told)
		}
	}
}
