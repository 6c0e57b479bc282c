package syntax

import (
	"bytes"
	"slices"
)

// Where an object lies.
const (
	free     = iota
	inFile   // at an offset
	inStream // packed in an object stream
)

// A location is one entry of the cross-reference data.
type location struct {
	at    int64  // offset in the file, or the object stream's number
	index uint32 // generation, or the place in the object stream
	kind  uint8
}

// generation of an object that is in use.
func (l location) generation() uint16 {
	if l.kind == inFile {
		return uint16(l.index) //nolint:gosec // read so
	}
	return 0
}

// A run is a subsection: the locations of consecutive object numbers.
type run struct {
	first uint32
	locs  []location
}

// A section is the cross-reference data that one writing of the file left
// (ISO 32000-1, 7.5.4 and 7.5.8): a table or a stream, with its trailer.
type section struct {
	at, end int64 // its bytes in the file, the trailer dictionary included
	named   int64 // the offset it was found by, at or on white space before it
	stream  bool
	runs    []run    // ascending
	hidden  *section // what a hybrid file's /XRefStm adds
	trailer *Dict
	prev    int64 // offset of the section before, -1 for none

	// below remembers where the older sections have an object, for a view
	// that starts here.
	below map[uint32]location
}

func (s *section) find(num uint32) (location, bool) {
	from, to := 0, len(s.runs) // the first run that starts behind num is there
	for from < to {
		if middle := (from + to) / 2; s.runs[middle].first <= num {
			from = middle + 1
		} else {
			to = middle
		}
	}
	if from == 0 {
		return location{}, false
	}
	run := &s.runs[from-1]
	if i := int(num - run.first); i < len(run.locs) {
		return run.locs[i], true
	}
	return location{}, false
}

// lookup answers for a section and its hidden part: what the table has in use,
// then what the stream has, then what the table calls free (7.5.8.4).
func (s *section) lookup(num uint32) (location, bool) {
	loc, ok := s.find(num)
	if s.hidden != nil && (!ok || loc.kind == free) {
		if loc, ok := s.hidden.find(num); ok {
			return loc, true
		}
	}
	return loc, ok
}

// last returns the number after the highest one a section lists.
func (s *section) last() int64 {
	end := int64(0)
	if n := len(s.runs); n > 0 {
		end = int64(s.runs[n-1].first) + int64(len(s.runs[n-1].locs))
	}
	if s.hidden != nil {
		end = max(end, s.hidden.last())
	}
	return end
}

// sized checks that the newest /Size counts every object of the file. One
// beyond it is there for some readers and missing for others (7.5.4).
func (v View) sized() error {
	size, ok := v.Trailer().Lookup("Size").(int64)
	if !ok || size < 1 || size > maxObjectNumber+1 {
		return DamagedAt(v.sections[0].at, "the trailer's /Size is missing or out of range")
	}
	for _, s := range v.sections {
		if s.last() > size {
			return DamagedAt(s.at, "the cross-reference section lists objects beyond the trailer's /Size")
		}
	}
	return nil
}

// section reads the cross-reference section at an offset of the file.
func (f *File) section(named int64) (*section, error) {
	var first byte
	at := named
	err := f.src.parse(at, f.src.size, func(l *lexer) error {
		l.blanks()
		if l.pos >= len(l.buf) {
			return l.short("the cross-reference section")
		}
		first = l.buf[l.pos]
		at = l.offset()
		return nil
	})
	if err != nil {
		return nil, err
	}
	read := f.xrefStream
	if first == 'x' {
		read = f.table
	}
	s, err := read(at)
	if err != nil {
		return nil, err
	}
	s.named = named
	return s, nil
}

// table reads "xref … trailer << … >>".
func (f *File) table(at int64) (*section, error) {
	s := &section{at: at}
	pos := at
	err := f.src.parse(pos, f.src.size, func(l *lexer) error {
		err := l.keyword("xref")
		pos = l.offset()
		return err
	})
	if err != nil {
		return nil, err
	}
	for {
		first, count, entries, err := f.subsection(pos)
		if err != nil {
			return nil, err
		}
		if entries < 0 {
			break
		}
		locs, end, err := f.tableEntries(entries, count)
		if err != nil {
			return nil, err
		}
		s.runs = append(s.runs, run{first: first, locs: locs})
		pos = end
	}
	err = f.src.parse(pos, f.src.size, func(l *lexer) error {
		if err := l.keyword("trailer"); err != nil {
			return err
		}
		v, err := l.value(0)
		if err != nil {
			return err
		}
		trailer, ok := v.(*Dict)
		if !ok {
			return l.damaged("the trailer is not a dictionary")
		}
		s.trailer, s.end = trailer, l.offset()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := f.finish(s); err != nil {
		return nil, err
	}
	return s, f.hybrid(s)
}

const (
	entrySize = 20
	// Without the space that fills up an end of line of one byte.
	shortestEntry = 19
)

// subsection reads a subsection's header and returns where its entries start,
// -1 where the trailer comes instead.
func (f *File) subsection(pos int64) (uint32, int, int64, error) {
	var first, count int64
	entries := int64(-1)
	err := f.src.parse(pos, f.src.size, func(l *lexer) error {
		l.skip()
		if l.pos >= len(l.buf) {
			return l.short("the cross-reference table")
		}
		if l.buf[l.pos] == 't' {
			return nil
		}
		var err error
		if first, err = l.integer("the first object number of a subsection"); err != nil {
			return err
		}
		if count, err = l.integer("the number of entries of a subsection"); err != nil {
			return err
		}
		if first+count > maxObjectNumber+1 || count*shortestEntry > f.src.size-l.offset() {
			return l.damaged("a subsection of %d entries from object %d cannot be", count, first)
		}
		l.skip()
		if l.pos >= len(l.buf) {
			return l.short("the cross-reference table")
		}
		entries = l.offset()
		return nil
	})
	return uint32(first), int(count), entries, err
}

// tableEntries reads entries of 20 bytes: ten digits, five digits, n or f, and an end of line of two bytes (ISO
// 32000-1, 7.5.4). Where they are not all of that size, each is read up to its end of line, as writers leave the
// filling space out or write more than one; there is no second way to read such a table.
func (f *File) tableEntries(at int64, count int) ([]location, int64, error) {
	if err := f.Work(count * entrySize); err != nil {
		return nil, 0, err
	}
	if int64(count)*entrySize > f.src.size-at {
		return f.looseEntries(at, count)
	}
	buf, err := f.src.read(at, count*entrySize)
	if err != nil {
		return nil, 0, err
	}
	locs := make([]location, count)
	for i := range locs {
		e := buf[i*entrySize : (i+1)*entrySize]
		eol := string(e[18:])
		var ok bool
		if locs[i], ok = f.tableEntry(e); !ok || eol != " \n" && eol != " \r" && eol != "\r\n" {
			return f.looseEntries(at, count)
		}
	}
	return locs, at + int64(count)*entrySize, nil
}

// tableEntry reads an entry without its end of line.
func (f *File) tableEntry(e []byte) (location, bool) {
	offset, ok1 := decimal(e[:10])
	gen, ok2 := decimal(e[11:16])
	// The generation of a free entry means nothing; some write 65536 for the first.
	if !ok1 || !ok2 || gen > 65535 && e[17] != 'f' || e[10] != ' ' || e[16] != ' ' {
		return location{}, false
	}
	switch e[17] {
	case 'n':
		return location{at: f.base + offset, index: uint32(gen), kind: inFile}, true
	case 'f':
		return location{index: uint32(gen)}, true
	}
	return location{}, false
}

// looseEntries reads entries with ends of line of any length.
func (f *File) looseEntries(at int64, count int) ([]location, int64, error) {
	locs := make([]location, 0, count)
	const longest = 64 // bytes of one entry
	for range count {
		n := int(min(longest, f.src.size-at))
		e, err := f.src.window(at, n, f.src.size)
		if err != nil {
			return nil, 0, err
		}
		e.buf = e.buf[:n]
		if n < shortestEntry {
			return nil, 0, DamagedAt(at, "malformed cross-reference entry")
		}
		loc, ok := f.tableEntry(e.buf)
		e.pos = 18
		for e.pos < n && e.buf[e.pos] == ' ' {
			e.pos++
		}
		eol := e.pos
		e.blanks()
		if !ok || e.pos == eol || e.pos == n && n == longest {
			return nil, 0, DamagedAt(at, "malformed cross-reference entry")
		}
		locs = append(locs, loc)
		at = e.offset()
	}
	return locs, at, nil
}

// hybrid reads the stream that a hybrid file's trailer names. An object that
// table and stream put in different places would be one thing to old readers
// and another to new ones: refused.
func (f *File) hybrid(s *section) error {
	at, ok := s.trailer.Lookup("XRefStm").(int64)
	if !ok {
		return nil
	}
	hidden, err := f.xrefStream(f.base + at)
	if err != nil {
		return err
	}
	for _, r := range hidden.runs {
		for i, loc := range r.locs {
			shown, ok := s.find(r.first + uint32(i))
			if ok && shown.kind != free && loc.kind != free && shown != loc {
				return DamagedAt(s.at, "table and stream of a hybrid file disagree about object %d", r.first+uint32(i))
			}
		}
	}
	s.hidden = hidden
	return nil
}

// finish sorts and checks a section and reads its /Prev.
func (f *File) finish(s *section) error {
	slices.SortFunc(s.runs, func(a, b run) int { return int(int64(a.first) - int64(b.first)) })
	s.runs = slices.DeleteFunc(s.runs, func(r run) bool { return len(r.locs) == 0 })
	for i := 1; i < len(s.runs); i++ {
		if before := s.runs[i-1]; uint64(before.first)+uint64(len(before.locs)) > uint64(s.runs[i].first) {
			return DamagedAt(s.at, "the cross-reference section lists object %d twice", s.runs[i].first)
		}
	}
	s.prev = -1
	switch prev := s.trailer.Lookup("Prev").(type) {
	case nil:
	case int64:
		s.prev = f.base + prev
	default:
		return DamagedAt(s.at, "the trailer's /Prev is not a whole number")
	}
	return nil
}

// An ending is the last "startxref n %%EOF" of a revision.
type ending struct {
	startxref int64 // n
	eof       int64 // offset behind %%EOF
	line      int64 // offset behind the end of line that may follow
}

// closes reports that a revision which ends at the offset ends here: behind
// %%EOF, with or without its end of line.
func (e ending) closes(offset int64) bool { return offset >= e.eof && offset <= e.line }

// lastEnding finds the ending of the tail, whose first byte lies at the offset.
func lastEnding(tail []byte, offset int64) (ending, error) {
	i := bytes.LastIndex(tail, []byte("startxref"))
	if i < 0 {
		return ending{}, DamagedAt(offset, "no startxref in the last %d bytes", len(tail))
	}
	l := &lexer{buf: tail, pos: i, base: offset, last: true}
	if err := l.keyword("startxref"); err != nil {
		return ending{}, err
	}
	n, err := l.integer("the offset after startxref")
	if err != nil {
		return ending{}, err
	}
	l.blanks()
	if !bytes.HasPrefix(l.buf[l.pos:], []byte("%%EOF")) {
		return ending{}, l.damaged("%%%%EOF expected")
	}
	l.pos += len("%%EOF")
	eof := l.offset()
	rest := l.buf[l.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		l.pos += 2
	case len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r'):
		l.pos++
	}
	return ending{startxref: n, eof: eof, line: l.offset()}, nil
}
