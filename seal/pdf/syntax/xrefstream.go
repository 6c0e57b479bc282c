package syntax

import (
	"encoding/binary"
	"fmt"
)

// xrefStream reads a cross-reference stream (ISO 32000-1, 7.5.8). All entries
// of its dictionary must be direct: nothing can be resolved before it is read.
func (f *File) xrefStream(at int64) (*section, error) {
	o, err := f.objectAt(at, f.src.size, nil)
	if err != nil {
		return nil, err
	}
	st, ok := o.Val.(*Stream)
	if !ok || st.Dict.Lookup("Type") != Name("XRef") {
		return nil, DamagedAt(at, "a cross-reference table or stream expected")
	}
	// Readers that ask newer revisions would find the older ones' objects elsewhere.
	if !direct(st.Dict.Lookup("Filter")) || !direct(st.Dict.Lookup("DecodeParms")) {
		return nil, DamagedAt(at, "the filters of the cross-reference stream are not in its own dictionary")
	}
	bare := View{File: f, limit: f.src.size} // resolves nothing
	data, where, err := bare.Decode(st, maxDecoded)
	if err != nil {
		return nil, err
	}
	widths, err := fieldWidths(st.Dict, at)
	if err != nil {
		return nil, err
	}
	s := &section{at: o.At, end: where.end, stream: true, trailer: st.Dict}
	if s.runs, err = f.streamRuns(st.Dict, data, widths, at); err != nil {
		return nil, err
	}
	return s, f.finish(s)
}

// fieldWidths reads /W: the bytes of each of an entry's three fields.
func fieldWidths(d *Dict, at int64) ([3]int, error) {
	var widths [3]int
	w, _ := d.Lookup("W").(Array)
	if len(w) != 3 {
		return widths, DamagedAt(at, "the cross-reference stream's /W is not three numbers")
	}
	for i, v := range w {
		n, ok := v.(int64)
		if !ok || n < 0 || n > 8 {
			return widths, DamagedAt(at, "the cross-reference stream's /W has a field that is not 0 to 8 bytes wide")
		}
		widths[i] = int(n)
	}
	if widths[1] == 0 {
		return widths, DamagedAt(at, "the cross-reference stream's /W leaves no room for offsets")
	}
	return widths, nil
}

func (f *File) streamRuns(dict *Dict, data []byte, widths [3]int, at int64) ([]run, error) {
	size, ok := dict.Lookup("Size").(int64)
	if !ok || size < 0 || size > maxObjectNumber+1 {
		return nil, DamagedAt(at, "the cross-reference stream's /Size is missing or out of range")
	}
	index := Array{int64(0), size}
	if v := dict.Lookup("Index"); v != nil {
		if index, ok = v.(Array); !ok || len(index)%2 != 0 {
			return nil, DamagedAt(at, "the cross-reference stream's /Index is not pairs of numbers")
		}
	}
	width := widths[0] + widths[1] + widths[2]
	var runs []run
	total := int64(0)
	for i := 0; i < len(index); i += 2 {
		first, ok1 := index[i].(int64)
		count, ok2 := index[i+1].(int64)
		if !ok1 || !ok2 || first < 0 || count < 0 || first > maxObjectNumber || count > int64(len(data)/width) || first+count > maxObjectNumber+1 {
			return nil, DamagedAt(at, "the cross-reference stream has less data than its /Index announces")
		}
		// An object takes a byte of the file at the very least.
		if total += count; total > f.src.size {
			return nil, fmt.Errorf("%w: %d cross-reference entries", ErrTooComplex, total)
		}
		locs := make([]location, count)
		for j := range locs {
			locs[j] = f.streamEntry(data[j*width:(j+1)*width], widths)
		}
		data = data[int(count)*width:]
		runs = append(runs, run{first: uint32(first), locs: locs})
	}
	return runs, nil
}

// streamEntry decodes one entry (ISO 32000-1, table 18). Types that the
// standard does not know stand for null, as it says.
func (f *File) streamEntry(e []byte, widths [3]int) location {
	kind := uint64(1)
	if widths[0] > 0 {
		kind = bigEndian(e[:widths[0]])
	}
	second := bigEndian(e[widths[0] : widths[0]+widths[1]])
	third := bigEndian(e[widths[0]+widths[1]:])
	switch {
	case kind == 1 && second < 1<<62 && third <= 65535:
		return location{at: f.base + int64(second), index: uint32(third), kind: inFile}
	case kind == 2 && second > 0 && second <= maxObjectNumber && third <= maxObjectNumber:
		return location{at: int64(second), index: uint32(third), kind: inStream}
	}
	return location{}
}

func bigEndian(b []byte) uint64 {
	var full [8]byte
	copy(full[8-len(b):], b)
	return binary.BigEndian.Uint64(full[:])
}
