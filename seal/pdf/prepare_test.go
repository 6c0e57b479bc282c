package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

func TestStampIsReadBack(t *testing.T) {
	t.Parallel()
	s := at(2, 120, 200, 42)
	s.Field = "公章"
	doc := open(t, sample{pages: 3, rotate: 90, media: []float64{0, 0, 842, 1191}}.bytes())
	p := prepare(t, doc, s)
	list := signatures(t, fileOf(t, p))
	if len(list) != 1 {
		t.Fatalf("got %d signatures, want 1", len(list))
	}
	got := list[0]
	place := fmt.Sprintf("page %d, %.1f %.1f %.1f %.1f", got.Page, got.X, got.Y, got.Width, got.Height)
	for _, c := range []struct{ what, got, want string }{
		{"field", got.Field, "公章"}, {"field of Prepared", p.Field(), "公章"},
		{"filter", got.Filter, s.Filter}, {"subfilter", got.SubFilter, s.SubFilter},
		{"name", got.Name, s.Name}, {"reason", got.Reason, s.Reason}, {"location", got.Location, s.Location},
		{"time", got.Time.Format("2006-01-02 15:04:05 -0700"), "2026-11-23 09:30:00 +0800"},
		{"place", place, "page 2, 120.0 200.0 42.0 42.0"},
		{"contents", fmt.Sprintf("%x", got.Contents), fmt.Sprintf("%x", der(300))},
		{"digest", fmt.Sprintf("%x", got.Digest), fmt.Sprintf("%x", p.Digest())},
		{"byte range", fmt.Sprint(got.ByteRange), fmt.Sprint(p.ByteRange())},
		{"revision", fmt.Sprint(got.Revision), "2"},
		{"covers the file", fmt.Sprint(got.CoversFile), "true"},
		{"intact", fmt.Sprint(got.Intact()), "true"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
}

// TestFormIsKept checks that nothing of an existing form is lost.
func TestFormIsKept(t *testing.T) {
	t.Parallel()
	for _, tc := range kinds {
		if !strings.HasPrefix(tc.name, "form") {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := stamped(t, tc.sample.bytes(), at(1, 30, 40, 42))
			form, err := open(t, file).now.Form()
			if err != nil {
				t.Fatal(err)
			}
			got := string(syntax.AppendValue(nil, form.Dict.With("Fields", form.Fields)))
			for _, want := range []string{"/DA (/Helv 0 Tf)", "/DR <</Font <</Helv 4 0 R>>>>", "/SigFlags 3", "/Fields [5 0 R "} {
				if !strings.Contains(got, want) {
					t.Errorf("the form is %s, want %s in it", got, want)
				}
			}
			if len(form.All) != 2 || form.All[0].Name != "given name" || form.All[1].Name != "Seal1" {
				t.Errorf("the form has %d fields, want the old one and Seal1", len(form.All))
			}
		})
	}
}

// TestSharedArrays stamps files in which one array serves several purposes:
// what is appended for one must not show up in the other.
func TestSharedArrays(t *testing.T) {
	t.Parallel()
	note := "<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/Rect[10 10 30 30]/F 4>>"
	shared := sample{pages: 2, page: "/Annots 5 0 R", catalog: "/AcroForm<</Fields 5 0 R>>", objects: []string{"[6 0 R]", note}}
	file := stamped(t, shared.bytes(), Stamp{
		Filter: "F", SubFilter: "S", Time: signingTime, ContentsSize: 600,
		Marks: []Mark{at(1, 20, 20, 30).Marks[0], at(1, 80, 20, 30).Marks[0]},
	})
	doc := open(t, file)
	form, err := doc.now.Form()
	if err != nil {
		t.Fatal(err)
	}
	if len(form.Fields) != 2 {
		t.Errorf("the form has %d fields, want 2", len(form.Fields))
	}
	if got := numAnnots(t, doc, 1); got != 3 {
		t.Errorf("page 1 has %d annotations, want the old one, the field and the stamp", got)
	}
	checkQPDF(t, saveFile(t, file))
}

// TestNumbersThatAreReferredTo stamps files that refer to objects which they do not have, under
// the numbers that are next. None of them may come to be.
func TestNumbersThatAreReferredTo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sample  sample
		missing []uint32
	}{
		"a field's value":    {sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{"<</FT/Sig/T(a)/V 7 0 R>>"}}, []uint32{7}},
		"an annotation":      {sample{page: "/Annots[8 0 R 5 0 R 9 0 R]", objects: []string{"<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/Contents(a)>>"}}, []uint32{8, 9}},
		"of the catalog":     {sample{catalog: "/Threads 7 0 R/PieceInfo 9 0 R/Lang 12 0 R"}, []uint32{7, 9, 12}},
		"in a packed object": {sample{packed: true, page: "/Annots[9 0 R 10 0 R]/Metadata 11 0 R"}, []uint32{9, 10, 11}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := tc.sample.bytes()
			for n := range 2 {
				doc := open(t, file)
				before, err := doc.Signatures()
				if err != nil {
					t.Fatal(err)
				}
				p, err := doc.Prepare(at(1, 20, 20+40*float64(n), 30))
				if err != nil {
					t.Fatal(err)
				}
				if err := p.Complete(der(300)); err != nil {
					t.Fatal(err)
				}
				checkLast(t, p, len(before))
				file = fileOf(t, p)
			}
			after := open(t, file)
			for _, num := range tc.missing {
				if _, ok := after.now.Generation(num); ok {
					t.Errorf("the file has an object %d now", num)
				}
			}
			checkQPDF(t, saveFile(t, file))
		})
	}
}

// TestSharedAnnots stamps one of two pages that share their /Annots array.
func TestSharedAnnots(t *testing.T) {
	t.Parallel()
	original := sample{pages: 2, every: "/Annots 5 0 R", objects: []string{"[6 0 R]",
		"<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/Contents(note)>>"}}.bytes()
	doc := open(t, stamped(t, original, at(1, 30, 40, 42)))
	for page, want := range []int{2, 1} {
		if got := numAnnots(t, doc, page+1); got != want {
			t.Errorf("page %d has %d annotations, want %d", page+1, got, want)
		}
	}
}

func numAnnots(tb testing.TB, d *Document, page int) int {
	tb.Helper()
	leaves, err := d.pages()
	if err != nil {
		tb.Fatal(err)
	}
	annots, err := d.now.Annotations(leaves[page-1].Ref)
	if err != nil {
		tb.Fatal(err)
	}
	return len(annots)
}

// TestOneDrawing checks that a drawing that is shown many times is in the file once: within a stamp, by equal content,
// and across stamps. So is each frame around it, of the whole and of a half.
func TestOneDrawing(t *testing.T) {
	t.Parallel()
	s := at(1, 10, 10, 30)
	s.Marks = append(s.Marks, at(1, 50, 10, 30).Marks[0], Mark{Page: 1, X: 90, Y: 10, Width: 15, Height: 30,
		Appearance: seal(), Part: [4]float64{50, 0, 100, 100}})
	file := stamped(t, sample{}.bytes(), s)
	for i := range 3 {
		file = stamped(t, file, at(1, 10+40*float64(i), 80, 30))
	}
	if got := bytes.Count(file, []byte("/BBox [0 0 100 100]")); got != 1 {
		t.Errorf("the drawing is in the file %d times, want once", got)
	}
	if got := bytes.Count(file, []byte("/Drawing Do")); got != 2 {
		t.Errorf("the drawing is framed %d times, want 2", got)
	}
	if got := bytes.Count(file, []byte("/AP <</N ")); got != 6 {
		t.Errorf("the drawing is shown %d times, want 6", got)
	}
}

func TestStampIsDeterministic(t *testing.T) {
	t.Parallel()
	file := sample{pages: 3}.bytes()
	if !bytes.Equal(stamped(t, file, at(1, 30, 40, 42)), stamped(t, file, at(1, 30, 40, 42))) {
		t.Error("the same stamp gave different bytes")
	}
}

func TestFileIdentifier(t *testing.T) {
	t.Parallel()
	file := sample{}.bytes()
	seen := map[syntax.String]bool{}
	for range 3 {
		file = stamped(t, file, at(1, 10, 10+40*float64(len(seen)), 30))
		id, _ := open(t, file).now.Trailer().Lookup("ID").(syntax.Array)
		if len(id) != 2 || id[0] != syntax.String("one") {
			t.Fatalf("/ID is %v, want its first part kept", id)
		}
		seen[id[1].(syntax.String)] = true
	}
	if len(seen) != 3 || seen["one"] {
		t.Errorf("the second part of /ID took %d values in 3 stamps", len(seen))
	}
}
