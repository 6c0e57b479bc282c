// Package wedge turns what a scanner types or sends into scans.
//
// A scanner in keyboard mode is a keyboard: between it and the program lie the layout,
// the input method and the scanner's own settings. The same code may arrive with an
// AIM identifier (ISO/IEC 15424, "]Q1") or a site's own prefix before it, in full-width
// digits, with a carriage return, a tab, ETX or nothing after it, with spaces within,
// or cut into lines of equal length. Package qr accepts one text for a code; this
// package leads all of these back to it, and what it does not understand it hands on
// as it is, for the verifier to call it no code.
//
// It never makes a digit up: what comes out as a code has the check digits of a code.
package wedge

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/elicence/elicence/qr"
)

const (
	// Quiet is how long a scanner may pause within a code. After it, digits with good
	// check digits are a whole code even without a line end, and lines that wait for
	// their rest are given up.
	Quiet = 400 * time.Millisecond
	// Abandoned is when a line that was never ended is given up.
	Abandoned = 3 * time.Second
)

// MaxLine bounds a line, in bytes. What is longer is one scan that is too long.
const MaxLine = 64 << 10

// maxDigits bounds lines that are joined: no code has more digits.
const maxDigits = 2048

// Options say what a scanner adds to every code, beside what is known of all.
type Options struct {
	Prefix, Suffix string
}

// Scan is what a scanner delivered at once.
type Scan struct {
	Text    string // a code's digits, or else what came instead
	TooLong bool   // more than MaxLine bytes without an end; Text is empty
}

// Assembler makes scans out of bytes. It has no clock: who reads the scanner tells it
// how long nothing came. It is not safe for concurrent use.
type Assembler struct {
	o       Options
	starts  []string // with which digits a code begins
	line    []byte   // not ended yet
	tooLong bool     // the line has outgrown MaxLine
	pending []string // lines that wait for their rest
}

// New returns an assembler for one scanner.
func New(o Options) *Assembler {
	return &Assembler{o: Options{visible(o.Prefix), visible(o.Suffix)}, starts: starts()}
}

// Write takes bytes and returns the scans that they complete.
func (a *Assembler) Write(b []byte) []Scan {
	var scans []Scan
	for _, c := range b {
		switch c {
		case '\r', '\n', '\t', 0x03, 0x04: // Enter, Tab, ETX, EOT
			scans = append(scans, a.end()...)
		default:
			if len(a.line) == MaxLine {
				a.tooLong = true
				continue
			}
			a.line = append(a.line, c)
		}
	}
	return scans
}

// QuietNow is told that nothing came for [Quiet].
func (a *Assembler) QuietNow() []Scan {
	if len(a.line) == 0 {
		return a.giveUp()
	}
	if d := a.strip(a.line); allDigits(d) && (whole(d) || whole(strings.Join(a.pending, "")+d)) {
		return a.end()
	}
	return nil
}

// Flush returns what there is: nothing came for [Abandoned], or nothing more will.
func (a *Assembler) Flush() []Scan { return append(a.end(), a.giveUp()...) }

// Waiting reports whether something has come that is no scan yet.
func (a *Assembler) Waiting() bool { return len(a.line) > 0 || len(a.pending) > 0 }

// end takes the line as ended.
func (a *Assembler) end() []Scan {
	line, tooLong := a.line, a.tooLong
	a.line, a.tooLong = a.line[:0], false
	if tooLong {
		return append(a.giveUp(), Scan{TooLong: true})
	}
	text := visible(string(line))
	if text == "" {
		return nil
	}
	d := a.strip(line)
	switch {
	case whole(d):
		return append(a.giveUp(), Scan{Text: d})
	case !allDigits(d):
		if code, ok := a.within(d); ok {
			d = code
		} else if d == "" {
			d = text
		}
		return append(a.giveUp(), Scan{Text: d})
	case a.continues(d):
		return a.join(d)
	}
	scans := a.giveUp()
	if several := a.split(d); several != nil {
		return append(scans, several...)
	}
	if !a.mayBegin(d) || len(d) > maxDigits {
		return append(scans, Scan{Text: d})
	}
	a.pending = append(a.pending, d)
	return scans
}

// continues reports whether digits may be the next line of a code that was cut: the
// lines before the last are of one length, and none begins as a code does.
func (a *Assembler) continues(d string) bool {
	return len(a.pending) > 0 && len(d) <= len(a.pending[0]) && !a.begins(d)
}

// join adds a line to those that wait.
func (a *Assembler) join(d string) []Scan {
	a.pending = append(a.pending, d)
	joined := strings.Join(a.pending, "")
	switch {
	case whole(joined):
		a.pending = nil
		return []Scan{{Text: joined}}
	case len(d) < len(a.pending[0]), len(joined) > maxDigits:
		return a.giveUp()
	default:
		return nil
	}
}

// giveUp hands on the lines that wait, as one scan.
func (a *Assembler) giveUp() []Scan {
	if len(a.pending) == 0 {
		return nil
	}
	joined := strings.Join(a.pending, "")
	a.pending = nil
	return []Scan{{Text: joined}}
}

// split takes codes apart that a scanner sent without anything between them.
func (a *Assembler) split(d string) []Scan {
	var scans []Scan
	for rest := d; ; {
		if whole(rest) {
			return append(scans, Scan{Text: rest})
		}
		at := a.nextWhole(rest)
		if at == 0 {
			return nil
		}
		scans = append(scans, Scan{Text: rest[:at]})
		rest = rest[at:]
	}
}

// nextWhole returns where a code ends that the digits begin with and that another
// follows, 0 if there is none.
func (a *Assembler) nextWhole(d string) int {
	for _, start := range a.starts {
		for at := 1; at < len(d); {
			i := strings.Index(d[at:], start)
			if i < 0 {
				break
			}
			if at += i; whole(d[:at]) {
				return at
			}
			at++
		}
	}
	return 0
}

// within finds the one code in a text that is not digits alone.
func (a *Assembler) within(text string) (string, bool) {
	var found string
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if !a.begins(run) || !whole(run) || run == found {
			continue
		}
		if found != "" {
			return "", false
		}
		found = run
	}
	return found, found != ""
}

// aim is an AIM identifier; a Chinese input method may have turned its bracket.
var aim = regexp.MustCompile(`^[\]】][A-Za-z][0-9A-Za-z]`)

// strip takes away what the scanner and the address around a code add.
func (a *Assembler) strip(line []byte) string {
	text := visible(string(line))
	text = aim.ReplaceAllString(text, "")
	text = strings.TrimSuffix(strings.TrimPrefix(text, a.o.Prefix), a.o.Suffix)
	text = aim.ReplaceAllString(text, "")
	return text[strings.LastIndexByte(text, '#')+1:]
}

// visible drops spaces, controls and invisible characters, and narrows full-width
// forms.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		case r >= '！' && r <= '～': // U+FF01 to U+FF5E are ASCII's visible ones, U+FEE0 higher
			return r - 0xfee0
		default:
			return r
		}
	}, text)
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// whole reports whether digits are a code with good check digits.
func whole(d string) bool {
	_, _, err := qr.Decode(d)
	return err == nil
}

// begins reports whether digits begin as a code does.
func (a *Assembler) begins(d string) bool {
	for _, start := range a.starts {
		if strings.HasPrefix(d, start) {
			return true
		}
	}
	return false
}

// mayBegin is begins for digits that may be cut off before that can be said.
func (a *Assembler) mayBegin(d string) bool {
	for _, start := range a.starts {
		if strings.HasPrefix(d, start) || strings.HasPrefix(start, d) {
			return true
		}
	}
	return false
}

// starts are the digits that all codes of a kind begin with: they follow from the
// bytes that all have in common, the head of COSE_Sign1 with its algorithm, and in
// kind 2 the head of the array around it.
func starts() []string {
	sign1 := []byte{0x84, 0x51, 0xa2, 0x01, 0x3a, 0x00, 0x01, 0x00, 0x00, 0x04, 0x48}
	return []string{
		start(qr.KindLicence, sign1), start(qr.KindService, sign1), start(qr.KindDocument, sign1),
		start(qr.KindHolder, []byte{0x85, 0x58}), start(qr.KindHolder, []byte{0x85, 0x59, 0x01}),
	}
}

// start is what the texts of the least and the greatest first group have in common.
func start(kind qr.Kind, head []byte) string {
	const group = 17
	group17 := func(fill byte) string {
		b := append([]byte(nil), head...)
		for len(b) < group {
			b = append(b, fill)
		}
		digits, err := qr.Encode(kind, b)
		if err != nil {
			return ""
		}
		return digits
	}
	least, greatest := group17(0), group17(0xff)
	n := 0
	for n < len(least) && n < len(greatest) && least[n] == greatest[n] {
		n++
	}
	return least[:n]
}
