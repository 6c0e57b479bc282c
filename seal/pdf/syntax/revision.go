package syntax

import "iter"

// From returns the file as it was before its i newest cross-reference sections were written. It ended at the limit, an
// offset, or before.
func (v View) From(i int, limit int64) View {
	return View{File: v.File, sections: v.sections[i:], limit: limit}
}

// Sections returns the number of cross-reference sections. Each revision has one, the first of a linearized file two.
func (v View) Sections() int { return len(v.sections) }

// XrefOffset returns where the newest section begins: the place of damage that is at no object's.
func (v View) XrefOffset() int64 { return v.sections[0].at }

// Hybrid reports that the newest section is a table for old readers with a stream for new ones beside it (7.5.8.4).
func (v View) Hybrid() bool { return v.sections[0].hidden != nil }

// Within reports that all cross-reference data of the view lie before an offset.
func (v View) Within(end int64) bool {
	for _, s := range v.sections {
		if s.end > end {
			return false
		}
	}
	return true
}

// Follows reports that the newest section of a view lies behind all that an older one shows.
func (v View) Follows(old View) bool {
	older, newer := old.sections[0], v.sections[0]
	return newer.at >= older.end && (newer.at >= old.limit || old.limit >= v.limit)
}

// Added lists the objects of the newest section whose numbers an older view does not use.
func (v View) Added(old View) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for _, run := range v.sections[0].runs {
			for i, loc := range run.locs {
				num := run.first + uint32(i) //nolint:gosec // an object number
				if _, used := old.locate(num); used || loc.kind == free {
					continue
				}
				if !yield(Ref{Num: num, Gen: loc.generation()}) {
					return
				}
			}
		}
	}
}

// Forget gives back what the view remembers of where older sections have objects.
func (v View) Forget() { v.sections[0].below = nil }

// End returns the offset behind the newest revision, with the end of line that may follow its %%EOF.
func (f *File) End() int64 { return f.ending.line }

// EndsAt reports that the newest revision ends at an offset, with or without its end of line.
func (f *File) EndsAt(offset int64) bool { return f.ending.closes(offset) }

// Trailing returns how many bytes follow the newest revision, 0 where they are white space, which is nothing to any
// reader.
func (f *File) Trailing() (int, error) {
	more, err := f.src.read(f.ending.line, int(f.src.size-f.ending.line))
	if err != nil {
		return 0, err
	}
	for _, c := range more {
		if !isSpace(c) {
			return len(more), nil
		}
	}
	return 0, nil
}

// RevisionEnding returns the index of the newest section of the revision that ends with the first n bytes:
// false where they do not end as a revision does, and -1 where that revision is no longer
// part of the file.
func (f *File) RevisionEnding(n int64) (int, bool, error) {
	tailAt := max(0, n-tailRoom)
	tail, err := f.src.read(tailAt, int(n-tailAt))
	if err != nil {
		return -1, false, err
	}
	ending, err := lastEnding(tail, tailAt)
	if err != nil || !ending.closes(n) {
		return -1, false, nil //nolint:nilerr // no end of a revision
	}
	for i, section := range f.now.sections {
		if section.named == f.base+ending.startxref {
			return i, true, nil
		}
	}
	return -1, true, nil
}

// Revision numbers the revision whose newest section has the index i: 1 for
// the file as it was first written. A linearized file (ISO 32000-1, annex F)
// is written once but has two sections, the newer of which comes first.
func (f *File) Revision(i int) int {
	n := 1
	for j := len(f.now.sections) - 1; j > i; j-- {
		if f.now.sections[j-1].at > f.now.sections[j].at {
			n++
		}
	}
	return n
}
