package pdf

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// TestCorpus stamps the sample files of pdfcpu and of go-pdfium (PDFium's own test files), as
// the Go module cache has them: made by many programs, some broken on purpose.
func TestCorpus(t *testing.T) {
	t.Parallel()
	var files []corpusFile
	for _, from := range []struct {
		module, folder string
		most           int // files of one folder; many of the samples are alike
	}{
		{"github.com/pdfcpu/pdfcpu", "pkg/testdata", 100},
		{"github.com/pdfcpu/pdfcpu", "pkg/samples", 3},
		{"github.com/klippa-app/go-pdfium", "shared_tests/testdata", 200},
	} {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", from.module).Output()
		root := filepath.Join(strings.TrimSpace(string(out)), filepath.FromSlash(from.folder))
		if _, statErr := os.Stat(root); err != nil || statErr != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("the module cache does not have the sample files of %s", from.module)
			}
			t.Skipf("the module cache does not have the sample files of %s", from.module)
		}
		files = append(files, filesBelow(t, root, path.Join(path.Base(from.module), path.Base(from.folder)), from.most)...)
	}
	if len(files) < 250 {
		t.Errorf("found %d files, want 250", len(files))
	}
	stampCorpus(t, files, 980) // PDFium's are made to be odd: dynamic XFA, false page counts
}

// TestSuites does the same for the test files of qpdf, pdf.js and PDFBox, or for a folder of the
// user's choice, ELICENCE_CORPUS, with a folder in it for each suite.
func TestSuites(t *testing.T) {
	t.Parallel()
	root := os.Getenv("ELICENCE_CORPUS")
	if root == "" {
		root = tooltest.Suites(t)
	}
	suites, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var files []corpusFile
	for _, suite := range suites {
		if suite.IsDir() {
			files = append(files, filesBelow(t, filepath.Join(root, suite.Name()), suite.Name(), 1<<20)...)
		}
	}
	stampCorpus(t, files, 995)
}

// A corpusFile is a file of a suite, and what came of it.
type corpusFile struct {
	suite, path string

	clean     bool // for qpdf
	encrypted bool
	how       string // it was stamped
	why       error  // it was not
}

// closed reports that a signature in the file forbids any other.
func (f *corpusFile) closed() bool {
	return f.why != nil && (strings.Contains(f.why.Error(), "certifies that nothing may be changed") || strings.Contains(f.why.Error(), "locks the field"))
}

func filesBelow(t *testing.T, root, suite string, most int) []corpusFile {
	t.Helper()
	var files []corpusFile
	inFolder := make(map[string]int)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.EqualFold(filepath.Ext(path), ".pdf") {
			return err
		}
		if inFolder[filepath.Dir(path)]++; inFolder[filepath.Dir(path)] <= most {
			files = append(files, corpusFile{suite: suite, path: path})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// stampCorpus stamps every file. Each must be stamped, verify, and be as clean for qpdf as
// before, or be refused with a reason; and of a thousand that qpdf finds clean and that are
// neither encrypted nor closed by a signature so many must be stamped.
func stampCorpus(t *testing.T, files []corpusFile, ofThousand int) {
	t.Helper()
	t.Run("files", func(t *testing.T) {
		for i := range files {
			t.Run(path.Join(files[i].suite, filepath.Base(files[i].path)), func(t *testing.T) {
				t.Parallel()
				files[i].stamp(t)
			})
		}
	})
	reportCorpus(t, files, ofThousand)
}

func (f *corpusFile) stamp(t *testing.T) {
	data, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	looked(t, data)
	before, said := qpdfCheck(t, data)
	f.clean = before == 0
	f.encrypted = strings.Contains(said, "invalid password") || f.clean && !strings.Contains(said, "File is not encrypted")
	p, d, how, err := corpusStamp(data)
	if err != nil {
		f.why = err
		if !refusal(err) {
			t.Errorf("an error that is no refusal: %v", err)
		}
		return
	}
	f.how = how
	if err := p.Complete(der(300)); err != nil {
		t.Fatal(err)
	}
	checkLast(t, p, len(d.signatureFields(t)))
	if after := qpdfExit(t, fileOf(t, p)); after > before {
		t.Errorf("qpdf --check exits with %d for the stamped file, %d for the original", after, before)
	}
}

// corpusStamp puts a small mark on the first page that has room for it. Where there is none
// it signs invisibly, and where only an XFA form is in the way, without that.
func corpusStamp(data []byte) (*Prepared, *Document, string, error) {
	d, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, "", err
	}
	if _, err = d.Signatures(); err != nil {
		return nil, nil, "", err
	}
	visible, how := at(1, 0.2, 0.2, 0.5), "with a mark"
	if p, err := d.Page(1); err == nil {
		size := min(0.5, 0.9*p.Width, 0.9*p.Height)
		visible = at(1, (p.Width-size)*0.02, (p.Height-size)*0.02, size)
	}
	invisible := visible
	invisible.Marks = nil
	p, err := d.Prepare(visible)
	if err != nil && strings.Contains(err.Error(), "XFA") {
		visible.WithoutXFA, how = true, "without its XFA form"
		p, err = d.Prepare(visible)
	}
	if err != nil && refusal(err) && !strings.Contains(err.Error(), "XFA") {
		if unseen, err := d.Prepare(invisible); err == nil {
			return unseen, d, "without a mark", nil
		}
	}
	return p, d, how, err
}

// reportCorpus logs the table of the suites and why files were refused, and checks the share.
func reportCorpus(t *testing.T, files []corpusFile, ofThousand int) {
	t.Helper()
	type row struct{ files, stamped, encrypted, closed, clean, cleanStamped int }
	rows, ways := make(map[string]*row), make(map[string]int)
	all := &row{}
	for _, f := range files {
		if rows[f.suite] == nil {
			rows[f.suite] = &row{}
		}
		for _, r := range []*row{rows[f.suite], all} {
			r.files++
			if f.how != "" {
				r.stamped++
			}
			switch {
			case f.encrypted:
				r.encrypted++
			case f.closed():
				r.closed++
			case f.clean:
				r.clean++
				if f.how != "" {
					r.cleanStamped++
				}
			}
		}
		switch {
		case f.how != "":
			ways[f.how]++
		case f.clean && !f.encrypted:
			t.Logf("%s, which is clean for qpdf: %v", f.path, f.why)
		default:
			t.Logf("%s: %v", f.path, f.why)
		}
	}
	rows["all"] = all
	for _, suite := range slices.Sorted(maps.Keys(rows)) {
		r := rows[suite]
		t.Logf("%-24s %5d files, %5d stamped, %4d encrypted, %2d closed; of %5d others that are clean %5d", suite, r.files, r.stamped, r.encrypted, r.closed, r.clean, r.cleanStamped)
	}
	t.Logf("stamped: %v", ways)
	if all.cleanStamped*1000 < all.clean*ofThousand {
		t.Errorf("stamped %d of %d clean files, want %d of 1000", all.cleanStamped, all.clean, ofThousand)
	}
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
	exit, _ := qpdfCheck(t, file)
	return exit
}

func qpdfCheck(t *testing.T, file []byte) (int, string) {
	t.Helper()
	said, err := tooltest.Try(t, "qpdf", "--check", saveFile(t, file))
	if err == nil {
		return 0, said
	}
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 3 {
		return 1, said
	}
	return 2, said
}

// looked reads everything of a file that a verification does; faults are errors, never
// panics.
func looked(t *testing.T, data []byte) {
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
			t.Errorf("%s: an error that is no refusal: %v", name, err)
		}
	}
}
