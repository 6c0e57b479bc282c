package pdf

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Whoever asks an authority for a document time-stamp gets it, over anything. So nobody answers
// for what its field shows or says: it must show nothing and say nothing but its name, in
// every way in which readers show or speak a field.

// isTimestamp reports that a field's new value is a document time-stamp.
func (s *step) isTimestamp(f *field) bool {
	r, _ := f.val.(ref)
	sig := s.signing[r]
	return sig != nil && sig.Timestamp
}

// maxStampName is the longest name of a time-stamp's field, in characters: readers list it.
const maxStampName = 100

// silent reports that a new field is no time-stamp that a reader may draw, say or do something
// for.
func (s *step) silent(f *field) (bool, error) {
	if !s.isTimestamp(f) {
		return true, nil
	}
	widget, err := s.new.dict(f.widgets[0])
	if err != nil {
		return false, err
	}
	s.stamps[f.widgets[0]] = f.dict.lookup("T")
	shows, err := s.shows(widget)
	switch {
	case err != nil:
		return false, err
	case shows:
		s.modified(Change{Code: ChangeTimestampShows, Object: int(f.ref.num), Field: f.name}, "the document time-stamp %q shows something on a page", f.name)
		return false, nil
	case utf8.RuneCountInString(f.name) > maxStampName || strings.ContainsFunc(f.name, unseen):
		s.modified(Change{Code: ChangeTimestampName, Object: int(f.ref.num)}, "the document time-stamp's name is longer than %d characters, or has some that are not seen", maxStampName)
		return false, nil
	}
	for _, d := range []*dict{f.dict, widget} {
		for _, e := range d.entries {
			if !stampEntry(e.key) && e.val != nil || e.key == "TU" && !saysStamp(e.val, f.dict.lookup("T")) {
				s.modified(Change{Code: ChangeTimestampEntry, Object: int(f.ref.num), Field: f.name, Name: string(e.key)}, "the document time-stamp %q has the entry %s, for which nobody answers", f.name, keyed(e.key))
				return false, nil
			}
		}
	}
	return true, nil
}

// unseen reports that a character is not shown but changes how others are: it begins a line, turns
// their direction, or stands between them.
func unseen(r rune) bool { return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) }

// saysStamp reports that a text which readers show or speak for a time-stamp is the name of its
// field, or calls it what it is: pyHanko's are called "Timestamp".
func saysStamp(said, fieldName value) bool {
	if _, ok := said.(str); !ok {
		return false
	}
	words := strings.Join(strings.Fields(strings.ToLower(text(said))), "")
	return equal(said, fieldName) || slices.Contains([]string{"", "timestamp", "documenttimestamp", "时间戳", "文档时间戳"}, words)
}

// stampEntry reports that a time-stamp's field may have an entry: what makes it a field on a
// page (ISO 32000-1, tables 164, 188, 220), and nothing that is shown, spoken or done.
func stampEntry(key name) bool {
	return slices.Contains([]name{"Type", "Subtype", "FT", "T", "TU", "V", "F", "Ff", "Kids", "Parent", "P", "Rect", "AP", "MK", "M", "NM",
		"BS", "Border", "H", "DA", "Q", "StructParent"}, key)
}

// shows reports that a reader may draw something for a widget: it is another kind of annotation,
// as a note, which has a sign without any room; or it takes room on a page that is not hidden in
// every case, has a colour or a caption of its own, or an appearance with content.
func (s *step) shows(widget *dict) (bool, error) {
	const hidden = 2 // on the screen and on paper (ISO 32000-1, table 165)
	if widget.lookup("Subtype") != name("Widget") {
		return true, nil
	}
	box, _, err := s.new.rect(widget.lookup("Rect"))
	if err != nil {
		return false, err
	}
	flags, err := s.new.get(widget, "F")
	if err != nil {
		return false, err
	}
	if n, _ := flags.(int64); box.width() > 0 && box.height() > 0 && n&hidden == 0 {
		return true, nil
	}
	characteristics, err := s.new.get(widget, "MK")
	if err != nil {
		return false, err
	}
	if d, ok := characteristics.(*dict); characteristics != nil && (!ok || len(d.entries) > 0) {
		return true, nil
	}
	looks, err := s.new.get(widget, "AP")
	if err != nil || looks == nil {
		return false, err
	}
	d, ok := looks.(*dict)
	if !ok {
		return true, nil
	}
	for _, e := range d.entries {
		look, err := s.new.resolve(e.val)
		if err != nil {
			return false, err
		}
		st, ok := look.(*stream)
		if look != nil && !ok {
			return true, nil
		}
		if look == nil {
			continue
		}
		content, _, err := s.new.decode(st, emptyLook)
		if err != nil || !blank(content) {
			return true, nil //nolint:nilerr // what cannot be read is not empty
		}
	}
	return false, nil
}

// blank reports that a content stream has nothing but comments, as Acrobat writes them.
func blank(content []byte) bool {
	for line := range bytes.FieldsFuncSeq(content, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if drawn, _, _ := bytes.Cut(line, []byte("%")); len(bytes.TrimSpace(drawn)) > 0 {
			return false
		}
	}
	return true
}

// emptyLook is the longest appearance without content, in bytes.
const emptyLook = 256

// speaks reports that a time-stamp's dictionary says who signed, why or where. Readers show
// that beside the signatures.
func (s *step) speaks(sig *Signature) bool {
	d, err := s.new.dict(sig.ref)
	if err != nil || d == nil {
		return true
	}
	return slices.ContainsFunc([]name{"Name", "Reason", "Location", "ContactInfo"}, func(key name) bool {
		text, err := s.new.get(d, key)
		said, ok := text.(str)
		return err != nil || text != nil && (!ok || len(said) > 0)
	})
}
