package pdf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// An attacker writes an increment behind a signed file. The victim has three
// pages, a text field, a note, and a seal on page 1; its objects are:
// 1 catalog, 2 page tree, 3 contents, 4 font, 5 text field, 6 note, 7 the
// form, 8 an array, 9 to 11 the pages.
var victim = sample{pages: 3, page: "/Annots[5 0 R 6 0 R]", catalog: "/AcroForm 7 0 R/PieceInfo 8 0 R", objects: []string{
	"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/Rect[10 10 90 30]/F 4/DA(/Helv 12 Tf)/V(Li Ming)>>",
	"<</Type/Annot/Subtype/Text/Rect[200 10 220 30]/Contents(note)/Popup 99 0 R>>",
	"<</Fields[5 0 R]/DA(/Helv 0 Tf)/DR<</Font<</Helv 4 0 R>>>>>>",
	"[1 2]",
}}

type attacker struct {
	*syntax.Increment
	doc *Document
	sig Signature
}

// dict returns an object's dictionary as the newest revision has it.
func (a attacker) dict(num uint32) *syntax.Dict {
	d, err := a.doc.now.Dict(syntax.Ref{Num: num})
	if err != nil || d == nil {
		panic(fmt.Sprintf("object %d of the sample is no dictionary: %v", num, err))
	}
	return d
}

// set overwrites an entry of an object.
func (a attacker) set(num uint32, key syntax.Name, v syntax.Value) {
	a.Put(syntax.Ref{Num: num}, a.dict(num).With(key, v))
}

// unset overwrites an object without one of its entries.
func (a attacker) unset(num uint32, key syntax.Name) {
	out := &syntax.Dict{}
	for _, e := range a.dict(num).Entries {
		if e.Key != key {
			out.Entries = append(out.Entries, e)
		}
	}
	a.Put(syntax.Ref{Num: num}, out)
}

// add appends objects to an array entry.
func (a attacker) add(num uint32, key syntax.Name, more ...syntax.Value) {
	old, err := a.doc.now.Array(a.dict(num).Lookup(key))
	if err != nil {
		panic(err)
	}
	a.set(num, key, append(append(syntax.Array{}, old...), more...))
}

// made writes a new object in PDF syntax.
func (a attacker) made(written string) syntax.Ref {
	r := a.Fresh()
	a.Begin(r)
	a.Out = append(a.Out, written...)
	a.End()
	return r
}

// widget is the number of the seal's widget, and the objects it shows.
func (a attacker) widget() (uint32, syntax.Ref, syntax.Ref) {
	form, err := a.doc.now.Form()
	if err != nil {
		panic(err)
	}
	f := form.ByName["Seal1"]
	frame := f.Dict.Lookup("AP").(*syntax.Dict).Lookup("N").(syntax.Ref)
	o, err := a.doc.now.Load(frame)
	if err != nil {
		panic(err)
	}
	inner := o.Val.(*syntax.Stream).Dict.Lookup("Resources").(*syntax.Dict).Lookup("XObject").(*syntax.Dict).Lookup(drawingName).(syntax.Ref)
	return f.Ref.Num, frame, inner
}

// updated is the file with the attacker's increment.
func updated(tb testing.TB, file []byte, change func(attacker)) []byte {
	tb.Helper()
	d := open(tb, file)
	w, err := d.file.NewIncrement()
	if err != nil {
		tb.Fatal(err)
	}
	change(attacker{w, d, signatures(tb, file)[0]})
	if err := w.Finish(d.file); err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(file), w.Out...)
}

// Outcomes that are no change: the file or the signature itself is refused.
const (
	unreadable revision.ChangeKind = "unreadable"
	faulty     revision.ChangeKind = "faulty"
)

const evil = "BT /F1 40 Tf 60 400 Td (10,000,000 yuan) Tj ET"

// TestIncrement tries what an increment behind a signed file can do, and wants
// it named.
func TestIncrement(t *testing.T) {
	t.Parallel()
	signed := stamped(t, victim.bytes(), at(1, 120, 200, 42))
	for _, tc := range []struct {
		name   string
		change func(attacker)
		kind   revision.ChangeKind // "" for no change at all
		what   string
	}{
		{"contents overwritten", func(a attacker) { a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, []byte(evil)) }, revision.Modified, "page 1, /Contents"},
		{"contents redirected", func(a attacker) {
			r := a.Fresh()
			a.PutStream(r, &syntax.Dict{}, []byte(evil))
			a.set(9, "Contents", r)
		}, revision.Modified, "page 1, /Contents"},
		{"font replaced", func(a attacker) { a.set(4, "BaseFont", syntax.Name("Symbol")) }, revision.Modified, "object 4"},
		{"page turned", func(a attacker) { a.set(10, "Rotate", int64(180)) }, revision.Modified, "page 2, /Rotate"},
		{"page cropped", func(a attacker) { a.set(10, "CropBox", numbers([]float64{0, 0, 9, 9})) }, revision.Modified, "page 2, /CropBox"},
		{"box inherited", func(a attacker) { a.set(2, "Rotate", int64(90)) }, revision.Modified, "object 2"},
		{"page removed", func(a attacker) {
			a.Put(syntax.Ref{Num: 2}, a.dict(2).With("Kids", syntax.Array{syntax.Ref{Num: 9}, syntax.Ref{Num: 10}}).With("Count", int64(2)))
		}, revision.Modified, "pages were added, removed"},
		{"pages swapped", func(a attacker) {
			a.set(2, "Kids", syntax.Array{syntax.Ref{Num: 10}, syntax.Ref{Num: 9}, syntax.Ref{Num: 11}})
		}, revision.Modified, "pages were added, removed"},
		{"page tree damaged", func(a attacker) { a.set(2, "Count", int64(1)) }, unreadable, "/Count differs"},
		{"root swapped", func(a attacker) {
			r := a.Fresh()
			a.Put(r, a.dict(1))
			*a.doc.now.Trailer() = *a.doc.now.Trailer().With("Root", r)
		}, revision.Modified, "/Root"},
		{"script added", func(a attacker) {
			a.set(1, "OpenAction", syntax.DictOf("S", syntax.Name("JavaScript"), "JS", syntax.String("1")))
		}, revision.Modified, "/OpenAction"},
		{"layers added", func(a attacker) { a.set(1, "OCProperties", &syntax.Dict{}) }, revision.Modified, "/OCProperties"},
		{"attachments added", func(a attacker) { a.set(1, "Names", &syntax.Dict{}) }, revision.Modified, "/Names"},
		{"certification added", func(a attacker) { a.set(1, "Perms", syntax.DictOf("DocMDP", syntax.Ref{Num: uint32(a.sig.Object)})) }, revision.Modified, "/Perms"},
		{"pages of another tree", func(a attacker) {
			r := a.Fresh()
			a.Put(r, a.dict(2))
			a.set(1, "Pages", r)
		}, revision.Modified, "/Pages"},

		{"widget moved", func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "Rect", numbers([]float64{0, 0, 100, 100}))
		}, revision.Modified, "/Rect"},
		{"widget hidden", func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "F", int64(2))
		}, revision.Modified, "/F"},
		{"widget without appearance", func(a attacker) {
			w, _, _ := a.widget()
			a.unset(w, "AP")
		}, revision.Modified, "/AP"},
		{"widget not listed any more", func(a attacker) { a.set(9, "Annots", syntax.Array{syntax.Ref{Num: 5}, syntax.Ref{Num: 6}}) }, revision.Modified, "removed"},
		{"seal's frame overwritten", func(a attacker) {
			_, frame, _ := a.widget()
			a.PutStream(frame, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 9, 9})), []byte("0 g"))
		}, revision.Modified, "/AP"},
		{"seal's drawing overwritten", func(a attacker) {
			_, _, drawing := a.widget()
			a.PutStream(drawing, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 9, 9})), []byte("0 g"))
		}, revision.Modified, "/AP"},
		{"field renamed", func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "T", syntax.String("Other"))
		}, faulty, "not the field's value"},

		{"note removed", func(a attacker) { a.Put(syntax.Ref{Num: 6}, nil) }, revision.Modified, "/Annots"},
		{"note changed", func(a attacker) { a.set(6, "Contents", syntax.String("other")) }, revision.Modified, "/Annots"},
		{"missing object supplied", func(a attacker) {
			a.Next = 100
			a.Put(syntax.Ref{Num: 99}, syntax.DictOf("Type", syntax.Name("Annot")))
		}, revision.Modified, "appeared where nothing was"},
		{"comment added", func(a attacker) {
			a.add(10, "Annots", a.made("<</Type/Annot/Subtype/FreeText/Rect[10 10 90 90]/Contents(see me)>>"))
		}, revision.AnnotationAdded, "page 2"},
		{"stamp without signature", func(a attacker) {
			a.add(10, "Annots", a.made("<</Type/Annot/Subtype/Stamp/F 196/Rect[10 10 90 90]>>"))
		}, revision.AnnotationAdded, "page 2"},
		{"sticky note beside the seal, as Acrobat makes it", func(a attacker) {
			a.add(9, "Annots", a.made("<</Type/Annot/Subtype/Text/F 28/Rect[10 10 28 28]/P 9 0 R/Contents(x)>>"))
		}, revision.AnnotationAdded, "page 1"},
		{"comment over the seal", func(a attacker) {
			a.add(9, "Annots", a.made("<</Type/Annot/Subtype/Square/Rect[350 150 400 200]/IC[1 1 1]>>"))
		}, revision.Modified, "over an earlier seal"},
		{"link", func(a attacker) {
			a.add(10, "Annots", a.made("<</Type/Annot/Subtype/Link/Rect[10 10 90 90]>>"))
		}, revision.Modified, "no comment"},
		{"comment with action", func(a attacker) {
			a.add(10, "Annots", a.made("<</Type/Annot/Subtype/Text/Rect[10 10 90 90]/A<</S/URI>>>>"))
		}, revision.Modified, "acts when it is touched"},
		{"old object as annotation", func(a attacker) { a.add(10, "Annots", syntax.Ref{Num: 6}) }, revision.Modified, "older object"},
		{"direct annotation", func(a attacker) { a.add(10, "Annots", syntax.DictOf("Subtype", syntax.Name("Text"))) }, revision.Modified, "not an object of its own"},
		{"text field added", func(a attacker) {
			r := a.made("<</Type/Annot/Subtype/Widget/FT/Tx/T(new)/Rect[10 10 90 90]/V(x)>>")
			a.add(10, "Annots", r)
			a.add(7, "Fields", r)
		}, revision.Modified, "not a plain signature"},
		{"empty signature field added", func(a attacker) { a.add(7, "Fields", a.made("<</FT/Sig/T(new)>>")) }, revision.Modified, "not a plain signature"},
		{"text field filled in", func(a attacker) { a.set(5, "V", syntax.String("Wang Wei")) }, revision.FormFill, `"name"`},
		{"text field moved", func(a attacker) { a.set(5, "Rect", numbers([]float64{0, 0, 500, 800})) }, revision.Modified, "/Rect"},
		{"look of text field changed, not its value", func(a attacker) {
			r := a.Fresh()
			a.PutStream(r, &syntax.Dict{}, []byte(evil))
			a.set(5, "AP", syntax.DictOf("N", r))
		}, revision.Modified, "/AP"},
		{"text field removed", func(a attacker) {
			w, _, _ := a.widget()
			a.set(7, "Fields", syntax.Array{syntax.Ref{Num: w}})
		}, revision.Modified, "removed"},
		{"form script", func(a attacker) { a.set(7, "CO", syntax.Array{syntax.Ref{Num: 5}}) }, revision.Modified, "/CO"},
		{"form font replaced", func(a attacker) {
			a.set(7, "DR", syntax.DictOf("Font", syntax.DictOf("Helv", a.made("<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"))))
		}, revision.Modified, "/DR"},
		{"form font added", func(a attacker) {
			a.set(7, "DR", syntax.DictOf("Font", syntax.DictOf("Helv", syntax.Ref{Num: 4}, "X", a.made("<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"))))
		}, "", ""},
		{"form replaced", func(a attacker) {
			r := a.Fresh()
			a.Put(r, a.dict(7))
			a.set(1, "AcroForm", r)
		}, revision.Modified, "form was replaced"},

		{"signature re-used", func(a attacker) {
			a.add(7, "Fields", a.made(fmt.Sprintf("<</FT/Sig/T(again)/V %d 0 R>>", a.sig.Object)))
		}, "", ""}, // a fault of both, see TestSignatureReused
		{"signature that signs nothing", func(a attacker) {
			v := a.made("<</Type/Sig/Filter/F/ByteRange[0 1 2 3]/Contents<3000>>>")
			a.add(7, "Fields", a.made(fmt.Sprintf("<</FT/Sig/T(again)/V %d 0 R>>", v.Num)))
		}, revision.Modified, "does not sign this revision"},

		{"validation data", func(a attacker) { a.set(1, "DSS", syntax.DictOf("Certs", syntax.Array{})) }, revision.ValidationData, "/DSS"},
		{"document information", func(a attacker) {
			*a.doc.now.Trailer() = *a.doc.now.Trailer().With("Info", a.made("<</Title(x)>>"))
		}, revision.MetadataChanged, "information"},
		{"version", func(a attacker) { a.set(1, "Version", syntax.Name("2.0")) }, revision.MetadataChanged, "/Version"},
		{"nothing but new bytes", func(a attacker) {
			a.Put(syntax.Ref{Num: 1}, a.dict(1))
			a.Put(syntax.Ref{Num: 9}, a.dict(9))
			a.Put(syntax.Ref{Num: 4}, a.dict(4))
		}, "", ""},
		{"contents written again", func(a attacker) {
			o, _ := a.doc.now.Load(syntax.Ref{Num: 3})
			data, _, _ := a.doc.now.Decode(o.Val.(*syntax.Stream), 1<<20)
			a.PutStream(syntax.Ref{Num: 3}, &syntax.Dict{}, data)
		}, "", ""},
		{"an entry with a name to mislead", func(a attacker) { a.set(1, "A\u202e\n: no change", int64(1)) }, revision.Modified, "/A#E2#80#AE#0A:#20no#20change"},
		{"an entry with a long name", func(a attacker) { a.set(1, syntax.Name(strings.Repeat("A", 120)), int64(1)) }, revision.Modified, "/" + strings.Repeat("A", 60) + ","},
		{"object nobody uses", func(a attacker) { a.made("<</Type/Page>>") }, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			checkChange(t, updated(t, signed, tc.change), tc.kind, tc.what)
		})
	}
}

// checkChange wants the first signature to have seen exactly the one kind of
// change, described in these words.
func checkChange(t *testing.T, file []byte, kind revision.ChangeKind, what string) {
	t.Helper()
	list, err := open(t, file).Signatures()
	if kind == unreadable {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("Signatures: %v, want %q", err, what)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	sig := list[0]
	for _, s := range list {
		if s.Field == "Seal1" {
			sig = s
		}
	}
	if kind == faulty {
		if !strings.Contains(strings.Join(sig.Faults, "; "), what) {
			t.Errorf("faults: %q, want %q", sig.Faults, what)
		}
		return
	}
	if kind == "" {
		if len(sig.Changes) > 0 {
			t.Errorf("changes: %+v, want none", sig.Changes)
		}
		return
	}
	if len(sig.Faults) > 0 {
		t.Fatalf("faults: %q, want a change", sig.Faults)
	}
	if len(sig.Changes) == 0 {
		t.Fatalf("no changes, want %s: %s", kind, what)
	}
	said := false
	for _, c := range sig.Changes {
		said = said || strings.Contains(c.What, what)
		if !slices.Contains(revision.ChangeCodes(), c.Code) {
			t.Errorf("the change %q has the code %q", c.What, c.Code)
		}
		if c.Kind != kind {
			t.Errorf("a change is %s (%s), want %s", c.Kind, c.What, kind)
		}
	}
	if !said {
		t.Errorf("changes: %+v, want one about %q", sig.Changes, what)
	}
	if got, want := sig.Intact(), kind != revision.Modified; got != want {
		t.Errorf("intact is %v, want %v", got, want)
	}
}

// TestTwoRoles overwrites an object in a way that would be allowed in one of
// the places it is used at, but not in the other.
func TestTwoRoles(t *testing.T) {
	t.Parallel()
	roles := victim
	roles.page = "/Annots 8 0 R"
	roles.catalog = "/AcroForm 7 0 R/PieceInfo 8 0 R"
	roles.objects = append(append([]string{}, victim.objects[:3]...), "[5 0 R 6 0 R]")
	signed := stamped(t, roles.bytes(), at(3, 120, 200, 42))
	attacked := updated(t, signed, func(a attacker) {
		note := a.made("<</Type/Annot/Subtype/Text/Rect[10 10 90 90]>>")
		a.Put(syntax.Ref{Num: 8}, syntax.Array{syntax.Ref{Num: 5}, syntax.Ref{Num: 6}, note})
	})
	sig := signatures(t, attacked)[0]
	if sig.Intact() {
		t.Errorf("an array with two roles was changed unnoticed: %+v", sig.Changes)
	}
}

// TestSignatureReused attaches a signature to a second field.
func TestSignatureReused(t *testing.T) {
	t.Parallel()
	signed := stamped(t, victim.bytes(), at(1, 120, 200, 42))
	file := updated(t, signed, func(a attacker) {
		a.add(7, "Fields", a.made(fmt.Sprintf("<</FT/Sig/T(again)/V %d 0 R>>", a.sig.Object)))
	})
	list := signatures(t, file)
	if len(list) != 2 {
		t.Fatalf("got %d signatures, want 2", len(list))
	}
	for _, s := range list {
		if s.Intact() || !strings.Contains(strings.Join(s.Faults, "; "), "also the value of") {
			t.Errorf("signature %q: faults %q, want the re-use named", s.Field, s.Faults)
		}
	}
}

// updatedUnsigned is updated for a file without signatures.
func updatedUnsigned(tb testing.TB, file []byte, change func(attacker)) []byte {
	tb.Helper()
	d := open(tb, file)
	w, err := d.file.NewIncrement()
	if err != nil {
		tb.Fatal(err)
	}
	change(attacker{Increment: w, doc: d})
	if err := w.Finish(d.file); err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(file), w.Out...)
}
