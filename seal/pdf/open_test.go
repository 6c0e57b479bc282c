package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestDamaged wants damage refused with its place, never repaired, and circles
// and bombs found before they cost anything.
func TestDamaged(t *testing.T) {
	t.Parallel()
	plain := sample{}.bytes()
	packed := sample{packed: true, pages: 3}.bytes()
	edit := func(file []byte, old, new string) []byte { return swap(t, bytes.Clone(file), old, new) }
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"cut off", plain[:len(plain)-8], "EOF expected"},
		{"no startxref", []byte("%PDF-1.7\n1 0 obj null endobj"), "no startxref"},
		{"startxref 0", ended(plain, "0"), "table or stream expected"},
		{"startxref beyond the end", []byte("%PDF-1.7\nstartxref\n99999\n%%EOF"), "outside the file"},
		{"startxref no number", ended(plain, "x"), "whole number"},
		{"startxref negative", ended(plain, "-5"), "whole number"},
		{"startxref huge", ended(plain, strings.Repeat("9", 30)), "whole number"},
		{"entry with a word", edit(plain, "65535 f \n1", "65535 fx\n1"), "malformed cross-reference entry"},
		{"entry without end", edit(plain, "65535 f \n1", "65535 f  1"), "malformed cross-reference entry"},
		{"entry of spaces", bytes.Replace(plain, []byte("65535 f \n"), []byte("65535 f"+strings.Repeat(" ", 80)+"\n"), 1), "malformed cross-reference entry"},
		{"entry neither n nor f", edit(plain, "00000 n \n", "00000 x \n"), "malformed cross-reference entry"},
		{"offset off by one", shiftEntry(plain, 1, 1), "a generation number expected"},
		{"offset of another object", shiftEntry(plain, 1, 2), "object 1 0 expected"},
		{"catalog missing", edit(plain, "/Root 1 0 R", "/Root 9 0 R"), "the catalog, object 9, is missing"},
		{"root no reference", edit(plain, "/Root 1 0 R", "/Root 1 0 0"), "key must be a name"},
		{"root without pages", edit(plain, "/Type/Catalog/Pages", "/Type/Catalog/Pagez"), "/Pages is not a reference"},
		{"root of another type", edit(edit(plain, "/Type/Catalog", "/Type/Catalof"), "/Pages 2 0 R", "/Pagez 2 0 R"), "is not a catalog"},
		{"count too low", edit(plain, "/Count 1", "/Count 0"), "holds 1 pages, but its /Count differs"},
		{"count too high before another page", sample{pages: 2, objects: []string{"<</Type/Pages/Parent 2 0 R/Count 3/Kids[6 0 R]>>"}}.nested(t), "node 5 holds 1 pages, but its /Count differs"},
		{"page of another type", edit(plain, "/Type/Page/", "/Type/Pagf/"), "neither /Page nor /Pages"},
		{"wrong parent", edit(sample{objects: []string{"<</Type/Pages/Rotate 90>>"}}.bytes(), "/Parent 2 0 R", "/Parent 5 0 R"), "another /Rotate"},
		{"kid missing", edit(plain, "/Kids[5 0 R ]", "/Kids[9 0 R ]"), "missing"},
		{"kid twice", edit(sample{pages: 2}.bytes(), "/Kids[5 0 R 6 0 R ]", "/Kids[5 0 R 5 0 R ]"), "occurs twice in the page tree"},
		{"tree in a circle", edit(plain, "/Kids[5 0 R ]", "/Kids[2 0 R ]"), "occurs twice in the page tree"},
		{"key twice", edit(plain, "/Resources<<", "/Contents <<"), "/Contents occurs twice"},
		{"key for a terminal twice", sample{catalog: "/A#1b#5b2J 1/A#1b#5b2J 2"}.bytes(), "/A#1B#5B2J occurs twice"},
		{"no media box", edit(plain, "/MediaBox", "/MediaBux"), "no valid /MediaBox"},
		{"media box empty", sample{media: []float64{0, 0, 0, 100}}.bytes(), "boxes are empty"},
		{"crop box elsewhere", sample{crop: []float64{900, 900, 1000, 1000}}.bytes(), "boxes are empty"},
		{"crop box no rectangle", sample{page: "/CropBox[1 2 3]"}.bytes(), "/CropBox is not a rectangle"},
		{"rotated by 45", sample{rotate: 45}.bytes(), "not a multiple of 90"},
		{"user unit 0", sample{page: "/UserUnit 0"}.bytes(), "/UserUnit"},
		{"prev in a circle", circle(), "runs in a circle"},
		{"object stream index", edit(packed, string([]byte{2, 0, 0, 0, 8, 0, 1}), string([]byte{2, 0, 0, 0, 8, 0, 2})), "is not at place 2"},
		{"object stream in itself", edit(packed, string([]byte{2, 0, 0, 0, 8, 0, 1}), string([]byte{2, 0, 0, 0, 6, 0, 1})), "no plain object"},
		{"object stream no stream", edit(packed, string([]byte{2, 0, 0, 0, 8, 0, 1}), string([]byte{2, 0, 0, 0, 1, 0, 1})), "object stream 1 expected"},
		{"hybrid disagrees", hybridThatDisagrees(), "disagree about object"},
		{"stream length wrong", edit(packed, "/Type /ObjStm", "/Type /ObjStn"), "object stream 8 expected"},
		{"form field twice", sample{catalog: "/AcroForm<</Fields[5 0 R 5 0 R]>>", objects: []string{"<</T(a)>>"}}.bytes(), "occurs twice in the form"},
		{"form field in a circle", sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: []string{"<</T(a)/Kids[5 0 R]>>"}}.bytes(), "occurs twice in the form"},
		{"form no dictionary", sample{catalog: "/AcroForm[1]"}.bytes(), "/AcroForm is not a dictionary"},
		{"nested too deep", sample{catalog: "/X" + strings.Repeat("[", 5000)}.bytes(), "nested more than 100"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := everything(tc.file)
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(damaged.What, tc.want) {
				t.Errorf("got %v, want damage about %q", err, tc.want)
			}
		})
	}
}

// nested puts page 1 below the node that is the first extra object.
func (s sample) nested(t *testing.T) []byte {
	t.Helper()
	return swap(t, s.bytes(), "/Kids[6 0 R 7 0 R ]", "/Kids[5 0 R 7 0 R ]")
}

// everything reads all that the package reads of a file.
func everything(file []byte) error {
	d, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return err
	}
	if err := read(d); err != nil {
		return err
	}
	_, err = Resume(bytes.NewReader(file), int64(len(file)))
	var refused *RefusedError
	if errors.As(err, &refused) { // nothing waits
		return nil
	}
	return err
}

// read is everything of an open file.
func read(d *Document) error {
	n, err := d.NumPages()
	if err != nil {
		return err
	}
	for i := range min(n, 10) {
		if _, err := d.Page(i + 1); err != nil {
			return err
		}
	}
	if _, err := d.Signatures(); err != nil {
		return err
	}
	if _, err := d.EmbeddedFiles(); err != nil {
		return err
	}
	if _, err := d.Cautions(); err != nil {
		return err
	}
	if _, err := d.DSS(); err != nil {
		return err
	}
	_, err = d.ChangesSince(d.Size())
	return err
}

// ended is the file with another offset after startxref.
func ended(file []byte, offset string) []byte {
	i := bytes.LastIndex(file, []byte("startxref"))
	return append(bytes.Clone(file[:i]), "startxref\n"+offset+"\n%%EOF\n"...)
}

// shiftEntry makes the table's entry of an object point elsewhere: some bytes
// on, or to the object n numbers on.
func shiftEntry(file []byte, num, by int) []byte {
	out := bytes.Clone(file)
	first := bytes.LastIndex(out, []byte(" f \n1 ")) + len(" f \n1 5\n") - 20
	if by == 1 {
		out[first+20*num+9]++
		return out
	}
	copy(out[first+20*num:], out[first+20*(num+by):first+20*(num+by)+20])
	return out
}

func circle() []byte {
	first := sample{}.bytes()
	at := len(first)
	return fmt.Appendf(first, "xref\n0 0\ntrailer\n<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", at, at)
}

// hybridThatDisagrees has the page in its table too, somewhere else.
func hybridThatDisagrees() []byte {
	out := sample{hybrid: true}.bytes()
	i := bytes.LastIndex(out, []byte("trailer"))
	return append(append(bytes.Clone(out[:i]), "5 1\n0000000015 00000 n \n"...), out[i:]...)
}

// TestTooComplex wants bombs refused as such.
func TestTooComplex(t *testing.T) {
	t.Parallel()
	var chain []string
	for i := range 40 {
		chain = append(chain, fmt.Sprintf("%d 0 R", 6+i))
	}
	for _, tc := range []struct {
		name string
		file []byte
	}{
		{"chain of references", sample{catalog: "/AcroForm 5 0 R", objects: chain}.bytes()},
		{"object that refers to itself", sample{catalog: "/AcroForm 5 0 R", objects: []string{"5 0 R"}}.bytes()},
		{"deflated bomb", bomb()},
		{"names in a circle", sample{catalog: "/Names<</EmbeddedFiles 5 0 R>>", objects: []string{"<</Kids[5 0 R]>>"}}.bytes()},
		{"many names of one thing", manyNames()},
		{"same megabyte again and again", again()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := everything(tc.file); !errors.Is(err, ErrTooComplex) {
				t.Errorf("got %v, want ErrTooComplex", err)
			}
		})
	}
}

// bomb is a file whose cross-reference stream inflates to 64 MB.
func bomb() []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(make([]byte, 64<<20))
	_ = w.Close()
	out := []byte("%PDF-1.7\n1 0 obj\n<</Type/XRef/W[1 4 2]/Size 5/Root 2 0 R/Filter/FlateDecode/Length ")
	out = fmt.Appendf(out, "%d>>\nstream\n", z.Len())
	out = append(out, z.Bytes()...)
	return append(out, "\nendstream\nendobj\nstartxref\n9\n%%EOF\n"...)
}

// manyNames has a field tree with as many levels as objects.
func manyNames() []byte {
	var objects []string
	for i := range 200 {
		objects = append(objects, fmt.Sprintf("<</T(a)/Kids[%d 0 R]>>", firstExtra+i+1))
	}
	objects = append(objects, "<</T(a)/FT/Tx>>")
	return sample{catalog: "/AcroForm<</Fields[5 0 R]>>", objects: objects}.bytes()
}

// again has two thousand pages that share a megabyte of annotations, among
// which a widget is searched in vain.
func again() []byte {
	big := "[" + strings.Repeat("0 ", 1<<19) + "]"
	return sample{pages: 2000, every: "/Annots 5 0 R", catalog: "/AcroForm<</Fields[6 0 R]>>", objects: []string{
		big, "<</FT/Sig/T(on no page)/V 7 0 R/Rect[0 0 9 9]>>"}}.bytes()
}

// TestLengthCircle opens a file whose object stream has a /Length that is
// packed in that very stream.
func TestLengthCircle(t *testing.T) {
	t.Parallel()
	file := sample{packed: true, pages: 3}.bytes()
	d := open(t, file)
	loc, _ := d.now.locate(8)
	o, err := d.objectAt(loc.at, d.src.size, nil)
	if err != nil {
		t.Fatal(err)
	}
	length := string(appendValue(nil, o.val.(*stream).dict.lookup("Length")))
	circular := bytes.Replace(file, []byte("/Length "+length), []byte("/Length 5 0 R"[:len("/Length ")+len(length)]), 1)
	if err := everything(circular); err == nil {
		t.Error("a circular /Length was accepted")
	}
}

// TestObjectStreamUnderAnotherNumber asks for the object stream at one place by two numbers:
// what the second finds must not depend on whether the first was asked before.
func TestObjectStreamUnderAnotherNumber(t *testing.T) {
	t.Parallel()
	d := open(t, sample{packed: true}.bytes())
	loc, _ := d.now.locate(firstExtra)
	num := uint32(loc.at)
	holder, _ := d.now.locate(num)
	if _, err := d.now.container(holder.at, num+1); !isDamage(err) {
		t.Errorf("asked for first: %v", err)
	}
	if _, err := d.now.container(holder.at, num); err != nil {
		t.Fatal(err)
	}
	if _, err := d.now.container(holder.at, num+1); !isDamage(err) {
		t.Errorf("asked for behind the right one: %v", err)
	}
}

// TestFiltersElsewhere: one bit of an object that says how an object stream is read would turn a
// page of what was signed, and no comparison reaches it. How a cross-reference stream is read says
// where all objects are.
func TestFiltersElsewhere(t *testing.T) {
	t.Parallel()
	for _, parms := range []string{"<<>>", "<</Predictor 12/Columns 1024>>"} {
		file := sample{pages: 2, packed: true, every: "/Rotate 000", decoy: "/Rotate 180", objects: []string{parms}}.bytes()
		if err := everything(file); !isDamage(err) || !strings.Contains(err.Error(), "not in its own dictionary") {
			t.Errorf("with %s: %v", parms, err)
		}
		nested := bytes.Replace(file, []byte("/FlateDecode/DecodeParms 5 0 R"), []byte("/Fl/DecodeParms[5 0 R]        "), 1)
		if err := everything(nested); !isDamage(err) || !strings.Contains(err.Error(), "not in its own dictionary") {
			t.Errorf("with %s in an array: %v", parms, err)
		}
		table := bytes.Replace(sample{stream: true, objects: []string{parms}}.bytes(), []byte("/Type /XRef"), []byte("/Filter 5 0 R/Type/XRef"), 1)
		if err := everything(table); !isDamage(err) || !strings.Contains(err.Error(), "not in its own dictionary") {
			t.Errorf("a cross-reference stream with %s: %v", parms, err)
		}
	}
}

func TestNotPDF(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "%PDX-1.7", "PK\x03\x04", strings.Repeat(" ", 1024) + "%PDF-1.7"} {
		if _, err := Open(strings.NewReader(file), int64(len(file))); !errors.Is(err, ErrNotPDF) {
			t.Errorf("Open(%.20q): %v, want ErrNotPDF", file, err)
		}
	}
}

// brokenReader fails after some bytes.
type brokenReader struct {
	io.ReaderAt
	from int64
}

var errDisk = errors.New("disk on fire")

func (b brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errDisk
	}
	return b.ReaderAt.ReadAt(p, off)
}

// TestReadErrors wants an error of the reader passed on, not taken for damage.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	file := sample{ballast: 300_000}.bytes()
	if _, err := Open(brokenReader{bytes.NewReader(file), 2000}, int64(len(file))); !errors.Is(err, errDisk) {
		t.Errorf("Open: %v, want the reader's error", err)
	}
	if _, err := Open(bytes.NewReader(file), int64(len(file))+1); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Open of a file that is shorter than announced: %v, want io.ErrUnexpectedEOF", err)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, tc := range sheets {
		d := open(t, tc.sample.bytes())
		got, err := d.Page(1)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		want := Page{210, 297}
		if r := tc.sample.rotate; r%180 != 0 {
			want = Page{297, 210}
		}
		if abs(int(got.Width*100-want.Width*100)) > 1 || abs(int(got.Height*100-want.Height*100)) > 1 {
			t.Errorf("%s: %v, want %v", tc.name, got, want)
		}
	}
	n, err := open(t, sample{packed: true, pages: 300}.bytes()).NumPages()
	if n != 300 || err != nil {
		t.Errorf("NumPages: %d, %v; want 300", n, err)
	}
	_, err = open(t, sample{}.bytes()).Page(2)
	wantRefused(t, err, "no page 2")
}
