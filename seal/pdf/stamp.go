package pdf

import (
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/elicence/elicence/seal/likeness"
)

// A Stamp is what Prepare adds to a file: one signature, and the marks that
// show it on paper.
type Stamp struct {
	// Field names the signature field: an empty one of the file, by its full name, or one to make. "" makes the first
	// of Seal1, Seal2, … that is free, of TimeStamp1, … for a document time stamp.
	Field string

	// Filter and SubFilter name the signature's handler and format, such as
	// "Adobe.PPKLite" and "ETSI.CAdES.detached".
	Filter, SubFilter string

	// Name, Reason and Location are free text for the reader, "" to leave out.
	Name, Reason, Location string

	// Time is when the signer says it was signed, with its zone (/M).
	Time time.Time

	// Chain are the certificates of whoever will sign in DER, the signer's first. They are only
	// looked at where a field asks for certain ones (/SV).
	Chain [][]byte

	// Certify makes the signature a certifying one (DocMDP, ISO 32000-1, 12.8.2.2): 1 allows nothing after it, 2
	// filling in and signing, 3 annotations too. 0 is an approval, which is the rule, unless the field asks for more
	// (/SV). Only the first signature of a file can certify.
	Certify int

	// Lock forbids later changes of form fields (FieldMDP, 12.8.2.4). An existing field
	// that asks for a lock (/Lock) gets that one.
	Lock *Lock

	// WithoutXFA takes the XFA form out of a file that has one beside its pages, so that every
	// reader shows the pages that are sealed. Without it, and where there are no true pages or
	// signatures on them, such a file is refused.
	WithoutXFA bool

	// Timestamp makes it a document time stamp (/Type /DocTimeStamp, ISO 32000-2,
	// 12.8.5), whose contents are a token of RFC 3161. It has no marks.
	Timestamp bool

	// ContentsSize is how many bytes of DER Complete will have room for, beside what names
	// what the stamp shows.
	ContentsSize int

	// UponSeals lets a new field lie upon the fields of earlier seals. Its appearance must
	// multiply. Verifiers allow it to seals of the owner of those below.
	UponSeals bool

	// Marks is where the signature shows. The first is the field's widget,
	// further ones become stamp annotations in the same increment, such as the
	// slices of a straddle seal or a printed code. Without marks the signature
	// is invisible and its field belongs to page 1, where there is one.
	Marks []Mark

	// Pictures remembers what drawings hash to, as in [Trust]; nil: every one is hashed.
	Pictures *likeness.Memory
}

// A Mark is an appearance at a place. Lengths are millimetres on the page as
// the reader sees it, after /CropBox, /Rotate and /UserUnit; X and Y are the
// distance of the mark's top-left corner from the page's.
type Mark struct {
	Page          int // 1 is the first; 0 with X and Y 0 means where the existing field is
	X, Y          float64
	Width, Height float64
	Appearance    *Appearance

	// Part is the part of the appearance's BBox that fills Width and Height,
	// all of it where Part is zero. The slices of a straddle seal are parts of
	// one appearance.
	Part [4]float64
}

func (m *Mark) part() [4]float64 {
	if m.Part == ([4]float64{}) {
		return m.Appearance.BBox
	}
	return m.Part
}

// A Lock names the form fields that may not change after a signature.
type Lock struct {
	Action LockAction
	Fields []string // full names; a group's name stands for all fields in it
}

// A LockAction says which fields a lock is about.
type LockAction string

// The actions: all fields, the named ones, or all others.
const (
	LockAll     LockAction = "All"
	LockInclude LockAction = "Include"
	LockExclude LockAction = "Exclude"
)

func (l *Lock) check() error {
	switch {
	case l == nil:
		return nil
	case l.Action != LockAll && l.Action != LockInclude && l.Action != LockExclude:
		return refuse("a lock of the fields %q is none of All, Include and Exclude", l.Action)
	case (l.Action == LockAll) != (len(l.Fields) == 0):
		return refuse("a lock of all fields names none, and another one some")
	}
	for _, f := range l.Fields {
		if len(f) > maxText || !utf8.ValidString(f) || strings.ContainsFunc(f, unicode.IsControl) {
			return refuse("the lock names the field %q", f)
		}
	}
	return nil
}

const (
	maxContents = 1 << 20
	maxText     = 2000 // bytes
)

func (s *Stamp) check() error {
	for _, n := range []struct{ what, name string }{{"filter", s.Filter}, {"subfilter", s.SubFilter}} {
		if n.name == "" || len(n.name) > 100 || strings.ContainsFunc(n.name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return refuse("the %s %q is not 1 to 100 printable ASCII characters", n.what, n.name)
		}
	}
	for _, t := range []struct{ what, text string }{
		{"field name", s.Field}, {"name", s.Name}, {"reason", s.Reason}, {"location", s.Location},
	} {
		if len(t.text) > maxText || !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
			return refuse("the %s is longer than %d bytes, not UTF-8 or has control characters: %.60q", t.what, maxText, t.text)
		}
	}
	if s.Time.Year() < 1970 || s.Time.Year() > 9999 {
		return refuse("the signing time %v is out of range", s.Time)
	}
	if s.ContentsSize < 1 || s.ContentsSize > maxContents {
		return refuse("room for a signature of %d bytes, not 1 to %d", s.ContentsSize, maxContents)
	}
	if s.Certify < 0 || s.Certify > 3 {
		return refuse("a certifying signature allows 1, 2 or 3, not %d", s.Certify)
	}
	if s.Timestamp && (len(s.Marks) > 0 || s.Certify > 0 || s.Lock != nil || s.WithoutXFA) {
		return refuse("a document time stamp has no marks and forbids nothing")
	}
	if s.Timestamp && s.Name+s.Reason+s.Location != "" {
		return refuse("a document time stamp says nothing: nobody answers for it")
	}
	if err := s.Lock.check(); err != nil {
		return err
	}
	for i := range s.Marks {
		if err := s.Marks[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mark) check() error {
	if m.Appearance == nil {
		return refuse("a mark on page %d has no appearance", m.Page)
	}
	for _, n := range [...]float64{m.Part[0], m.Part[1], m.Part[2], m.Part[3], m.X, m.Y, m.Width, m.Height} {
		if math.IsNaN(n) || math.Abs(n) > 1e6 {
			return refuse("a mark on page %d has a number out of range: %v", m.Page, n)
		}
	}
	if m.Width < 0.1 || m.Height < 0.1 {
		return refuse("a mark on page %d is %.2f × %.2f mm, which nobody could see", m.Page, m.Width, m.Height)
	}
	if part := m.part(); part[2]-part[0] <= 0 || part[3]-part[1] <= 0 {
		return refuse("a mark on page %d shows the empty part %v of its appearance", m.Page, part)
	}
	return nil
}
