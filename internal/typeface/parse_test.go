package typeface

import (
	"encoding/binary"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// unfoldedFile is the whole file of an embedded face.
func unfoldedFile(t testing.TB, name string) []byte {
	t.Helper()
	compressed := songFile
	if name == "LXGWWenKai-Regular" {
		compressed = kaiFile
	}
	reader, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	data, err := reader.DecodeAll(compressed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// broken returns a small good font with one table changed.
func broken(t testing.TB, tag string, change func([]byte) []byte) []byte {
	t.Helper()
	face, err := Parse("Small", standalone(t, Kai(), []rune("永字八法¨")))
	if err != nil {
		t.Fatal(err)
	}
	tables := maps.Clone(face.tables)
	tables["glyf"] = face.glyf.slice(0, face.glyf.size())
	tables[tag] = change(append([]byte(nil), tables[tag]...))
	if tables[tag] == nil {
		delete(tables, tag)
	}
	return assemble(tables)
}

func put16(offset int, value uint16) func([]byte) []byte {
	return func(b []byte) []byte {
		binary.BigEndian.PutUint16(b[offset:], value)
		return b
	}
}

func put32(offset int, value uint32) func([]byte) []byte {
	return func(b []byte) []byte {
		binary.BigEndian.PutUint32(b[offset:], value)
		return b
	}
}

func cut(n int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:n] }
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := standalone(t, Kai(), []rune("永"))
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "too short"},
		{"text", []byte("hello, world, this is no font"), "version"},
		{"CFF", []byte("OTTO\x00\x00\x00\x00\x00\x00\x00\x00"), "CFF outlines"},
		{"collection", []byte("ttcf\x00\x01"), "a collection"},
		{"directory cut", good[:20], "directory is cut short"},
		{"file cut", good[:len(good)-8], "lies outside the file"},
		{"no glyf", broken(t, "glyf", func([]byte) []byte { return nil }), `"glyf" is missing`},
		{"variable", broken(t, "fvar", func([]byte) []byte { return []byte{0} }), "a variable font"},
		{"head cut", broken(t, "head", cut(30)), "head is broken"},
		{"head magic", broken(t, "head", put32(12, 1)), "head is broken"},
		{"units", broken(t, "head", put16(18, 3)), "3 units per em"},
		{"maxp version", broken(t, "maxp", put32(0, 0x5000)), "maxp is broken"},
		{"no glyphs", broken(t, "maxp", put16(4, 0)), "maxp is broken"},
		{"too many metrics", broken(t, "hhea", put16(34, 999)), "hhea is broken"},
		{"hmtx short", broken(t, "hmtx", cut(6)), "hmtx has 6 bytes"},
		{"OS/2 version 1", broken(t, "OS/2", put16(0, 1)), "OS/2 is broken"},
		{"loca short", broken(t, "loca", cut(4)), "loca is too short"},
		{"loca backwards", broken(t, "loca", put16(2, 0xFFFF)), "loca runs backwards"},
		{"loca outside", broken(t, "glyf", cut(10)), "loca points outside glyf"},
		{"cmap cut", broken(t, "cmap", cut(6)), "cmap is cut short"},
		{"cmap without Unicode", broken(t, "cmap", put16(4, 1)), "no Unicode subtable"},
		{"cmap count", broken(t, "cmap", put32(24, 1<<30)), "cmap promises"},
		{"cmap order", broken(t, "cmap", put32(28, 0x10FFFF)), "out of order"},
		{"cmap glyph", broken(t, "cmap", put32(36, 500)), "a glyph that does not exist"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("Broken", test.data)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse = %v, want ErrFormat with %q", err, test.want)
			}
		})
	}
}

// A composite glyph that names itself must end in an error, not in a stack
// overflow, and one that multiplies must stop at the limit of points.
func TestOutlineRefuses(t *testing.T) {
	t.Parallel()
	composite := func(flags uint16, parts ...uint16) []byte {
		b := []byte{0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0}
		for i, part := range parts {
			more := uint16(componentMore)
			if i == len(parts)-1 {
				more = 0
			}
			b = binary.BigEndian.AppendUint16(b, flags|more)
			b = binary.BigEndian.AppendUint16(b, part)
			b = append(b, 0, 0)
		}
		return b
	}
	many := make([]uint16, 100) // all of them glyph 0
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"itself", composite(componentOffsets, 0), "levels deep"},
		{"itself many times", composite(componentOffsets, many...), "levels deep"},
		{"unknown part", composite(componentOffsets, 999), "glyph 999 of"},
		{"matched points", composite(0, 1), "matches points"},
		{"scaled offsets", composite(componentOffsets|componentScaledOffset, 1), "scales its offsets"},
		{"cut", composite(componentOffsets, 1)[:13], "cut short"},
		{"too many points", append([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 0xFF, 0xF0, 0, 0), "more than 16384 points"},
		{"no flags", append([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 3, 0, 0), "is broken"},
		{"ends backwards", append([]byte{0, 2, 0, 0, 0, 0, 0, 0, 0, 0}, 0, 3, 0, 1, 0, 0, 0, 0), "is broken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			face := &Face{glyphCount: 1, offsets: []uint32{0, uint32(len(test.data))}, glyf: whole(test.data)}
			_, err := face.Outline(0)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Outline = %v, want ErrFormat with %q", err, test.want)
			}
		})
	}
	// Eight levels of a hundred parts each would be 10^16 parts.
	level := func(next uint16) []byte {
		parts := make([]uint16, 100)
		for i := range parts {
			parts[i] = next
		}
		return composite(componentOffsets, parts...)
	}
	face := &Face{glyphCount: 7, offsets: []uint32{0}}
	var glyf whole
	for g := range uint16(7) {
		glyf = append(glyf, level(g+1)...)
		face.offsets = append(face.offsets, uint32(len(glyf)))
	}
	face.glyf = glyf
	if _, err := face.Outline(0); !errors.Is(err, ErrFormat) {
		t.Errorf("Outline of nested composites = %v, want ErrFormat", err)
	}
}

// The format 4 subtable of each face says the same as its format 12 subtable.
func TestFormat4AgreesWithFormat12(t *testing.T) {
	t.Parallel()
	for _, face := range []*Face{Song(), Kai()} {
		cmap := face.tables["cmap"]
		c := &cursor{data: cmap, at: 2}
		basic := &Face{glyphCount: face.glyphCount}
		for range c.u16() {
			c.skip(4)
			offset := c.u32()
			if sub := cmap[offset:]; sub[1] == 4 && basic.spans == nil {
				if err := basic.readFormat4(sub); err != nil {
					t.Fatalf("%s: %v", face.Name(), err)
				}
			}
		}
		found := 0
		for r := rune(0); r < 0xFFFF; r++ {
			got, ok := basic.Glyph(r)
			want, wantOK := face.Glyph(r)
			if got != want || ok != wantOK {
				t.Fatalf("%s: format 4 says %U is glyph %d, format 12 says %d", face.Name(), r, got, want)
			}
			if ok {
				found++
			}
		}
		if found < 20000 {
			t.Errorf("%s: only %d runes compared", face.Name(), found)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, face := range []*Face{Song(), Kai()} {
		f.Add(standalone(f, face, []rune("永A")))
	}
	f.Add(standalone(f, Kai(), []rune("¨−")))
	f.Add(broken(f, "head", put32(12, 1)))
	f.Add(broken(f, "loca", put16(2, 0xFFFF)))
	f.Add(broken(f, "cmap", func([]byte) []byte { return format4Sample() }))
	f.Fuzz(func(t *testing.T, data []byte) {
		face, err := Parse("Fuzz", data)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("Parse: %v is not an ErrFormat", err)
			}
			return
		}
		glyphs := make([]GlyphID, 0, min(face.glyphCount, 64))
		for g := range cap(glyphs) {
			glyphs = append(glyphs, GlyphID(g))
			if _, err := face.Outline(GlyphID(g)); err != nil && !errors.Is(err, ErrFormat) {
				t.Fatalf("Outline: %v is not an ErrFormat", err)
			}
		}
		if _, err := face.Subset(glyphs); err != nil && !errors.Is(err, ErrFormat) {
			t.Fatalf("Subset: %v is not an ErrFormat", err)
		}
		for _, s := range face.spans {
			face.Glyph(s.first)
			face.Glyph(s.last)
		}
	})
}

// format4Sample is a cmap with one format 4 subtable of two segments, one with a
// delta and one with a glyph array.
func format4Sample() []byte {
	words := []uint16{0, 1, 3, 1, 0, 12, // header: one subtable at 12
		4, 42, 0, 6, 0, 0, 0, // format, length, language, 2×segments, search numbers
		'B', 'a', 0xFFFF, 0, // last codes, padding
		'A', 'a', 0xFFFF, // first codes
		0xFFC0, 0, 1, // deltas: 'A' → 1
		0, 4, 0, // range offsets: 'a' reads two words on
		2} // glyph array
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return b
}

func TestFormat4Segments(t *testing.T) {
	t.Parallel()
	face, err := Parse("Sample", broken(t, "cmap", func([]byte) []byte { return format4Sample() }))
	if err != nil {
		t.Fatal(err)
	}
	for r, want := range map[rune]GlyphID{'A': 1, 'B': 2, 'a': 2, 'C': 0, 'b': 0} {
		if got, ok := face.Glyph(r); got != want || ok != (want != 0) {
			t.Errorf("Glyph(%c) = %d, %v, want %d", r, got, ok, want)
		}
	}
}
