package typeset

import (
	"math"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Marks that GB/T 15834-2011, 5.1 keeps from the beginning or the end of a line.
// UAX #14 knows most of them; the middle dot, the wave dash and some full-width
// forms it takes for letters or ideographs.
const (
	notFirst = "、，。．；：？！·…—～–）］｝〕〉》」』】〗”’％‰℃" + ",.;:?!)]}%/"
	notLast  = "（［｛〔〈《「『【〖“‘￥＄№" + "([{¥$#"
)

// cutLine splits off the first line of text.
func cutLine(text string) (string, string, bool) {
	line, rest, more := strings.Cut(text, "\n")
	if more {
		line = strings.TrimSuffix(line, "\r")
	}
	return line, rest, more
}

// What may happen after a character.
type opportunity uint8

const (
	keep      opportunity = iota // no break
	mayBreak                     // a break is allowed
	mustBreak                    // a line end
)

// opportunities says for every glyph what may happen after it.
func (t Text) opportunities() []opportunity {
	breaks := make([]opportunity, len(t.glyphs))
	at, state := -1, -1
	for rest := t.String(); rest != ""; {
		var segment string
		segment, rest, _, state = uniseg.FirstLineSegmentInString(rest, state)
		for range segment {
			at++
		}
		breaks[at] = mayBreak
	}
	for i, g := range t.glyphs {
		switch {
		case g.Rune == '\n':
			breaks[i] = mustBreak
		case i+1 < len(t.glyphs) && !t.mayPart(i):
			breaks[i] = keep
		}
	}
	return breaks
}

// mayPart says whether the marks rule lets glyphs i and i+1 stand on two lines.
func (t Text) mayPart(i int) bool {
	last, first := t.glyphs[i].Rune, t.glyphs[i+1].Rune
	return !strings.ContainsRune(notLast, last) && !strings.ContainsRune(notFirst, first)
}

// Lines breaks the text into lines no wider than the given millimetres. Spaces at
// the end of a line are dropped. A word that is longer than a line is cut where it must
// be; a single character wider than the line stands alone and sticks out.
func (t Text) Lines(width float64) []Text {
	return t.lines(width, t.opportunities())
}

func (t Text) lines(width float64, breaks []opportunity) []Text {
	lines := make([]Text, 0, 1+int(t.Width()/max(width, 1)))
	for start := 0; ; {
		end, next := t.lineEnd(start, width, breaks)
		lines = append(lines, Text{t.style, t.glyphs[start:end], start})
		if next < 0 {
			return lines
		}
		start = next
	}
}

// lineEnd finds where the line that begins at start ends, and where the next one
// begins: spaces and a line end lie between. There is no next line where it is -1;
// after a line end there is one, if only an empty one.
func (t Text) lineEnd(start int, width float64, breaks []opportunity) (int, int) {
	limit := (width+tolerance)*pointsPerMM/t.style.Size + t.style.Tracking
	best := -1 // one past the last glyph after which the line may break
	ems := 0.0
	i := start
	for ; i < len(t.glyphs); i++ {
		if breaks[i] == mustBreak {
			return trimSpace(t, start, i), i + 1
		}
		ems += advance(t.glyphs[i]) + t.style.Tracking
		if ems > limit && !unicode.IsSpace(t.glyphs[i].Rune) {
			break
		}
		if breaks[i] == mayBreak {
			best = i + 1
		}
	}
	if i == len(t.glyphs) {
		return trimSpace(t, start, i), -1
	}
	if best < 0 {
		best = t.forcedBreak(start, i)
	}
	next := best
	for next < len(t.glyphs) && unicode.IsSpace(t.glyphs[next].Rune) {
		next++
	}
	if next == len(t.glyphs) {
		next = -1
	}
	return trimSpace(t, start, best), next
}

// forcedBreak cuts a run that has no opportunity, before glyph i or, where the
// marks rule allows one, a little earlier.
func (t Text) forcedBreak(start, i int) int {
	for at := i; at > start+1; at-- {
		if t.mayPart(at - 1) {
			return at
		}
	}
	return max(i, start+1)
}

func trimSpace(t Text, start, end int) int {
	for end > start && unicode.IsSpace(t.glyphs[end-1].Rune) {
		end--
	}
	return end
}

// Fit breaks the text into at most most lines of the given width in millimetres.
// If they are too many, the text is made smaller in steps of half a point, but
// not smaller than min points; false says that even then lines are left over, and
// all of them are returned.
func (t Text) Fit(width float64, most int, min float64) ([]Text, bool) {
	breaks := t.opportunities()
	for {
		lines := t.lines(width, breaks)
		if len(lines) <= most || t.style.Size <= min {
			return lines, len(lines) <= most
		}
		t.style.Size = math.Max(t.style.Size-0.5, min)
	}
}
