package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/elicence/elicence/qr/verify"
)

// JSON writes one object a scan, for programs.
type JSON struct{ Out io.Writer }

// Scan implements [Display].
func (j JSON) Scan(source string, r verify.Result) error {
	object := struct {
		verify.Result
		File *string `json:"file"` // of a picture
	}{Result: r}
	if source != "" {
		object.File = &source
	}
	b, err := json.Marshal(object)
	if err != nil {
		return err
	}
	_, err = j.Out.Write(append(b, '\n'))
	return err
}

// Tick implements [Display].
func (j JSON) Tick(Health) error { return nil }

// Lines writes one line a scan, for people.
type Lines struct {
	Out io.Writer
	// Pause, if set, has the verdict's colour rung after the line, see [Bells], and
	// waits between two bells.
	Pause func(time.Duration)
}

// Scan implements [Display].
func (l Lines) Scan(source string, r verify.Result) error {
	if _, err := io.WriteString(l.Out, line(source, r)+"\n"); err != nil || l.Pause == nil {
		return err
	}
	return ring(l.Out, r.Verdict.Wording().Colour, l.Pause)
}

// Tick implements [Display].
func (l Lines) Tick(Health) error { return nil }

// Bells is how often a colour rings: one is yes, two is look again, three is no. Who
// sees no colours and hears no tones can still count.
func Bells(c verify.Colour) int {
	switch c {
	case verify.Green:
		return 1
	case verify.Amber:
		return 2
	default:
		return 3
	}
}

// line is a verdict on one line, Chinese first: symbol, verdict, what the code
// says, cause and next step where it is not simply valid.
func line(source string, r verify.Result) string {
	w := r.Verdict.Wording()
	parts := []string{w.Symbol + " " + w.ZH + " " + w.EN}
	if source != "" {
		parts = append(parts, printable(filepath.Base(source)))
	}
	parts = append(parts, r.Says()...)
	if r.Verdict != verify.Valid {
		parts = append(parts, r.CauseZH+" "+r.Cause, r.NextZH+" "+r.NextEN)
	}
	return strings.Join(parts, " | ")
}

// printable keeps a file's name from steering the terminal that shows it.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, name)
}

// summaryLine is a count on one line.
func summaryLine(s Summary) string {
	var parts []string
	for _, v := range verify.Verdicts() {
		if n := s.ByVerdict[v]; n > 0 {
			w := v.Wording()
			parts = append(parts, fmt.Sprintf("%s %s %s %d", w.Symbol, w.ZH, w.EN, n))
		}
	}
	return strings.Join(append([]string{fmt.Sprintf("共 %d 份 total", s.Total)}, parts...), " | ")
}
