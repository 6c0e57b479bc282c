package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// upon puts a signature with an appearance upon the seal that the file has, at its place.
func (s *signers) upon(tb testing.TB, first []byte, look func(a attacker, frame, drawing syntax.Ref, size string) syntax.Ref, entries string) []byte {
	tb.Helper()
	file := updated(tb, first, func(a attacker) {
		w, frame, drawing := a.widget()
		box, _, err := a.doc.now.Rect(a.dict(w).Lookup("Rect"))
		if err != nil {
			tb.Fatal(err)
		}
		size := fmt.Sprintf("%v %v", box.Width(), box.Height())
		v := a.made(fmt.Sprintf("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M(D:20261123093000+08'00')/ByteRange[0 0000000000 0000000000 0000000000]/Contents<%s>>>",
			SubFilterCAdES, strings.Repeat("00", tokenRoom)))
		shown := look(a, frame, drawing, size)
		if !strings.Contains(entries, "/F ") {
			entries += "/F 132"
		}
		touched, entries, found := strings.Cut(entries, "|")
		if !found {
			touched, entries = "", touched
		}
		field := a.made(fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(second)/Rect[%v %v %v %v]/P 9 0 R/V %d 0 R/AP<</N %d 0 R%s>>%s>>",
			box.X0, box.Y0, box.X1, box.Y1, v.Num, shown.Num, touched, entries))
		a.add(7, "Fields", field)
		a.add(9, "Annots", field)
	})
	return filled(tb, file, func(digest [32]byte) []byte { return s.sign(tb, ses.Stamp{Document: digest}) })
}

// TestUponSeal: a signature upon an earlier one is told as such where it only darkens what lies below, in
// every way in which a reader draws it; all else hides something.
func TestUponSeal(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	stamp := s.stamp(120)
	stamp.Marks[0].Appearance = &Appearance{Content: []byte("0.84 0 0.06 rg 6 6 88 88 re f"), BBox: [4]float64{0, 0, 100, 100}, Multiply: true}
	first := put(t, victim.bytes(), stamp, s.sealContents)

	const multiply, normal, darken = "<</BM/Multiply>>", "<</ca .9>>", "<</BM/Darken/ca .9>>"
	const group = "/Group<</S/Transparency>>"
	// framed draws what was drawn for the first seal, in a form with entries and a content around it.
	framed := func(state, entries, before, after string) func(a attacker, _, drawing syntax.Ref, size string) syntax.Ref {
		return func(a attacker, _, drawing syntax.Ref, size string) syntax.Ref {
			r := a.Fresh()
			head := fmt.Sprintf("<</Type/XObject/Subtype/Form/BBox[0 0 %s]/Resources<</ExtGState<</G %s/N<</BM/Normal>>>>/XObject<</D %d 0 R>>>>%s", size, state, drawing.Num, entries)
			content := before + "/D Do" + after
			a.Begin(r)
			a.Out = append(a.Out, fmt.Sprintf("%s/Length %d>>\nstream\n%s\nendstream", head, len(content), content)...)
			a.End()
			return r
		}
	}
	// within puts such a form into another one.
	within := func(inner func(attacker, syntax.Ref, syntax.Ref, string) syntax.Ref, entries, before string) func(attacker, syntax.Ref, syntax.Ref, string) syntax.Ref {
		return func(a attacker, frame, drawing syntax.Ref, size string) syntax.Ref {
			return framed(multiply, entries, before, "")(a, frame, inner(a, frame, drawing, size), size)
		}
	}
	white := "1 g 0 0 1000 1000 re f 0 g "
	for _, tt := range []struct {
		name    string
		look    func(attacker, syntax.Ref, syntax.Ref, string) syntax.Ref
		entries string
		upon    bool
	}{
		{"as it is stamped", func(_ attacker, frame, _ syntax.Ref, _ string) syntax.Ref { return frame }, "", true},
		{"multiplied", framed(multiply, "", "/G gs ", ""), "", true},
		{"darkened", framed(darken, "", "/G gs ", ""), "", true},
		{"as it would be", framed(normal, "", "/G gs ", ""), "", false},
		{"without a word", framed(multiply, "", "", ""), "", false},
		{"multiplied too late", framed(multiply, "", "", " /G gs"), "", false},
		{"multiplied and back", framed(multiply, "", "/G gs /N gs ", ""), "", false},
		{"on white", framed(multiply, "", white+"/G gs ", ""), "", false},
		{"white that is multiplied", framed(multiply, "", "/G gs "+white, ""), "", true},
		{"and white over it", framed(multiply, "", "q /G gs ", " Q "+white), "", false},
		{"within a group of its own", framed(multiply, group, "/G gs ", ""), "", false},
		{"within a form", within(framed(normal, "", "", ""), "", "/G gs "), "", true},
		{"within a form that takes it back", within(framed(normal, "", "/N gs "+white, ""), "", "/G gs "), "", false},
		{"within a group that takes nothing back", within(framed(normal, group, "/N gs "+white, ""), "", "/G gs "), "", true},
		{"multiplied in a group alone", within(framed(multiply, group, "/G gs ", ""), "", ""), "", false},
		{"within what may be a group", within(framed(normal, "/Group<</S/Other>>", "", ""), "", "/G gs "), "", false},
		{"a group that knocks out", within(framed(normal, "/Group<</S/Transparency/K true>>", "", ""), "", "/G gs "), "", false},
		{"an operator that is not known", framed(multiply, "", "/G gs ", " 5 w 0 0 m 90 90 l S"), "", false},
		{"with a background of the field's", framed(multiply, "", "/G gs ", ""), "/MK<</BG[1 1 1]>>", false},
		{"with a blend mode of the field's", framed(multiply, "", "/G gs ", ""), "/BM/Normal", false},
		{"with another look when it is touched", framed(multiply, "", "/G gs ", ""), "/D 3 0 R|/F 132", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			list := signatures(t, s.upon(t, first, tt.look, tt.entries))
			if len(list) != 2 || len(list[1].Faults) > 0 {
				t.Fatalf("signatures %+v", list)
			}
			upper := &Signed{Signature: list[1]}
			if got := upper.pressed(); got != tt.upon {
				t.Errorf("it hides nothing: %t", got)
			}
			i := slices.IndexFunc(list[0].Changes, func(c revision.Change) bool { return c.Kind == revision.SealUponSeal || c.Kind == revision.Modified })
			if i < 0 {
				t.Fatalf("changes %+v", list[0].Changes)
			}
			c := list[0].Changes[i]
			if c.Code != revision.ChangeSealUponSeal || c.Field != "second" || !slices.Equal(c.Over, []string{"Seal1"}) || c.Page != 1 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestUponSealVerdict: whether a seal upon another breaks that is said by who both are of, and by
// what is shown. Here the picture of the seals cannot be drawn, so nobody can say that it is one.
func TestUponSealVerdict(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	stamp := s.stamp(120)
	stamp.Marks[0].Appearance = &Appearance{Content: []byte("0.84 0 0.06 rg 6 6 88 88 re f"), BBox: [4]float64{0, 0, 100, 100}, Multiply: true}
	first := put(t, victim.bytes(), stamp, s.sealContents)
	file := s.upon(t, first, func(_ attacker, frame, _ syntax.Ref, _ string) syntax.Ref { return frame }, "")
	report, err := open(t, file).Verify(context.Background(), s.trust)
	if err != nil {
		t.Fatal(err)
	}
	lower, upper := &report.Signatures[0], &report.Signatures[1]
	if m := lower.Refuses(); m == nil || m.Change.Kind != revision.SealUponSeal || !errors.Is(report.Err(), ErrModified) {
		t.Errorf("below a seal of which nobody can say that it is shown: %v, %v", m, report.Err())
	}
	c := revision.Change{Kind: revision.SealUponSeal, Field: "second", Over: []string{"Seal1"}}
	shown := *upper
	shown.Picture.State = PictureSame
	yes, no := true, false
	shown.darkens = &yes
	none, person, other, broken, hides := shown, shown, shown, shown, shown
	hides.darkens = &no
	none.Signer, person.Kind = nil, SignerPerson
	other.Signer = s.maker
	broken.Checks = append(slices.Clone(shown.Checks), ses.Check{Name: "signature", Err: ses.ErrForged})
	undecided := *upper
	undecided.Checks = append(slices.Clone(shown.Checks), ses.Check{Name: "proof of time", Err: ses.ErrTimeNotProven})
	unknown := *upper
	both, otherUndecided := undecided, undecided
	both.Checks = append(slices.Clone(undecided.Checks), ses.Check{Name: "signature", Err: ses.ErrForged})
	otherUndecided.Signer = s.maker
	for name, tt := range map[string]struct {
		upper Signed
		below bool // and not beside
		want  error
	}{
		"of one owner": {shown, true, nil}, "no signer": {none, true, ErrModified}, "a person": {person, true, ErrModified}, "another owner": {other, true, ErrModified},
		"forged": {broken, true, ErrModified}, "undecided": {undecided, true, ses.ErrTimeNotProven}, "not shown": {unknown, true, ErrModified}, "hides something": {hides, true, ErrModified},
		"undecided and forged": {both, true, ErrModified}, "undecided, of another owner": {otherUndecided, true, ErrModified},
		"beside, of another owner": {other, false, nil}, "beside, a person": {person, false, ErrModified}, "beside, forged": {broken, false, ErrModified}, "beside, hides something": {hides, false, ErrModified},
		"beside, undecided": {undecided, false, nil},
	} {
		c := c
		if !tt.below {
			c.Over = []string{"Seal0"}
		}
		if err := lower.bears(c, []Signed{tt.upper}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if lower.bears(c, nil) == nil {
		t.Error("a seal that is not there is borne")
	}
}

// TestLooseUponSeal: what does not turn with its page lies upon nothing.
func TestLooseUponSeal(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	first := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	for entries, want := range map[string]revision.ChangeCode{"/F 148": revision.ChangeAnnotationOverSeal, "/F 140": revision.ChangeAnnotationOverSeal, "/F 132": revision.ChangeSealUponSeal} {
		list := signatures(t, s.upon(t, first, func(_ attacker, frame, _ syntax.Ref, _ string) syntax.Ref { return frame }, entries))
		if !slices.ContainsFunc(list[0].Changes, func(c revision.Change) bool { return c.Code == want }) {
			t.Errorf("%s: %+v", entries, list[0].Changes)
		}
	}
}

// TestStampUponSeal: a stamp lies upon an earlier one only if it says so, multiplies, and is a new field.
func TestStampUponSeal(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	stamp := func(upon, multiply bool) Stamp {
		out := s.stamp(125)
		out.UponSeals = upon
		look := out.Marks[0].Appearance
		out.Marks[0].Appearance = &Appearance{Content: look.Content, BBox: look.BBox, Multiply: multiply}
		return out
	}
	first := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	for _, tt := range []struct {
		stamp Stamp
		want  string
	}{{stamp(false, true), "would cover an earlier seal"}, {stamp(true, false), "not transparent"}, {stamp(true, true), ""}} {
		_, err := open(t, first).Prepare(tt.stamp)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
	second := stamp(true, true)
	second.Marks = append(second.Marks, second.Marks[0])
	if _, err := open(t, first).Prepare(second); err == nil || !strings.Contains(err.Error(), "would cover") {
		t.Errorf("a stamp beside the field: %v", err)
	}
	if file := put(t, first, stamp(true, true), s.sealContents); !bytes.HasPrefix(file, first) {
		t.Error("the first revision was changed")
	}
}

// TestPressedOnLargeUnits: whether a seal only darkens does not depend on how long a page's units are.
func TestPressedOnLargeUnits(t *testing.T) {
	t.Parallel()
	s := newSigners(t).in(ses.ProfileCAdES)
	for _, unit := range []float64{0.1, 1, 3} {
		stamp := s.stamp(60)
		stamp.Marks[0].Appearance = &Appearance{Content: []byte("0.84 0 0.06 rg 6 6 88 88 re f"), BBox: [4]float64{0, 0, 100, 100}, Multiply: true}
		for i := range stamp.Marks {
			stamp.Marks[i].X, stamp.Marks[i].Y, stamp.Marks[i].Width, stamp.Marks[i].Height = 2*unit, 2*unit, 42*min(unit, 1), 42*min(unit, 1)
		}
		list := signatures(t, put(t, sample{unit: unit}.bytes(), stamp, s.sealContents))
		if upper := (&Signed{Signature: list[0]}); !upper.pressed() {
			t.Errorf("a unit of %v: it hides something", unit)
		}
	}
}
