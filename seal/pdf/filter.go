package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
)

// maxDecoded bounds the decoded data of the streams that hold the file's
// structure (cross-reference and object streams).
const maxDecoded = 32 << 20

// A span is where a stream's data lie in the file, [from, to), and where the
// object that holds them ends.
type span struct {
	from, to, end int64
}

// span finds a stream's data and checks that endstream and endobj follow them.
func (v view) span(st *stream) (span, error) {
	n, err := v.length(st)
	if err != nil {
		return span{}, err
	}
	if n < 0 || n > v.limit-st.start {
		return span{}, damagedAt(st.start, "the stream's /Length leads out of the file")
	}
	out := span{from: st.start, to: st.start + n}
	err = v.doc.src.parse(out.to, v.limit, func(l *lexer) error {
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
func (v view) length(st *stream) (int64, error) {
	length := st.dict.lookup("Length")
	if r, ok := length.(ref); ok && st.dict.lookup("Type") == name("ObjStm") {
		if loc, ok := v.locate(r.num); ok && loc.kind == inStream {
			return 0, damagedAt(st.start, "the /Length of an object stream lies in an object stream")
		}
	}
	resolved, err := v.resolve(length)
	if err != nil {
		return 0, err
	}
	n, ok := resolved.(int64)
	if !ok {
		return 0, damagedAt(st.start, "the stream has no /Length")
	}
	return n, nil
}

// decode returns a stream's data, at most limit bytes. It knows FlateDecode
// with predictors and unfiltered data, which is all that the structure of
// files uses.
func (v view) decode(st *stream, limit int) ([]byte, span, error) {
	where, err := v.span(st)
	if err != nil {
		return nil, where, err
	}
	flate, parms, err := v.filter(st)
	if err != nil {
		return nil, where, err
	}
	if !flate {
		if where.to-where.from > int64(limit) {
			return nil, where, fmt.Errorf("%w: a stream of %d bytes", ErrTooComplex, where.to-where.from)
		}
		data, err := v.doc.src.read(where.from, int(where.to-where.from))
		return data, where, err
	}
	data, err := v.inflate(where, limit)
	if err != nil {
		return nil, where, err
	}
	data, err = v.unpredict(data, parms, where.from)
	return data, where, err
}

func (v view) inflate(where span, limit int) ([]byte, error) {
	z, err := zlib.NewReader(io.NewSectionReader(v.doc.src.r, where.from, where.to-where.from))
	if err != nil {
		return nil, damagedAt(where.from, "the stream's data cannot be inflated: %v", err)
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(z, int64(limit)+1))
	if err != nil {
		return nil, damagedAt(where.from, "the stream's data cannot be inflated: %v", err)
	}
	if n > int64(limit) {
		return nil, fmt.Errorf("%w: the stream at byte %d inflates to more than %d bytes", ErrTooComplex, where.from, limit)
	}
	return out.Bytes(), v.doc.work(out.Len())
}

// filter reports whether the stream is deflated, and with which parameters.
func (v view) filter(st *stream) (bool, *dict, error) {
	if st.dict.lookup("F") != nil {
		return false, nil, damagedAt(st.start, "the stream's data lie in another file")
	}
	f, err := v.get(st.dict, "Filter")
	if err != nil {
		return false, nil, err
	}
	p, err := v.get(st.dict, "DecodeParms")
	if err != nil {
		return false, nil, err
	}
	if list, ok := f.(array); ok {
		switch len(list) {
		case 0:
			return false, nil, nil
		case 1:
			f = list[0]
		default:
			return false, nil, damagedAt(st.start, "the stream has more than one filter, which is not supported here")
		}
		if parms, ok := p.(array); ok && len(parms) == 1 {
			if p, err = v.resolve(parms[0]); err != nil {
				return false, nil, err
			}
		}
	}
	parms, _ := p.(*dict)
	switch f {
	case nil:
		return false, nil, nil
	case name("FlateDecode"):
		return true, parms, nil
	}
	return false, nil, damagedAt(st.start, "the stream's filter %v is not supported here", f)
}
