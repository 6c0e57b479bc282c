package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/structure"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// refusal reports that an error is one that the package promises.
func refusal(err error) bool {
	var damaged *syntax.DamagedError
	var refused *RefusedError
	return errors.As(err, &damaged) || errors.As(err, &refused) || errors.Is(err, syntax.ErrNotPDF) || errors.Is(err, syntax.ErrEncrypted) || errors.Is(err, syntax.ErrTooComplex)
}

// FuzzRead reads everything the package reads of any bytes.
func FuzzRead(f *testing.F) {
	for _, tc := range kinds {
		file := tc.sample.bytes()
		f.Add(file)
		f.Add(file[:len(file)/2])
	}
	signed := stamped(f, victim.bytes(), at(1, 120, 200, 42))
	f.Add(signed)
	f.Add(stamped(f, signed, at(2, 20, 200, 42)))
	f.Add(updated(f, signed, func(a attacker) { a.set(5, "V", syntax.String("x")) }))
	f.Add(stamped(f, sample{packed: true, pages: 3}.bytes(), at(1, 120, 200, 42)))
	f.Add(circle())
	f.Add(hybridThatDisagrees())
	f.Fuzz(func(t *testing.T, file []byte) {
		if err := everything(file); err != nil && !refusal(err) {
			t.Errorf("an error that is no refusal: %v", err)
		}
	})
}

// separator stands between the objects of a fuzzed file.
const separator = "\n---\n"

// FuzzStamp stamps files whose objects are anything. (Bytes at random seldom
// get past the cross-reference table.) What is not refused must read back: one
// more signature, sound, and the earlier ones as they were.
func FuzzStamp(f *testing.F) {
	for _, tc := range kinds {
		f.Add(tc.sample.catalog, tc.sample.page, strings.Join(tc.sample.objects, separator), tc.sample.packed)
	}
	for _, tc := range sheets {
		f.Add("", strings.TrimPrefix(tc.sample.pageDict(0), "<<"), "", false)
	}
	f.Add(victim.catalog, victim.page, strings.Join(victim.objects, separator), false)
	f.Add("/AcroForm<</Fields[5 0 R]>>", "/Annots[5 0 R]", emptySigField+separator+"<</T(a)/Kids[5 0 R]>>", true)
	f.Add("/Names<</EmbeddedFiles<</Names[(a) 5 0 R]>>>>/AF[5 0 R]", "", "<</F(a)/EF<</F 3 0 R>>>>", false)
	f.Add("/AcroForm<</Fields[5 0 R]>>", "", "<</FT/Sig/T(f)/V 6 0 R>>"+separator+
		"<</Type/Sig/ByteRange[0 10 20 30]/Contents<3000>/M(D:2026)/Reference[<</TransformMethod/FieldMDP/TransformParams<</Action/All>>>>]>>", false)
	drawing := seal()
	f.Fuzz(func(t *testing.T, catalog, page, objects string, packed bool) {
		file := sample{catalog: catalog, page: page, objects: strings.Split(objects, separator), packed: packed}.bytes()
		if err := everything(file); err != nil && !refusal(err) {
			t.Errorf("an error that is no refusal: %v", err)
		}
		d, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		before, err := d.Signatures()
		if err != nil {
			return
		}
		s := at(1, 3, 3, 20)
		s.Marks[0].Appearance = drawing
		p, err := d.Prepare(s)
		if err != nil {
			if !refusal(err) {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		if err := p.Complete(der(300)); err != nil {
			t.Fatal(err)
		}
		checkLast(t, p, len(before))
	})
}

// checkLast wants a stamped file to have one more signature, a sound one.
func checkLast(t *testing.T, p *Prepared, before int) {
	t.Helper()
	file := fileOf(t, p)
	d, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("opening the stamped file: %v", err)
	}
	after, err := d.Signatures()
	if err != nil {
		t.Fatalf("the stamped file's signatures: %v", err)
	}
	if len(after) != before+1 {
		t.Fatalf("%d signatures after %d", len(after), before)
	}
	last := after[len(after)-1]
	if !last.Intact() || !last.CoversFile || last.Digest != p.Digest() {
		t.Errorf("the new signature: faults %q, changes %+v", last.Faults, last.Changes)
	}
}

// FuzzEncrypted reads and stamps any bytes with a password. What is stamped must read back.
func FuzzEncrypted(f *testing.F) {
	for _, tc := range lockings {
		f.Add(lock(f, secret().bytes(), tc.args...), "user")
	}
	drawing := seal()
	f.Fuzz(func(t *testing.T, file []byte, password string) {
		access := syntax.Access{Password: password}
		d, err := OpenWith(bytes.NewReader(file), int64(len(file)), access)
		if err != nil {
			if !refusal(err) {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		if err := read(d); err != nil && !refusal(err) {
			t.Errorf("an error that is no refusal: %v", err)
		}
		before, err := d.Signatures()
		if err != nil {
			return
		}
		s := at(1, 3, 3, 20)
		s.Marks[0].Appearance = drawing
		p, err := d.Prepare(s)
		if err != nil {
			if !refusal(err) {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		if err := p.Complete(der(300)); err != nil {
			t.Fatal(err)
		}
		stampedFile := fileOf(t, p)
		again, err := OpenWith(bytes.NewReader(stampedFile), int64(len(stampedFile)), access)
		if err != nil {
			t.Fatalf("opening the stamped file: %v", err)
		}
		after, err := again.Signatures()
		if err != nil || len(after) != len(before)+1 || after[len(after)-1].Digest != p.Digest() {
			t.Fatalf("%d signatures after %d: %v", len(after), len(before), err)
		}
	})
}

// FuzzIncrement overwrites an object of a signed file with anything. Nothing
// may pass as untouched but what says the same as before.
func FuzzIncrement(f *testing.F) {
	signed := stamped(f, victim.bytes(), at(1, 120, 200, 42))
	d := open(f, signed)
	for num := uint32(1); num < 40; num++ {
		if o, err := d.now.Load(syntax.Ref{Num: num}); err == nil && o != nil {
			f.Add(num, string(syntax.AppendValue(nil, o.Val)))
		}
	}
	f.Add(uint32(60), "<</Type/Annot>>")
	f.Fuzz(func(t *testing.T, num uint32, written string) {
		num = num%80 + 1
		file := updated(t, signed, func(a attacker) {
			a.Next = max(a.Next, num+1)
			a.Begin(syntax.Ref{Num: num})
			a.Out = append(a.Out, written...)
			a.End()
		})
		d, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if !refusal(err) {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		list, err := d.Signatures()
		if err != nil {
			if !refusal(err) {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		if len(list) != 1 || !list[0].Intact() || len(list[0].Changes) > 0 {
			return
		}
		old, _ := open(t, signed).now.Load(syntax.Ref{Num: num})
		got, err := d.now.Load(syntax.Ref{Num: num})
		if old != nil && err == nil && (got == nil || !sameObject(old, got)) {
			t.Errorf("object %d became %q and nobody noticed", num, written)
		}
	})
}

func sameObject(a, b *syntax.Object) bool {
	if st, ok := a.Val.(*syntax.Stream); ok {
		other, ok := b.Val.(*syntax.Stream)
		return ok && syntax.Equal(st.Dict, other.Dict)
	}
	before, ok1 := a.Val.(*syntax.Dict)
	after, ok2 := b.Val.(*syntax.Dict)
	if !ok1 || !ok2 {
		return syntax.Equal(a.Val, b.Val)
	}
	return syntax.Equal(essence(before), essence(after))
}

// essence leaves out what may change without changing what anybody sees: that
// there are no annotations, in which order they are visited, and what the form
// offers for the text of fields.
func essence(d *syntax.Dict) *syntax.Dict {
	out := &syntax.Dict{}
	for _, e := range d.Entries {
		none, _ := e.Val.(syntax.Array)
		if e.Key == "Annots" && none != nil && len(none) == 0 {
			continue
		}
		switch e.Key {
		case "Tabs", "SigFlags", "DR":
		default:
			out.Entries = append(out.Entries, e)
		}
	}
	return out
}

// FuzzAppearance lays out appearances of any content and resources: each is drawn, or
// said not to be.
func FuzzAppearance(f *testing.F) {
	f.Add("q 0.8 0 0 rg 1 0 0 -1 0 10 cm 1 1 m 9 1 l 9 9 l 1 9 l h f Q", "<<>>", "")
	f.Add("/F gs /X Do", "<</XObject<</X 6 0 R>>/ExtGState<</F<</ca .9/BM/Multiply>>>>>>", "<</Subtype/Form/BBox[0 0 9 9]/Matrix[0 1 -1 0 9 0]/Length 6>>\nstream\n0 0 9 9 re f\nendstream")
	f.Add("/X Do", "<</XObject<</X 6 0 R>>>>", "<</Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray/Length 1>>\nstream\n\x00\nendstream")
	f.Add("1 1 5 5 re W n 0 g 0 0 9 9 re f BT ET", "<<>>", "")
	f.Add("q Q", "<</A 6 0 R/B[6 0 R .50 -0. null(x)]/C 6 0 R>>", "<</Up 5 0 R/Self 6 0 R/Page 8 0 R>>") // circles
	f.Fuzz(func(t *testing.T, content, resources, object string) {
		file := sample{page: "/Annots[7 0 R]", objects: []string{
			fmt.Sprintf("<</Subtype/Form/BBox[0 0 10 10]/Resources %s/Length %d>>\nstream\n%s\nendstream", resources, len(content), content), object,
			"<</Type/Annot/Subtype/Widget/Rect[0 0 100 100]/AP<</N 5 0 R>>>>",
		}}.bytes()
		d, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		widget, err := d.now.Dict(syntax.Ref{Num: 7})
		if err != nil || widget == nil {
			return
		}
		if _, err := d.now.looks().of(widget); err != nil && !refusal(err) {
			t.Errorf("its look: an error that is no refusal: %v", err)
		}
		_, err = d.now.layout(widget, structure.Rect{X0: 0, Y0: 0, X1: 100, Y1: 100}, 90, 72/25.4)
		if err != nil && !errors.Is(err, likeness.ErrNotDrawn) && !refusal(err) {
			t.Errorf("neither drawn nor said not to be: %v", err)
		}
	})
}
