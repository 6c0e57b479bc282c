package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/elicence/elicence/qr/verify"
)

// Batch shows what another display shows, counts it, and tells at the end what a stack
// of papers was: how many of each verdict, and which papers somebody must look at.
type Batch struct {
	Display
	summary Summary
}

// Summary is what a stack of papers was.
type Summary struct {
	Total     int                    `json:"total"`
	ByVerdict map[verify.Verdict]int `json:"verdicts"`
	LookAt    []LookAt               `json:"look_at"` // all that are not valid, in their order
}

// LookAt is one paper that is not simply valid.
type LookAt struct {
	Place     int              `json:"place"` // in the stack, from 1
	File      string           `json:"file"`  // of a picture, else empty
	Verdict   verify.Verdict   `json:"verdict"`
	CauseCode verify.CauseCode `json:"cause_code"`
	Number    string           `json:"number"` // as the code says it, empty if it says nothing

	causeZH, causeEN string
}

// NewBatch counts what a display shows.
func NewBatch(d Display) *Batch {
	return &Batch{Display: d, summary: Summary{ByVerdict: make(map[verify.Verdict]int), LookAt: []LookAt{}}}
}

// Scan implements [Display].
func (b *Batch) Scan(source string, r verify.Result) error {
	b.summary.Total++
	b.summary.ByVerdict[r.Verdict]++
	if r.Verdict != verify.Valid {
		at := LookAt{Place: b.summary.Total, Verdict: r.Verdict, CauseCode: r.CauseCode, causeZH: r.CauseZH, causeEN: r.Cause}
		if source != "" {
			at.File = filepath.Base(source)
		}
		if r.Number != nil {
			at.Number = *r.Number
		}
		b.summary.LookAt = append(b.summary.LookAt, at)
	}
	return b.Display.Scan(source, r)
}

// Summary returns the count so far.
func (b *Batch) Summary() Summary { return b.summary }

// WriteJSON writes the summary as one object with the key summary.
func (s Summary) WriteJSON(w io.Writer) error {
	return json.NewEncoder(w).Encode(struct {
		Summary Summary `json:"summary"`
	}{s})
}

// WriteText writes the summary for people, Chinese first.
func (s Summary) WriteText(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "\n%s\n", summaryLine(s))
	for _, at := range s.LookAt {
		v := at.Verdict.Wording()
		parts := []string{fmt.Sprintf("第 %d 份 no. %d", at.Place, at.Place)}
		for _, part := range []string{printable(at.File), at.Number, v.Symbol + " " + v.ZH + " " + v.EN, at.causeZH + " " + at.causeEN} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		out.WriteString("  " + strings.Join(parts, " | ") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
