package impression

import (
	"fmt"
	"unicode"

	"github.com/elicence/elicence/internal/typeface"
)

// A letter is a character ready to be placed.
type letter struct {
	outline typeface.Outline
	// share is the width it takes, in ems of an ideograph: 1 for ideographs, what
	// its ink needs for brackets, digits and Latin letters.
	share float64
	// middle is where its middle is, in font units from its origin.
	middle float64
}

// unitsPerEm, emTop and emFoot are the em box of the Song face in font units; all
// letters of a seal are scaled by them.
const (
	unitsPerEm = 1000
	emTop      = 880
	emFoot     = -120
)

// letters finds the glyphs of a text in the Song face, or for what it lacks in
// the Kai face.
func letters(text string) ([]letter, error) {
	glyphs, err := typeface.Covering(text, typeface.Song, typeface.Kai).Glyphs(text)
	if err != nil {
		return nil, err
	}
	list := make([]letter, len(glyphs))
	for i, g := range glyphs {
		outline, err := g.Face.Outline(g.ID)
		if err != nil {
			return nil, fmt.Errorf("outline of %q: %w", g.Rune, err)
		}
		list[i] = letter{outline: outline, share: 1, middle: unitsPerEm / 2}
		if low, high, ok := outline.Bounds(); ok && !unicode.Is(unicode.Han, g.Rune) {
			const air = 140 // font units
			list[i].share = min((high.X-low.X+air)/unitsPerEm, 1)
			list[i].middle = (low.X + high.X) / 2
		}
	}
	return list, nil
}

// shares is the width of a row of letters in ems.
func shares(list []letter) float64 {
	sum := 0.0
	for _, l := range list {
		sum += l.share
	}
	return sum
}

// centres gives the distance of each letter's middle from that of the first, in
// ems.
func centres(list []letter) []float64 {
	at := make([]float64, len(list))
	for i := 1; i < len(list); i++ {
		at[i] = at[i-1] + (list[i-1].share+list[i].share)/2
	}
	return at
}

// place adds a letter whose em box is width × height millimetres, with the middle
// of its foot at (x, y) and its head in the direction (ux, uy), a unit vector.
func (p *plan) place(l letter, x, y, width, height, ux, uy float64) {
	// The text runs to the right of the direction of its head.
	rx, ry := -uy, ux
	sx, sy := width/unitsPerEm, height/unitsPerEm
	t := transform{xx: rx * sx, xy: ry * sx, yx: ux * sy, yy: uy * sy}
	t.dx = x - t.xx*l.middle - t.yx*emFoot
	t.dy = y - t.xy*l.middle - t.yy*emFoot
	*p = append(*p, figure{outline: l.outline, on: t, height: height})
}

// row adds letters on a horizontal line, centred at x, with their feet at y.
func (p *plan) row(list []letter, x, y, width, height float64) {
	at := centres(list)
	start := x - at[len(at)-1]*width/2
	for i, l := range list {
		p.place(l, start+at[i]*width, y, width, height, 0, -1)
	}
}
