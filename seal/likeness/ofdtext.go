package likeness

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/seal/ofd/archive"
)

// text lays out text in a font that is in the package (GB/T 33190-2016, 11). Where it is not,
// every machine shows another one.
func (p *ofdPainter) text(n *archive.Node, style ofdStyle) error {
	u, err := p.unit(n, "Font", "Size", "Stroke", "Fill", "HScale", "ReadDirection", "CharDirection", "Weight", "Italic")
	if err != nil {
		return err
	}
	if err := onlyChildren(n, "Actions", "Clips", "FillColor", "TextCode", "CGTransform"); err != nil {
		return err
	}
	for name, plain := range map[string]string{"Stroke": "false", "Fill": "true", "ReadDirection": "0", "CharDirection": "0", "Weight": "400", "Italic": "false"} {
		if v := n.Attrs[name]; v != "" && v != plain {
			return fmt.Errorf("text with %s=%.20q: %w", name, v, ErrNotDrawn)
		}
	}
	if style, err = p.style(style, n, 0); err != nil {
		return err
	}
	if !style.fill.set {
		style.fill.ink = 1 // black
	}
	size, err := ofdNumber(n.Attrs["Size"])
	if err != nil {
		return err
	}
	across := 1.0
	if text := n.Attrs["HScale"]; text != "" {
		if across, err = ofdNumber(text); err != nil {
			return err
		}
	}
	face, err := p.face(n.Attrs["Font"])
	if err != nil {
		return err
	}
	glyphs, err := ofdGlyphs(n, face)
	if err != nil {
		return err
	}
	if p.glyphs += len(glyphs); p.glyphs > maxOFDGlyphs {
		return fmt.Errorf("more than %d characters: %w", maxOFDGlyphs, ErrNotDrawn)
	}
	em := size / float64(face.UnitsPerEm())
	var outlines [][]point
	points := 0
	for _, g := range glyphs {
		outline, err := face.Outline(g.id)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotDrawn, err)
		}
		var path Path
		for _, s := range outline {
			switch s.Op {
			case typeface.MoveTo:
				path.Move(s.To.X, s.To.Y)
			case typeface.LineTo:
				path.Line(s.To.X, s.To.Y)
			case typeface.QuadTo:
				path.Quadratic(s.Control.X, s.Control.Y, s.To.X, s.To.Y)
			case typeface.CubeTo:
				path.Cubic(s.Control.X, s.Control.Y, s.Second.X, s.Second.Y, s.To.X, s.To.Y)
			}
		}
		lines, err := path.straight(float64(face.UnitsPerEm()) / 1000)
		if err != nil {
			return err
		}
		if points += len(path.steps); points > MaxSteps {
			return fmt.Errorf("more than %d pieces of outlines: %w", MaxSteps, ErrNotDrawn)
		}
		outlines = append(outlines, placed(lines, Matrix{em * across, 0, 0, -em, g.x, g.y}.Then(u.toPage))...)
	}
	return p.clipped(n, u, func() error { return p.put(u, outlines, false, style.fill) })
}

// face reads a font of the package.
func (p *ofdPainter) face(id string) (*typeface.Program, error) {
	file := p.resources.fonts[id]
	if file == "" {
		return nil, fmt.Errorf("text in a font that is not in the package: %w", ErrNotDrawn)
	}
	if face := p.faces[file]; face != nil {
		return face, nil
	}
	data, err := p.content(file)
	if err != nil {
		return nil, err
	}
	face, err := typeface.ParseProgram(file, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotDrawn, err)
	}
	if p.faces == nil {
		p.faces = make(map[string]*typeface.Program)
	}
	p.faces[file] = face
	return face, nil
}

// An ofdGlyph is a glyph and where its origin lies in the text's own coordinates.
type ofdGlyph struct {
	id   typeface.GlyphID
	x, y float64
}

// ofdGlyphs finds the glyphs of a text and their places.
func ofdGlyphs(n *archive.Node, face *typeface.Program) ([]ofdGlyph, error) {
	codes, transforms := n.All("TextCode"), n.All("CGTransform")
	if len(codes) == 0 || len(transforms) > 0 && len(codes) != 1 {
		return nil, fmt.Errorf("text of %d pieces, with %d exchanges of glyphs: %w", len(codes), len(transforms), ErrNotDrawn)
	}
	var out []ofdGlyph
	for _, c := range codes {
		if err := onlyAttributes(c, "X", "Y", "DeltaX", "DeltaY"); err != nil {
			return nil, err
		}
		text := []rune(c.Text)
		for _, r := range text {
			// Above the basic plane readers count one character or two.
			if r > 0xFFFF || unicode.IsControl(r) || r == utf8.RuneError {
				return nil, fmt.Errorf("text with the character U+%04X: %w", r, ErrNotDrawn)
			}
		}
		if len(out)+len(text) > maxOFDGlyphs || len(text) == 0 {
			return nil, fmt.Errorf("text of %d characters: %w", len(text), ErrNotDrawn)
		}
		x, err := ofdPlaces(c, "X", len(text))
		if err != nil {
			return nil, err
		}
		y, err := ofdPlaces(c, "Y", len(text))
		if err != nil {
			return nil, err
		}
		if len(text) > 1 && c.Attrs["DeltaX"] == "" && c.Attrs["DeltaY"] == "" {
			return nil, fmt.Errorf("text without distances: %w", ErrNotDrawn)
		}
		for i, r := range text {
			id, _ := face.Glyph(r) // 0: none, if nothing is put in its place
			out = append(out, ofdGlyph{id, x[i], y[i]})
		}
	}
	if len(transforms) > 0 && face.Renumbered() {
		return nil, fmt.Errorf("glyphs by number, in a font that has two numbers for each: %w", ErrNotDrawn)
	}
	if err := exchange(out, transforms); err != nil {
		return nil, err
	}
	for _, g := range out {
		if g.id == 0 {
			return nil, fmt.Errorf("text with a character that its font has not: %w", ErrNotDrawn)
		}
	}
	return out, nil
}

// exchange puts glyphs in the place of characters, each for one (GB/T 33190-2016, 11.4).
func exchange(glyphs []ofdGlyph, transforms []*archive.Node) error {
	for _, t := range transforms {
		if err := onlyAttributes(t, "CodePosition", "CodeCount", "GlyphCount"); err != nil {
			return err
		}
		list, err := t.Need("Glyphs")
		if err != nil {
			return err
		}
		ids := strings.Fields(list.Value())
		number := func(name string, without int) int {
			if t.Attrs[name] == "" {
				return without
			}
			v, err := strconv.Atoi(t.Attrs[name])
			if err != nil {
				return -1
			}
			return v
		}
		from := number("CodePosition", -1)
		if from < 0 || from > len(glyphs)-len(ids) || number("CodeCount", 1) != len(ids) || number("GlyphCount", 1) != len(ids) {
			return fmt.Errorf("glyphs that stand for another number of characters: %w", ErrNotDrawn)
		}
		for i, text := range ids {
			id, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return fmt.Errorf("the glyph %.20q: %w", text, ErrNotDrawn)
			}
			glyphs[from+i].id = typeface.GlyphID(id)
		}
	}
	return nil
}

// ofdPlaces returns the places of so many characters along an axis: the first one, and each
// by its distance from the one before; "g n d" is n times the distance d.
func ofdPlaces(c *archive.Node, axis string, count int) ([]float64, error) {
	first, err := ofdNumber(c.Attrs[axis])
	if err != nil {
		return nil, err
	}
	out := []float64{first}
	fields := strings.Fields(c.Attrs["Delta"+axis])
	for i := 0; i < len(fields); i++ {
		times := 1
		if fields[i] == "g" {
			if i+2 >= len(fields) {
				return nil, fmt.Errorf("distances %.40q: %w", c.Attrs["Delta"+axis], ErrNotDrawn)
			}
			if times, err = strconv.Atoi(fields[i+1]); err != nil || times < 1 {
				return nil, fmt.Errorf("distances %.40q: %w", c.Attrs["Delta"+axis], ErrNotDrawn)
			}
			i += 2
		}
		d, err := ofdNumber(fields[i])
		if err != nil {
			return nil, err
		}
		for ; times > 0; times-- {
			if len(out) == count {
				return nil, fmt.Errorf("more distances than characters: %w", ErrNotDrawn)
			}
			out = append(out, out[len(out)-1]+d)
		}
	}
	if len(fields) > 0 && len(out) < count {
		return nil, fmt.Errorf("fewer distances than characters: %w", ErrNotDrawn)
	}
	for len(out) < count {
		out = append(out, first)
	}
	return out, nil
}
