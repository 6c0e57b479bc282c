package pdf

import (
	"bytes"
	"strings"
	"testing"
)

// TestOddButPlain stamps files that bend a rule where no two readers could read two things.
func TestOddButPlain(t *testing.T) {
	t.Parallel()
	plain := sample{}.bytes()
	entries := func(eol string) []byte {
		i := bytes.LastIndex(plain, []byte("xref\n0"))
		return append(bytes.Clone(plain[:i]), bytes.ReplaceAll(bytes.ReplaceAll(plain[i:], []byte("f \n"), []byte("f"+eol)), []byte("n \n"), []byte("n"+eol))...)
	}
	edit := func(old, new string) []byte { return swap(t, bytes.Clone(plain), old, new) }
	invisible := at(1, 1, 1, 10)
	invisible.Marks = nil
	for _, tc := range []struct {
		name  string
		file  []byte
		stamp Stamp
	}{
		{"entries of 19 bytes", entries("\n"), at(1, 20, 20, 42)},
		{"entries of 19 bytes with CR", entries("\r"), at(1, 20, 20, 42)},
		{"entries of 21 bytes", entries(" \r\n"), at(1, 20, 20, 42)},
		{"entries of 24 bytes", entries("     \n"), at(1, 20, 20, 42)},
		{"catalog without type", edit("/Type/Catalog", "             "), at(1, 20, 20, 42)},
		{"parent that nothing is inherited from", edit("/Parent 2 0 R", "/Parent 3 0 R"), at(1, 20, 20, 42)},
		{"parent missing", edit("/Parent 2 0 R", "             "), at(1, 20, 20, 42)},
		{"form field that is no dictionary", sample{catalog: "/AcroForm<</Fields[5 0 R 6 0 R]>>", objects: []string{"12", "<</T(a)/FT/Tx>>"}}.bytes(), at(1, 20, 20, 42)},
		{"count of pages that do not exist", edit("/Count 1", "/Count 9"), at(1, 20, 20, 42)},
		{"no pages", edit("/Kids[5 0 R ]/Count 1", "/Kids[      ]/Count 0"), invisible},
		{"page without a box", edit("/MediaBox", "/MediaBux"), invisible},
		{"page with an empty box", sample{media: []float64{0, 0, 0, 100}}.bytes(), invisible},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			first := stamped(t, tc.file, tc.stamp)
			second := stamped(t, first, invisible)
			list := signatures(t, second)
			if len(list) != 2 || !list[0].Intact() || !list[1].Intact() || !list[1].CoversFile {
				t.Fatalf("signatures: %+v", list)
			}
			if qpdfExit(t, second) > qpdfExit(t, tc.file) {
				t.Error("qpdf finds more fault with the stamped file than with the original")
			}
		})
	}
}

// TestNoPage refuses a mark where there is no page for it.
func TestNoPage(t *testing.T) {
	t.Parallel()
	file := swap(t, sample{}.bytes(), "/Kids[5 0 R ]/Count 1", "/Kids[      ]/Count 0")
	_, err := open(t, file).Prepare(at(1, 20, 20, 42))
	wantRefused(t, err, "the file has 0")
	if !strings.Contains(err.Error(), "no page 1") {
		t.Error(err)
	}
}
