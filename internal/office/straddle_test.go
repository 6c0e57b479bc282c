package office_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/placement"
)

const dotsPerMM = 4

// rendered has poppler show a page at [dotsPerMM].
func rendered(tb testing.TB, file []byte, page int) *image.RGBA {
	tb.Helper()
	dir := tb.TempDir()
	in, out := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, file, 0o600); err != nil {
		tb.Fatal(err)
	}
	tooltest.Run(tb, "pdftoppm", "-r", fmt.Sprint(25.4*dotsPerMM), "-png", "-f", fmt.Sprint(page), "-singlefile", in, out)
	b, err := os.ReadFile(out + ".png")
	if err != nil {
		tb.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	img := image.NewRGBA(decoded.Bounds())
	draw.Draw(img, img.Bounds(), decoded, decoded.Bounds().Min, draw.Src)
	return img
}

// redness is how much of a picture is the seal's red, and the box around it.
func redness(img *image.RGBA) (int, image.Rectangle) {
	count, box := 0, image.Rectangle{}
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			if c := img.RGBAAt(x, y); c.R > 0x80 && c.G < 0x80 && c.B < 0x80 {
				count++
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return count, box
}

// TestStraddleIsWhole fans the pages of a sealed document as paper is fanned: put side
// by side, what the edges show is the whole seal, in order and the right way round.
func TestStraddleIsWhole(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	const pages = 4
	drawing, err := impression.Draw(f.Seal.Design)
	if err != nil {
		t.Fatal(err)
	}
	width, _ := drawing.Size() // round: its height is the same
	whole, err := f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{X: 100, Y: 100}})
	if err != nil {
		t.Fatal(err)
	}
	reference := rendered(t, content(t, whole), 1)
	_, box := redness(reference)
	for _, edge := range placement.Edges() {
		t.Run(string(edge), func(t *testing.T) {
			t.Parallel()
			straddled, err := f.Office.Stamp(ctx, "test", blank(t, pages), office.StampRequest{
				SealID: f.Seal.ID, Straddle: &placement.Straddle{Edge: edge, Along: 100},
			})
			if err != nil {
				t.Fatal(err)
			}
			fanned := fan(t, content(t, straddled), edge, pages, int(math.Round(width/pages*dotsPerMM)))
			got, gotBox := redness(fanned)
			want, _ := redness(reference)
			if gotBox.Dx() < box.Dx()-3 || gotBox.Dx() > box.Dx()+3 || gotBox.Dy() < box.Dy()-3 || gotBox.Dy() > box.Dy()+3 {
				t.Fatalf("the fanned pages show red in %v, the whole seal in %v", gotBox, box)
			}
			if got < want*9/10 || got > want*11/10 {
				t.Errorf("the fanned pages show %d red dots, the whole seal %d", got, want)
			}
			// Dot by dot: a slice in another's place, or a mirrored one, differs in most.
			differ := 0
			for y := range box.Dy() {
				for x := range box.Dx() {
					a, b := reference.RGBAAt(box.Min.X+x, box.Min.Y+y), fanned.RGBAAt(gotBox.Min.X+x, gotBox.Min.Y+y)
					if (a.G < 0x80) != (b.G < 0x80) {
						differ++
					}
				}
			}
			if differ > want/4 {
				t.Errorf("%d dots of %d differ from the whole seal", differ, want)
			}
		})
	}
}

// fan puts strips of the pages at an edge side by side, each so many dots across.
func fan(t *testing.T, file []byte, edge placement.Edge, pages, across int) *image.RGBA {
	t.Helper()
	const size = 80 * dotsPerMM
	out := image.NewRGBA(image.Rect(0, 0, 2*size, 2*size))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	at := image.Point{}
	for i := range pages {
		n := i + 1
		if edge == placement.LeftEdge || edge == placement.TopEdge {
			n = pages - i
		}
		img := rendered(t, file, n)
		strip := image.Rect(0, 0, 210*dotsPerMM, 297*dotsPerMM) // poppler adds what is left of a dot
		switch edge {
		case placement.LeftEdge:
			strip.Max.X = across
		case placement.RightEdge:
			strip.Min.X = strip.Max.X - across
		case placement.TopEdge:
			strip.Max.Y = across
		case placement.BottomEdge:
			strip.Min.Y = strip.Max.Y - across
		}
		if edge == placement.LeftEdge || edge == placement.RightEdge {
			strip.Min.Y, strip.Max.Y = 60*dotsPerMM, 140*dotsPerMM
			draw.Draw(out, image.Rectangle{at, at.Add(strip.Size())}, img, strip.Min, draw.Src)
			at.X += strip.Dx()
		} else {
			strip.Min.X, strip.Max.X = 60*dotsPerMM, 140*dotsPerMM
			draw.Draw(out, image.Rectangle{at, at.Add(strip.Size())}, img, strip.Min, draw.Src)
			at.Y += strip.Dy()
		}
	}
	return out
}

// Seals stand beside seals: what came before stays valid, whatever the next one covers.
func TestStraddleKeepsEarlierSeals(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	doc := blank(t, 5)
	var last []byte
	for _, r := range []office.StampRequest{
		{Straddle: &placement.Straddle{Edge: placement.RightEdge}},
		{Place: placement.Place{Pages: "1,last", X: 60, Y: 60}},
		{Straddle: &placement.Straddle{Edge: placement.BottomEdge, Group: 2}},
		{Place: placement.Place{Pages: placement.AllPages, Corner: placement.TopRight, X: 60, Y: 40}},
	} {
		r.SealID = f.Seal.ID
		sealed, err := f.Office.Stamp(ctx, "test", doc, r)
		if err != nil {
			t.Fatal(err)
		}
		last = content(t, sealed)
		doc = open(t, last)
	}
	trusted, err := inspector(t, f).File(ctx, last)
	if err != nil {
		t.Fatal(err)
	}
	if trusted.Verdict != verify.Valid || len(trusted.Document.Signatures) != 4 {
		t.Errorf("%s, %s, %d signatures", trusted.Verdict, trusted.Cause, len(trusted.Document.Signatures))
	}
}

// TestEarlierSealsSuffer: a document that refers to objects which it has not, in a place that nobody
// reads to seal it, is not handed out where the next seal would become one of them.
func TestEarlierSealsSuffer(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	refused := 0
	for missing := 5; missing < 16; missing++ {
		doc := open(t, rawPDF([]string{"<</Type/Catalog/Pages 2 0 R/PieceInfo 4 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
			"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>", fmt.Sprintf("<</X %d 0 R>>", missing)}))
		for _, x := range []float64{60, 140} {
			sealed, err := f.Office.Stamp(ctx, "test", doc, office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{X: x, Y: 60}})
			if err != nil {
				if x == 60 || !strings.Contains(err.Error(), "would break the signature") {
					t.Fatal(err)
				}
				refused++
				break
			}
			file := content(t, sealed)
			if found, err := inspector(t, f).File(ctx, file); err != nil || found.Verdict != verify.Valid {
				t.Errorf("without object %d: %s, %s, %v", missing, found.Verdict, found.Cause, err)
			}
			doc = open(t, file)
		}
	}
	if refused == 0 {
		t.Error("no seal took the number of a missing object")
	}
}

func TestPlacesThatAreRefused(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	for name, r := range map[string]office.StampRequest{
		"page that is not there":    {Place: placement.Place{Pages: "9"}},
		"outside of the page":       {Place: placement.Place{X: 205, Y: 100}},
		"straddle over one page":    {Place: placement.Place{Pages: "1"}, Straddle: &placement.Straddle{Edge: placement.RightEdge}},
		"straddle over no edge":     {Straddle: &placement.Straddle{Edge: "middle"}},
		"straddle beyond the page":  {Straddle: &placement.Straddle{Edge: placement.RightEdge, Along: 295}},
		"code beside a straddle":    {Straddle: &placement.Straddle{Edge: placement.RightEdge}, Number: "1"},
		"corner that is none":       {Place: placement.Place{Corner: "middle", X: 50, Y: 50}},
		"straddle in groups of one": {Straddle: &placement.Straddle{Edge: placement.TopEdge, Group: 1}},
	} {
		r.SealID = f.Seal.ID
		_, err := f.Office.Stamp(ctx, "test", blank(t, 3), r)
		var refused *pdf.RefusedError
		if !errors.Is(err, placement.ErrPlace) && !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// withField is a page with an empty signature field Approval, 50 × 50 mm, 20 mm from
// the left and from the top.
func withField() []byte {
	const mm = 72 / 25.4
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 1>>>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.2f %.2f]/Annots[4 0 R]>>", 210*mm, 297*mm),
		fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(Approval)/F 4/P 3 0 R/Rect[%.2f %.2f %.2f %.2f]>>", 20*mm, 227*mm, 70*mm, 277*mm),
	}
	return rawPDF(objects)
}

// rawPDF is a file of the objects 1, 2, …, of which the first is the catalog.
func rawPDF(objects []string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R/ID[<01><02>]>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

func TestStampInAField(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	r := office.StampRequest{SealID: f.Seal.ID, Field: "Approval"}
	sealed, err := f.Office.Stamp(ctx, "test", open(t, withField()), r)
	if err != nil {
		t.Fatal(err)
	}
	if sealed.Field() != "Approval" {
		t.Errorf("the seal is in the field %q", sealed.Field())
	}
	_, box := redness(rendered(t, content(t, sealed), 1))
	middle := box.Min.Add(box.Max).Div(2)
	if want := image.Pt(45*dotsPerMM, 45*dotsPerMM); middle.X < want.X-4 || middle.X > want.X+4 || middle.Y < want.Y-4 || middle.Y > want.Y+4 {
		t.Errorf("the seal's middle is at %v, the field's at %v", middle, want)
	}
	var refused *pdf.RefusedError
	if _, err := f.Office.Stamp(ctx, "test", open(t, content(t, sealed)), r); !errors.As(err, &refused) {
		t.Errorf("the signed field again: %v", err)
	}
	r.Place = placement.Place{Pages: "1", X: 100, Y: 200}
	if _, err := f.Office.Stamp(ctx, "test", open(t, withField()), r); !errors.As(err, &refused) {
		t.Errorf("another place than the field's: %v", err)
	}
	r.Place, r.Number = placement.Place{}, "1"
	if _, err := f.Office.Stamp(ctx, "test", open(t, withField()), r); !errors.Is(err, placement.ErrPlace) {
		t.Errorf("a document code beside a field: %v", err)
	}
}
