package revision

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// What a revision may change without changing anything that a page shows: the document
// information (ISO 32000-1, 14.3.3), the catalog's metadata (14.3.2), the version and the
// identifier. pyHanko's default policy for what may come after a signature and EU DSS allow the
// same, and like pyHanko this one is strict in the form: what calls itself metadata and is
// something else, or was already something else, is a change of the document.

// noteMetadata notes a change that no page shows.
func (s *step) noteMetadata(c Change, format string, args ...any) {
	c.Kind, c.What = MetadataChanged, fmt.Sprintf(format, args...)
	s.note(c)
}

// own reports that a value is an object that was there for this purpose, a new one, or none.
func (s *step) own(a, b syntax.Value) bool {
	r, ok := b.(syntax.Ref)
	return !ok || b == a || s.fresh(r)
}

// information compares the document information, entry by entry.
func (s *step) information(a, b syntax.Value) {
	const what = "the document information"
	same, err := unchanged(s.old, s.new, s.apart, a, b)
	if err == nil && same {
		return
	}
	if !s.own(a, b) {
		s.modified(Change{Code: ChangeInformationBad}, "%s is now an older object", what)
		return
	}
	old, new, err := s.dicts(a, b)
	switch {
	case err != nil || b != nil && new == nil:
		s.modified(Change{Code: ChangeInformationBad}, "%s is no dictionary", what)
		return
	case b == nil:
		s.noteMetadata(Change{Code: ChangeInformationRemoved}, "%s was removed", what)
		return
	case old == nil:
		old = &syntax.Dict{}
	}
	var changed []string
	var entries []EntryChange
	for _, key := range keys(old, new) {
		was, is := old.Lookup(key), new.Lookup(key)
		if same, err := unchanged(s.old, s.new, s.apart, was, is); err != nil || !same {
			changed = append(changed, s.informationEntry(key, was, is))
			entries = append(entries, EntryChange{string(key), wording(s.old, was), wording(s.new, is)})
		}
	}
	if len(changed) == 0 {
		s.noteMetadata(Change{Code: ChangeInformationRewritten}, "%s was written anew", what)
		return
	}
	s.noteMetadata(Change{Code: ChangeInformation, Entries: entries[:min(len(entries), maxEntries)]}, "%s changed: %s", what, enumerated(changed))
}

// informationEntry says how an entry changed. The title is what a window may be named.
func (s *step) informationEntry(key syntax.Name, a, b syntax.Value) string {
	said := fmt.Sprintf("/%.40s from %s to %s", string(key), quoted(s.old, a), quoted(s.new, b))
	if key == "Title" {
		said += ", which a window may show above the pages"
	}
	return said
}

// quoted is a value for people to read.
func quoted(v structure.View, val syntax.Value) string {
	val, err := v.Resolve(val)
	switch val := val.(type) {
	case nil:
		if err != nil {
			return "what cannot be read"
		}
		return "nothing"
	case syntax.String:
		return shortened(syntax.Text(val))
	case syntax.Name:
		return shortened("/" + string(val))
	default:
		return "what is no text"
	}
}

// wording is a value that is text, nil for any other.
func wording(v structure.View, val syntax.Value) *string {
	val, _ = v.Resolve(val) // what cannot be read is no text
	t, ok := val.(syntax.String)
	if !ok {
		return nil
	}
	beginning := beginning(syntax.Text(t))
	return &beginning
}

// beginning is as much of a text as is told.
func beginning(text string) string { return atMost(60, text) }

// atMost is the beginning of a text that has more characters.
func atMost(most int, text string) string {
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}

// shortened is a text in quotes, its beginning where it is long.
func shortened(text string) string { return fmt.Sprintf("%q", beginning(text)) }

// maxEntries is how many changed entries somebody reads.
const maxEntries = 6

// enumerated joins what is said, as far as somebody reads it.
func enumerated(said []string) string {
	if more := len(said) - maxEntries; more > 0 {
		said = append(slices.Clone(said[:maxEntries]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, "; ")
}

// metadata compares the catalog's metadata. They are XMP in both revisions, or something else
// than metadata was exchanged.
func (s *step) metadata(a, b syntax.Value, num uint32) {
	const what = "the metadata of the catalog"
	same, err := unchanged(s.old, s.new, s.apart, a, b)
	if err == nil && same {
		return
	}
	if !s.own(a, b) {
		s.modified(Change{Code: ChangeMetadataBad, Object: int(num)}, "%s are now an older object", what)
		return
	}
	was, err := titleOf(s.old, a)
	if err != nil {
		s.modified(Change{Code: ChangeMetadataBad, Object: int(num)}, "%s changed, and were no XMP: %v", what, err)
		return
	}
	is, err := titleOf(s.new, b)
	if err != nil {
		s.modified(Change{Code: ChangeMetadataBad, Object: int(num)}, "%s changed, and are no XMP: %v", what, err)
		return
	}
	switch {
	case b == nil:
		s.noteMetadata(Change{Code: ChangeMetadataRemoved}, "%s were removed", what)
	case a == nil && is != "":
		s.noteMetadata(Change{Code: ChangeMetadataAdded, Entries: []EntryChange{retitled("", is)}}, "%s came, with the title %s, which a window may show above the pages", what, shortened(is))
	case a == nil:
		s.noteMetadata(Change{Code: ChangeMetadataAdded}, "%s came", what)
	case was != is:
		s.noteMetadata(Change{Code: ChangeMetadata, Entries: []EntryChange{retitled(was, is)}}, "%s changed: the title from %s to %s, which a window may show above the pages", what, shortened(was), shortened(is))
	default:
		s.noteMetadata(Change{Code: ChangeMetadata}, "%s changed", what)
	}
}

// retitled is a change of the title; empty: there was none.
func retitled(was, is string) EntryChange {
	e := EntryChange{Name: "Title"}
	if was != "" {
		was = beginning(was)
		e.Old = &was
	}
	if is != "" {
		is = beginning(is)
		e.New = &is
	}
	return e
}

// maxPacket is the largest XMP packet that is read, in bytes.
const maxPacket = 4 << 20

// titleOf reads metadata and returns the document's title in them, empty where they name
// none.
func titleOf(v structure.View, val syntax.Value) (string, error) {
	if val == nil {
		return "", nil
	}
	if _, ok := val.(syntax.Ref); !ok {
		return "", errors.New("not an object of its own")
	}
	resolved, err := v.Resolve(val)
	if err != nil {
		return "", err
	}
	st, ok := resolved.(*syntax.Stream)
	if !ok || st.Dict.Lookup("Type") != syntax.Name("Metadata") || st.Dict.Lookup("Subtype") != syntax.Name("XML") {
		return "", errors.New("no stream of the type /Metadata and the subtype /XML")
	}
	data, _, err := v.Decode(st, maxPacket)
	if err != nil {
		return "", err
	}
	return xmpTitle(data)
}

const (
	xmpSpace    = "adobe:ns:meta/"
	dublinSpace = "http://purl.org/dc/elements/1.1/"
)

// xmpTitle reads an XMP packet (ISO 16684-1).
func xmpTitle(packet []byte) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(packet, []byte("\ufeff"))))
	depth, inTitle, roots := 0, 0, 0
	var title strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && roots == 1 && depth == 0 {
			return strings.Join(strings.Fields(title.String()), " "), nil
		}
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				if roots++; roots > 1 || t.Name != (xml.Name{Space: xmpSpace, Local: "xmpmeta"}) {
					return "", fmt.Errorf("an element %.40q at the top", t.Name.Local)
				}
			}
			if depth++; depth > syntax.MaxNesting {
				return "", fmt.Errorf("more than %d levels", syntax.MaxNesting)
			}
			if inTitle == 0 && t.Name == (xml.Name{Space: dublinSpace, Local: "title"}) {
				inTitle = depth
			}
		case xml.EndElement:
			if inTitle == depth {
				inTitle = 0
			}
			depth--
		case xml.CharData:
			if inTitle > 0 {
				title.Write(t)
			}
		case xml.Directive:
			return "", errors.New("a document type")
		}
	}
}

// version allows the version that the file claims to follow to change.
func (s *step) version(a, b syntax.Value) {
	if syntax.Equal(a, b) {
		return
	}
	_, ok1 := a.(syntax.Name)
	_, ok2 := b.(syntax.Name)
	if (a == nil || ok1) && ok2 {
		s.noteMetadata(Change{Code: ChangeVersion}, "the catalog's /Version changed")
		return
	}
	s.modified(catalogEntry("Version").changed(0), "the catalog's /Version changed")
}
