package likeness_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/font/gofont/goregular"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/seal/likeness"
)

// arcs are ways along ellipses: both ways round, the short and the long one, turned, and one
// whose ellipse is too small.
var arcs = []string{
	"5 20 15 15 0 0 1 35 20", "10 20 12 8 30 1 0 30 22", "10 20 12 8 30 1 1 30 22", "10 20 12 8 30 0 0 30 22",
	"10 20 12 8 -50 0 1 30 22", "8 20 2 1 20 0 1 32 20",
}

// TestOFDAsOthersDrawIt: pictures that ofdrw wrote are drawn here as Java 2D draws what they
// were made of, or as ofdrw draws them itself; arcs, which ofdrw leaves out, as Batik draws
// them; text in a font with CFF outlines as Java does.
func TestOFDAsOthersDrawIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("latin.ttf", goregular.TTF)
	write("han.ttf", hanFont(t))
	write("cff.otf", cffFont(t))
	write("cff.ofd", pack(t, cffFiles(t)))
	write("group.ofd", pack(t, ofdFiles(ofdPath(`Fill="true" Stroke="false" DrawParam="10"`, "M 1 36 L 39 36 L 39 39 L 1 39 C")+
		`<ofd:CompositeObject ID="4" Boundary="10 10 30 30" ResourceID="61" CTM="2 0 0 4 0 0"/><ofd:CompositeObject ID="5" Boundary="2 2 20 20" ResourceID="60"/>`)))
	for i, arc := range arcs {
		from, way, _ := strings.Cut(arc, " ")
		y, way, _ := strings.Cut(way, " ")
		write(fmt.Sprintf("arc%d.ofd", i+1), pack(t, ofdFiles(ofdPath(`LineWidth="1"`, fmt.Sprintf("M %s %s A %s", from, y, way)))))
	}
	made := tooltest.Maven(t, "ofdpicture", append([]string{dir}, arcs...)...)
	if len(made) != 8+len(arcs) {
		t.Fatalf("it made %q", made)
	}
	for _, line := range made {
		var name string
		var width, height float64
		if _, err := fmt.Sscan(line, &name, &width, &height); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		read := func(name string) []byte {
			t.Helper()
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		data := read(name + ".ofd")
		ours, err := likeness.Picture("ofd", data, width, height)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		theirs, err := likeness.Picture("PNG", read(name+".png"), width, height)
		if err != nil {
			t.Fatal(err)
		}
		got, err := likeness.Compare(ours, theirs)
		if err != nil || !got.Alike || got.Worst > 0.15 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		t.Logf("%s: %.3f, worst %.3f", name, got.Differs, got.Worst)
		if name == "round" {
			checkOtherName(t, data, theirs)
		}
	}
}

// checkOtherName leaves out a stroke of a character: then it is another seal.
func checkOtherName(t *testing.T, data []byte, theirs *likeness.Sheet) {
	t.Helper()
	files := unpack(t, data)
	const page = "Doc_0/Pages/Page_0/Content.xml"
	outlines := regexp.MustCompile(`M [^M]* C`).FindAllStringIndex(files[page], -1)
	if len(outlines) < 20 {
		t.Fatalf("the page has %d outlines", len(outlines))
	}
	longest := outlines[3]
	for _, o := range outlines[3:] {
		if o[1]-o[0] > longest[1]-longest[0] {
			longest = o
		}
	}
	files[page] = files[page][:longest[0]] + files[page][longest[1]:]
	other, err := likeness.Picture("OFD", pack(t, files), 42, 42)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := likeness.Compare(other, theirs); err != nil || got.Alike {
		t.Errorf("a seal without a stroke of its name passes: %+v, %v", got, err)
	}
}

// cffFont is a font with CFF outlines, keyed by CID, of a module that is built with.
func cffFont(t *testing.T) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/klippa-app/go-pdfium").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "shared_tests", "testdata", "NotoSansSC-Regular.subset.otf"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cffFiles are a page of 40 × 20 mm with text in that font.
func cffFiles(t *testing.T) map[string]string {
	t.Helper()
	files := ofdFiles(`<ofd:TextObject ID="4" Boundary="0 0 40 20" Font="51" Size="6"><ofd:FillColor Value="255 0 0"/><ofd:TextCode X="0.5" Y="12" DeltaX="g 5 6.5">第一行是二句</ofd:TextCode></ofd:TextObject>`)
	files["Doc_0/Document.xml"] = strings.Replace(files["Doc_0/Document.xml"], "0 0 40 40", "0 0 40 20", 1)
	files["Doc_0/DocumentRes.xml"] = strings.Replace(files["Doc_0/DocumentRes.xml"], "go.ttf", "cff.otf", 1)
	files["Doc_0/Res/cff.otf"] = string(cffFont(t))
	return files
}

// TestGlyphsByNumber: the number of a glyph is its place in the font to some readers, and its
// CID to others.
func TestGlyphsByNumber(t *testing.T) {
	t.Parallel()
	files := cffFiles(t)
	if _, err := likeness.Picture("OFD", pack(t, files), 40, 20); err != nil {
		t.Errorf("by characters: %v", err)
	}
	files["Doc_0/Page.xml"] = strings.Replace(files["Doc_0/Page.xml"], "</ofd:TextObject>", `<ofd:CGTransform CodePosition="0"><ofd:Glyphs>2</ofd:Glyphs></ofd:CGTransform></ofd:TextObject>`, 1)
	if _, err := likeness.Picture("OFD", pack(t, files), 40, 20); !errors.Is(err, likeness.ErrNotDrawn) || !strings.Contains(err.Error(), "two numbers") {
		t.Errorf("by numbers: %v", err)
	}
}

// hanFont is the face of the seals that are drawn here, as a file.
func hanFont(t *testing.T) []byte {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("..", "..", "internal", "typeface", "fonts", "NotoSerifSC-SemiBold.ttf.zst"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	font, err := d.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return font
}
