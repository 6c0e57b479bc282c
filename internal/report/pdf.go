package report

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
)

// Measures of the printed report, in millimetres.
const (
	paperWidth, paperHeight = 210.0, 297.0
	side, top, bottom       = 20.0, 20.0, 18.0
	labels                  = 58.0 // width of the column of labels
	largestSeal             = 42.0
)

// Colours of the printed report.
const (
	grey  typeset.Colour = 0x666666
	red   typeset.Colour = 0xB3261E
	green typeset.Colour = 0x1A7F37
	amber typeset.Colour = 0x8A5200
)

// ink is the colour of a verdict on paper.
func ink(colour string) typeset.Colour {
	return map[string]typeset.Colour{"green": green, "amber": amber, "red": red}[colour]
}

// PDF sets the report on A4. It is not signed: whoever must prove it stamps it.
func (r Report) PDF() ([]byte, error) {
	p := r.lay()
	id := sm3.Sum([]byte(r.SM3 + r.At.UTC().Format(time.RFC3339Nano)))
	info := typeset.Info{Title: p.Title.ZH + " " + r.File, Time: r.At, ID: [16]byte(id[:16])}
	w := &writer{doc: typeset.New(info)}
	w.newPage()
	w.page(p)
	w.number()
	if w.err != nil {
		return nil, fmt.Errorf("report: %w", w.err)
	}
	out, err := w.doc.PDF()
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return out, nil
}

// A writer sets paragraphs one below the other. The first error stays.
type writer struct {
	doc   *typeset.Document
	sheet *typeset.Canvas
	y     float64
	pages []*typeset.Canvas
	right float64 // what a picture takes of the width
	until float64 // down to where it does
	err   error
}

func (w *writer) page(p page) {
	w.both(p.Title, 15, 0)
	w.y += 2
	w.text(0, p.Symbol+" "+p.Verdict.ZH+"  "+p.Verdict.EN, 17, ink(p.Colour))
	w.both(p.Cause, 10.5, 0)
	w.both(p.Next, 10.5, 0)
	for i := range p.Signatures {
		s := &p.Signatures[i]
		w.text(0, fmt.Sprintf("%s %d. %s  %s %s", s.Symbol, s.Number, s.Name, s.Kind.ZH, s.Kind.EN), 10.5, ink(s.Colour))
	}
	w.y += 2
	w.facts(p.Facts)
	w.facts(p.Licence)
	if p.Uncovered != nil {
		w.text(0, p.Uncovered.ZH+"  "+p.Uncovered.EN, 10, red)
	}
	w.changes(words{"印码之后", "Since the code was printed"}, p.Since)
	for _, c := range p.Cautions {
		w.text(0, "⚠ "+c.Kind.ZH+"  "+c.Kind.EN+"  "+c.What.line(), 9.5, amber)
	}
	if p.Empty != nil {
		w.both(*p.Empty, 10.5, 0)
	}
	for i := range p.Signatures {
		w.signature(&p.Signatures[i])
	}
}

func (w *writer) signature(s *signature) {
	w.y += 3
	w.need(30)
	w.rule()
	w.picture(s)
	w.text(0, fmt.Sprintf("%d. %s %s", s.Number, s.Symbol, s.Name), 13, ink(s.Colour))
	w.both(words{s.Kind.ZH + " · " + s.Result.ZH, s.Kind.EN + " · " + s.Result.EN}, 10, 0)
	w.text(0, s.Cause.line(), 9, ink(s.Colour))
	if s.OnPage != nil {
		w.both(*s.OnPage, 9.5, ink(s.OnPageColour))
	}
	w.facts(s.Facts)
	w.y = max(w.y, w.until)
	w.heading(words{"逐项核验", "Step by step"})
	for _, step := range s.Steps {
		mark, colour := "✓ ", green
		if !step.Good {
			mark, colour = "✗ ", red
		}
		w.text(0, mark+step.Name.ZH+"  "+step.Name.EN, 9, colour)
		if step.Good {
			colour = grey // a note
		}
		w.text(6, step.Cause.line(), 8.5, colour)
	}
	w.changes(words{"签署之后", "After it was signed"}, s.Changes)
	w.heading(words{"专业详情", "For experts"})
	w.facts(s.Expert)
	for i := range s.Certificates {
		c := &s.Certificates[i]
		w.text(0, c.Subject, 8.5, 0)
		for _, line := range []string{c.Issuer, c.Serial, c.Validity, c.Revocation} {
			w.text(6, line, 8, grey)
		}
		w.text(6, c.Cause.line(), 8, red)
	}
}

func (w *writer) changes(heading words, all []change) {
	if len(all) == 0 {
		return
	}
	w.heading(heading)
	for _, c := range all {
		colour := typeset.Colour(0)
		if c.Bad {
			colour = red
		}
		w.text(0, c.Kind.ZH+" "+c.Kind.EN+"  "+c.What.line(), 9, colour)
	}
}

// picture draws the seal at its size at the right of what follows.
func (w *writer) picture(s *signature) {
	w.right, w.until = 0, 0
	if len(s.Picture) == 0 || w.err != nil {
		return
	}
	image, err := typeset.DecodeImage(s.Picture)
	if err != nil {
		w.err = err
		return
	}
	scale := min(1, largestSeal/max(s.WidthMM, s.HeightMM))
	width, height := s.WidthMM*scale, s.HeightMM*scale
	w.need(height + 4)
	w.sheet.Image(paperWidth-side-width, w.y+2, width, height, image)
	w.right, w.until = width+4, w.y+height+4
}

func (w *writer) heading(h words) {
	w.y += 1
	w.need(12)
	w.text(0, h.ZH+"  "+h.EN, 10.5, 0)
}

func (w *writer) both(s words, size float64, colour typeset.Colour) {
	w.text(0, s.ZH, size, colour)
	if s.EN != "" && s.EN != s.ZH {
		w.text(0, s.EN, size*0.85, grey)
	}
}

// facts sets labels and values side by side.
func (w *writer) facts(list []fact) {
	for _, f := range list {
		w.need(9)
		start := w.y
		w.column(0, labels-3, f.Label.ZH+" "+f.Label.EN, 9, grey)
		after := w.y
		w.y = start
		size := 9.5
		if utf8.RuneCountInString(f.Value) >= 64 && !strings.ContainsRune(f.Value, ' ') { // a digest, which stays in one line
			size = 8
		}
		w.column(labels, w.width()-labels, f.Value, size, 0)
		w.y = max(w.y, after)
	}
}

// width is how wide a line may be at this height.
func (w *writer) width() float64 {
	if w.y < w.until {
		return paperWidth - 2*side - w.right
	}
	return paperWidth - 2*side
}

func (w *writer) text(indent float64, text string, size float64, colour typeset.Colour) {
	w.column(indent, w.width()-indent, text, size, colour)
}

func (w *writer) column(x, width float64, text string, size float64, colour typeset.Colour) {
	if w.err != nil || strings.TrimSpace(text) == "" {
		return
	}
	set, err := setShowable(typeset.Style{Faces: typeface.Stack{typeface.Song(), typeface.Kai()}, Size: size, Colour: colour}, text)
	if err != nil {
		w.err = err
		return
	}
	for _, line := range set.Lines(width) {
		height := line.Em() * 1.4
		w.need(height)
		w.sheet.Text(side+x, w.y+line.Em(), line)
		w.y += height
	}
}

// setShowable sets a text; a character that no face has is written as its number, for a
// report must not fail on what a stranger put into a name.
func setShowable(style typeset.Style, text string) (typeset.Text, error) {
	text = OneLine(text) // no name begins a line that looks like one of the report's
	for {
		set, err := style.Set(text)
		var missing *typeface.MissingRuneError
		if !errors.As(err, &missing) {
			return set, err
		}
		text = strings.ReplaceAll(text, string(missing.Rune), fmt.Sprintf("[U+%04X]", missing.Rune))
	}
}

// need begins a new page where a height is not left on this one.
func (w *writer) need(height float64) {
	if w.y+height > paperHeight-bottom {
		w.newPage()
	}
}

func (w *writer) newPage() {
	w.sheet, w.y, w.right, w.until = w.doc.Page(paperWidth, paperHeight), top, 0, 0
	w.pages = append(w.pages, w.sheet)
}

// number puts its number at the foot of each page, and how many there are: nobody takes a part
// of a report for the whole.
func (w *writer) number() {
	style := typeset.Style{Faces: typeface.Stack{typeface.Song()}, Size: 8, Colour: grey}
	for i, sheet := range w.pages {
		number, err := style.Set(fmt.Sprintf("第 %d 页，共 %d 页  page %d of %d", i+1, len(w.pages), i+1, len(w.pages)))
		if err != nil {
			w.err = err
			return
		}
		sheet.Text(paperWidth/2-number.Width()/2, paperHeight-10, number)
	}
}

func (w *writer) rule() {
	line := new(typeset.Path)
	line.Rect(side, w.y, paperWidth-2*side, 0.2)
	w.sheet.Fill(line, grey)
	w.y += 3
}
