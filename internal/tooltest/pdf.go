package tooltest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// CleanPDF wants qpdf, poppler and MuPDF to have nothing to say against a PDF file: its
// structure, every page, and the number of its signatures.
func CleanPDF(tb testing.TB, what string, content []byte, signatures int) {
	tb.Helper()
	dir := tb.TempDir()
	file := filepath.Join(dir, "file.pdf")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	if out, err := Try(tb, "qpdf", "--check", file); err != nil || strings.Contains(out, "WARNING") || !strings.Contains(out, "No syntax or stream encoding errors") {
		tb.Errorf("%s: qpdf says %v\n%s", what, err, out)
	}
	if out, err := Try(tb, "pdftoppm", "-r", "20", "-gray", file, filepath.Join(dir, "page")); err != nil || strings.TrimSpace(out) != "" {
		tb.Errorf("%s: poppler says %v\n%s", what, err, out)
	}
	out, err := Try(tb, "mutool", "draw", "-r", "20", "-o", filepath.Join(dir, "mutool-%d.pgm"), file)
	out = strings.ReplaceAll(out, "warning: ICC support is not available\n", "") // how Debian builds it
	if said := strings.ToLower(out); err != nil || strings.Contains(said, "warning") || strings.Contains(said, "error") {
		tb.Errorf("%s: MuPDF says %v\n%s", what, err, out)
	}
	pages := strings.TrimSpace(Run(tb, "qpdf", "--show-npages", file))
	for _, pattern := range []string{"page*.pgm", "mutool-*.pgm"} {
		drawn, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || strconv.Itoa(len(drawn)) != pages {
			tb.Errorf("%s: %d of %s pages drawn as %s: %v", what, len(drawn), pages, pattern, err)
		}
	}
	// Both exit with 1 where they cannot verify; neither knows SM2.
	if out, _ := Try(tb, "pdfsig", file); strings.Count(out, "Signed Ranges:") != signatures {
		tb.Errorf("%s: poppler does not list %d signatures:\n%s", what, signatures, out)
	}
	// MuPDF lists empty fields as well, and takes a document time stamp for one.
	if out, _ := Try(tb, "mutool", "sign", "-v", file); strings.Count(out, "Verifying signature") < signatures {
		tb.Errorf("%s: MuPDF does not list %d signatures:\n%s", what, signatures, out)
	}
}
