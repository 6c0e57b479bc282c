package pdf

// coverage checks that the signature covers the file from its first byte to
// the end of a revision, all but its own /Contents (ISO 32000-1, 12.8.1), and
// takes the signature out of there.
//
// The gap must be exactly the token that our own parser found as the value of
// /Contents of this very object. A gap anywhere else, or one byte wider, is
// room in which an attacker writes (the USF, SWA and gap attacks).
func (s *Signature) coverage(dict *Dict) bool {
	contents := s.gap(dict)
	return contents != nil && s.takeContents(dict, contents)
}

// gap reads /ByteRange and returns the token that it leaves out, which is that of /Contents,
// or nil with a fault.
func (s *Signature) gap(dict *Dict) *Token {
	contents, byteRange := dict.Contents, dict.Lookup("ByteRange")
	if dict.Lookup("Contents") == nil || byteRange == nil {
		s.fault("the signature dictionary has no /Contents or no /ByteRange")
		return nil
	}
	if contents == nil {
		s.fault(noPairs)
		return nil
	}
	numbers, _ := byteRange.(Array)
	for _, v := range numbers {
		if n, ok := v.(int64); ok {
			s.ByteRange = append(s.ByteRange, n)
		}
	}
	r := s.ByteRange
	if len(numbers) != 4 || len(r) != 4 {
		s.fault("/ByteRange is not four whole numbers")
		return nil
	}
	size := s.doc.src.size
	if r[0] != 0 || r[1] <= 0 || r[2] <= r[1] || r[3] <= 0 || r[2] > size || r[3] > size-r[2] {
		s.fault("/ByteRange %v does not describe two pieces of the file, the first from its start", r)
		return nil
	}
	s.end = r[2] + r[3]
	if r[1] != contents.From || r[2] != contents.To {
		s.fault("the gap of /ByteRange, bytes %d to %d, is not the signature's /Contents, bytes %d to %d", r[1], r[2], contents.From, contents.To)
		return nil
	}
	return contents
}

const noPairs = "/Contents is not pairs of hexadecimal digits in angle brackets"

// takeContents accepts nothing but pairs of hexadecimal digits in angle
// brackets: these bytes are in no digest.
func (s *Signature) takeContents(dict *Dict, contents *Token) bool {
	padded, ok := dict.Lookup("Contents").(String)
	if !ok || !contents.Paired {
		s.fault(noPairs)
		return false
	}
	value, err := unpadded([]byte(padded))
	if err != nil {
		s.fault("%v", err)
		return false
	}
	s.Contents = value
	return true
}

// signedRevision finds the revision that ends where the covered bytes end, and
// checks that the signature was the field's value there already.
func (s *Signature) signedRevision(f *field, o *object) error {
	d := s.doc
	i, closed, err := d.revisionEnding(s.end)
	if err != nil {
		return err
	}
	if !closed {
		s.fault("the covered bytes do not end where a revision of the file ends")
		return nil
	}
	s.CoversFile = d.ending.closes(s.end) && d.ending.line == d.src.size
	if i >= 0 {
		s.view = i
		s.Revision = d.revision(i)
		return s.wasThere(f, o)
	}
	s.fault("the revision that was signed is no longer part of the file")
	return nil
}

// revisionEnding returns the index of the revision that ends with the first n bytes:
// false where they do not end as a revision does, and -1 where that revision is no longer
// part of the file.
func (d *Document) revisionEnding(n int64) (int, bool, error) {
	tailAt := max(0, n-tailRoom)
	tail, err := d.src.read(tailAt, int(n-tailAt))
	if err != nil {
		return -1, false, err
	}
	ending, err := lastEnding(tail, tailAt)
	if err != nil || !ending.closes(n) {
		return -1, false, nil //nolint:nilerr // no end of a revision
	}
	for i, section := range d.now.sections {
		if section.named == d.base+ending.startxref {
			return i, true, nil
		}
	}
	return -1, true, nil
}

// wasThere looks at the file as it ended when it was signed.
func (s *Signature) wasThere(f *field, o *object) error {
	then := View{doc: s.doc, sections: s.doc.now.sections[s.view:], limit: s.end}
	for _, section := range then.sections {
		if section.end > s.end {
			s.fault("the signed revision uses cross-reference data from outside of the covered bytes")
			return nil
		}
	}
	form, err := then.form()
	if IsDamage(err) {
		s.fault("the signed revision cannot be read: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, old := range form.all {
		if old.ref == f.ref && old.val == f.val && old.name == f.name {
			sig, err := then.Load(s.ref)
			if err == nil && sig != nil && sig.SamePlace(o) {
				return nil
			}
		}
	}
	s.fault("the signature was not the field's value in the revision it signs")
	return nil
}

// revision numbers the revision whose newest section has the index i: 1 for
// the file as it was first written. A linearized file (ISO 32000-1, annex F)
// is written once but has two sections, the newer of which comes first.
func (d *Document) revision(i int) int {
	n := 1
	for j := len(d.now.sections) - 1; j > i; j-- {
		if d.now.sections[j-1].at > d.now.sections[j].at {
			n++
		}
	}
	return n
}
