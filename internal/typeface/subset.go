package typeface

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Subset returns a TrueType font with only the given glyphs, as a PDF embeds it
// in FontFile2: the tables head, hhea, hmtx, maxp, loca, glyf and, where the face
// has them, cvt, fpgm and prep (ISO 32000-1, 9.9); no cmap and no names.
//
// Glyphs are renumbered: glyph 0 is .notdef, glyph i+1 is glyphs[i], and the
// parts of composites that were not asked for follow. A glyph may be named
// twice, so that two characters of one shape keep numbers of their own and the
// text can be copied out of the document faithfully. The same glyphs give the
// same bytes.
//
// An error wraps [ErrFormat]: a glyph that does not exist, a composite that is
// broken, more than 65,535 glyphs.
func (f *Face) Subset(glyphs []GlyphID) ([]byte, error) {
	list := append(make([]GlyphID, 0, len(glyphs)+1), 0)
	list = append(list, glyphs...)
	number := make(map[GlyphID]int, len(list)) // old number → new number
	for i, g := range list {
		if _, known := number[g]; !known {
			number[g] = i
		}
	}
	var glyf, hmtx []byte
	offsets := []int{0}
	for i := 0; i < len(list); i++ { // the list grows while components are found
		data, err := f.data(list[i])
		if err != nil {
			return nil, fmt.Errorf("subset font %s: %w", f.name, err)
		}
		start := len(glyf)
		glyf = append(glyf, data...)
		if len(data) >= 2 && data[0]&0x80 != 0 {
			parts, err := readComponents(&cursor{data: data, at: 10}, list[i])
			if err != nil {
				return nil, fmt.Errorf("subset font %s: %w", f.name, err)
			}
			for _, part := range parts {
				if _, known := number[part.glyph]; !known {
					number[part.glyph] = len(list)
					list = append(list, part.glyph)
				}
				binary.BigEndian.PutUint16(glyf[start+part.at:], uint16(number[part.glyph]))
			}
		}
		if len(glyf)%2 == 1 {
			glyf = append(glyf, 0) // the short form of loca counts in pairs of bytes
		}
		offsets = append(offsets, len(glyf))
		hmtx = binary.BigEndian.AppendUint16(hmtx, uint16(f.Advance(list[i])))
		hmtx = append(hmtx, f.bearing(list[i])...)
	}
	if len(list) > 0xFFFF {
		return nil, fmt.Errorf("subset font %s: %w: %d glyphs", f.name, ErrFormat, len(list))
	}

	loca, locaFormat := packOffsets(offsets)
	head := slices.Clone(f.tables["head"])
	binary.BigEndian.PutUint32(head[8:], 0) // checkSumAdjustment, set by assemble
	binary.BigEndian.PutUint16(head[50:], locaFormat)
	hhea := slices.Clone(f.tables["hhea"])
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(list)))
	maxp := slices.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint16(maxp[4:], uint16(len(list)))

	tables := map[string][]byte{
		"glyf": glyf, "head": head, "hhea": hhea, "hmtx": hmtx, "loca": loca, "maxp": maxp,
	}
	for _, tag := range []string{"cvt ", "fpgm", "prep"} {
		if data, ok := f.tables[tag]; ok {
			tables[tag] = data
		}
	}
	return assemble(tables), nil
}

// packOffsets writes loca in its short form where that is possible.
func packOffsets(offsets []int) ([]byte, uint16) {
	var loca []byte
	if offsets[len(offsets)-1] <= 2*0xFFFF {
		for _, offset := range offsets {
			loca = binary.BigEndian.AppendUint16(loca, uint16(offset/2))
		}
		return loca, 0
	}
	for _, offset := range offsets {
		loca = binary.BigEndian.AppendUint32(loca, uint32(offset))
	}
	return loca, 1
}

// assemble writes the font file: the directory in the order of the tags, the
// tables on multiples of four bytes, the checksums.
func assemble(tables map[string][]byte) []byte {
	tags := slices.Sorted(maps.Keys(tables))
	power := 1
	for 2*power <= len(tags) {
		power *= 2
	}
	entry := 0
	for 1<<entry < power {
		entry++
	}
	size := 12 + 16*len(tags)
	for _, tag := range tags {
		size += (len(tables[tag]) + 3) &^ 3
	}
	file := make([]byte, 0, size)
	file = binary.BigEndian.AppendUint32(file, 0x00010000)
	for _, n := range []int{len(tags), 16 * power, entry, 16 * (len(tags) - power)} {
		file = binary.BigEndian.AppendUint16(file, uint16(n))
	}
	offset := 12 + 16*len(tags)
	headAt := 0
	for _, tag := range tags {
		if tag == "head" {
			headAt = offset
		}
		file = append(file, tag...)
		file = binary.BigEndian.AppendUint32(file, checksum(tables[tag]))
		file = binary.BigEndian.AppendUint32(file, uint32(offset))
		file = binary.BigEndian.AppendUint32(file, uint32(len(tables[tag])))
		offset += (len(tables[tag]) + 3) &^ 3
	}
	for _, tag := range tags {
		file = append(file, tables[tag]...)
		for len(file)%4 != 0 {
			file = append(file, 0)
		}
	}
	binary.BigEndian.PutUint32(file[headAt+8:], 0xB1B0AFBA-checksum(file))
	return file
}

// checksum adds up the data as 32-bit numbers, the last one filled with zeros.
func checksum(data []byte) uint32 {
	sum := uint32(0)
	for ; len(data) >= 4; data = data[4:] {
		sum += binary.BigEndian.Uint32(data)
	}
	var rest [4]byte
	copy(rest[:], data)
	return sum + binary.BigEndian.Uint32(rest[:])
}
