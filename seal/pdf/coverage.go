package pdf

import (
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// coverage checks that the signature covers the file from its first byte to
// the end of a revision, all but its own /Contents (ISO 32000-1, 12.8.1), and
// takes the signature out of there.
//
// The gap must be exactly the token that our own parser found as the value of
// /Contents of this very object. A gap anywhere else, or one byte wider, is
// room in which an attacker writes (the USF, SWA and gap attacks).
func (s *Signature) coverage(dict *syntax.Dict) bool {
	contents := s.gap(dict)
	return contents != nil && s.takeContents(dict, contents)
}

// gap reads /ByteRange and returns the token that it leaves out, which is that of /Contents,
// or nil with a fault.
func (s *Signature) gap(dict *syntax.Dict) *syntax.Token {
	contents, byteRange := dict.Contents, dict.Lookup("ByteRange")
	if dict.Lookup("Contents") == nil || byteRange == nil {
		s.fault("the signature dictionary has no /Contents or no /ByteRange")
		return nil
	}
	if contents == nil {
		s.fault(noPairs)
		return nil
	}
	numbers, _ := byteRange.(syntax.Array)
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
	size := s.doc.Size()
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
func (s *Signature) takeContents(dict *syntax.Dict, contents *syntax.Token) bool {
	padded, ok := dict.Lookup("Contents").(syntax.String)
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
func (s *Signature) signedRevision(f *structure.Field, o *syntax.Object) error {
	d := s.doc
	i, closed, err := d.file.RevisionEnding(s.end)
	if err != nil {
		return err
	}
	if !closed {
		s.fault("the covered bytes do not end where a revision of the file ends")
		return nil
	}
	s.CoversFile = d.file.EndsAt(s.end) && d.file.End() == d.Size()
	if i >= 0 {
		s.view = i
		s.Revision = d.file.Revision(i)
		return s.wasThere(f, o)
	}
	s.fault("the revision that was signed is no longer part of the file")
	return nil
}

// wasThere looks at the file as it ended when it was signed.
func (s *Signature) wasThere(f *structure.Field, o *syntax.Object) error {
	then := viewOf(s.doc.now.From(s.view, s.end))
	if !then.Within(s.end) {
		s.fault("the signed revision uses cross-reference data from outside of the covered bytes")
		return nil
	}
	form, err := then.Form()
	if syntax.IsDamage(err) {
		s.fault("the signed revision cannot be read: %v", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, old := range form.All {
		if old.Ref == f.Ref && old.Val == f.Val && old.Name == f.Name {
			sig, err := then.Load(s.ref)
			if err == nil && sig != nil && sig.SamePlace(o) {
				return nil
			}
		}
	}
	s.fault("the signature was not the field's value in the revision it signs")
	return nil
}
