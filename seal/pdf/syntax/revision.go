package syntax

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

// RevisionEnding returns the index of the newest section of the revision that ends with the first n bytes: false where
// they do not end as a revision does, and -1 where that revision is no longer part of the file.
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
