package syntax

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A Finding is something that was wrong, and what was made of it.
type Finding struct {
	Offset int64 // in the damaged file
	Object int   // 0 where it is about none
	What   string
}

// maxRepaired bounds a file that is repaired: it is held in memory.
const maxRepaired = 256 << 20

// A Salvaged file is one that was read by looking for its objects.
type Salvaged struct {
	File *File // of the objects that were found, written one after another

	file     []byte
	worth    *File // counts the work
	found    map[uint32]*salvagedObject
	lengths  map[uint32]int64 // objects that are whole numbers
	trailers []*Dict          // in the order of the file
	findings []Finding
}

// A salvagedObject is the last of its number. What it says is written anew.
type salvagedObject struct {
	ref  Ref
	at   int64
	val  Value
	data []byte // of a stream
}

// maxFindings is more than anybody reads.
const maxFindings = 1000

// Note adds a finding: an offset of the damaged file, an object or 0, and what was wrong.
func (s *Salvaged) Note(at int64, num uint32, format string, args ...any) {
	if len(s.findings) < maxFindings {
		s.findings = append(s.findings, Finding{at, int(num), fmt.Sprintf(format, args...)})
	}
}

// Salvage reads a damaged file by looking for its objects instead of following its cross-reference data: of two objects
// with one number the later counts. What is known to be wrong, nil for nothing, is the first finding. It fails with
// ErrNotPDF, *EncryptedError, ErrTooComplex, an error of r, and with *DamagedError where there is no catalog.
func Salvage(r io.ReaderAt, size int64, wrong *DamagedError) (*Salvaged, error) {
	if size > maxRepaired {
		return nil, fmt.Errorf("%w: %d bytes, and at most %d are repaired", ErrTooComplex, size, maxRepaired)
	}
	file, err := (&source{r: r, size: size}).read(0, int(size))
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(file[:min(headerRoom, len(file))], []byte("%PDF-")) {
		return nil, ErrNotPDF
	}
	s := &Salvaged{file: file, worth: &File{src: &source{size: size}}, found: make(map[uint32]*salvagedObject), lengths: make(map[uint32]int64)}
	if wrong != nil {
		s.Note(wrong.Offset, 0, "%s", wrong.What)
	}
	if err := s.scan(); err != nil {
		return nil, err
	}
	return s, s.document()
}

// Findings returns what was wrong, in the order of the file.
func (s *Salvaged) Findings() []Finding {
	slices.SortStableFunc(s.findings, func(a, b Finding) int { return cmp.Compare(a.Offset, b.Offset) })
	return s.findings
}

// Header is the damaged file's first line and the comment that says that it is binary, or a usual one.
func (s *Salvaged) Header() []byte {
	version := "1.7"
	if i := bytes.Index(s.file, []byte("%PDF-")); i >= 0 && i+8 <= len(s.file) {
		if v := s.file[i+5 : i+8]; isDigit(v[0]) && v[1] == '.' && isDigit(v[2]) {
			version = string(v)
		}
	}
	return []byte("%PDF-" + version + "\n%\xE2\xE3\xCF\xD3\n")
}

// scan goes through the file from its beginning and takes every object and trailer. What
// lies inside of one that can be read is not looked at again.
func (s *Salvaged) scan() error {
	if err := s.numbers(); err != nil {
		return err
	}
	for at := 0; ; {
		next, isTrailer := s.next(at)
		if next < 0 {
			break
		}
		end, err := s.take(next, isTrailer)
		if errors.Is(err, ErrTooComplex) {
			return err
		}
		if err != nil {
			s.Note(int64(next), 0, "cannot be read and is left out: %v", err)
		}
		at = max(end, next+1)
	}
	return s.decrypted()
}

// decrypted refuses encrypted files, also those whose trailer is lost: what they say would
// be copied as if it were plain.
func (s *Salvaged) decrypted() error {
	hidden := false
	for _, t := range s.trailers {
		hidden = hidden || t.Lookup("Encrypt") != nil
	}
	for _, o := range s.found {
		d, _ := o.val.(*Dict)
		hidden = hidden || d.Lookup("O") != nil && d.Lookup("U") != nil && d.Lookup("V") != nil && d.Lookup("Filter") != nil
	}
	if hidden {
		return &EncryptedError{Handler: "Standard", Why: "it is damaged, too, and must be decrypted before it can be repaired"}
	}
	return nil
}

// next finds the next "n g obj" or "trailer" at or behind a place.
func (s *Salvaged) next(from int) (int, bool) {
	for at := from; at < len(s.file); {
		i := bytes.IndexAny(s.file[at:], "ot")
		if i < 0 {
			return -1, false
		}
		at += i
		switch {
		case bytes.HasPrefix(s.file[at:], []byte("trailer")) && s.alone(at, len("trailer")):
			return at, true
		case bytes.HasPrefix(s.file[at:], []byte("obj")):
			if start := s.header(at, from); start >= 0 {
				return start, false
			}
		}
		at++
	}
	return -1, false
}

// alone reports that no regular character touches the word.
func (s *Salvaged) alone(at, n int) bool {
	return (at == 0 || !isRegular(s.file[at-1])) && (at+n == len(s.file) || !isRegular(s.file[at+n]))
}

// header goes back from "obj" over two numbers, and returns where they start, -1 where they
// are not there.
func (s *Salvaged) header(at, from int) int {
	digits := 0
	for range 2 {
		space := at
		for at > from && isSpace(s.file[at-1]) && space-at < 32 {
			at--
		}
		if at == space {
			return -1
		}
		end := at
		for at > from && isDigit(s.file[at-1]) && end-at < 10 {
			at--
		}
		if digits = end - at; digits == 0 {
			return -1
		}
	}
	return at
}

// numbers notes the objects that are whole numbers: lengths of streams.
func (s *Salvaged) numbers() error {
	for at := 0; ; {
		next, isTrailer := s.next(at)
		if next < 0 {
			return nil
		}
		at = next + 1
		if isTrailer {
			continue
		}
		l := &lexer{buf: s.file[next:min(len(s.file), next+200)], last: true}
		num, err := l.integer("")
		if err == nil {
			_, err = l.integer("")
		}
		if err == nil {
			err = l.keyword("obj")
		}
		var n int64
		if err == nil {
			n, err = l.integer("")
		}
		if err == nil && l.keyword("endobj") == nil && num <= maxObjectNumber {
			s.lengths[uint32(num)] = n
		}
		if err := s.worth.Work(0); err != nil {
			return err
		}
	}
}

// take reads what begins at a place and returns where it ends. What cannot be read may hold
// other objects: the scan goes on inside of it.
func (s *Salvaged) take(at int, isTrailer bool) (int, error) {
	l := &lexer{buf: s.file, pos: at, last: true}
	if isTrailer {
		l.pos += len("trailer")
		val, err := l.value(0)
		if err := s.worth.Work(l.pos - at); err != nil {
			return 0, err
		}
		if err != nil {
			return 0, err
		}
		if t, ok := val.(*Dict); ok {
			s.trailers = append(s.trailers, t)
		}
		return l.pos, nil
	}
	num, err1 := l.integer("an object number")
	gen, err2 := l.integer("a generation number")
	err3 := l.keyword("obj")
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, err
	}
	if num == 0 || num > maxObjectNumber || gen > 65535 {
		return 0, fmt.Errorf("object %d %d is outside the permitted range", num, gen)
	}
	o := &salvagedObject{ref: Ref{Num: uint32(num), Gen: uint16(gen)}, at: int64(at)}
	var err error
	o.val, err = l.value(0)
	if err := s.worth.Work(l.pos - at); err != nil {
		return 0, err
	}
	if err != nil {
		return 0, err
	}
	end, err := s.body(o, l)
	if err != nil {
		return 0, err
	}
	if t, ok := o.val.(*Stream); ok && t.Dict.Lookup("Type") == Name("XRef") {
		s.trailers = append(s.trailers, t.Dict)
		return end, nil
	}
	if before := s.found[o.ref.Num]; before == nil || before.ref.Gen <= o.ref.Gen {
		s.found[o.ref.Num] = o
	}
	return end, nil
}

// body takes what follows an object's value: the data of a stream, endobj.
func (s *Salvaged) body(o *salvagedObject, l *lexer) (int, error) {
	end := l.pos
	if d, ok := o.val.(*Dict); ok {
		start, isStream, err := l.streamStart()
		if err != nil && bytes.HasPrefix(l.buf[l.pos:], []byte("\r")) { // a lone carriage return
			l.pos++
			start, isStream, err = l.offset(), true, nil
			s.Note(start, o.ref.Num, "the keyword stream was followed by half an end of line")
		}
		if err != nil {
			return 0, err
		}
		if isStream {
			o.val = &Stream{Dict: d, holder: o.ref}
			if end, err = s.streamData(o, d, int(start)); err != nil {
				return 0, err
			}
			l.pos = end
		}
	}
	if l.keyword("endobj") != nil {
		s.Note(o.at, o.ref.Num, "endobj was missing")
		return end, nil
	}
	return l.pos, nil
}

// streamData finds where a stream ends: where its /Length says, if endstream is there, else
// at the next endstream.
func (s *Salvaged) streamData(o *salvagedObject, d *Dict, start int) (int, error) {
	n, ok := d.Lookup("Length").(int64)
	if r, isRef := d.Lookup("Length").(Ref); isRef {
		n, ok = s.lengths[r.Num]
	}
	if ok && n >= 0 && n <= int64(len(s.file)-start) {
		l := &lexer{buf: s.file, pos: start + int(n), last: true}
		l.blanks()
		if l.keyword("endstream") == nil {
			o.data = s.file[start : start+int(n)]
			return l.pos, nil
		}
	}
	i := bytes.Index(s.file[start:], []byte("endstream"))
	if err := s.worth.Work(max(0, i)); err != nil {
		return 0, err
	}
	if i < 0 {
		return 0, errors.New("the stream has no end")
	}
	data := s.file[start : start+i]
	switch {
	case bytes.HasSuffix(data, []byte("\r\n")):
		data = data[:len(data)-2]
	case bytes.HasSuffix(data, []byte("\n")), bytes.HasSuffix(data, []byte("\r")):
		data = data[:len(data)-1]
	}
	s.Note(o.at, o.ref.Num, "the stream's /Length was wrong; it is %d bytes", len(data))
	o.data = data
	return start + i + len("endstream"), nil
}

// document makes a readable document of what was found: the objects written one after
// another, and cross-reference data that list them and what lies in object streams.
func (s *Salvaged) document() error {
	w := &Increment{Out: []byte("%PDF-1.7\n")}
	locs := make(map[uint32]location)
	for _, num := range s.byNumber() {
		o := s.found[num]
		locs[num] = location{at: w.Offset(), index: uint32(o.ref.Gen), kind: inFile}
		if st, ok := o.val.(*Stream); ok {
			w.PutStream(o.ref, st.Dict, o.data)
		} else {
			w.Put(o.ref, o.val)
		}
	}
	f := &File{
		src:     &source{r: bytes.NewReader(w.Out), size: int64(len(w.Out))},
		objects: make(map[int64]*Object), containers: make(map[int64]*container),
	}
	s.File = f
	f.now = View{File: f, limit: f.Size(), sections: []*section{{runs: runsOf(locs), trailer: &Dict{}, prev: -1}}}
	if err := s.unpack(f, locs); err != nil {
		return err
	}
	f.now.sections[0].runs = runsOf(locs)
	f.objects = make(map[int64]*Object)
	trailer, err := s.trailer(f)
	if err != nil {
		return err
	}
	f.now.sections[0].trailer = trailer
	return nil
}

func (s *Salvaged) byNumber() []uint32 {
	var nums []uint32
	for num := range s.found {
		nums = append(nums, num)
	}
	slices.Sort(nums)
	return nums
}

// unpack lists what lies in object streams. Where a number occurs twice, what comes later in
// the damaged file counts.
func (s *Salvaged) unpack(f *File, locs map[uint32]location) error {
	var holders []*salvagedObject
	for _, o := range s.found {
		if st, ok := o.val.(*Stream); ok && st.Dict.Lookup("Type") == Name("ObjStm") {
			holders = append(holders, o)
		}
	}
	slices.SortFunc(holders, func(a, b *salvagedObject) int { return int(a.at - b.at) })
	for _, o := range holders {
		c, err := f.now.container(locs[o.ref.Num].at, o.ref.Num)
		if errors.Is(err, ErrTooComplex) {
			return err
		}
		if err != nil {
			s.Note(o.at, o.ref.Num, "the object stream cannot be read and is left out: %v", err)
			continue
		}
		for i, num := range c.nums {
			if plain := s.found[num]; plain != nil && plain.at > o.at || num == o.ref.Num {
				continue
			}
			locs[num] = location{at: int64(o.ref.Num), index: uint32(i), kind: inStream}
		}
	}
	return nil
}

// runsOf sorts locations into subsections.
func runsOf(locs map[uint32]location) []run {
	var nums []uint32
	for num := range locs {
		nums = append(nums, num)
	}
	slices.Sort(nums)
	var runs []run
	for _, num := range nums {
		if n := len(runs); n == 0 || runs[n-1].first+uint32(len(runs[n-1].locs)) != num {
			runs = append(runs, run{first: num})
		}
		last := &runs[len(runs)-1]
		last.locs = append(last.locs, locs[num])
	}
	return runs
}

// trailer finds the catalog: by the last trailer that names one, else the last object that
// is one.
func (s *Salvaged) trailer(f *File) (*Dict, error) {
	for _, t := range slices.Backward(s.trailers) {
		root, ok := t.Lookup("Root").(Ref)
		if !ok || !s.isCatalog(f, root, false) {
			continue
		}
		out := DictOf("Root", root)
		if info, ok := t.Lookup("Info").(Ref); ok {
			out = out.With("Info", info)
		}
		if id, ok := t.Lookup("ID").(Array); ok && len(id) == 2 {
			_, ok1 := id[0].(String)
			_, ok2 := id[1].(String)
			if ok1 && ok2 {
				out = out.With("ID", id)
			}
		}
		return out, nil
	}
	var last Ref
	for _, r := range f.now.sections[0].runs {
		for i := range r.locs {
			candidate := Ref{Num: r.first + uint32(i), Gen: 0}
			if r.locs[i].kind == inFile {
				candidate.Gen = uint16(r.locs[i].index)
			}
			if s.isCatalog(f, candidate, true) && (last == Ref{} || s.Place(last) <= s.Place(candidate)) {
				last = candidate
			}
		}
	}
	if last == (Ref{}) {
		return nil, DamagedAt(0, "no catalog was found in the file")
	}
	s.Note(s.Place(last), last.Num, "no trailer named the catalog; it was found by its type")
	return DictOf("Root", last), nil
}

// Place is where an object, or the stream that holds it, was in the damaged file.
func (s *Salvaged) Place(r Ref) int64 {
	loc, _ := s.File.now.locate(r.Num)
	num := r.Num
	if loc.kind == inStream {
		num = uint32(loc.at)
	}
	if o := s.found[num]; o != nil {
		return o.at
	}
	return 0
}

func (s *Salvaged) isCatalog(f *File, r Ref, typed bool) bool {
	o, err := f.now.Dict(r)
	if err != nil || o == nil {
		return false
	}
	_, pages := o.Lookup("Pages").(Ref)
	return pages && (!typed || o.Lookup("Type") == Name("Catalog"))
}
