package typeset

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strconv"
	"unicode/utf16"

	"github.com/elicence/elicence/internal/typeface"
)

// A font is one face as a document carries it. Characters get codes in the order
// they are first drawn, from 1; a code is also the CID and the number of the
// glyph in the subset. Two characters that share a glyph have a code each, so
// that copied text is what was set.
type font struct {
	face   *typeface.Face
	name   string // in the resources: F0, F1, …
	codes  map[rune]uint16
	runes  []rune // of code i+1
	glyphs []typeface.GlyphID
}

func (f *font) code(g typeface.Glyph) uint16 {
	code, known := f.codes[g.Rune]
	if !known {
		f.runes = append(f.runes, g.Rune)
		f.glyphs = append(f.glyphs, g.ID)
		code = uint16(len(f.runes)) // two faces together have fewer than 65,535 glyphs each
		f.codes[g.Rune] = code
	}
	return code
}

// object makes the Type 0 font (ISO 32000-1, 9.7.4 and 9.7.6).
func (f *font) object(z *compressor) (*Object, error) {
	program, err := f.face.Subset(f.glyphs)
	if err != nil {
		return nil, err
	}
	name := subsetTag(f.glyphs) + "+" + f.face.Name()
	m := f.face.Metrics()
	scale := func(units int) int { return units * 1000 / m.UnitsPerEm }
	const symbolic = 4
	descriptor, descendant, font := &Object{}, &Object{}, &Object{}
	descriptor.printf("<< /Type /FontDescriptor /FontName /%s /Flags %d /FontBBox [%d %d %d %d]"+
		" /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 %s >>",
		name, symbolic, scale(m.XMin), scale(m.YMin), scale(m.XMax), scale(m.YMax),
		scale(m.Ascent), scale(m.Descent), scale(m.CapHeight),
		descriptor.ref(z.stream(program, fmt.Sprintf(" /Length1 %d", len(program)))))
	descendant.printf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s"+
		" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"+
		" /FontDescriptor %s /DW 1000%s /CIDToGIDMap /Identity >>", name, descendant.ref(descriptor), f.widths())
	font.printf("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H"+
		" /DescendantFonts [%s] /ToUnicode %s >>", name, font.ref(descendant), font.ref(z.stream(f.toUnicode(), "")))
	return font, nil
}

// subsetTag is the six letters that tell subsets of a face apart (ISO 32000-1,
// 9.6.4); equal subsets have equal tags.
func subsetTag(glyphs []typeface.GlyphID) string {
	hash := sha256.New()
	for _, g := range glyphs {
		hash.Write([]byte{byte(g >> 8), byte(g)})
	}
	tag := hash.Sum(nil)[:6]
	for i := range tag {
		tag[i] = 'A' + tag[i]%26
	}
	return string(tag)
}

// widths is the W entry: the widths that are not the default of one em.
func (f *font) widths() string {
	units := f.face.Metrics().UnitsPerEm
	b := []byte(" /W [")
	open := false
	for i, g := range f.glyphs {
		width := f.face.Advance(g) * 1000 / units
		switch {
		case width == 1000 && open:
			b = append(b, "] "...)
			open = false
		case width == 1000:
		case open:
			b = strconv.AppendInt(append(b, ' '), int64(width), 10)
		default:
			b = fmt.Appendf(b, "%d [%d", i+1, width)
			open = true
		}
	}
	if open {
		b = append(b, ']')
	}
	if len(b) == len(" /W [") {
		return ""
	}
	return string(bytes.TrimRight(b, " ")) + "]"
}

// toUnicode maps codes to UTF-16, a surrogate pair above U+FFFF (ISO 32000-1,
// 9.10.3).
func (f *font) toUnicode() []byte {
	const perBlock = 100 // the format allows no more
	b := []byte("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	for start := 0; start < len(f.runes); start += perBlock {
		block := f.runes[start:min(start+perBlock, len(f.runes))]
		b = fmt.Appendf(b, "%d beginbfchar\n", len(block))
		for i, r := range block {
			b = fmt.Appendf(b, "<%04X> <", start+i+1)
			for _, unit := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, "%04X", unit)
			}
			b = append(b, ">\n"...)
		}
		b = append(b, "endbfchar\n"...)
	}
	return append(b, "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"...)
}
