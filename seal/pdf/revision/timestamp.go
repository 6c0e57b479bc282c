package revision

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// Whoever asks an authority for a document time-stamp gets it, over anything. So nobody answers for what its field
// shows or says: it must show nothing and say nothing but its name, in every way in which readers show or speak a
// field.

// isTimestamp reports that a field's new value is a document time-stamp.
func (s *step) isTimestamp(f *structure.Field) bool {
	r, _ := f.Val.(syntax.Ref)
	sig := s.signing[r]
	return sig != nil && sig.Timestamp
}

// maxStampName is the longest name of a time-stamp's field, in characters: readers list it.
const maxStampName = 100

// silent reports that a new field is no time-stamp that a reader may draw, say or do something
// for.
func (s *step) silent(f *structure.Field) (bool, error) {
	if !s.isTimestamp(f) {
		return true, nil
	}
	widget, err := s.new.Dict(f.Widgets[0])
	if err != nil {
		return false, err
	}
	s.stamps[f.Widgets[0]] = f.Dict.Lookup("T")
	shows, err := s.shows(widget)
	switch {
	case err != nil:
		return false, err
	case shows:
		s.modified(Change{Code: ChangeTimestampShows, Object: int(f.Ref.Num), Field: f.Name}, "the document time-stamp %q shows something on a page", f.Name)
		return false, nil
	case utf8.RuneCountInString(f.Name) > maxStampName || strings.ContainsFunc(f.Name, unseen):
		s.modified(Change{Code: ChangeTimestampName, Object: int(f.Ref.Num)}, "the document time-stamp's name is longer than %d characters, or has some that are not seen", maxStampName)
		return false, nil
	}
	for _, d := range []*syntax.Dict{f.Dict, widget} {
		for _, e := range d.Entries {
			if !stampEntry(e.Key) && e.Val != nil || e.Key == "TU" && !saysStamp(e.Val, f.Dict.Lookup("T")) {
				s.modified(Change{Code: ChangeTimestampEntry, Object: int(f.Ref.Num), Field: f.Name, Name: string(e.Key)}, "the document time-stamp %q has the entry %s, for which nobody answers", f.Name, e.Key.Quoted())
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
func saysStamp(said, fieldName syntax.Value) bool {
	if _, ok := said.(syntax.String); !ok {
		return false
	}
	words := strings.Join(strings.Fields(strings.ToLower(syntax.Text(said))), "")
	return syntax.Equal(said, fieldName) || slices.Contains([]string{"", "timestamp", "documenttimestamp", "时间戳", "文档时间戳"}, words)
}

// stampEntry reports that a time-stamp's field may have an entry: what makes it a field on a
// page (ISO 32000-1, tables 164, 188, 220), and nothing that is shown, spoken or done.
func stampEntry(key syntax.Name) bool {
	return slices.Contains([]syntax.Name{"Type", "Subtype", "FT", "T", "TU", "V", "F", "Ff", "Kids", "Parent", "P", "Rect", "AP", "MK", "M", "NM",
		"BS", "Border", "H", "DA", "Q", "StructParent"}, key)
}

// shows reports that a reader may draw something for a widget: it is another kind of annotation,
// as a note, which has a sign without any room; or it takes room on a page that is not hidden in
// every case, has a colour or a caption of its own, or an appearance with content.
func (s *step) shows(widget *syntax.Dict) (bool, error) {
	const hidden = 2 // on the screen and on paper (ISO 32000-1, table 165)
	if widget.Lookup("Subtype") != syntax.Name("Widget") {
		return true, nil
	}
	box, _, err := s.new.Rect(widget.Lookup("Rect"))
	if err != nil {
		return false, err
	}
	flags, err := s.new.Get(widget, "F")
	if err != nil {
		return false, err
	}
	if n, _ := flags.(int64); box.Width() > 0 && box.Height() > 0 && n&hidden == 0 {
		return true, nil
	}
	characteristics, err := s.new.Get(widget, "MK")
	if err != nil {
		return false, err
	}
	if d, ok := characteristics.(*syntax.Dict); characteristics != nil && (!ok || len(d.Entries) > 0) {
		return true, nil
	}
	looks, err := s.new.Get(widget, "AP")
	if err != nil || looks == nil {
		return false, err
	}
	d, ok := looks.(*syntax.Dict)
	if !ok {
		return true, nil
	}
	for _, e := range d.Entries {
		look, err := s.new.Resolve(e.Val)
		if err != nil {
			return false, err
		}
		st, ok := look.(*syntax.Stream)
		if look != nil && !ok {
			return true, nil
		}
		if look == nil {
			continue
		}
		content, _, err := s.new.Decode(st, emptyLook)
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
	d, err := s.new.Dict(sig.Ref)
	if err != nil || d == nil {
		return true
	}
	return slices.ContainsFunc([]syntax.Name{"Name", "Reason", "Location", "ContactInfo"}, func(key syntax.Name) bool {
		text, err := s.new.Get(d, key)
		said, ok := text.(syntax.String)
		return err != nil || text != nil && (!ok || len(said) > 0)
	})
}
