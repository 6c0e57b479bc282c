package typeface

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrNotUTF8 is wrapped when a text is not valid UTF-8.
var ErrNotUTF8 = errors.New("text is not valid UTF-8")

// A MissingRuneError says that a character cannot be shown: no face of the stack
// has a glyph for it, or it is of a kind that has no shape of its own (a control,
// a direction mark, a zero-width or a combining character, a blank that is not a
// space).
type MissingRuneError struct {
	Rune rune
	Text string // the text the character stood in, whole
}

func (e *MissingRuneError) Error() string {
	where := strconv.Quote(shorten(e.Text))
	if invisible(e.Rune) {
		return fmt.Sprintf("U+%04X in %s: a character without a shape of its own cannot be set", e.Rune, where)
	}
	return fmt.Sprintf("%U '%c' in %s: no face has a glyph for it", e.Rune, e.Rune, where)
}

// shorten keeps an error message readable when the text is long.
func shorten(text string) string {
	const most = 40
	seen := 0
	for i := range text {
		if seen == most {
			return text[:i] + "…"
		}
		seen++
	}
	return text
}

// invisible tells the characters that would leave no mark, or a mark in the wrong
// place without shaping. What a reader sees must be what a program reads.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Mn, unicode.Me, unicode.Zl, unicode.Zp)
}

// A Stack is faces in order of preference.
type Stack []*Face

// Covering returns as many of the faces as a text needs, in order of preference: each takes
// memory and time when it is first asked for.
func Covering(text string, faces ...func() *Face) Stack {
	var stack Stack
	missing := func(r rune) bool {
		_, ok := stack.Find(r)
		return !ok
	}
	for _, face := range faces {
		stack = append(stack, face())
		if !strings.ContainsFunc(text, missing) {
			break
		}
	}
	return stack
}

// A Glyph is a character with the face and the glyph that show it.
type Glyph struct {
	Rune rune
	Face *Face
	ID   GlyphID
}

// Advance is the width of the glyph in ems.
func (g Glyph) Advance() float64 {
	return float64(g.Face.Advance(g.ID)) / float64(g.Face.metrics.UnitsPerEm)
}

// Find returns the glyph of the first face that shows r. A glyph without ink
// shows only a space.
func (s Stack) Find(r rune) (Glyph, bool) {
	if invisible(r) {
		return Glyph{}, false
	}
	for _, face := range s {
		if id, ok := face.Glyph(r); ok && (unicode.Is(unicode.Zs, r) || !face.blank(id)) {
			return Glyph{r, face, id}, true
		}
	}
	return Glyph{}, false
}

// Glyphs returns the glyphs of a text, one a character. The error is a
// [*MissingRuneError] for a character that cannot be shown, or wraps
// [ErrNotUTF8].
func (s Stack) Glyphs(text string) ([]Glyph, error) {
	glyphs := make([]Glyph, 0, utf8.RuneCountInString(text))
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return nil, fmt.Errorf("%q: %w at byte %d", shorten(text), ErrNotUTF8, i)
			}
		}
		glyph, ok := s.Find(r)
		if !ok {
			return nil, &MissingRuneError{r, text}
		}
		glyphs = append(glyphs, glyph)
	}
	return glyphs, nil
}
