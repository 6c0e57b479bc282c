package pdf

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// TestCorpus stamps the sample files of pdfcpu, where the Go module cache has
// them: made by many programs, some broken on purpose. Each must be stamped
// and be as clean for qpdf as before, or be refused with a reason.
func TestCorpus(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pdfcpu/pdfcpu").Output()
	root := filepath.Join(strings.TrimSpace(string(out)), "pkg", "testdata")
	if _, statErr := os.Stat(root); err != nil || statErr != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("the module cache does not have pdfcpu's sample files")
		}
		t.Skip("the module cache does not have pdfcpu's sample files")
	}
	files, stampedFiles := 0, 0
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".pdf" {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if stampCorpusFile(t, path, data) {
			stampedFiles++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 40 || stampedFiles < files*8/10 {
		t.Errorf("stamped %d of %d files, want at least 8 of 10", stampedFiles, files)
	}
	t.Logf("stamped %d of %d files", stampedFiles, files)
}

// stampCorpusFile reports whether the file took the stamp.
func stampCorpusFile(t *testing.T, path string, data []byte) bool {
	t.Helper()
	d, err := Open(bytes.NewReader(data), int64(len(data)))
	if err == nil {
		_, err = d.Signatures()
	}
	var p *Prepared
	if err == nil {
		p, err = d.Prepare(at(1, 0.2, 0.2, 0.5)) // smaller than the smallest page
	}
	if err != nil {
		t.Logf("%s: %v", path, err)
		if !refusal(err) {
			t.Errorf("%s: an error that is no refusal: %v", path, err)
		}
		return false
	}
	if err := p.Complete(der(300)); err != nil {
		t.Fatal(err)
	}
	checkLast(t, p, len(d.signatureFields(t)))
	before, after := qpdfExit(t, data), qpdfExit(t, fileOf(t, p))
	if after > before {
		t.Errorf("%s: qpdf --check exits with %d for the stamped file, %d for the original", path, after, before)
	}
	return true
}

// signatureFields lists the signed fields of the file as it was.
func (d *Document) signatureFields(t *testing.T) []Signature {
	t.Helper()
	list, err := d.Signatures()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// qpdfExit is 0 for a clean file, 3 for warnings and 2 for errors, put in
// order as 0, 1, 2.
func qpdfExit(t *testing.T, file []byte) int {
	t.Helper()
	_, err := tooltest.Try(t, "qpdf", "--check", saveFile(t, file))
	if err == nil {
		return 0
	}
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 3 {
		return 1
	}
	return 2
}

// TestCorpusFolder does the same for a folder of the user's choice, ELICENCE_CORPUS: the
// suites of qpdf and pdf.js, say. Of the files that qpdf finds clean and that are not
// encrypted 97 % must be stamped: these suites are full of files that are broken on purpose
// and that qpdf forgives (November 2026: 1,236 of 1,265; the others are damaged, XFA, or
// smaller than a seal).
func TestCorpusFolder(t *testing.T) {
	t.Parallel()
	root := os.Getenv("ELICENCE_CORPUS")
	if root == "" {
		t.Skip("ELICENCE_CORPUS names no folder of PDF files")
	}
	files, clean, stampedClean, stampedFiles := 0, 0, 0, 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.EqualFold(filepath.Ext(path), ".pdf") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		_, notEncrypted := tooltest.Try(t, "qpdf", "--is-encrypted", path)
		good := notEncrypted != nil && qpdfExit(t, data) == 0
		if good {
			clean++
		}
		looked(t, path, data)
		if stampCorpusFile(t, path, data) {
			stampedFiles++
			if good {
				stampedClean++
			}
		} else if good {
			t.Logf("%s is clean for qpdf and not stamped", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d stamped; of %d that are clean and not encrypted %d", files, stampedFiles, clean, stampedClean)
	if stampedClean*100 < clean*97 {
		t.Errorf("stamped %d of %d clean files, want 97 %%", stampedClean, clean)
	}
}

// looked reads everything of a file that a verification does; faults are errors, never
// panics.
func looked(t *testing.T, path string, data []byte) {
	t.Helper()
	d, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	for name, look := range map[string]func() error{
		"cautions":        func() error { _, err := d.Cautions(); return err },
		"attachments":     func() error { _, err := d.EmbeddedFiles(); return err },
		"validation data": func() error { _, err := d.DSS(); return err },
		"changes":         func() error { _, err := d.ChangesSince(d.Size()); return err },
	} {
		if err := look(); err != nil && !refusal(err) {
			t.Errorf("%s: %s: an error that is no refusal: %v", path, name, err)
		}
	}
}
