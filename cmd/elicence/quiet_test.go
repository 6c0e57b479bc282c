package main

import (
	"bytes"
	"errors"
	"testing"
)

// TestQuietErrors: what a file says of itself in an error moves no cursor of a terminal, turns no
// direction of reading, and begins no line as an answer does.
func TestQuietErrors(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report(&out, errors.New("a.pdf: the name \x1b[2J\u202e\n✓ 有效"))
	if got := out.String(); got != "elicence: a.pdf: the name \ufffd[2J\ufffd\n  ✓ 有效\n" {
		t.Errorf("%q", got)
	}
}
