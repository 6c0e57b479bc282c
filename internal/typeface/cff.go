package typeface

import (
	"fmt"
	"math"
	"strconv"
)

// A cff is the table "CFF " (Adobe Technical Note 5176): the charstrings of all glyphs, and
// the subroutines that they call.
type cff struct {
	charstrings [][]byte
	global      [][]byte
	local       [][][]byte // of each font dictionary; one, if the font is not keyed by CID
	dictionary  []byte     // of each glyph; nil: the first
	renumbered  bool       // glyphs have CIDs that are not their places
}

// Operators of dictionaries; those of two bytes have the first one, 12, above.
const (
	opCharset        = 15
	opCharStrings    = 17
	opPrivate        = 18
	opSubrs          = 19
	opPaintType      = 12<<8 | 5
	opCharstringType = 12<<8 | 6
	opFontMatrix     = 12<<8 | 7
	opROS            = 12<<8 | 30
	opFDArray        = 12<<8 | 36
	opFDSelect       = 12<<8 | 37
)

// maxSubroutines bounds those of all font dictionaries, which may share the bytes of theirs.
const maxSubroutines = 1 << 18

func brokenCFF(format string, args ...any) error {
	return fmt.Errorf("%w: table CFF %s", ErrFormat, fmt.Sprintf(format, args...))
}

// parseCFF reads the table of a font with so many glyphs and units.
func parseCFF(data []byte, glyphs, unitsPerEm int) (*cff, error) {
	c := &cursor{data: data}
	major, _, size := c.u8(), c.u8(), int(c.u8())
	if c.failed || major != 1 || size < 4 {
		return nil, brokenCFF("is not of version 1")
	}
	c = &cursor{data: data}
	c.skip(size)
	names, tops := readIndex(c), readIndex(c)
	_ = readIndex(c) // strings
	f := &cff{global: readIndex(c)}
	if c.failed || len(names) != 1 || len(tops) != 1 {
		return nil, brokenCFF("does not begin with one font")
	}
	top, err := readDict(tops[0])
	if err != nil {
		return nil, err
	}
	if kind := top.number(opCharstringType, 2); kind != 2 {
		return nil, brokenCFF("has charstrings of type %g", kind)
	}
	if top.number(opPaintType, 0) != 0 {
		return nil, brokenCFF("has outlines to be stroked")
	}
	if f.charstrings, err = indexAt(data, top, opCharStrings); err != nil {
		return nil, err
	}
	if len(f.charstrings) != glyphs {
		return nil, brokenCFF("has %d glyphs, not %d", len(f.charstrings), glyphs)
	}
	fonts, subroutines := []dict{top}, 0
	if _, byCID := top[opROS]; byCID {
		if fonts, err = f.readFonts(data, top); err != nil {
			return nil, err
		}
		if err := f.readCharset(data, top); err != nil {
			return nil, err
		}
	}
	for _, d := range fonts {
		matrices := [][]float64{d[opFontMatrix]}
		if len(f.dictionary) > 0 {
			matrices = append(matrices, top[opFontMatrix])
		}
		if !scales(matrices, unitsPerEm) {
			return nil, brokenCFF("has a font matrix that is not 1/%d", unitsPerEm)
		}
		local, err := readSubroutines(data, d)
		if err != nil {
			return nil, err
		}
		if subroutines += len(local); subroutines > maxSubroutines {
			return nil, brokenCFF("has more than %d subroutines", maxSubroutines)
		}
		f.local = append(f.local, local)
	}
	return f, nil
}

// readFonts reads the font dictionaries of a font that is keyed by CID, and which of them
// each glyph has.
func (f *cff) readFonts(data []byte, top dict) ([]dict, error) {
	list, err := indexAt(data, top, opFDArray)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || len(list) > 256 {
		return nil, brokenCFF("has %d font dictionaries", len(list))
	}
	fonts := make([]dict, len(list))
	for i, b := range list {
		if fonts[i], err = readDict(b); err != nil {
			return nil, err
		}
	}
	c, err := at(data, top, opFDSelect)
	if err != nil {
		return nil, err
	}
	f.dictionary = make([]byte, len(f.charstrings))
	switch format := c.u8(); format {
	case 0:
		copy(f.dictionary, c.bytes(len(f.dictionary)))
	case 3:
		ranges, first := int(c.u16()), int(c.u16())
		if first != 0 {
			return nil, brokenCFF("has glyphs without a font dictionary")
		}
		for range ranges {
			which, next := c.u8(), int(c.u16())
			if c.failed || next <= first || next > len(f.dictionary) {
				return nil, brokenCFF("has font dictionaries out of order at glyph %d", first)
			}
			for ; first < next; first++ {
				f.dictionary[first] = which
			}
		}
		if first != len(f.dictionary) {
			return nil, brokenCFF("has glyphs without a font dictionary")
		}
	default:
		return nil, brokenCFF("has font dictionaries in the format %d", format)
	}
	for g, which := range f.dictionary {
		if int(which) >= len(fonts) {
			return nil, brokenCFF("gives glyph %d font dictionary %d of %d", g, which, len(fonts))
		}
	}
	if c.failed {
		return nil, brokenCFF("is cut short")
	}
	return fonts, nil
}

// readCharset reads the CIDs of a font that is keyed by them (Technical Note 5176, clause 13).
func (f *cff) readCharset(data []byte, top dict) error {
	if place := top.number(opCharset, 0); place <= 2 {
		f.renumbered = place != 0 // the expert sets; by the standard none of the three is for CIDs
		return nil
	}
	c, err := at(data, top, opCharset)
	if err != nil {
		return err
	}
	format := c.u8()
	if format > 2 {
		return brokenCFF("has a charset in the format %d", format)
	}
	for g := 1; g < len(f.charstrings); {
		first, more := int(c.u16()), 0
		switch format {
		case 1:
			more = int(c.u8())
		case 2:
			more = int(c.u16())
		}
		if c.failed || more >= len(f.charstrings)-g {
			return brokenCFF("has a charset of another number of glyphs")
		}
		f.renumbered = f.renumbered || first != g
		g += 1 + more
	}
	return nil
}

// scales reports that matrices together make the em of so many units 1, and nothing else. One
// that is not there says nothing; where there is none it is 1/1000.
func scales(matrices [][]float64, unitsPerEm int) bool {
	together, said := 1.0, false
	for _, m := range matrices {
		if m == nil {
			continue
		}
		if len(m) != 6 || m[0] != m[3] || m[1] != 0 || m[2] != 0 || m[4] != 0 || m[5] != 0 {
			return false
		}
		together, said = together*m[0], true
	}
	if !said {
		together = 0.001
	}
	return math.Abs(together*float64(unitsPerEm)-1) < 1e-4
}

// readSubroutines reads those of a font dictionary's private dictionary.
func readSubroutines(data []byte, font dict) ([][]byte, error) {
	place, ok := font[opPrivate]
	if !ok {
		return nil, nil
	}
	if len(place) != 2 {
		return nil, brokenCFF("has a private dictionary without a place")
	}
	length, ok := whole32(place[0], len(data))
	if !ok {
		return nil, brokenCFF("has a private dictionary outside itself")
	}
	offset, ok := whole32(place[1], len(data)-length)
	if !ok {
		return nil, brokenCFF("has a private dictionary outside itself")
	}
	private, err := readDict(data[offset : offset+length])
	if err != nil {
		return nil, err
	}
	if _, ok := private[opSubrs]; !ok {
		return nil, nil
	}
	return indexAt(data[offset:], private, opSubrs)
}

// whole32 is a number from 0 to most.
func whole32(v float64, most int) (int, bool) {
	if v != math.Trunc(v) || v < 0 || v > float64(most) {
		return 0, false
	}
	return int(v), true
}

// at is a cursor where an operator of a dictionary points to.
func at(data []byte, d dict, op int) (*cursor, error) {
	operands := d[op]
	if len(operands) != 1 {
		return nil, brokenCFF("lacks the place of operator %d", op)
	}
	offset, ok := whole32(operands[0], len(data))
	if !ok {
		return nil, brokenCFF("points outside itself by operator %d", op)
	}
	return &cursor{data: data[offset:]}, nil
}

func indexAt(data []byte, d dict, op int) ([][]byte, error) {
	c, err := at(data, d, op)
	if err != nil {
		return nil, err
	}
	out := readIndex(c)
	if c.failed {
		return nil, brokenCFF("has a broken index at operator %d", op)
	}
	return out, nil
}

// readIndex reads an INDEX: objects of any length. The cursor fails where it is broken.
func readIndex(c *cursor) [][]byte {
	count := int(c.u16())
	if count == 0 {
		return nil
	}
	size := int(c.u8())
	if size < 1 || size > 4 {
		c.failed = true
		return nil
	}
	table := c.bytes((count + 1) * size)
	if c.failed {
		return nil
	}
	offset := func(i int) int {
		v := 0
		for _, b := range table[i*size : (i+1)*size] {
			v = v<<8 | int(b)
		}
		return v
	}
	data := c.bytes(offset(count) - 1) // offsets count from the byte before
	if c.failed || offset(0) != 1 {
		c.failed = true
		return nil
	}
	out := make([][]byte, count)
	for i := range out {
		from, to := offset(i)-1, offset(i+1)-1
		if to < from || to > len(data) {
			c.failed = true
			return nil
		}
		out[i] = data[from:to]
	}
	return out
}

// A dict is a DICT: operands by their operator.
type dict map[int][]float64

// number is the operand of an operator that has one.
func (d dict) number(op int, without float64) float64 {
	switch operands, ok := d[op]; {
	case !ok:
		return without
	case len(operands) == 1:
		return operands[0]
	default:
		return math.NaN()
	}
}

// maxOperands is how many an operator may have (Technical Note 5176, Appendix B).
const maxOperands = 48

func readDict(data []byte) (dict, error) {
	d := make(dict)
	c := &cursor{data: data}
	operands := []float64{}
	for c.at < len(c.data) {
		b := c.u8()
		if b > 21 {
			v, err := readOperand(c, b)
			if err != nil {
				return nil, err
			}
			if operands = append(operands, v); len(operands) > maxOperands {
				return nil, brokenCFF("has an operator with more than %d operands", maxOperands)
			}
			continue
		}
		op := int(b)
		if b == 12 {
			op = 12<<8 | int(c.u8())
		}
		if _, twice := d[op]; twice {
			return nil, brokenCFF("has operator %d twice in a dictionary", op)
		}
		d[op], operands = operands, []float64{}
	}
	if c.failed || len(operands) > 0 {
		return nil, brokenCFF("has a dictionary that is cut short")
	}
	return d, nil
}

// readOperand reads a number of a DICT that begins with b.
func readOperand(c *cursor, b byte) (float64, error) {
	switch {
	case b == 28:
		return float64(c.i16()), nil
	case b == 29:
		return float64(int32(c.u32())), nil //nolint:gosec // two's complement
	case b == 30:
		return readReal(c)
	case b >= 32 && b <= 246:
		return float64(b) - 139, nil
	case b >= 247 && b <= 250:
		return (float64(b)-247)*256 + float64(c.u8()) + 108, nil
	case b >= 251 && b <= 254:
		return -(float64(b)-251)*256 - float64(c.u8()) - 108, nil
	}
	return 0, brokenCFF("has the operand %d in a dictionary", b)
}

// readReal reads a decimal number in half bytes.
func readReal(c *cursor) (float64, error) {
	const longest = 32
	var text []byte
	for {
		b := c.u8()
		for _, half := range [2]byte{b >> 4, b & 15} {
			switch {
			case c.failed || half == 13 || len(text) > longest:
				return 0, brokenCFF("has a number that is none")
			case half == 15:
				v, err := strconv.ParseFloat(string(text), 64)
				if err != nil {
					return 0, brokenCFF("has the number %q", text)
				}
				return v, nil
			case half < 10:
				text = append(text, '0'+half)
			default:
				text = append(text, map[byte]string{10: ".", 11: "E", 12: "E-", 14: "-"}[half]...)
			}
		}
	}
}
