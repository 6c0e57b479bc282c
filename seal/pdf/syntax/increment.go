package syntax

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"strconv"
)

// An Increment is an incremental update in the making (ISO 32000-1, 7.5.6). Every offset is noted while it is written;
// nothing is ever searched for. The zero Increment begins a file instead.
type Increment struct {
	Out     []byte    // what is written
	At      int64     // offset of Out[0] in the file
	Next    uint32    // the number of the next new object
	Written []Written // the objects of Out

	base   int64   // offset of %PDF-
	values *values // of the file: the numbers that no new object may have; nil where there is none
	id     *slot   // the second part of the file's /ID, which Identify fills in

	encryption *encryption // of the file, nil for none
	hidden     int64       // how many strings and streams were encrypted
	err        error       // of encrypting one
}

// Written is where an object was written.
type Written struct {
	Ref Ref
	At  int64 // from %PDF-
}

// NewIncrement starts an update behind the end of the file.
func (f *File) NewIncrement() (*Increment, error) {
	last, err := f.src.read(f.src.size-1, 1)
	if err != nil {
		return nil, err
	}
	size, _ := f.now.Trailer().Lookup("Size").(int64) // sound has checked it
	w := &Increment{At: f.src.size, base: f.base, Next: uint32(size), values: &f.src.values, encryption: f.encryption}
	if last[0] != '\n' && last[0] != '\r' {
		w.Out = append(w.Out, '\n')
	}
	return w, nil
}

// Fresh returns a reference to a new object, whose number nothing refers to yet.
func (w *Increment) Fresh() Ref {
	r := Ref{Num: w.values.free(w.Next)}
	w.Next = r.Num + 1
	return r
}

// Offset returns where in the file the next byte comes.
func (w *Increment) Offset() int64 { return w.At + int64(len(w.Out)) }

// Begin writes an object's first line. What is appended to Out before End is its value.
func (w *Increment) Begin(r Ref) {
	w.Written = append(w.Written, Written{Ref: r, At: w.Offset() - w.base})
	w.Out = appendNumbers(w.Out, r)
	w.Out = append(w.Out, " obj\n"...)
}

// End writes an object's last line.
func (w *Increment) End() { w.Out = append(w.Out, "\nendobj\n"...) }

// Put writes an indirect object.
func (w *Increment) Put(r Ref, v Value) {
	w.Begin(r)
	w.Out = AppendValue(w.Out, w.Hide(r, v))
	w.End()
}

// PutStream writes a stream object; dict gets its /Length.
func (w *Increment) PutStream(r Ref, dict *Dict, data []byte) {
	w.Begin(r)
	data = w.hideData(r, data)
	if dict.Find("Length") != nil {
		dict = dict.Without("Length")
	}
	w.Out = AppendValue(w.Out, w.Hide(r, dict))
	w.Out = append(w.Out[:len(w.Out)-len(">>")], "/Length "...)
	w.Out = strconv.AppendInt(w.Out, int64(len(data)), 10)
	w.Out = append(w.Out, ">>\nstream\n"...)
	w.Out = append(w.Out, data...)
	w.Out = append(w.Out, "\nendstream"...)
	w.End()
}

// Finish writes the cross-reference section, a table after a table and a stream after a stream, with the trailer. It
// fails with *UnwritableError where the format has no room for what was written.
//
// The trailer keeps /Root, /Info and /Encrypt. Private entries are dropped, although 7.5.6 would have them kept:
// LibreOffice follows its /AdditionalStreams to a document inside the file and shows that instead of the pages, and
// other programs leave such references behind without their objects, where a new object of ours would take their place.
func (w *Increment) Finish(f *File) error {
	if w.err != nil {
		return w.err
	}
	slices.SortFunc(w.Written, func(a, b Written) int { return cmp.Compare(a.Ref.Num, b.Ref.Num) })
	for i := 1; i < len(w.Written); i++ {
		if num := w.Written[i].Ref.Num; num == w.Written[i-1].Ref.Num {
			return unwritable("the file uses the object %d for two purposes, which would have to change in two ways", num)
		}
	}
	newest := f.now.sections[0]
	trailer := &Dict{}
	for _, key := range []Name{"Root", "Info", "Encrypt"} {
		if e := newest.trailer.Find(key); e != nil {
			trailer.Entries = append(trailer.Entries, *e)
		}
	}
	id, err := w.identifier(f)
	if err != nil {
		return err
	}
	trailer = trailer.With("ID", id).With("Prev", f.ending.startxref)
	if newest.stream {
		w.Stream(trailer)
	} else {
		w.Table(trailer, false)
	}
	if w.Offset() > maxOffset || int64(w.Next) > maxObjectNumber {
		return unwritable("the file would be longer than %d bytes or have more than %d objects", int64(maxOffset), maxObjectNumber)
	}
	return nil
}

// maxOffset is what ten digits can say, in a table and in a /ByteRange.
const maxOffset = 9_999_999_999

// identifier keeps the first part of the file's /ID and leaves room for the second.
func (w *Increment) identifier(f *File) (Value, error) {
	w.id = &slot{}
	if f.encryption != nil {
		return Array{f.now.permanentID(), w.id}, nil // the file's key depends on it
	}
	old, err := f.now.Array(f.now.Trailer().Lookup("ID"))
	if err != nil {
		return nil, err
	}
	if len(old) == 2 {
		val, err := f.now.Resolve(old[0])
		if err != nil {
			return nil, err
		}
		if first, ok := val.(String); ok && first != "" {
			return Array{first, w.id}, nil
		}
	}
	return Array{w.id, w.id}, nil
}

// Identify makes the second part of the /ID out of what stands before it in the file, so
// that the same input gives the same bytes; h has all that comes before w.Out[from:], and
// goes on to the end of the increment.
func (w *Increment) Identify(h hash.Hash, from int) {
	h.Write(w.Out[from:w.id.at[0]])
	second := String(h.Sum(nil)[:slotSize])
	for _, at := range w.id.at {
		appendHex(w.Out[:at], second)
	}
	h.Write(w.Out[w.id.at[0]:])
}

// byNumber sorts what was written and calls f for every run of consecutive
// object numbers.
func (w *Increment) byNumber(f func(run []Written)) {
	slices.SortFunc(w.Written, func(a, b Written) int { return cmp.Compare(a.Ref.Num, b.Ref.Num) })
	for rest := w.Written; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Ref.Num == rest[n-1].Ref.Num+1 {
			n++
		}
		f(rest[:n])
		rest = rest[n:]
	}
}

// Table writes a cross-reference table and the trailer. The table of a whole
// file, not of an update, starts with the free object 0.
func (w *Increment) Table(trailer *Dict, whole bool) {
	at := w.Offset() - w.base
	w.Out = append(w.Out, "xref\n"...)
	if whole {
		w.Out = append(w.Out, "0 1\n0000000000 65535 f \n"...)
	}
	w.byNumber(func(run []Written) {
		w.Out = fmt.Appendf(w.Out, "%d %d\n", run[0].Ref.Num, len(run))
		for _, o := range run {
			w.Out = append(w.Out, "0000000000 00000 n \n"...)
			line := w.Out[len(w.Out)-entrySize:]
			padNumber(line[:10], o.At)
			padNumber(line[11:16], int64(o.Ref.Gen))
		}
	})
	w.Out = append(w.Out, "trailer\n"...)
	w.Out = AppendValue(w.Out, trailer.With("Size", int64(w.Next)))
	w.Out = fmt.Appendf(w.Out, "\nstartxref\n%d\n%%%%EOF\n", at)
}

// Stream writes a cross-reference stream, which lists itself, with fields of
// 1, 5 and 2 bytes.
func (w *Increment) Stream(trailer *Dict) {
	self := w.Fresh()
	at := w.Offset() - w.base
	w.Begin(self)
	var data []byte
	var index Array
	w.byNumber(func(run []Written) {
		index = append(index, int64(run[0].Ref.Num), int64(len(run)))
		for _, o := range run {
			data = append(data, 1, byte(o.At>>32))
			data = binary.BigEndian.AppendUint32(data, uint32(o.At))
			data = binary.BigEndian.AppendUint16(data, o.Ref.Gen)
		}
	})
	head := DictOf("Type", Name("XRef"), "Size", int64(w.Next), "Index", index, "W", Array{int64(1), int64(5), int64(2)})
	for _, e := range trailer.Entries {
		head = head.With(e.Key, e.Val)
	}
	w.Out = AppendValue(w.Out, head.With("Length", int64(len(data))))
	w.Out = append(w.Out, "\nstream\n"...)
	w.Out = append(w.Out, data...)
	w.Out = append(w.Out, "\nendstream"...)
	w.End()
	w.Out = fmt.Appendf(w.Out, "startxref\n%d\n%%%%EOF\n", at)
}
