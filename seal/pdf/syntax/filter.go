package syntax

import (
	"bufio"
	"compress/lzw"
	"encoding/ascii85"
	"encoding/hex"
	"fmt"
	"io"

	tifflzw "golang.org/x/image/tiff/lzw"
)

// maxDecoded bounds the decoded data of the streams that hold the file's
// structure (cross-reference and object streams).
const maxDecoded = 32 << 20

// A Span is where a stream's data lie in the file, [from, to), and where the
// object that holds them ends.
type Span struct {
	From, To, end int64
}

// Span finds a stream's data and checks that endstream and endobj follow them.
func (v View) Span(st *Stream) (Span, error) {
	n, err := v.length(st)
	if err != nil {
		return Span{}, err
	}
	if n < 0 || n > v.limit-st.start {
		return Span{}, DamagedAt(st.start, "the stream's /Length leads out of the file")
	}
	out := Span{From: st.start, To: st.start + n}
	err = v.File.src.parse(out.To, v.limit, func(l *lexer) error {
		l.blanks()
		if err := l.keyword("endstream"); err != nil {
			return err
		}
		if err := l.keyword("endobj"); err != nil {
			return err
		}
		out.end = l.offset()
		return nil
	})
	return out, err
}

// length resolves /Length. For an object stream it must not be packed in an
// object stream: reading it could need the very stream it measures.
func (v View) length(st *Stream) (int64, error) {
	length := st.Dict.Lookup("Length")
	if n, ok := length.(int64); ok {
		return n, nil
	}
	if r, ok := length.(Ref); ok && st.Dict.Lookup("Type") == Name("ObjStm") {
		if loc, ok := v.locate(r.Num); ok && loc.kind == inStream {
			return 0, DamagedAt(st.start, "the /Length of an object stream lies in an object stream")
		}
	}
	resolved, err := v.Resolve(length)
	if err != nil {
		return 0, err
	}
	n, ok := resolved.(int64)
	if !ok {
		return 0, DamagedAt(st.start, "the stream has no /Length")
	}
	return n, nil
}

// Decode returns a stream's data, at most limit bytes, without the filters that
// ISO 32000-1, 7.4.2 to 7.4.4 define; those for pictures stay.
func (v View) Decode(st *Stream, limit int) ([]byte, Span, error) {
	where, err := v.Span(st)
	if err != nil {
		return nil, where, err
	}
	filters, err := v.filters(st)
	if err != nil {
		return nil, where, err
	}
	method, err := v.method(st, filters)
	if err != nil {
		return nil, where, err
	}
	if len(filters) > 0 && filters[0].kind == "Crypt" {
		filters = filters[1:]
	}
	if len(filters) == 0 {
		if where.To-where.From > int64(limit) {
			return nil, where, fmt.Errorf("%w: a stream of %d bytes", ErrTooComplex, where.To-where.From)
		}
		data, err := v.raw(st, where, method)
		return data, where, err
	}
	from, err := v.data(st, where, method, 2*int64(limit)+1<<20)
	if err != nil {
		return nil, where, err
	}
	data, err := v.unfiltered(from, where, filters, limit)
	if err != nil {
		return nil, where, err
	}
	data, err = v.unpredict(data, filters[len(filters)-1].parms, where.From)
	return data, where, err
}

// Encoded returns a stream's data decrypted and otherwise as they are stored, with all filters.
func (v View) Encoded(st *Stream) ([]byte, error) {
	where, err := v.Span(st)
	if err != nil {
		return nil, err
	}
	filters, err := v.filters(st)
	if err != nil {
		return nil, err
	}
	method, err := v.method(st, filters)
	if err != nil {
		return nil, err
	}
	if err := v.File.Work(int(where.To - where.From)); err != nil {
		return nil, err
	}
	return v.raw(st, where, method)
}

// unfiltered runs the data through the filters. What passes between two of them is bounded
// like the result.
func (v View) unfiltered(r io.Reader, where Span, filters []filter, limit int) ([]byte, error) {
	passed := make([]*io.LimitedReader, len(filters))
	for i, f := range filters {
		from, err := v.reader(f, r, where.From)
		if err != nil {
			return nil, err
		}
		if z, ok := from.(*inflater); ok {
			defer z.free()
		}
		passed[i] = &io.LimitedReader{R: from, N: int64(limit) + 1}
		if i < len(filters)-1 {
			passed[i].N += int64(limit) + 1<<20 // digits take more room than what they say
		}
		r = passed[i]
	}
	out, err := drained(r)
	for _, p := range passed {
		if p.N <= 0 {
			return nil, fmt.Errorf("%w: the stream at byte %d inflates to more than %d bytes", ErrTooComplex, where.From, limit)
		}
	}
	if err != nil {
		return nil, DamagedAt(where.From, "the stream's data cannot be inflated: %v", err)
	}
	return out, v.File.Work(len(out))
}

// A filter is one step of a stream's decoding.
type filter struct {
	kind  Name
	parms *Dict // may be nil
}

// maxFilters is more than any stream needs.
const maxFilters = 4

// filters lists a stream's filters in the order of decoding.
func (v View) filters(st *Stream) ([]filter, error) {
	if st.Dict.Lookup("F") != nil {
		return nil, DamagedAt(st.start, "the stream's data lie in another file")
	}
	kinds, err := v.List(st.Dict, "Filter")
	if err != nil {
		return nil, err
	}
	parms, err := v.List(st.Dict, "DecodeParms")
	if err != nil {
		return nil, err
	}
	if len(kinds) > maxFilters {
		return nil, DamagedAt(st.start, "the stream has more than %d filters, which is not supported here", maxFilters)
	}
	var out []filter
	for i, val := range kinds {
		kind, ok := val.(Name)
		if !ok {
			return nil, DamagedAt(st.start, "the stream's filter %v is not supported here", val)
		}
		f := filter{kind: kind}
		if i < len(parms) {
			f.parms, _ = parms[i].(*Dict)
		}
		if i < len(kinds)-1 && f.parms.Lookup("Predictor") != nil {
			return nil, DamagedAt(st.start, "a predictor before the stream's last filter is not supported here")
		}
		out = append(out, f)
	}
	return out, nil
}

// List resolves an entry that may be one value or an array of them, with all its items.
func (v View) List(d *Dict, key Name) (Array, error) {
	val, err := v.Get(d, key)
	if err != nil || val == nil {
		return nil, err
	}
	items, ok := val.(Array)
	if !ok {
		return Array{val}, nil
	}
	out := make(Array, len(items))
	for i := range items {
		if out[i], err = v.Resolve(items[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reader decodes one filter. The short names are for images inside of contents (8.9.7), but
// some writers use them elsewhere and nobody takes them for anything else.
func (v View) reader(f filter, r io.Reader, at int64) (io.Reader, error) {
	switch f.kind {
	case "FlateDecode", "Fl":
		z, err := inflate(r)
		if err != nil {
			return nil, DamagedAt(at, "the stream's data cannot be inflated: %v", err)
		}
		return z, nil
	case "LZWDecode", "LZW":
		early, err := v.Get(f.parms, "EarlyChange")
		if err != nil {
			return nil, err
		}
		if early == int64(0) {
			return lzw.NewReader(r, lzw.MSB, 8), nil
		}
		return tifflzw.NewReader(r, tifflzw.MSB, 8), nil
	case "ASCIIHexDecode", "AHx":
		return hex.NewDecoder(&digits{r: bufio.NewReader(r), end: '>', pairs: true}), nil
	case "ASCII85Decode", "A85":
		return ascii85.NewDecoder(&digits{r: bufio.NewReader(r), end: '~'}), nil
	}
	return nil, DamagedAt(at, "the stream's filter %s is not supported here", f.kind)
}

// digits passes on the digits of a text up to the mark of its end, without white space.
type digits struct {
	r     *bufio.Reader
	end   byte
	pairs bool // a last single digit gets a 0 (ISO 32000-1, 7.4.2)
	n     int
	done  bool
}

// Read implements io.Reader.
func (d *digits) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && !d.done {
		c, err := d.r.ReadByte()
		if err != nil && err != io.EOF {
			return n, err
		}
		switch {
		case err == io.EOF || c == d.end:
			d.done = true
			if !d.pairs || (d.n+n)%2 == 0 {
				continue
			}
			c = '0'
		case isSpace(c):
			continue
		}
		p[n] = c
		n++
	}
	d.n += n
	if n == 0 && d.done {
		return 0, io.EOF
	}
	return n, nil
}
