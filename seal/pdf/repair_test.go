package pdf

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// repaired repairs a file and gives the result to the reader and to qpdf.
func repaired(t *testing.T, file []byte) *Repaired {
	t.Helper()
	r, err := Repair(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("Repair: %v", err)
	}
	checkQPDF(t, saveFile(t, r.out))
	prepare(t, open(t, r.out), at(1, 20, 20, 42))
	again, err := Repair(bytes.NewReader(r.out), int64(len(r.out)))
	if !errors.Is(err, ErrIntact) {
		t.Errorf("the repaired file is repaired again: %+v, %v", again, err)
	}
	return r
}

// TestRepair repairs what happens to files on their way.
func TestRepair(t *testing.T) {
	t.Parallel()
	plain := sample{pages: 3, ballast: 5000}.bytes()
	packed := sample{packed: true, pages: 3}.bytes()
	hybrid := sample{hybrid: true, pages: 3}.bytes()
	xref := bytes.LastIndex(plain, []byte("xref\n0"))
	for _, tc := range []struct {
		name  string
		file  []byte
		found string
	}{
		{"cut off in the table", plain[:xref+30], "no startxref"},
		{"cut off before the table", plain[:xref], "found by its type"},
		{"startxref to nowhere", ended(plain, "3"), "an object number"},
		{"lines turned into CR LF", bytes.ReplaceAll(sample{pages: 3}.bytes(), []byte("\n"), []byte("\r\n")), ""},
		{"bytes before every offset", append([]byte("%PDF-1.4\n%%%%%%%%%%\n"), plain[9:]...), ""},
		{"object streams, cut off", packed[:len(packed)-30], ""},
		{"object streams, startxref to nowhere", ended(packed, "3"), ""},
		{"hybrid that disagrees", hybridThatDisagrees(), "disagree"},
		{"hybrid, cut off", hybrid[:len(hybrid)-40], ""},
		{"two files in one", append(bytes.Clone(plain[:xref]), plain...), ""},
		{"wrong length", bytes.Replace(ended(plain, "3"), []byte("/Length 81"), []byte("/Length 18"), 1), "/Length was wrong"},
		{"endobj missing", bytes.Replace(ended(plain, "3"), []byte("endobj\n2 0 obj"), []byte("2 0 obj"), 1), "endobj was missing"},
		{"broken object", ended(sample{objects: []string{"<</A[1 2>>"}}.bytes(), "3"), "is left out"},
		{"string without end before the pages", ended(sample{objects: []string{"(a((b)"}}.bytes(), "3"), "is left out"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := readable(bytes.NewReader(tc.file), int64(len(tc.file))); err == nil {
				t.Fatal("the file is not damaged")
			}
			r := repaired(t, tc.file)
			var all strings.Builder
			for _, f := range r.Findings {
				all.WriteString(f.What + "\n")
			}
			if !strings.Contains(all.String(), tc.found) {
				t.Errorf("found\n%swant something about %q", all.String(), tc.found)
			}
			if bytes.Contains(tc.file, []byte("/Contents 3 0 R")) && !bytes.Contains(r.out, []byte("(The contents of the page) Tj")) {
				t.Error("the contents of the page are gone")
			}
		})
	}
}

// TestRepairSignatures takes signatures out of a damaged file, and names them.
func TestRepairSignatures(t *testing.T) {
	t.Parallel()
	file := stamped(t, stamped(t, sample{pages: 2}.bytes(), at(1, 20, 20, 42)), at(2, 20, 20, 42))
	r := repaired(t, ended(file, "3"))
	if len(r.Signatures) != 2 || r.Signatures[0].Field != "Seal1" || r.Signatures[1].Name != "某某市人民政府" || !r.Signatures[1].Time.Equal(signingTime) {
		t.Errorf("signatures: %+v", r.Signatures)
	}
	if list := signatures(t, r.out); len(list) != 0 {
		t.Errorf("the repaired file has signatures: %+v", list)
	}
	if exists, err := open(t, r.out).HasField("Seal2"); err != nil || !exists {
		t.Errorf("the field is gone: %v", err)
	}
	if bytes.Contains(r.out, []byte("/SigFlags")) || bytes.Contains(r.out, []byte("0.84 0 0.06")) || bytes.Contains(r.out, []byte("/ByteRange")) {
		t.Error("something of the signatures is still there")
	}
}

// TestRepairSealsOfManyPlaces takes off every page what showed a signature that is lost: the
// field, the same seal on other pages, the slices of a straddle seal.
func TestRepairSealsOfManyPlaces(t *testing.T) {
	t.Parallel()
	stray := "<</Type/Annot/Subtype/Stamp/F 4/Rect[10 10 60 60]/Contents(kept)>>"
	s := at(1, 20, 20, 42)
	s.Marks = append(s.Marks, at(2, 20, 20, 42).Marks[0], at(3, 20, 20, 42).Marks[0])
	file := stamped(t, sample{pages: 3, every: "/Annots[" + stray + "]"}.bytes(), s)
	r := repaired(t, ended(file, "3"))
	if len(r.Signatures) != 1 || len(signatures(t, r.out)) != 0 {
		t.Errorf("signatures: %+v", r.Signatures)
	}
	if n := bytes.Count(r.out, []byte("(kept)")); n != 3 {
		t.Errorf("%d stamps of other people are left, want 3", n)
	}
	if bytes.Contains(r.out, []byte("0.84 0 0.06")) {
		t.Error("the seal still shows")
	}
	d := open(t, r.out)
	leaves, err := d.pages()
	if err != nil {
		t.Fatal(err)
	}
	for i, leaf := range leaves {
		if boxes, err := d.now.Seals(leaf.Ref, nil); err != nil || len(boxes) != 0 {
			t.Errorf("page %d shows seals at %v: %v", i+1, boxes, err)
		}
	}
}

// TestRepairLater takes the later of two objects with one number.
func TestRepairLater(t *testing.T) {
	t.Parallel()
	first := sample{catalog: "/Lang(old)"}.bytes()
	d := open(t, first)
	w, err := d.file.NewIncrement()
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := d.now.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	w.Put(catalog.Ref, catalog.Val.(*syntax.Dict).With("Lang", syntax.String("new")))
	if err := w.Finish(d.file); err != nil {
		t.Fatal(err)
	}
	r := repaired(t, ended(append(first, w.Out...), "3"))
	if bytes.Contains(r.out, []byte("(old)")) || !bytes.Contains(r.out, []byte("(new)")) {
		t.Errorf("the repaired file:\n%s", r.out)
	}
}

// TestRepairRefuses leaves alone what is intact, encrypted, or beyond repair.
func TestRepairRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range kinds {
		file := tc.sample.bytes()
		if _, err := Repair(bytes.NewReader(file), int64(len(file))); !errors.Is(err, ErrIntact) {
			t.Errorf("%s: %v, want ErrIntact", tc.name, err)
		}
	}
	locked := lock(t, sample{}.bytes(), "--encrypt", "", "owner", "256", "--")
	for _, tc := range []struct {
		name string
		file []byte
		want error
	}{
		{"encrypted", ended(locked, "3"), syntax.ErrEncrypted},
		{"encrypted, trailer lost", locked[:bytes.LastIndex(locked, []byte("xref\n0"))], syntax.ErrEncrypted},
		{"no PDF", []byte("1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj"), syntax.ErrNotPDF},
		{"empty", nil, syntax.ErrNotPDF},
	} {
		if _, err := Repair(bytes.NewReader(tc.file), int64(len(tc.file))); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	for _, file := range []string{
		"%PDF-1.4\n",
		"%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj",
		"%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj 2 0 obj <</Type/Pages/Kids[]/Count 0>> endobj",
		"%PDF-1.4\n1 0 obj " + strings.Repeat("[", 300) + " endobj",
	} {
		var damaged *syntax.DamagedError
		if _, err := Repair(strings.NewReader(file), int64(len(file))); !errors.As(err, &damaged) {
			t.Errorf("%q: %v, want damage", file, err)
		}
	}
	many := "%PDF-1.4\n" + strings.Repeat("1 0 obj(", 200_000) // each would be read to the end
	if _, err := Repair(strings.NewReader(many), int64(len(many))); !errors.Is(err, syntax.ErrTooComplex) {
		t.Errorf("a file of nothing but openings: %v, want ErrTooComplex", err)
	}
}

// FuzzRepair repairs anything: the result is sound and takes a stamp, or there is none.
func FuzzRepair(f *testing.F) {
	for _, tc := range kinds {
		file := tc.sample.bytes()
		f.Add(ended(file, "3"))
		f.Add(file[:len(file)-20])
	}
	f.Add(ended(stamped(f, sample{packed: true}.bytes(), at(1, 20, 20, 42)), "3"))
	drawing := seal()
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := Repair(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if !refusal(err) && !errors.Is(err, ErrIntact) {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		d, err := Open(bytes.NewReader(r.out), int64(len(r.out)))
		if err != nil {
			t.Fatalf("the repaired file: %v", err)
		}
		before, err := d.Signatures()
		if err != nil || len(before) > 0 {
			t.Fatalf("signatures of the repaired file: %+v, %v", before, err)
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
		checkLast(t, p, 0)
	})
}
