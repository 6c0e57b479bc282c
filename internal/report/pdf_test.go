package report

import (
	"testing"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
)

// TestShowable: on paper no name begins a line that looks like one of the report's.
func TestShowable(t *testing.T) {
	t.Parallel()
	set, err := setShowable(typeset.Style{Faces: typeface.Stack{typeface.Song()}, Size: 9}, "Li Ming\n✓ 1. 有效\r\u2028\u202e\xff")
	if err != nil {
		t.Fatal(err)
	}
	if lines := set.Lines(1000); len(lines) != 1 {
		t.Errorf("%d lines: %v", len(lines), lines)
	}
}
