package typeface

import (
	"fmt"
	"slices"
)

// A span maps the runes first…last to consecutive glyphs.
type span struct {
	first, last rune
	glyph       GlyphID
}

// Glyph returns the glyph that shows r, or false when the face has none.
func (f *Face) Glyph(r rune) (GlyphID, bool) {
	i, found := slices.BinarySearchFunc(f.spans, r, func(s span, r rune) int {
		switch {
		case r < s.first:
			return 1
		case r > s.last:
			return -1
		}
		return 0
	})
	if !found {
		return 0, false
	}
	g := f.spans[i].glyph + GlyphID(r-f.spans[i].first)
	return g, g != 0
}

// readCmap takes the Unicode subtable that covers most: format 12 for the whole
// of Unicode, else format 4 for the basic plane.
func (f *Face) readCmap() error {
	table := f.tables["cmap"]
	c := &cursor{data: table}
	c.skip(2)
	type candidate struct {
		format uint16
		data   []byte
	}
	var best candidate
	for range c.u16() {
		platform, encoding, offset := c.u16(), c.u16(), c.u32()
		if c.failed || int64(offset) > int64(len(table)) {
			return fmt.Errorf("%w: table cmap is cut short", ErrFormat)
		}
		unicode := platform == 0 || platform == 3 && (encoding == 1 || encoding == 10)
		sub := &cursor{data: table[offset:]}
		format := sub.u16()
		if unicode && (format == 4 || format == 12) && format > best.format {
			best = candidate{format, sub.data}
		}
	}
	switch best.format {
	case 12:
		return f.readFormat12(best.data)
	case 4:
		return f.readFormat4(best.data)
	}
	return fmt.Errorf("%w: table cmap has no Unicode subtable of format 4 or 12", ErrFormat)
}

func (f *Face) readFormat12(data []byte) error {
	c := &cursor{data: data}
	c.skip(12)
	count := c.u32()
	if int64(count) > int64(len(data)/12) {
		return fmt.Errorf("%w: table cmap promises %d groups", ErrFormat, count)
	}
	f.spans = make([]span, 0, count)
	previous := int64(-1)
	for range count {
		first, last, glyph := int64(c.u32()), int64(c.u32()), int64(c.u32())
		if c.failed || first <= previous || last < first || last > 0x10FFFF {
			return fmt.Errorf("%w: table cmap has a group out of order after U+%04X", ErrFormat, max(previous, 0))
		}
		if glyph+last-first >= int64(f.glyphCount) {
			return fmt.Errorf("%w: table cmap leads U+%04X to a glyph that does not exist", ErrFormat, last)
		}
		f.spans = append(f.spans, span{rune(first), rune(last), GlyphID(glyph)})
		previous = last
	}
	return nil
}

// readFormat4 walks the segments of the basic plane. Each code is looked up the
// way the format describes and the results are joined into spans again.
func (f *Face) readFormat4(data []byte) error {
	c := &cursor{data: data}
	c.skip(2)
	length := int(c.u16())
	c.skip(2)
	segments := int(c.u16()) / 2
	if c.failed || length > len(data) || 16+8*segments > length {
		return fmt.Errorf("%w: table cmap is cut short", ErrFormat)
	}
	// Four parallel arrays; two bytes of padding stand after the first.
	at := func(array, i int) int { return 14 + 2*(array*segments+i) + 2*min(array, 1) }
	read := func(offset int) int { return int(data[offset])<<8 | int(data[offset+1]) }

	previous := -1
	for i := range segments {
		last, first := read(at(0, i)), read(at(1, i))
		delta, rangeOffset := read(at(2, i)), read(at(3, i))
		if first <= previous || last < first {
			return fmt.Errorf("%w: table cmap has a segment out of order at U+%04X", ErrFormat, first)
		}
		previous = last
		for code := first; code <= last && code < 0xFFFF; code++ {
			glyph := code
			if rangeOffset != 0 {
				where := at(3, i) + rangeOffset + 2*(code-first)
				if where+2 > length {
					return fmt.Errorf("%w: table cmap points outside itself at U+%04X", ErrFormat, code)
				}
				glyph = read(where)
				if glyph == 0 {
					continue
				}
			}
			glyph = (glyph + delta) & 0xFFFF
			if glyph >= f.glyphCount {
				return fmt.Errorf("%w: table cmap leads U+%04X to a glyph that does not exist", ErrFormat, code)
			}
			f.addMapping(rune(code), GlyphID(glyph))
		}
	}
	return nil
}

// addMapping appends to the last span where it continues it. Runes must come in
// ascending order.
func (f *Face) addMapping(r rune, g GlyphID) {
	if n := len(f.spans); n > 0 {
		last := &f.spans[n-1]
		if r == last.last+1 && int(g) == int(last.glyph)+int(r-last.first) {
			last.last = r
			return
		}
	}
	f.spans = append(f.spans, span{r, r, g})
}
