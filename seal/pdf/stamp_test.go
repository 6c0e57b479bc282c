package pdf

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/seal/pdf/revision"
)

// kinds are the ways in which files are put together.
var kinds = []struct {
	name   string
	sample sample
}{
	{"table", sample{}},
	{"table, 12 pages", sample{pages: 12}},
	{"no end of line", sample{noEOL: true}},
	{"junk before the header", sample{junk: "HTTP/1.1 200 OK\r\n\r\n"}},
	{"cross-reference stream", sample{stream: true}},
	{"object streams", sample{packed: true, pages: 12}},
	{"hybrid", sample{hybrid: true, pages: 3}},
	{"junk before object streams", sample{packed: true, junk: "\n"}},
	{"direct annotations", sample{page: "/Annots[5 0 R]", objects: []string{
		"<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/Contents(note)>>"}}},
	{"annotations in an object", sample{page: "/Annots 5 0 R", objects: []string{
		"[6 0 R]", "<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/Contents(note)>>"}}},
	{"form in the catalog", sample{catalog: "/AcroForm<</Fields[5 0 R]/DA(/Helv 0 Tf)/DR<</Font<</Helv 4 0 R>>>>>>", page: "/Annots[5 0 R]", objects: []string{
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(given name)/Rect[10 10 90 30]/F 4/DA(/Helv 12 Tf)>>"}}},
	{"form in an object, fields in another", sample{catalog: "/AcroForm 6 0 R", page: "/Annots[5 0 R]", objects: []string{
		"<</Type/Annot/Subtype/Widget/FT/Tx/T(given name)/Rect[10 10 90 30]/F 4/DA(/Helv 12 Tf)>>",
		"<</Fields 7 0 R/DA(/Helv 0 Tf)/DR<</Font<</Helv 4 0 R>>>>>>", "[5 0 R]"}}},
}

// TestStampKinds stamps files of every kind twice and asks other programs what
// they think of it.
func TestStampKinds(t *testing.T) {
	t.Parallel()
	for _, tc := range kinds {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			original := tc.sample.bytes()
			once := stamped(t, original, at(1, 30, 40, 42))
			twice := stamped(t, once, at(max(1, tc.sample.pages), 100, 40, 42))
			if !bytes.HasPrefix(twice, once) || !bytes.HasPrefix(once, original) {
				t.Fatal("stamping changed bytes that were there before")
			}
			checkQPDF(t, saveFile(t, original))
			path := saveFile(t, twice)
			checkQPDF(t, path)
			checkPDFCPU(t, twice)
			checkPopplerSignatures(t, path, 2)
			if tc.sample.junk == "" { // MuPDF takes offsets from the first byte
				checkMuPDFSignatures(t, path, 2)
			}
			list := signatures(t, twice)
			if len(list) != 2 {
				t.Fatalf("got %d signatures, want 2", len(list))
			}
			first, second := list[0], list[1]
			if !first.Intact() || !second.Intact() {
				t.Errorf("not intact: %v %v, %v %v", first.Faults, first.Changes, second.Faults, second.Changes)
			}
			if first.CoversFile || !second.CoversFile {
				t.Errorf("covers the whole file: first %v, second %v; want false, true", first.CoversFile, second.CoversFile)
			}
			want := []revision.Change{{Kind: revision.SignatureAdded, Code: revision.ChangeSignature, Revision: 3, Object: second.Object, Field: "Seal2", What: `signature "Seal2" was added`}}
			if !reflect.DeepEqual(first.Changes, want) {
				t.Errorf("changes after the first signature: %+v, want %+v", first.Changes, want)
			}
		})
	}
}

func checkQPDF(t *testing.T, path string) {
	t.Helper()
	out := tooltest.Run(t, "qpdf", "--check", path)
	if strings.Contains(out, "WARNING") || !strings.Contains(out, "No syntax or stream encoding errors") {
		t.Errorf("qpdf --check says:\n%s", out)
	}
}

// quietly guards a setting that pdfcpu keeps for the whole process: not to look for a
// configuration in the user's home.
var quietly sync.Once

func checkPDFCPU(t *testing.T, file []byte) {
	t.Helper()
	quietly.Do(api.DisableConfigDir)
	conf := model.NewDefaultConfiguration()
	conf.ValidationMode = model.ValidationStrict
	if err := api.Validate(bytes.NewReader(file), conf); err != nil {
		t.Errorf("pdfcpu does not validate the stamped file: %v", err)
	}
}

// checkPopplerSignatures wants every signature listed with its range and the
// last one to cover the file. Poppler 22.12 lists a signature of the subfilter
// GM.sm2seal as "Signature Type: unknown", with the right ranges, and does not
// try to verify it.
func checkPopplerSignatures(t *testing.T, path string, n int) {
	t.Helper()
	out, _ := tooltest.Try(t, "pdfsig", path) // exit 1: it cannot verify them
	if got := strings.Count(out, "Signed Ranges:"); got != n {
		t.Errorf("pdfsig lists %d signatures, want %d:\n%s", got, n, out)
	}
	if got := strings.Count(out, "  - Total document signed"); got != 1 {
		t.Errorf("pdfsig says of %d signatures that they cover the file, want 1:\n%s", got, out)
	}
}

func checkMuPDFSignatures(t *testing.T, path string, n int) {
	t.Helper()
	out, _ := tooltest.Try(t, "mutool", "sign", "-v", path)
	if got := strings.Count(out, "Verifying signature"); got != n {
		t.Errorf("mutool lists %d signatures, want %d:\n%s", got, n, out)
	}
}

// TestStraddle puts a seal across the right edges of four pages: one field and
// three stamps in the same increment, each with its slice of one drawing.
func TestStraddle(t *testing.T) {
	t.Parallel()
	const pages, size = 4, 42.0
	s := at(1, 0, 0, 1)
	drawing := seal()
	s.Marks = nil
	for i := range pages {
		width := size / pages
		s.Marks = append(s.Marks, Mark{Page: i + 1, X: 210 - width, Y: 100, Width: width, Height: size,
			Appearance: drawing, Part: [4]float64{100 / pages * float64(i), 0, 100 / pages * float64(i+1), 100}})
	}
	file := stamped(t, sample{pages: pages}.bytes(), s)
	path := saveFile(t, file)
	checkQPDF(t, path)
	checkPDFCPU(t, file)
	checkPopplerSignatures(t, path, 1)
	if list := signatures(t, file); len(list) != 1 || !list[0].Intact() || list[0].Page != 1 {
		t.Errorf("signatures: %+v", list)
	}
	// The first slice has the ring's left side and the mark, the last the
	// right side: together they are the seal.
	for page, want := range map[int][2]float64{1: {0.04 * size, size / pages}, 4: {0, size/pages - 0.04*size}} {
		img := popplerPage(t, path, page, 100)
		box := redBox(img, img.Bounds())
		left, right := float64(box.Min.X)*25.4/100-(210-size/pages), float64(box.Max.X)*25.4/100-(210-size/pages)
		if math.Abs(left-want[0]) > 0.6 || math.Abs(right-want[1]) > 0.6 {
			t.Errorf("page %d shows red from %.1f to %.1f mm of its slice, want %.1f", page, left, right, want)
		}
	}
}
