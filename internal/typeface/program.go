package typeface

import "fmt"

// A Program is a font that a document brings along, of which the outlines count and nothing
// else: such fonts are cut down, and lack measures, names and often characters. It is
// immutable.
type Program struct {
	face *Face // with the tables that the file has
	cff  *cff  // nil: TrueType outlines
}

// ParseProgram reads an OpenType font file with TrueType outlines or with those of the Compact
// Font Format. The name is for errors, which wrap [ErrFormat]. The program keeps a reference
// to the data, which must not change afterwards.
func ParseProgram(name string, data []byte) (*Program, error) {
	p, err := parseProgram(name, whole(data))
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", name, err)
	}
	return p, nil
}

func parseProgram(name string, font file) (*Program, error) {
	version, found, err := readDirectory(font)
	if err != nil {
		return nil, err
	}
	outlines := []string{"head", "maxp", "loca", "glyf"}
	if version == versionCFF {
		outlines = []string{"head", "maxp", "CFF "}
	}
	if err := found.need(outlines...); err != nil {
		return nil, err
	}
	f := &Face{name: name, tables: make(map[string][]byte), glyf: found["glyf"]}
	for tag, t := range found {
		f.tables[tag] = t.slice(0, t.length)
	}
	read := []func() error{f.readHead, f.readMaxp, f.readLoca}
	if version == versionCFF {
		read = []func() error{f.readHead, f.readGlyphCount}
	}
	if _, ok := found["cmap"]; ok {
		read = append(read, f.readCmap)
	}
	for _, step := range read {
		if err := step(); err != nil {
			return nil, err
		}
	}
	p := &Program{face: f}
	if version == versionCFF {
		p.cff, err = parseCFF(f.tables["CFF "], f.glyphCount, f.metrics.UnitsPerEm)
	}
	return p, err
}

// readGlyphCount reads a maxp table of a font without TrueType outlines.
func (f *Face) readGlyphCount() error {
	c := &cursor{data: f.tables["maxp"]}
	version := c.u32()
	f.glyphCount = int(c.u16())
	if c.failed || version != 0x00005000 || f.glyphCount == 0 {
		return fmt.Errorf("%w: table maxp is broken", ErrFormat)
	}
	return nil
}

// UnitsPerEm is how many font units make the size that text is set in.
func (p *Program) UnitsPerEm() int { return p.face.metrics.UnitsPerEm }

// Glyph returns the glyph that shows r, or false where the font has none, or no characters.
func (p *Program) Glyph(r rune) (GlyphID, bool) { return p.face.Glyph(r) }

// Renumbered reports that glyphs have numbers beside their places in the font, by which it is
// keyed (CIDs), and which differ from them. A number from elsewhere is either, to some.
func (p *Program) Renumbered() bool { return p.cff != nil && p.cff.renumbered }

// Outline returns the shape of glyph g in font units; see [Face.Outline]. A CFF outline has
// cubic curves.
func (p *Program) Outline(g GlyphID) (Outline, error) {
	if p.cff != nil {
		return p.cff.outline(g)
	}
	return p.face.Outline(g)
}
