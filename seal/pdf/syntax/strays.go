package syntax

import (
	"bytes"
	"cmp"
	"slices"
)

// A Stray is what makes a reader see other objects than a revision lists: one that finds anything wrong with the
// cross-reference data, even of an object that nothing leads to, looks through the whole file for objects and takes the
// last of each number (MuPDF, PDF.js and Poppler do). What a revision writes must therefore be the objects that it lists
// and nothing else, each where it lists it.
type Stray struct {
	Kind     StrayKind
	Object   uint32 // that is missing
	From, To int64  // offsets of the bytes
}

// StrayKind is what a Stray is.
type StrayKind int

// The kinds of strays.
const (
	NoStray        StrayKind = iota
	ObjectMissing            // the revision lists an Object where there is none
	BytesBetween             // the bytes From to To belong to none of its objects
	ObjectUnlisted           // an object that the revision does not list has its keyword at the offset From
)

// Strays finds the first Stray of a revision: between or inside of its objects, or an entry that leads to no object. The
// older view is of the revision before. It fails with *DamagedError where an object cannot be read.
func Strays(older, newer View) (Stray, error) {
	s := &strays{old: older, new: newer}
	return s.find()
}

type strays struct{ old, new View }

func (s *strays) find() (Stray, error) {
	older, newer := s.old.sections[0], s.new.sections[0]
	from, to := older.end, newer.end
	if newer == s.new.File.now.sections[0] {
		to = s.new.File.ending.eof
	}
	tiles := []tile{{at: newer.at, end: newer.end}}
	headers := make(map[int64]bool)
	for _, run := range newer.runs {
		for i, loc := range run.locs {
			r := Ref{Num: run.first + uint32(i), Gen: loc.generation()} //nolint:gosec // an object number
			if was, ok := s.old.locate(r.Num); loc.kind == free || ok && was == loc {
				continue
			}
			t, err := s.tile(r, loc)
			if err != nil {
				return Stray{}, err
			}
			if t.obj == 0 {
				return Stray{Kind: ObjectMissing, Object: r.Num}, nil
			}
			headers[t.obj] = true
			if loc.kind == inFile && t.at >= from {
				tiles = append(tiles, t)
			}
		}
	}
	if newer.stream {
		obj, err := s.header(newer.at, nil)
		if err != nil {
			return Stray{}, err
		}
		headers[obj] = true
	}
	slices.SortFunc(tiles, func(a, b tile) int { return cmp.Compare(a.at, b.at) })
	for _, t := range append(tiles, tile{at: to, end: to}) {
		if t.at > from {
			sound, err := s.emptyBetween(from, t.at)
			if err != nil {
				return Stray{}, err
			}
			if !sound {
				return Stray{Kind: BytesBetween, From: from, To: t.at}, nil
			}
		}
		from = max(from, t.end)
	}
	return s.smuggled(older.end, to, headers)
}

// A tile is what an object takes of the file.
type tile struct {
	at, end int64
	obj     int64 // behind its keyword obj; 0: there is no such object
}

// tile finds the extent of an object that the revision lists: of one in an object stream the
// extent of that.
func (s *strays) tile(r Ref, loc location) (tile, error) {
	if loc.kind == inStream {
		holder := Ref{Num: uint32(loc.at)} //nolint:gosec // an object number
		in, ok := s.new.find(holder)
		if !ok || in.kind != inFile {
			return tile{}, nil
		}
		r, loc = holder, in
	}
	obj, err := s.header(loc.at, &r)
	if err != nil || obj == 0 {
		return tile{}, err
	}
	o, err := s.new.loadPlain(r, loc, nil)
	if err != nil {
		return tile{}, err
	}
	t := tile{at: loc.at, end: o.end, obj: obj}
	if st, ok := o.Val.(*Stream); ok {
		where, err := s.new.Span(st)
		if err != nil {
			return tile{}, err
		}
		t.end = where.end
		at, err := s.search(where.From, where.To, "endstream", func([]byte, int64) bool { return true })
		if err != nil {
			return tile{}, err
		}
		if at >= 0 {
			return tile{}, DamagedAt(at, "the stream of object %d holds the word endstream", r.Num)
		}
	}
	return t, nil
}

// header returns where the header of an object at an offset ends, 0 where none stands there,
// or that of another object than is wanted.
func (s *strays) header(at int64, want *Ref) (int64, error) {
	end := int64(0)
	err := s.new.File.src.parse(at, s.new.limit, func(l *lexer) error {
		num, err := l.integer("an object number")
		if err != nil {
			return err
		}
		gen, err := l.integer("a generation number")
		if err != nil {
			return err
		}
		if err := l.keyword("obj"); err != nil {
			return err
		}
		if want == nil || num == int64(want.Num) && gen == int64(want.Gen) {
			end = l.offset()
		}
		return nil
	})
	if IsDamage(err) {
		return 0, nil
	}
	return end, err
}

// maxBetween bounds what may lie between two objects, in bytes.
const maxBetween = 1 << 20

// emptyBetween reports that there is nothing between two objects but white space, comments
// and the words that end objects and revisions.
func (s *strays) emptyBetween(from, to int64) (bool, error) {
	if to-from > maxBetween {
		return false, nil
	}
	b, err := s.new.File.src.read(from, int(to-from))
	if err != nil {
		return false, err
	}
	l := &lexer{buf: b, base: from, last: true}
	for {
		l.skip()
		if l.pos >= len(l.buf) {
			return true, nil
		}
		w, err := l.word()
		if err != nil {
			return false, err
		}
		_, number := decimal(w)
		if !number && !slices.Contains([]string{"endobj", "endstream", "startxref"}, string(w)) {
			return false, nil
		}
	}
}

// smuggled finds headers of objects that the revision does not list, wherever they stand: in
// a string, in a stream.
func (s *strays) smuggled(from, to int64, headers map[int64]bool) (Stray, error) {
	const word = "obj"
	at, err := s.search(from, to, word, func(before []byte, at int64) bool {
		return endsHeader(before) && !headers[at+int64(len(word))]
	})
	if at < 0 {
		return Stray{}, err
	}
	return Stray{Kind: ObjectUnlisted, From: at}, err
}

// search returns the offset of the first occurrence of a word that counts, by the bytes
// before it and its offset; -1 where there is none.
func (s *strays) search(from, to int64, word string, counts func(before []byte, at int64) bool) (int64, error) {
	const piece, overlap = 64 << 10, 1 << 10
	for at := from; at < to; at += piece {
		start := max(from, at-overlap)
		n := int(min(at+piece, to) - start)
		if err := s.new.File.Work(n); err != nil {
			return -1, err
		}
		b, err := s.new.File.src.read(start, n)
		if err != nil {
			return -1, err
		}
		for i := 0; ; i += len(word) {
			found := bytes.Index(b[i:], []byte(word))
			if found < 0 {
				break
			}
			i += found
			if counts(b[:i], start+int64(i)) {
				return start + int64(i), nil
			}
		}
	}
	return -1, nil
}

// endsHeader reports that bytes end with two numbers.
func endsHeader(b []byte) bool {
	blank := func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	b = bytes.TrimRightFunc(b, blank)
	generation := bytes.TrimRightFunc(b, digit)
	number := bytes.TrimRightFunc(generation, blank)
	return len(generation) < len(b) && len(number) < len(generation) && len(number) > 0 && isDigit(number[len(number)-1])
}
