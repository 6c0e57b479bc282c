package typeset

import (
	"fmt"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/typeface"
)

// A Style is how text looks.
type Style struct {
	Faces    typeface.Stack // tried in order, character by character
	Size     float64        // points
	Tracking float64        // extra space between characters, in ems
	Colour   Colour
}

// A Text is a string set in a style: every character has its glyph. It is
// immutable; the methods that change something return another Text.
type Text struct {
	style  Style
	glyphs []typeface.Glyph // a line end has no face
	start  int              // of a line: where it begins in the text it is cut from
}

// Set finds the glyphs of a string. A line feed, or a carriage return with a line
// feed, ends a line. The error is a *typeface.MissingRuneError for a character
// that cannot be shown, or wraps typeface.ErrNotUTF8.
func (s Style) Set(text string) (Text, error) {
	glyphs := make([]typeface.Glyph, 0, utf8.RuneCountInString(text))
	for line, rest := "", text; ; {
		more := false
		line, rest, more = cutLine(rest)
		set, err := s.Faces.Glyphs(line)
		if err != nil {
			return Text{}, err
		}
		glyphs = append(glyphs, set...)
		if !more {
			return Text{style: s, glyphs: glyphs}, nil
		}
		glyphs = append(glyphs, typeface.Glyph{Rune: '\n'})
	}
}

// Style returns the style the text is set in.
func (t Text) Style() Style { return t.style }

// At returns the text at another size, in points.
func (t Text) At(size float64) Text {
	t.style.Size = size
	return t
}

// Empty tells a text without characters.
func (t Text) Empty() bool { return t.Len() == 0 }

// Len is the number of characters.
func (t Text) Len() int { return len(t.glyphs) }

// Cut divides the text before character i.
func (t Text) Cut(i int) (Text, Text) {
	return Text{style: t.style, glyphs: t.glyphs[:i]}, Text{style: t.style, glyphs: t.glyphs[i:]}
}

// Start is where a line that [Text.Lines] or [Text.Fit] returned begins in the
// text it is a line of, in characters.
func (t Text) Start() int { return t.start }

// String returns the characters.
func (t Text) String() string {
	runes := make([]rune, len(t.glyphs))
	for i, g := range t.glyphs {
		runes[i] = g.Rune
	}
	return string(runes)
}

// Width is the length of the text on one line, in millimetres. Line ends have no
// width.
func (t Text) Width() float64 {
	ems := 0.0
	for _, g := range t.glyphs {
		ems += advance(g) + t.style.Tracking
	}
	if len(t.glyphs) > 0 {
		ems -= t.style.Tracking
	}
	return ems * t.style.Size / pointsPerMM
}

// Em is the size of the text in millimetres.
func (t Text) Em() float64 { return t.style.Size / pointsPerMM }

// advance is the width of a glyph in ems, zero for a line end.
func advance(g typeface.Glyph) float64 {
	if g.Face == nil {
		return 0
	}
	return g.Advance()
}

// Spread widens the spaces between the characters so that the text is the given
// number of millimetres long. It leaves the text alone if that would be more than
// most ems a space, or if the text is too long already.
func (t Text) Spread(width, most float64) Text {
	if len(t.glyphs) < 2 || t.style.Size <= 0 {
		return t
	}
	extra := (width - t.Width()) * pointsPerMM / t.style.Size / float64(len(t.glyphs)-1)
	if extra > 0 && extra <= most {
		t.style.Tracking += extra
	}
	return t
}

// Shrink makes a one-line text small enough for the given width, in millimetres,
// but not smaller than min points; false says that it still does not fit.
func (t Text) Shrink(width, min float64) (Text, bool) {
	if natural := t.Width(); natural > width {
		t.style.Size = max(t.style.Size*width/natural, min)
	}
	return t, t.Width() <= width+tolerance
}

// tolerance, in millimetres, is for sums of rounded widths.
const tolerance = 1e-6

// Outline returns the shapes of the characters as a path, the baseline beginning at
// (x, y): a drawing that no reader takes for text. The error is that of a face whose
// glyphs cannot be read.
func (t Text) Outline(x, y float64) (*Path, error) {
	p := new(Path)
	for _, g := range t.glyphs {
		if g.Face == nil {
			continue
		}
		outline, err := g.Face.Outline(g.ID)
		if err != nil {
			return nil, fmt.Errorf("outline of %q: %w", g.Rune, err)
		}
		scale := t.Em() / float64(g.Face.Metrics().UnitsPerEm)
		at := func(q typeface.Point) (float64, float64) { return x + q.X*scale, y - q.Y*scale }
		p.outline(outline, at)
		x += (advance(g) + t.style.Tracking) * t.Em()
	}
	return p, nil
}
