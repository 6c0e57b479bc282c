package terminal

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/elicence/elicence/qr/verify"
)

// report writes one verdict and remembers whether it was valid.
func (t *Terminal) report(path string, r verify.Result) error {
	if r.Verdict != verify.Valid {
		t.refused = true
	}
	if t.o.JSON {
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("writing a verdict: %w", err)
		}
		fmt.Fprintf(t.out, "%s\n", b)
	} else {
		fmt.Fprintln(t.out, line(path, r))
	}
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("writing a verdict: %w", err)
	}
	return nil
}

// line is a verdict on one line, Chinese first: symbol, verdict, what the code
// says, cause and next step where it is not simply valid.
func line(path string, r verify.Result) string {
	w := r.Verdict.Wording()
	parts := []string{w.Symbol + " " + w.ZH + " " + w.EN}
	if path != "" {
		parts = append(parts, filepath.Base(path))
	}
	parts = append(parts, r.Says()...)
	if r.Verdict != verify.Valid {
		parts = append(parts, r.CauseZH+" "+r.Cause, r.NextZH+" "+r.NextEN)
	}
	return strings.Join(parts, " | ")
}
