package revision

import (
	"fmt"

	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// viewAt is the file as the revision i shows it. Where a signature signs that
// revision, the file ended there; else it is only known to end before the
// newest.
func viewAt(f *syntax.File, i int, signed []Signature) structure.View {
	limit := f.Size()
	for _, s := range signed {
		if s.Section == i {
			limit = min(limit, s.End)
		}
	}
	return structure.View{View: f.Now().From(i, limit)}
}

// A Signature is a sound signature, as far as it concerns what a revision may change.
type Signature struct {
	Ref       syntax.Ref // of its dictionary
	Section   int        // the index of the newest cross-reference section of the revision that it signs
	End       int64      // of the bytes that it covers
	Timestamp bool       // nobody answers for what it shows
}

// Compare lists what a revision changed: the one whose newest cross-reference section has the index i, against the one
// before. What cannot be compared is a change; an error is one of reading.
func Compare(f *syntax.File, i int, signed []Signature) ([]Change, error) {
	s := &step{
		old:      viewAt(f, i+1, signed),
		new:      viewAt(f, i, signed),
		revision: f.Revision(i),
		signing:  make(map[syntax.Ref]*Signature),
		apart:    make(map[uint32]bool),
		shown:    make(map[syntax.Ref]bool),
		stamps:   make(map[syntax.Ref]syntax.Value),
		noted:    make(map[ChangeKind]int),
	}
	for n := range signed {
		if sig := &signed[n]; sig.Section == i {
			s.signing[sig.Ref] = sig
		}
	}
	s.strict = &lockstep{old: s.old, new: s.new, apart: s.apart, seen: make(map[uint32]bool), drawn: make(map[uint32]bool), differ: s.differ}
	err := s.compare()
	if syntax.IsDamage(err) {
		s.modified(Change{Code: ChangeNotComparable}, "the revision cannot be compared with the one before: %v", err)
		err = nil
	}
	return s.changes, err
}

// A step is the comparison of two neighbouring revisions.
type step struct {
	old, new structure.View
	revision int
	signing  map[syntax.Ref]*Signature // the sound signatures that sign the new one
	strict   *lockstep
	apart    map[uint32]bool

	oldForm, newForm   *structure.Form
	oldPages, newPages []structure.Leaf
	listing            map[syntax.Ref][]int        // the pages of the older revision that list an annotation; nil: not asked for yet
	signed             bool                        // a signature that somebody answers for came with this revision
	shown              map[syntax.Ref]bool         // annotations that came to a page with it
	stamps             map[syntax.Ref]syntax.Value // names of the time-stamps among them, by their widgets
	changes            []Change
	noted              map[ChangeKind]int // how many there were of each kind
}

// maxChanges is more than anybody will read of one revision. It bounds each kind: many changes
// that do no harm must not leave out one that does.
const maxChanges = 20

func (s *step) note(c Change) {
	if s.noted[c.Kind]++; s.noted[c.Kind] <= maxChanges {
		c.Revision, c.What = s.revision, atMost(maxWhat, c.What)
		s.changes = append(s.changes, c)
	}
}

// modified notes a change that no later signer may make, in plain words.
func (s *step) modified(c Change, format string, args ...any) {
	c.Kind, c.What = Modified, fmt.Sprintf(format, args...)
	s.note(c)
}

// differ reports a difference where none is allowed.
func (s *step) differ(num uint32, where *part, how string) {
	if num == 0 {
		s.modified(where.changed(0), "%s %s", where.what, how)
		return
	}
	s.modified(where.changed(num), "object %d, which belongs to %s, %s", num, where.what, how)
}

// compare goes from the trailers to everything they reach. Pages and form
// fields, of which certain entries may change, are compared one by one; what
// they refer to, and everything else, must be the same.
func (s *step) compare() error {
	if !s.new.Follows(s.old.View) {
		s.modified(Change{Code: ChangeXrefPlace}, "the revision's cross-reference data lie before the end of what was there already")
		return nil
	}
	if s.new.Hybrid() {
		s.modified(Change{Code: ChangeXrefTwice}, "the revision has two sets of cross-reference data, for old and for new readers")
		return nil
	}
	if err := s.survey(); err != nil {
		return err
	}
	if !s.trailers() {
		return nil
	}
	for _, part := range []func() error{s.forms, s.pages, s.catalogs, s.strict.drain, s.strays} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// strays tells what a reader that looks for objects would take for others.
func (s *step) strays() error {
	stray, err := syntax.Strays(s.old.View, s.new.View)
	switch stray.Kind {
	case syntax.ObjectMissing:
		s.modified(Change{Code: ChangeObjectMissing, Object: int(stray.Object)}, "the revision lists the object %d where there is none", stray.Object)
	case syntax.BytesBetween:
		s.modified(Change{Code: ChangeStrayBytes}, "the revision has bytes between %d and %d that belong to none of its objects", stray.From, stray.To)
	case syntax.ObjectUnlisted:
		s.modified(Change{Code: ChangeObjectUnlisted}, "the revision has an object at byte %d that it does not list", stray.From)
	case syntax.NoStray:
	}
	return err
}

// survey reads both forms and page trees. The objects of which certain entries may change, and which others refer to (a
// comment to its page, a signature to the catalog), are taken out of the strict comparison: catalog, form, fields and
// pages. Where a file draws from such an object it is compared in full all the same; elsewhere entries that may change
// here mean nothing.
func (s *step) survey() error {
	var err error
	if s.oldForm, err = s.old.Form(); err != nil {
		return err
	}
	if s.newForm, err = s.new.Form(); err != nil {
		return err
	}
	if s.oldPages, err = s.old.Pages(); err != nil {
		return err
	}
	if s.newPages, err = s.new.Pages(); err != nil {
		return err
	}
	for _, l := range s.oldPages {
		s.apart[l.Ref.Num] = true
	}
	if root, ok := s.old.Trailer().Lookup("Root").(syntax.Ref); ok {
		s.apart[root.Num] = true
		catalog, err := s.old.Dict(root)
		if err != nil {
			return err
		}
		if tags, ok := catalog.Lookup("StructTreeRoot").(syntax.Ref); ok {
			s.apart[tags.Num] = true
		}
	}
	s.apart[s.oldForm.Ref.Num] = true
	for _, f := range s.oldForm.All {
		s.apart[f.Ref.Num] = true
		for _, w := range f.Widgets {
			s.apart[w.Num] = true
		}
	}
	return nil
}

// trailers reports whether both lead to the same catalog.
func (s *step) trailers() bool {
	old, new := s.old.Trailer(), s.new.Trailer()
	if old.Lookup("Root") != new.Lookup("Root") {
		s.modified(Change{Code: ChangeCatalogReplaced}, "the trailer's /Root points to another catalog")
		return false
	}
	for _, key := range keys(old, new) {
		a, b := old.Lookup(key), new.Lookup(key)
		switch key {
		case "Size", "Prev", "XRefStm", "Root", "Type", "Index", "W", "Length", "Filter", "DecodeParms":
		case "Info":
			s.information(a, b)
		case "ID":
			before, _ := a.(syntax.Array)
			after, _ := b.(syntax.Array)
			if len(before) == 2 && (len(after) != 2 || !syntax.Equal(before[0], after[0])) {
				s.noteMetadata(Change{Code: ChangeIdentifier}, "the file got another permanent identifier")
			}
		default:
			if b == nil { // not one of the standard's; many programs drop them
				s.noteMetadata(Change{Code: ChangeTrailerEntryLost, Name: string(key)}, "the trailer lost its %s", key.Quoted())
				continue
			}
			s.strict.values(a, b, 0, &part{code: ChangeTrailerEntry, name: string(key), what: "the trailer's " + key.Quoted()})
		}
	}
	return true
}

// dicts resolves a value of the older revision and one of the newer to dictionaries; nil
// where they are anything else.
func (s *step) dicts(a, b syntax.Value) (*syntax.Dict, *syntax.Dict, error) {
	old, err := s.old.Dict(a)
	if err != nil {
		return nil, nil, err
	}
	new, err := s.new.Dict(b)
	return old, new, err
}

// keys lists the keys of two dictionaries, each once.
func keys(a, b *syntax.Dict) []syntax.Name {
	var out []syntax.Name
	for _, e := range a.Entries {
		out = append(out, e.Key)
	}
	for _, e := range b.Entries {
		if a.Find(e.Key) == nil {
			out = append(out, e.Key)
		}
	}
	return out
}

// catalogEntry is an entry of the catalog.
func catalogEntry(key syntax.Name) *part {
	return &part{code: ChangeCatalogEntry, name: string(key), what: "the catalog's " + key.Quoted()}
}

// catalogs compares the entries of the catalog.
func (s *step) catalogs() error {
	before, err := s.old.Catalog()
	if err != nil {
		return err
	}
	after, err := s.new.Catalog()
	if err != nil {
		return err
	}
	old, new := before.Val.(*syntax.Dict), after.Val.(*syntax.Dict)
	for _, key := range keys(old, new) {
		a, b := old.Lookup(key), new.Lookup(key)
		switch key {
		case "AcroForm": // done
		case "Metadata":
			s.metadata(a, b, before.Ref.Num)
		case "Version":
			s.version(a, b)
		case "StructTreeRoot":
			if err := s.structure(a, b); err != nil {
				return err
			}
		case "DSS", "Extensions":
			same, err := unchanged(s.old, s.new, s.apart, a, b)
			if err != nil || !same {
				s.note(Change{Kind: ValidationData, Code: ChangeValidationData, Name: string(key), What: "the catalog's " + key.Quoted() + " changed"})
			}
		default:
			s.strict.values(a, b, before.Ref.Num, catalogEntry(key))
		}
	}
	return nil
}
