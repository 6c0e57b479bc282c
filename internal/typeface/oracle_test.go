package typeface

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// sampleRunes is every 37th rune of a face, and the first and last of each
// group, so that both edges of the cmap's spans are seen.
func sampleRunes(f *Face) []rune {
	var runes []rune
	count := 0
	for _, s := range f.spans {
		runes = append(runes, s.first, s.last)
		for r := s.first; r <= s.last; r++ {
			if count++; count%37 == 0 {
				runes = append(runes, r)
			}
		}
	}
	return runes
}

// The oracle is golang.org/x/image/font/sfnt reading the same file.
func TestFacesAgreeWithSfnt(t *testing.T) {
	t.Parallel()
	for _, face := range []*Face{Song(), Kai()} {
		t.Run(face.Name(), func(t *testing.T) {
			t.Parallel()
			oracle, err := sfnt.Parse(unfoldedFile(t, face.Name()))
			if err != nil {
				t.Fatalf("sfnt: %v", err)
			}
			runes := sampleRunes(face)
			if len(runes) < 2000 {
				t.Fatalf("only %d runes to compare", len(runes))
			}
			compareWithSfnt(t, face, oracle, runes)
			for _, r := range []rune{0, 0xFFFE, 0x2A6A5, 0x10FFFF} {
				if got, ok := face.Glyph(r); ok {
					t.Errorf("Glyph(%U) = %d, want none", r, got)
				}
			}
		})
	}
}

func compareWithSfnt(t *testing.T, face *Face, oracle *sfnt.Font, runes []rune) {
	t.Helper()
	var buf sfnt.Buffer
	upem := fixed.I(face.Metrics().UnitsPerEm)
	for _, r := range runes {
		got, ok := face.Glyph(r)
		want, err := oracle.GlyphIndex(&buf, r)
		if err != nil {
			t.Fatalf("sfnt: glyph of %U: %v", r, err)
		}
		if GlyphID(want) != got || ok != (want != 0) {
			t.Errorf("Glyph(%U) = %d, %v; sfnt says %d", r, got, ok, want)
			continue
		}
		advance, err := oracle.GlyphAdvance(&buf, want, upem, font.HintingNone)
		if err != nil {
			t.Fatalf("sfnt: advance of %U: %v", r, err)
		}
		if fixed.I(face.Advance(got)) != advance {
			t.Errorf("Advance(%U) = %d, sfnt says %v", r, face.Advance(got), advance)
		}
		segments, err := oracle.LoadGlyph(&buf, want, upem, nil)
		if err != nil {
			t.Fatalf("sfnt: outline of %U: %v", r, err)
		}
		outline, err := face.Outline(got)
		if err != nil {
			t.Fatalf("Outline(%U): %v", r, err)
		}
		if !sameShape(outline, fromSfnt(segments)) {
			t.Fatalf("Outline(%U) differs from what sfnt reads", r)
		}
	}
}

func fromSfnt(segments sfnt.Segments) Outline {
	point := func(p fixed.Point26_6) Point { return Point{float64(p.X) / 64, -float64(p.Y) / 64} }
	var o Outline
	for _, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			o = append(o, Segment{Op: MoveTo, To: point(s.Args[0])})
		case sfnt.SegmentOpLineTo:
			o = append(o, Segment{Op: LineTo, To: point(s.Args[0])})
		case sfnt.SegmentOpQuadTo:
			o = append(o, Segment{Op: QuadTo, Control: point(s.Args[0]), To: point(s.Args[1])})
		case sfnt.SegmentOpCubeTo:
			o = append(o, Segment{Op: CubeTo, Control: point(s.Args[0]), Second: point(s.Args[1]), To: point(s.Args[2])})
		}
	}
	return o
}

// sameShape compares contour by contour. The two sides may begin a contour at
// different points and close it in different ways.
func sameShape(a, b Outline) bool {
	as, bs := contours(a), contours(b)
	return slices.EqualFunc(as, bs, func(a, b Outline) bool {
		for range b {
			if slices.EqualFunc(a, b, near) {
				return true
			}
			b = append(slices.Clone(b[1:]), b[0])
		}
		return len(a) == len(b) && len(a) == 0
	})
}

// near allows half a unit: sfnt cuts the implied points on a curve to whole units.
func near(a, b Segment) bool {
	close := func(p, q Point) bool { return math.Abs(p.X-q.X) <= 0.5 && math.Abs(p.Y-q.Y) <= 0.5 }
	return a.Op == b.Op && close(a.To, b.To) && close(a.Control, b.Control) && close(a.Second, b.Second)
}

// contours cuts an outline into rings, without the move that begins each and
// without lines that lead nowhere.
func contours(o Outline) []Outline {
	var rings []Outline
	var at Point
	for _, s := range o {
		switch {
		case s.Op == MoveTo:
			rings = append(rings, nil)
		case s.Op == QuadTo || s.Op == CubeTo || s.To != at:
			rings[len(rings)-1] = append(rings[len(rings)-1], s)
		}
		at = s.To
	}
	return rings
}

// standalone adds to a subset the tables that a font file needs beyond those of
// a PDF, so that other readers can open it. Rune i of the list is glyph i+1.
func standalone(t testing.TB, face *Face, runes []rune) []byte {
	t.Helper()
	var glyphs []GlyphID
	for _, r := range runes {
		g, ok := face.Glyph(r)
		if !ok {
			t.Fatalf("%s has no glyph for %U", face.Name(), r)
		}
		glyphs = append(glyphs, g)
	}
	subset, err := face.Subset(glyphs)
	if err != nil {
		t.Fatal(err)
	}
	tables := maps.Clone(embedded(t, subset))
	tables["head"] = slices.Clone(tables["head"])
	binary.BigEndian.PutUint32(tables["head"][8:], 0)
	tables["OS/2"] = face.tables["OS/2"]
	tables["post"] = binary.BigEndian.AppendUint32(nil, 0x00030000)
	tables["post"] = append(tables["post"], make([]byte, 28)...)
	tables["cmap"] = format12(runes)
	return assemble(tables)
}

// embedded reads the directory of a subset, which has no cmap and no OS/2.
func embedded(t testing.TB, file []byte) map[string][]byte {
	t.Helper()
	c := &cursor{data: file, at: 4}
	tables := make(map[string][]byte)
	count := int(c.u16())
	c.skip(6)
	for range count {
		tag := string(c.bytes(4))
		sum, offset, length := c.u32(), c.u32(), c.u32()
		if c.failed || int(offset+length) > len(file) {
			t.Fatalf("table %q lies outside the subset", tag)
		}
		tables[tag] = file[offset : offset+length]
		if got := checksum(tables[tag]); got != sum && tag != "head" {
			t.Errorf("checksum of table %q is %#x, its entry says %#x", tag, got, sum)
		}
	}
	return tables
}

// format12 maps rune i of the list to glyph i+1.
func format12(runes []rune) []byte {
	groups := make([]span, len(runes))
	for i, r := range runes {
		groups[i] = span{r, r, GlyphID(i + 1)}
	}
	slices.SortFunc(groups, func(a, b span) int { return int(a.first - b.first) })
	b := []byte{0, 0, 0, 1, 0, 3, 0, 10, 0, 0, 0, 12, 0, 12, 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(16+12*len(groups)))
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(groups)))
	for _, g := range groups {
		for _, v := range []uint32{uint32(g.first), uint32(g.last), uint32(g.glyph)} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
	}
	return b
}
