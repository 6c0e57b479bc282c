package typeface

import (
	"errors"
	"fmt"
)

// ErrFormat is wrapped by every error about a font file that is broken or of a
// kind this package does not read.
var ErrFormat = errors.New("not a usable font")

// A GlyphID is the number of a glyph within one face. Glyph 0 is the box that
// stands for a missing character; this package never hands it out for a rune.
type GlyphID uint16

// A Face is a parsed font. It is immutable.
type Face struct {
	name        string
	metrics     Metrics
	glyphCount  int
	spans       []span // cmap, sorted, not overlapping
	wideMetrics int    // glyphs with an advance of their own in hmtx
	hmtx        []byte
	offsets     []uint32 // loca: glyph i is glyf[offsets[i]:offsets[i+1]]
	glyf        file
	tables      map[string][]byte // all others that are read or that Subset copies
}

// Metrics are measures of a whole face in font units: UnitsPerEm of them make
// the size the text is set in. Up is positive.
type Metrics struct {
	UnitsPerEm int
	// Ascent and Descent bound the em box of an ideograph (OS/2 typographic
	// metrics): Descent is negative and Ascent-Descent is UnitsPerEm for
	// Chinese faces.
	Ascent, Descent int
	CapHeight       int
	// XMin, YMin, XMax and YMax bound every glyph of the face.
	XMin, YMin, XMax, YMax int
}

// Parse reads a TrueType font file. The name is the PostScript name that
// documents will call it by. The face keeps a reference to the data, which must
// not change afterwards. Errors wrap [ErrFormat].
func Parse(name string, data []byte) (*Face, error) { return parse(name, whole(data)) }

func parse(name string, font file) (*Face, error) {
	version, tables, err := readDirectory(font)
	if err == nil && version != versionTrueType {
		err = fmt.Errorf("%w: CFF outlines", ErrFormat)
	}
	if err == nil {
		err = tables.need("head", "maxp", "hhea", "hmtx", "OS/2", "cmap", "loca", "glyf")
	}
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", name, err)
	}
	f := &Face{name: name, tables: make(map[string][]byte), glyf: tables["glyf"]}
	for _, tag := range []string{"head", "maxp", "hhea", "hmtx", "OS/2", "cmap", "loca", "cvt ", "fpgm", "prep"} {
		if t, ok := tables[tag]; ok {
			f.tables[tag] = t.slice(0, t.length)
		}
	}
	f.hmtx = f.tables["hmtx"]
	for _, read := range []func() error{f.readHead, f.readMaxp, f.readHhea, f.readOS2, f.readLoca, f.readCmap} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("font %s: %w", name, err)
		}
	}
	return f, nil
}

// A table is a part of a font file, and a file itself.
type table struct {
	font         file
	from, length int
}

func (t table) size() int                 { return t.length }
func (t table) slice(from, to int) []byte { return t.font.slice(t.from+from, t.from+to) }

// Versions of a font file: what its outlines are.
const (
	versionTrueType = 0x00010000
	versionCFF      = 0x4F54544F // "OTTO"
)

// tables are the parts of a font file by their tags.
type tables map[string]table

// need refuses a file without one of these tables.
func (t tables) need(tags ...string) error {
	for _, tag := range tags {
		if _, ok := t[tag]; !ok {
			return fmt.Errorf("%w: table %q is missing", ErrFormat, tag)
		}
	}
	return nil
}

// readDirectory finds the tables of the file (OpenType, "Organization of an
// OpenType Font").
func readDirectory(font file) (uint32, tables, error) {
	const head, entry = 12, 16
	c := &cursor{data: font.slice(0, min(head, font.size()))}
	version := c.u32()
	switch {
	case c.failed:
		return 0, nil, fmt.Errorf("%w: too short", ErrFormat)
	case version == 0x74746366: // "ttcf"
		return 0, nil, fmt.Errorf("%w: a collection, not a single font", ErrFormat)
	case version != versionTrueType && version != versionCFF:
		return 0, nil, fmt.Errorf("%w: version %#x", ErrFormat, version)
	}
	count := int(c.u16())
	if c.failed || head+count*entry > font.size() {
		return 0, nil, fmt.Errorf("%w: directory is cut short", ErrFormat)
	}
	c = &cursor{data: font.slice(head, head+count*entry)} // 6 bytes before it derive from count
	found := make(tables, count)
	for range count {
		tag := string(c.bytes(4))
		c.skip(4) // checksum
		offset, length := uint64(c.u32()), uint64(c.u32())
		if offset+length > uint64(font.size()) {
			return 0, nil, fmt.Errorf("%w: table %q lies outside the file", ErrFormat, tag)
		}
		if _, twice := found[tag]; twice {
			return 0, nil, fmt.Errorf("%w: table %q occurs twice", ErrFormat, tag)
		}
		found[tag] = table{font, int(offset), int(length)}
	}
	if _, variable := found["fvar"]; variable {
		return 0, nil, fmt.Errorf("%w: a variable font", ErrFormat)
	}
	return version, found, nil
}

func (f *Face) readHead() error {
	c := &cursor{data: f.tables["head"]}
	c.skip(12)
	magic := c.u32()
	c.skip(2)
	f.metrics.UnitsPerEm = int(c.u16())
	c.skip(16)
	f.metrics.XMin, f.metrics.YMin = int(c.i16()), int(c.i16())
	f.metrics.XMax, f.metrics.YMax = int(c.i16()), int(c.i16())
	c.skip(6)
	locaFormat := c.u16()
	c.skip(2)
	if c.failed || magic != 0x5F0F3CF5 || locaFormat > 1 {
		return fmt.Errorf("%w: table head is broken", ErrFormat)
	}
	if upem := f.metrics.UnitsPerEm; upem < 16 || upem > 16384 {
		return fmt.Errorf("%w: %d units per em", ErrFormat, upem)
	}
	return nil
}

func (f *Face) readMaxp() error {
	c := &cursor{data: f.tables["maxp"]}
	version := c.u32()
	f.glyphCount = int(c.u16())
	if c.failed || version != 0x00010000 || len(c.data) < 32 || f.glyphCount == 0 {
		return fmt.Errorf("%w: table maxp is broken", ErrFormat)
	}
	return nil
}

func (f *Face) readHhea() error {
	c := &cursor{data: f.tables["hhea"]}
	c.skip(34)
	f.wideMetrics = int(c.u16())
	if c.failed || f.wideMetrics == 0 || f.wideMetrics > f.glyphCount {
		return fmt.Errorf("%w: table hhea is broken", ErrFormat)
	}
	if need := 4*f.wideMetrics + 2*(f.glyphCount-f.wideMetrics); len(f.hmtx) < need {
		return fmt.Errorf("%w: table hmtx has %d bytes and needs %d", ErrFormat, len(f.hmtx), need)
	}
	return nil
}

func (f *Face) readOS2() error {
	c := &cursor{data: f.tables["OS/2"]}
	version := c.u16()
	c.skip(66)
	f.metrics.Ascent, f.metrics.Descent = int(c.i16()), int(c.i16())
	c.skip(16)
	f.metrics.CapHeight = int(c.i16())
	if c.failed || version < 2 || f.metrics.Ascent <= f.metrics.Descent {
		return fmt.Errorf("%w: table OS/2 is broken or older than version 2", ErrFormat)
	}
	return nil
}

func (f *Face) readLoca() error {
	loca := &cursor{data: f.tables["loca"]}
	width := 2
	if f.tables["head"][51] == 1 {
		width = 4
	}
	if len(loca.data) < width*(f.glyphCount+1) {
		return fmt.Errorf("%w: table loca is too short for %d glyphs", ErrFormat, f.glyphCount)
	}
	f.offsets = make([]uint32, f.glyphCount+1)
	for i := range f.offsets {
		if width == 4 {
			f.offsets[i] = loca.u32()
		} else {
			f.offsets[i] = 2 * uint32(loca.u16())
		}
		if i > 0 && f.offsets[i] < f.offsets[i-1] {
			return fmt.Errorf("%w: table loca runs backwards at glyph %d", ErrFormat, i-1)
		}
	}
	if last := f.offsets[f.glyphCount]; int64(last) > int64(f.glyf.size()) {
		return fmt.Errorf("%w: table loca points outside glyf", ErrFormat)
	}
	return nil
}

// Name is the PostScript name of the face, such as "LXGWWenKai-Regular".
func (f *Face) Name() string { return f.name }

// Metrics returns the measures of the face.
func (f *Face) Metrics() Metrics { return f.metrics }

// Advance is how far the pen moves after glyph g, in font units. It is zero for a
// glyph the face does not have.
func (f *Face) Advance(g GlyphID) int {
	if int(g) >= f.glyphCount {
		return 0
	}
	i := min(int(g), f.wideMetrics-1) // the last advance holds for all that follow
	return int(f.hmtx[4*i])<<8 | int(f.hmtx[4*i+1])
}

// bearing is the distance from the pen to the left edge of glyph g, as the two
// bytes of hmtx.
func (f *Face) bearing(g GlyphID) []byte {
	i := 4*int(g) + 2
	if int(g) >= f.wideMetrics {
		i = 4*f.wideMetrics + 2*(int(g)-f.wideMetrics)
	}
	return f.hmtx[i : i+2]
}

// blank tells a glyph without ink.
func (f *Face) blank(g GlyphID) bool { return f.offsets[g] == f.offsets[g+1] }
