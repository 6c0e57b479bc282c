package pdf

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"github.com/elicence/elicence/pki/oid"
	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
	"github.com/elicence/elicence/seal/seen"
)

// straddling is a seal cut over pages at their right edge.
func straddling(s *signers, whole *Appearance, pages ...int) Stamp {
	stamp := s.stamp(0)
	stamp.Marks = nil
	b, n := whole.BBox, len(pages)
	unit := (b[2] - b[0]) / float64(n)
	for i, page := range pages {
		width := 42 / float64(n)
		stamp.Marks = append(stamp.Marks, Mark{
			Page: page, X: 210 - width, Y: 120, Width: width, Height: 42, Appearance: whole,
			Part: [4]float64{b[0] + float64(i)*unit, b[1], b[0] + float64(i+1)*unit, b[3]},
		})
	}
	return stamp
}

// verified is what the one signature of a name turned out to be.
func verified(tb testing.TB, file []byte, trust Trust, field string) (*Report, *Signed) {
	tb.Helper()
	report, err := open(tb, file).Verify(context.Background(), trust)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range report.Signatures {
		if report.Signatures[i].Field == field {
			return report, &report.Signatures[i]
		}
	}
	tb.Fatalf("there is no signature %s", field)
	return nil, nil
}

// seenErr is what the check of the statement says.
func seenErr(tb testing.TB, s *Signed) error {
	tb.Helper()
	for _, c := range s.Checks {
		if c.Name == checkSeen {
			return c.Err
		}
	}
	tb.Fatal("nobody looked at what is seen")
	return nil
}

// TestSeen: whatever is stamped, wherever, is found as it is named, by us and by a second
// reader; and again when a second signature has come.
func TestSeen(t *testing.T) { eachProfile(t, testSeen) }

func testSeen(t *testing.T, s *signers) {
	font := &Object{Dict: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}
	text := &Appearance{Content: []byte("BT /F1 9 Tf (2026) Tj ET"), BBox: [4]float64{0, 0, 100, 100}, Resources: "<</Font<</F1 {0}>>/X[.50 -0.0 1.0 null]>>", Objects: []*Object{font}}
	writing := s.stamp(120)
	writing.Marks[0].Appearance = text
	asks := sample{catalog: "/AcroForm<</Fields[5 0 R]>>", page: "/Annots[6 0 R]", objects: []string{
		"<</T(f)/FT/Sig/Kids[6 0 R]>>", "<</Type/Annot/Subtype/Widget/Parent 5 0 R/Rect[250.12345 250 100 100]/F 4>>"}}
	inField := s.stamp(0)
	inField.Field, inField.Marks[0].Page, inField.Marks[0].X, inField.Marks[0].Y = "f", 0, 0, 0
	nothing := s.stamp(0)
	nothing.Marks = nil
	twice := s.stamp(60)
	twice.Marks = append(twice.Marks, Mark{Page: 1, X: 110, Y: 200, Width: 38, Height: 38, Appearance: pixels(t, bureau(t, "合肥市样例局"))})
	for _, tt := range []struct {
		name  string
		file  []byte
		stamp Stamp
		want  int
	}{
		{"one seal", victim.bytes(), s.stamp(120), 1},
		{"a turned page in other units", sample{rotate: 90, unit: 2, crop: []float64{-10.5, 20, 580, 800}, stream: true}.bytes(), s.stamp(60), 1},
		{"pages in an object stream", sample{packed: true}.bytes(), writing, 1},
		{"an existing field", asks.bytes(), inField, 1},
		{"a straddle seal", sample{pages: 7}.bytes(), straddling(s, seal(), 1, 2, 4, 3, 5, 7, 6), 7},
		{"something beside it", victim.bytes(), twice, 2},
		{"nothing", victim.bytes(), nothing, 0},
		{"a person", victim.bytes(), personStamp(), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sign := s.sealContents
			if tt.stamp.Filter == FilterPerson {
				sign = s.personContents
			}
			waiting, p := unsigned(t, tt.file, tt.stamp)
			again, err := resume(waiting)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := statement(t, again), statement(t, p); !bytes.Equal(got, want) {
				t.Errorf("resumed it names %x, prepared %x", got, want)
			}
			file := put(t, tt.file, tt.stamp, sign)
			second := s.stamp(20)
			second.Marks[0].Y, second.Marks[0].Width, second.Marks[0].Height = 10, 20, 20
			for _, file := range [][]byte{file, put(t, file, second, s.sealContents)} {
				report, found := verified(t, file, s.trust, p.Field())
				if err := seenErr(t, found); err != nil || !report.Valid() || len(found.Seen) != tt.want {
					t.Fatalf("%v, %d places, want %d; %v", err, len(found.Seen), tt.want, report.Err())
				}
				for i, place := range found.Seen {
					if got := secondLook(t, file, place.Place, i == 0); got != place.Place.Look {
						t.Errorf("place %d looks like %x to a second reader, named is %x", i, got, place.Place.Look)
					}
				}
			}
			_, found := verified(t, file, s.trust, p.Field())
			if tt.want > 0 && (found.Seen[0].Place.Page != found.Page || apart(found.Seen[0], found) > 0.01) {
				t.Errorf("the field is named at %+v, shown on page %d at %.2f, %.2f", found.Seen[0], found.Page, found.X, found.Y)
			}
		})
	}
}

// apart is how far a place is from where a signature is shown, in millimetres.
func apart(p SeenPlace, s *Signed) float64 {
	return math.Abs(p.X-s.X) + math.Abs(p.Y-s.Y) + math.Abs(p.Width-s.Width) + math.Abs(p.Height-s.Height)
}

// secondLook reads a file with pdfcpu and finds the look of the annotation at a place, by
// docs/seen-format.md and with nothing of this package.
func secondLook(t *testing.T, file []byte, p seen.Place, widget bool) [sm3.Size]byte {
	t.Helper()
	quietly.Do(api.DisableConfigDir)
	ctx, err := api.ReadContext(bytes.NewReader(file), model.NewDefaultConfiguration())
	if err != nil {
		t.Fatal(err)
	}
	if err := ctx.EnsurePageCount(); err != nil {
		t.Fatal(err)
	}
	page, _, _, err := ctx.PageDict(p.Page, false)
	if err != nil {
		t.Fatal(err)
	}
	second := secondReader{ctx}
	list, _ := second.value(page["Annots"]).(types.Array)
	for _, entry := range list {
		a, ok := second.value(entry).(types.Dict)
		if !ok || (*a.NameEntry("Subtype") == "Widget") != widget {
			continue
		}
		var n []int64
		for _, side := range second.value(a["Rect"]).(types.Array) { //nolint:forcetypeassert // the sample's
			switch v := second.value(side).(type) {
			case types.Integer:
				n = append(n, int64(v)*seen.PerUnit)
			case types.Float:
				n = append(n, int64(float64(v)*seen.PerUnit+0.001)) // samples have no more than five decimals, none below zero
			}
		}
		if (seen.Box{Left: min(n[0], n[2]), Bottom: min(n[1], n[3]), Right: max(n[0], n[2]), Top: max(n[1], n[3])}) != p.Box {
			continue
		}
		shown := types.Dict{}
		for _, key := range []string{"AP", "AS", "BM", "CA", "F", "OC", "ca"} {
			if v, ok := a[key]; ok {
				shown[key] = v
			}
		}
		return sm3.Sum(append([]byte("elicence/look/1\x00"), second.written(t, shown)...))
	}
	t.Fatalf("no annotation at %+v", p)
	return [sm3.Size]byte{}
}

type secondReader struct{ ctx *model.Context }

func (r secondReader) value(v types.Object) types.Object {
	out, err := r.ctx.Dereference(v)
	if err != nil {
		panic(err)
	}
	return out
}

func (r secondReader) written(t *testing.T, v types.Object) []byte {
	t.Helper()
	counted := func(kind byte, n int, b ...byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(n)), b...) //nolint:gosec // small
	}
	text := func(kind byte, s string) []byte { return counted(kind, len(s), []byte(s)...) }
	switch v := r.value(v).(type) {
	case nil:
		return []byte("n")
	case types.Boolean:
		return map[bool][]byte{true: []byte("t"), false: []byte("f")}[bool(v)]
	case types.Integer:
		return text('#', strconv.Itoa(int(v)))
	case types.Float:
		return text('#', strconv.FormatFloat(float64(v)+0, 'f', -1, 64)) // -0 + 0 is 0
	case types.Name:
		return text('/', string(v))
	case types.StringLiteral:
		b, err := types.Unescape(string(v))
		if err != nil {
			t.Fatal(err)
		}
		return text('(', string(b))
	case types.Array:
		out := counted('[', len(v))
		for _, e := range v {
			out = append(out, r.written(t, e)...)
		}
		return out
	case types.StreamDict:
		d := maps.Clone(v.Dict)
		delete(d, "Length")
		digest := sm3.Sum(append(r.written(t, d), v.Raw...))
		return append([]byte("~"), digest[:]...)
	case types.Dict:
		n, body := 0, []byte{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if r.value(v[key]) != nil {
				n, body = n+1, append(append(body, text('/', key)...), r.written(t, v[key])...)
			}
		}
		return counted('<', n, body...)
	default:
		t.Fatalf("a %T", v)
		return nil
	}
}

// TestSeenAttacks: what was changed of the field and the stamps that a signature names is
// said by name, beside what the comparison of revisions says.
func TestSeenAttacks(t *testing.T) { eachProfile(t, testSeenAttacks) }

func testSeenAttacks(t *testing.T, s *signers) {
	one := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	slices := put(t, victim.bytes(), straddling(s, seal(), 1, 2, 3), s.sealContents)
	person := put(t, victim.bytes(), personStamp(), s.personContents)
	evilForm := func(a attacker) syntax.Ref {
		r := a.Fresh()
		a.PutStream(r, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 100, 100}), "Resources", &syntax.Dict{}), []byte(evil))
		return r
	}
	// stamps are the slices on the pages 2 and 3.
	stamps := func(a attacker) []uint32 {
		came, err := a.doc.came(0)
		if err != nil || len(came) != 2 {
			panic(fmt.Sprintf("%d stamps, %v", len(came), err))
		}
		return []uint32{came[0].ref.Num, came[1].ref.Num}
	}
	for _, tt := range []struct {
		name   string
		signed []byte
		change func(attacker)
		what   string
		states string
	}{
		{"field moved", one, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "Rect", numbers([]float64{10, 10, 129, 129}))
		}, "the field that is named on page 1 was moved", "moved"},
		{"field to another page", one, func(a attacker) {
			w, _, _ := a.widget()
			a.set(9, "Annots", syntax.Array{syntax.Ref{Num: 5}, syntax.Ref{Num: 6}})
			a.set(10, "Annots", syntax.Array{syntax.Ref{Num: w}})
			a.set(w, "P", syntax.Ref{Num: 10})
		}, "the field that is named on page 1 was moved", "moved"},
		{"field on no page", one, func(a attacker) { a.set(9, "Annots", syntax.Array{syntax.Ref{Num: 5}, syntax.Ref{Num: 6}}) }, "is not there", "missing"},
		{"field dressed anew", one, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "AP", syntax.DictOf("N", evilForm(a)))
		}, "shows something else", "dressed"},
		{"another drawing in its frame", one, func(a attacker) {
			_, _, inner := a.widget()
			a.PutStream(inner, syntax.DictOf("Type", syntax.Name("XObject"), "Subtype", syntax.Name("Form"), "BBox", numbers([]float64{0, 0, 100, 100})), []byte(evil))
		}, "shows something else", "dressed"},
		{"a look of its own under the mouse", one, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "AP", a.dict(w).Lookup("AP").(*syntax.Dict).With("R", evilForm(a))) //nolint:errcheck,forcetypeassert // as it was written
		}, "shows something else", "dressed"},
		{"hidden", one, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "F", int64(structure.Printed|structure.Locked|2))
		}, "shows something else", "dressed"},
		{"shown on conditions", one, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "OC", a.made("<</Type/OCG/Name(x)>>"))
		}, "shows something else", "dressed"},
		{"a slice moved along its page", slices, func(a attacker) {
			a.set(stamps(a)[0], "Rect", numbers([]float64{10, 10, 49, 129}))
		}, "the stamp that is named on page 2 was moved", "same moved same"},
		{"two slices exchanged", slices, func(a attacker) {
			l := stamps(a)
			one, two := a.dict(l[0]), a.dict(l[1])
			a.Put(syntax.Ref{Num: l[0]}, one.With("AP", two.Lookup("AP")))
			a.Put(syntax.Ref{Num: l[1]}, two.With("AP", one.Lookup("AP")))
		}, "the stamp that is named on page 2 shows something else, and so 1 others of 3", "same dressed dressed"},
		{"a slice taken to another page", slices, func(a attacker) {
			l := stamps(a)
			a.set(10, "Annots", syntax.Array{})
			a.set(11, "Annots", syntax.Array{syntax.Ref{Num: l[1]}, syntax.Ref{Num: l[0]}})
		}, "the stamp that is named on page 2 was moved", "same moved same"},
		{"a slice removed", slices, func(a attacker) { a.set(10, "Annots", syntax.Array{}) }, "the stamp that is named on page 2 is not there", "same missing same"},
		{"a slice freed", slices, func(a attacker) { a.Put(syntax.Ref{Num: stamps(a)[1]}, nil) }, "the stamp that is named on page 3 is not there", "same same missing"},
		{"a slice exchanged for another", slices, func(a attacker) {
			a.set(11, "Annots", syntax.Array{a.made(fmt.Sprintf("<</Type/Annot/Subtype/Stamp/F 196/P 11 0 R/Rect %s/AP<</N %d 0 R>>>>",
				syntax.AppendValue(nil, a.dict(stamps(a)[1]).Lookup("Rect")), evilForm(a).Num))})
		}, "the stamp that is named on page 3 shows something else", "same same dressed"},
		{"a slice that was never signed dressed anew", slices, func(a attacker) {
			a.set(stamps(a)[0], "AP", syntax.DictOf("N", evilForm(a)))
		}, "the stamp that is named on page 2 shows something else", "same dressed same"},
		{"a person's field dressed anew", person, func(a attacker) {
			w, _, _ := a.widget()
			a.set(w, "AP", syntax.DictOf("N", evilForm(a)))
		}, "shows something else", "dressed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if report, _ := verified(t, tt.signed, s.trust, "Seal1"); !report.Valid() {
				t.Fatalf("before the attack: %v", report.Err())
			}
			report, found := verified(t, updated(t, tt.signed, tt.change), s.trust, "Seal1")
			err := seenErr(t, found)
			if !errors.Is(err, ErrSeen) || !strings.Contains(err.Error(), tt.what) || !errors.Is(report.Err(), ErrSeen) || report.Valid() {
				t.Errorf("%v, want %q; the report says %v", err, tt.what, report.Err())
			}
			if found.laterChanges(0, nil) == nil {
				t.Error("the comparison of revisions does not see it")
			}
			var states []string
			for _, p := range found.Seen {
				states = append(states, string(p.State))
			}
			if got := strings.Join(states, " "); got != tt.states {
				t.Errorf("the places are %s, want %s", got, tt.states)
			}
		})
	}
}

// TestSeenIsNamedTruly: a statement that is not of this file counts against the
// signature, whoever made it; what names nothing is as good as before.
func TestSeenIsNamedTruly(t *testing.T) { eachProfile(t, testSeenIsNamedTruly) }

func testSeenIsNamedTruly(t *testing.T, s *signers) {
	other, err := open(t, victim.bytes()).Prepare(s.stamp(60))
	if err != nil {
		t.Fatal(err)
	}
	none, err := seen.Statement{}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		statement []byte
		want      string // "" for valid
	}{
		{"no statement", nil, ""},
		{"of another file", statement(t, other), "was moved"},
		{"of nothing", none, "names nothing"},
		{"not one", []byte{4, 1, 'x'}, seen.ErrMalformed.Error()},
		{"empty", []byte{}, seen.ErrMalformed.Error()},
	} {
		if s.profile == ses.ProfileCAdES && tt.name == "empty" {
			continue // no attribute: TestCAdESSealAttacked has what stands in its place
		}
		file := put(t, victim.bytes(), s.stamp(120), func(tb testing.TB, p *Prepared) []byte { return s.sealNaming(tb, p, tt.statement) })
		report, _ := verified(t, file, s.trust, "Seal1")
		if err := report.Err(); (tt.want == "") != report.Valid() || err != nil && (!errors.Is(err, ErrSeen) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	s = s.in(ses.ProfileSES)
	stamp := s.stamp(120)
	stamp.ContentsSize += 128 // the room is for one statement
	twice := put(t, victim.bytes(), stamp, func(tb testing.TB, p *Prepared) []byte {
		list := []ses.Extension{{ID: oid.Seen, Value: statement(tb, p)}, {ID: oid.Seen, Value: statement(tb, p)}}
		contents, err := ses.Sign(s.seal, ses.Stamp{Time: signingTime, Document: p.Digest(), Property: Property(p.ByteRange()), Extensions: list}, s.sealCert, s.sealKey)
		if err != nil {
			tb.Fatal(err)
		}
		return contents
	})
	if report, _ := verified(t, twice, s.trust, "Seal1"); !errors.Is(report.Err(), ErrSeen) {
		t.Errorf("two statements: %v", report.Err())
	}
}

// TestLookIsOfWhatIsSaid: how it is written down makes no difference to a look, and
// everything that a reader draws does.
func TestLookIsOfWhatIsSaid(t *testing.T) {
	t.Parallel()
	form := func(more, data string) string {
		return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", more, len(data), data)
	}
	look := func(annotation string, objects ...string) [sm3.Size]byte {
		t.Helper()
		d := open(t, sample{page: "/Annots[5 0 R]", objects: append([]string{annotation}, objects...)}.bytes())
		a, err := d.now.Dict(syntax.Ref{Num: 5})
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.now.looks().of(a)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	plain := look("<</AP<</N 6 0 R>>/F 4>>", form("/BBox[0 0 1 .5]/Resources<</Font<</F 7 0 R>>>>", "q Q"), "<</BaseFont/Helvetica/Name(a)>>")
	for name, same := range map[string][sm3.Size]byte{
		"other numbers":       look("<</AP<</N 9 0 R>>/F 4>>", "1", "<</BaseFont/Helvetica/Name(a)>>", "2", form("/BBox[0 0 1 .5]/Resources<</Font<</F 7 0 R>>>>", "q Q")),
		"another order":       look("<</F 4/Rect[0 0 1 1]/AP<</N 6 0 R>>/P 9 0 R/M(now)>>", form("/Resources<</Font<</F 7 0 R>>>>/BBox[0 0 1 .5]", "q Q"), "<</Name(a)/BaseFont/Helvetica>>"),
		"another spelling":    look("<</AP<</N 6 0 R>>/F +4>>", form("/BBox[-0 00 1.0 0.50]/Resources<</Font<</F 7 0 R>>>>", "q Q"), "<</BaseFont/Helv#65tica/Name<61>/None null>>"),
		"values out of place": look("<</AP 8 0 R/F 9 0 R>>", form("/BBox 10 0 R/Resources<</Font<</F<</BaseFont/Helvetica/Name(a)>>>>>>", "q Q"), "1", "<</N 6 0 R/D 99 0 R>>", "4", "[0 0 11 0 R .5]", "1"),
	} {
		if same != plain {
			t.Errorf("%s makes another look", name)
		}
	}
	for name, other := range map[string][sm3.Size]byte{
		"other data":       look("<</AP<</N 6 0 R>>/F 4>>", form("/BBox[0 0 1 .5]/Resources<</Font<</F 7 0 R>>>>", "q q"), "<</BaseFont/Helvetica/Name(a)>>"),
		"another font":     look("<</AP<</N 6 0 R>>/F 4>>", form("/BBox[0 0 1 .5]/Resources<</Font<</F 7 0 R>>>>", "q Q"), "<</BaseFont/Symbol/Name(a)>>"),
		"another box":      look("<</AP<</N 6 0 R>>/F 4>>", form("/BBox[0 0 1 .51]/Resources<</Font<</F 7 0 R>>>>", "q Q"), "<</BaseFont/Helvetica/Name(a)>>"),
		"a name as string": look("<</AP<</N 6 0 R>>/F 4>>", form("/BBox[0 0 1 .5]/Resources<</Font<</F 7 0 R>>>>", "q Q"), "<</BaseFont(Helvetica)/Name(a)>>"),
		"more":             look("<</AP<</N 6 0 R/R 6 0 R>>/F 4>>", form("/BBox[0 0 1 .5]/Resources<</Font<</F 7 0 R>>>>", "q Q"), "<</BaseFont/Helvetica/Name(a)>>"),
		"blended":          look("<</AP<</N 6 0 R>>/F 4/BM/Multiply>>", form("/BBox[0 0 1 .5]/Resources<</Font<</F 7 0 R>>>>", "q Q"), "<</BaseFont/Helvetica/Name(a)>>"),
	} {
		if other == plain {
			t.Errorf("%s makes no other look", name)
		}
	}
	circle := func(first, second string) [sm3.Size]byte {
		return look("<</AP<</N 6 0 R>>>>", form("/BBox[0 0 1 1]/Resources "+first, "q Q"), second)
	}
	if circle("7 0 R", "<</Back 6 0 R>>") == circle("7 0 R", "<</Back 7 0 R>>") {
		t.Error("two circles look the same")
	}
}

// TestLookIsOfNothingBefore: a look is the same whichever were asked for before, with the same
// bounds.
func TestLookIsOfNothingBefore(t *testing.T) {
	t.Parallel()
	form := "<<%s/Length 3>>\nstream\nq Q\nendstream"
	many := "<</AP<</N[" + strings.Repeat("8 0 R ", 5000) + "]>>>>"
	wide := "<<"
	for n := range 30 {
		wide += fmt.Sprintf("/%c%d 1", 'A'+n%26, n)
	}
	annotations := []uint32{5, 6, 7}
	file := sample{page: "/Annots[5 0 R]", objects: []string{
		"<</AP<</N 10 0 R>>/A 9 0 R>>", "<</AP<</N 11 0 R>>>>", many, wide + ">>", "null",
		fmt.Sprintf(form, "/Resources 12 0 R"), fmt.Sprintf(form, "/Resources 12 0 R/Wide 8 0 R"), "<</Back 10 0 R/Own 13 0 R>>", "<</More 12 0 R/Wide 8 0 R>>",
	}}
	look := func(d *Document, num uint32) string {
		a, err := d.now.Dict(syntax.Ref{Num: num})
		if err != nil || a == nil {
			t.Fatal(err)
		}
		found, err := d.looks(nil).of(a)
		if err != nil && !errors.Is(err, syntax.ErrTooComplex) {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x, %v", found, err)
	}
	for _, last := range annotations {
		want := look(open(t, file.bytes()), last)
		if (last == 7) != strings.Contains(want, "values") {
			t.Errorf("the look of %d is %s", last, want)
		}
		for _, first := range annotations {
			d := open(t, file.bytes())
			look(d, first)
			if got := look(d, last); first != last && got != want {
				t.Errorf("behind %d the look of %d is %s, else %s", first, last, got, want)
			}
		}
	}
}

// TestSeenEncrypted: what is named does not depend on how the file hides it, so a second
// seal, which hides the same drawing otherwise, names the same look.
func TestSeenEncrypted(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	plain, err := open(t, secret().bytes()).Prepare(s.stamp(120))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--encrypt", "user", "owner", "256", "--"}, {"--allow-weak-crypto", "--encrypt", "user", "owner", "128", "--use-aes=n", "--"}} {
		file := lock(t, secret().bytes(), args...)
		p, err := openWith(t, file, "user").Prepare(s.stamp(120))
		if err != nil {
			t.Fatal(err)
		}
		if p.seen.Places[0] != plain.seen.Places[0] {
			t.Errorf("%v: it names %+v, in a plain file %+v", args, p.seen.Places[0], plain.seen.Places[0])
		}
		var waiting bytes.Buffer
		if _, err := p.WriteUnsigned(&waiting); err != nil {
			t.Fatal(err)
		}
		resumed, err := ResumeWith(bytes.NewReader(waiting.Bytes()), int64(waiting.Len()), syntax.Access{Password: "user"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := statement(t, resumed), statement(t, p); !bytes.Equal(got, want) {
			t.Errorf("%v: resumed it names %x, prepared %x", args, got, want)
		}
		if err := p.Complete(s.sealContents(t, p)); err != nil {
			t.Fatal(err)
		}
		report, err := openWith(t, fileOf(t, p), "user").Verify(context.Background(), s.trust)
		if err != nil || !report.Valid() || seenErr(t, &report.Signatures[0]) != nil {
			t.Errorf("%v: %v, %v", args, err, report.Err())
		}
	}
}
