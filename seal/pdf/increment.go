package pdf

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"strconv"
)

// An increment is an incremental update in the making (ISO 32000-1, 7.5.6).
// Every offset is noted while it is written; nothing is ever searched for.
type increment struct {
	out     []byte
	at      int64 // offset of out[0] in the file
	base    int64 // offset of %PDF-
	next    uint32
	values  *values // of the file: the numbers that no new object may have; nil where there is none
	written []written
	id      *slot // the second part of the file's /ID, which identify fills in

	encryption *encryption // of the file, nil for none
	hidden     int64       // how many strings and streams were encrypted
	err        error       // of encrypting one
}

type written struct {
	ref ref
	at  int64 // from %PDF-
}

// newIncrement starts an update behind the end of the file.
func (d *Document) newIncrement() (*increment, error) {
	last, err := d.src.read(d.src.size-1, 1)
	if err != nil {
		return nil, err
	}
	size, _ := d.now.trailer().lookup("Size").(int64) // sound has checked it
	w := &increment{at: d.src.size, base: d.base, next: uint32(size), values: &d.src.values, encryption: d.encryption}
	if last[0] != '\n' && last[0] != '\r' {
		w.out = append(w.out, '\n')
	}
	return w, nil
}

// fresh returns the number of a new object.
func (w *increment) fresh() ref {
	r := ref{num: w.values.free(w.next)}
	w.next = r.num + 1
	return r
}

func (w *increment) offset() int64 { return w.at + int64(len(w.out)) }

// begin writes an object's first line.
func (w *increment) begin(r ref) {
	w.written = append(w.written, written{ref: r, at: w.offset() - w.base})
	w.out = appendNumbers(w.out, r)
	w.out = append(w.out, " obj\n"...)
}

func (w *increment) end() { w.out = append(w.out, "\nendobj\n"...) }

// put writes an indirect object.
func (w *increment) put(r ref, v value) {
	w.begin(r)
	w.out = appendValue(w.out, w.hide(r, v))
	w.end()
}

// putStream writes a stream object; dict gets its /Length.
func (w *increment) putStream(r ref, dict *dict, data []byte) {
	w.begin(r)
	data = w.hideData(r, data)
	if dict.find("Length") != nil {
		dict = dict.without("Length")
	}
	w.out = appendValue(w.out, w.hide(r, dict))
	w.out = append(w.out[:len(w.out)-len(">>")], "/Length "...)
	w.out = strconv.AppendInt(w.out, int64(len(data)), 10)
	w.out = append(w.out, ">>\nstream\n"...)
	w.out = append(w.out, data...)
	w.out = append(w.out, "\nendstream"...)
	w.end()
}

// finish writes the cross-reference section, a table after a table and a
// stream after a stream, with the trailer.
//
// The trailer keeps /Root, /Info and /Encrypt. Private entries are dropped, although
// 7.5.6 would have them kept: LibreOffice follows its /AdditionalStreams to a
// document inside the file and shows that instead of the pages, and other
// programs leave such references behind without their objects, where a new
// object of ours would take their place.
func (w *increment) finish(d *Document) error {
	if w.err != nil {
		return w.err
	}
	slices.SortFunc(w.written, func(a, b written) int { return cmp.Compare(a.ref.num, b.ref.num) })
	for i := 1; i < len(w.written); i++ {
		if num := w.written[i].ref.num; num == w.written[i-1].ref.num {
			return refuse("the file uses the object %d for two purposes, which would have to change in two ways", num)
		}
	}
	newest := d.now.sections[0]
	trailer := &dict{}
	for _, key := range []name{"Root", "Info", "Encrypt"} {
		if e := newest.trailer.find(key); e != nil {
			trailer.entries = append(trailer.entries, *e)
		}
	}
	id, err := w.identifier(d)
	if err != nil {
		return err
	}
	trailer = trailer.with("ID", id).with("Prev", d.ending.startxref)
	if newest.stream {
		w.stream(trailer)
	} else {
		w.table(trailer, false)
	}
	if w.offset() > maxOffset || int64(w.next) > maxObjectNumber {
		return refuse("the file would be longer than %d bytes or have more than %d objects", int64(maxOffset), maxObjectNumber)
	}
	return nil
}

// maxOffset is what ten digits can say, in a table and in a /ByteRange.
const maxOffset = 9_999_999_999

// identifier keeps the first part of the file's /ID and leaves room for the second.
func (w *increment) identifier(d *Document) (value, error) {
	w.id = &slot{}
	if d.encryption != nil {
		return array{d.now.permanentID(), w.id}, nil // the file's key depends on it
	}
	old, err := d.now.array(d.now.trailer().lookup("ID"))
	if err != nil {
		return nil, err
	}
	if len(old) == 2 {
		val, err := d.now.resolve(old[0])
		if err != nil {
			return nil, err
		}
		if first, ok := val.(str); ok && first != "" {
			return array{first, w.id}, nil
		}
	}
	return array{w.id, w.id}, nil
}

// identify makes the second part of the /ID out of what stands before it in the file, so
// that the same input gives the same bytes; h has all that comes before w.out[from:], and
// goes on to the end of the increment.
func (w *increment) identify(h hash.Hash, from int) {
	h.Write(w.out[from:w.id.at[0]])
	second := str(h.Sum(nil)[:slotSize])
	for _, at := range w.id.at {
		appendHex(w.out[:at], second)
	}
	h.Write(w.out[w.id.at[0]:])
}

// byNumber sorts what was written and calls f for every run of consecutive
// object numbers.
func (w *increment) byNumber(f func(run []written)) {
	slices.SortFunc(w.written, func(a, b written) int { return cmp.Compare(a.ref.num, b.ref.num) })
	for rest := w.written; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].ref.num == rest[n-1].ref.num+1 {
			n++
		}
		f(rest[:n])
		rest = rest[n:]
	}
}

// table writes a cross-reference table and the trailer. The table of a whole
// file, not of an update, starts with the free object 0.
func (w *increment) table(trailer *dict, whole bool) {
	at := w.offset() - w.base
	w.out = append(w.out, "xref\n"...)
	if whole {
		w.out = append(w.out, "0 1\n0000000000 65535 f \n"...)
	}
	w.byNumber(func(run []written) {
		w.out = fmt.Appendf(w.out, "%d %d\n", run[0].ref.num, len(run))
		for _, o := range run {
			w.out = append(w.out, "0000000000 00000 n \n"...)
			line := w.out[len(w.out)-entrySize:]
			padNumber(line[:10], o.at)
			padNumber(line[11:16], int64(o.ref.gen))
		}
	})
	w.out = append(w.out, "trailer\n"...)
	w.out = appendValue(w.out, trailer.with("Size", int64(w.next)))
	w.out = fmt.Appendf(w.out, "\nstartxref\n%d\n%%%%EOF\n", at)
}

// stream writes a cross-reference stream, which lists itself, with fields of
// 1, 5 and 2 bytes.
func (w *increment) stream(trailer *dict) {
	self := w.fresh()
	at := w.offset() - w.base
	w.begin(self)
	var data []byte
	var index array
	w.byNumber(func(run []written) {
		index = append(index, int64(run[0].ref.num), int64(len(run)))
		for _, o := range run {
			data = append(data, 1, byte(o.at>>32))
			data = binary.BigEndian.AppendUint32(data, uint32(o.at))
			data = binary.BigEndian.AppendUint16(data, o.ref.gen)
		}
	})
	head := dictOf("Type", name("XRef"), "Size", int64(w.next), "Index", index, "W", array{int64(1), int64(5), int64(2)})
	for _, e := range trailer.entries {
		head = head.with(e.key, e.val)
	}
	w.out = appendValue(w.out, head.with("Length", int64(len(data))))
	w.out = append(w.out, "\nstream\n"...)
	w.out = append(w.out, data...)
	w.out = append(w.out, "\nendstream"...)
	w.end()
	w.out = fmt.Appendf(w.out, "startxref\n%d\n%%%%EOF\n", at)
}

// dictOf makes a dictionary of keys and values in turn.
func dictOf(pairs ...any) *dict {
	d := newDict(len(pairs) / 2)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		d.entries = append(d.entries, entry{key: name(key), val: pairs[i+1]})
	}
	return d
}
