package typeset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

var (
	black = color.NRGBA{0, 0, 0, 255}
	white = color.NRGBA{255, 255, 255, 255}
)

// at is the colour of a page drawn at 72 dpi, at a place in millimetres.
func at(page image.Image, x, y float64) color.Color {
	return page.At(int(x*pointsPerMM), int(y*pointsPerMM))
}

func TestPathsLandWhereTheyShould(t *testing.T) {
	t.Parallel()
	doc := New(testInfo())
	page := doc.Page(100, 80)
	fill := &Path{}
	fill.Rect(10, 10, 20, 10)
	fill.Circle(50, 40, 5)
	fill.RoundRect(70, 10, 20, 20, 8)
	page.Fill(fill, 0xC80000)
	line := &Path{}
	line.Move(10, 60)
	line.Curve(30, 60, 60, 60, 90, 60)
	page.Stroke(line, 2, 0x0000C8)
	form := doc.Form(20, 20)
	dot := &Path{}
	dot.Rect(0, 0, 4, 4)
	form.Fill(dot, 0x00C800)
	page.Draw(5, 30, form)
	flag := doc.Form(20, 10)
	dot = &Path{}
	dot.Rect(0, 0, 10, 10) // the left half
	flag.Fill(dot, 0x640064)
	page.DrawTurned(80, 55, 90, flag) // clockwise: the left half comes to the top
	page.Operators(30, 50, []byte("0 0 0 rg 0 0 6 6 re f"))
	path := write(t, doc)
	checkPDF(t, path)

	got := render(t, path)
	red, blue, green := color.NRGBA{200, 0, 0, 255}, color.NRGBA{0, 0, 200, 255}, color.NRGBA{0, 200, 0, 255}
	tests := []struct {
		name string
		x, y float64 // mm
		want color.NRGBA
	}{
		{"in the rectangle", 11, 11, red},
		{"above the rectangle", 20, 9, white},
		{"below the rectangle", 20, 21, white},
		{"in the circle", 50, 44, red},
		{"beside the circle", 54, 44.5, white},
		{"in the round rectangle", 80, 11, red},
		{"at its cut corner", 70.7, 10.7, white},
		{"on the line", 50, 60.5, blue},
		{"beside the line", 50, 62, white},
		{"in the form", 6, 31, green},
		{"outside the form", 6, 35, white},
		{"turned form, upper half", 78, 48, color.NRGBA{100, 0, 100, 255}},
		{"turned form, lower half", 78, 57, white},
		{"beside the turned form", 73, 48, white},
		{"foreign operators", 31, 49, black},
		{"below them", 31, 51, white},
	}
	for _, test := range tests {
		if c := at(got, test.x, test.y); !near(c, test.want, 2) {
			t.Errorf("%s: %v at (%v, %v), want %v", test.name, c, test.x, test.y, test.want)
		}
	}
}

func TestModules(t *testing.T) {
	t.Parallel()
	picture := []string{
		"#######..##",
		"#.....#....",
		"#.###.#.#.#",
		"#.###.#..##",
		"#######.###",
		"..........", // a short row
		"##",
		"#########.#",
	}
	bitmap := make([][]bool, len(picture))
	for y, row := range picture {
		for _, c := range row {
			bitmap[y] = append(bitmap[y], c == '#')
		}
	}
	doc := New(testInfo())
	page := doc.Page(100, 100)
	path := Modules(10, 20, 66, bitmap) // modules of 6 mm
	page.Fill(path, 0x000000)
	got := render(t, write(t, doc))
	for y := range picture {
		for x := range 11 {
			want := white
			if x < len(picture[y]) && picture[y][x] == '#' {
				want = black
			}
			if c := at(got, (13 + 6*float64(x)), (23 + 6*float64(y))); !near(c, want, 2) {
				t.Errorf("module (%d, %d) is %v, want %v", x, y, c, want)
			}
		}
	}
	// No hair line between joined modules: the edge between two rows of a block.
	if c := at(got, (10 + 6*3), (20 + 6*3)); !near(c, black, 2) {
		t.Errorf("between two dark modules it is %v, want black", c)
	}
	if got := bytes.Count([]byte(fmt.Sprintf("%c", path.steps)), []byte("h")); got > 18 {
		t.Errorf("%d rectangles, want at most 18: runs are to be joined", got)
	}
	for _, empty := range [][][]bool{nil, {{}}, {{false, false}}} {
		if path := Modules(0, 0, 10, empty); len(path.steps) != 0 {
			t.Errorf("Modules(%v) draws %d steps", empty, len(path.steps))
		}
	}
}

// Text in two colours, two sizes and on two canvases keeps its own of each.
func TestCanvasStateDoesNotLeak(t *testing.T) {
	t.Parallel()
	doc := New(testInfo())
	page := doc.Page(60, 60)
	block := func(colour Colour) Text {
		s := song(60)
		s.Colour = colour
		return set(t, s, "■")
	}
	page.Text(5, 25, block(0xFF0000))
	edge := &Path{}
	edge.Rect(1, 1, 2, 2)
	page.Stroke(edge, 1, 0x00FF00)
	page.Fill(edge, 0x0000FF)
	page.Text(30, 50, block(0x000000))
	got := render(t, write(t, doc))
	if c := at(got, 15, 18); !near(c, color.NRGBA{255, 0, 0, 255}, 2) {
		t.Errorf("the first block is %v, want red", c)
	}
	if c := at(got, 40, 43); !near(c, black, 2) {
		t.Errorf("the second block is %v, want black", c)
	}
}

// A fragment's operators and objects, put into a bare document by somebody else,
// show the text.
func TestFragmentInAnotherDocument(t *testing.T) {
	t.Parallel()
	fragment := NewFragment(60, 20)
	fragment.Text(5, 12, set(t, song(20), "骑缝章龘"))
	box := &Path{}
	box.RoundRect(1, 1, 58, 18, 2)
	fragment.Stroke(box, 0.4, 0xD70000)

	appearance, err := fragment.Appearance()
	if err != nil {
		t.Fatal(err)
	}
	objects := reachable(appearance.Objects...)
	numbers := map[*Object]int{}
	for i, o := range objects {
		numbers[o] = 10 + i // the document below has objects 1 to 5
	}
	var file bytes.Buffer
	file.WriteString("%PDF-1.7\n")
	offsets := map[int]int{}
	object := func(number int, o *Object) {
		offsets[number] = file.Len()
		fmt.Fprintf(&file, "%d 0 obj\n%s\nendobj\n", number, o.appendBody(nil, numbers))
	}
	bare := func(dict string) *Object { return &Object{Dict: []byte(dict)} }
	object(1, bare("<< /Type /Catalog /Pages 2 0 R >>"))
	object(2, bare("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"))
	object(3, bare(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.2f %.2f] /Resources 5 0 R /Contents 4 0 R >>",
		appearance.BBox[2], appearance.BBox[3])))
	object(4, newCompressor().stream(appearance.Content, ""))
	object(5, &Object{Dict: []byte(appearance.Resources), Uses: appearance.Objects})
	for _, o := range objects {
		object(numbers[o], o)
	}
	start := file.Len()
	file.WriteString("xref\n0 1\n0000000000 65535 f \n")
	last := 9 + len(objects)
	for number := range last + 1 {
		if offset, ok := offsets[number]; ok {
			fmt.Fprintf(&file, "%d 1\n%010d 00000 n \n", number, offset)
		}
	}
	fmt.Fprintf(&file, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", last+1, start)
	path := save(t, file.Bytes())
	checkPDF(t, path)
	if got := readBack(t, path); got != "骑缝章龘" {
		t.Errorf("pdftotext gives %q, want 骑缝章龘", got)
	}
	if appearance.BBox[0] != 0 || appearance.BBox[1] != 0 {
		t.Errorf("BBox = %v, want it to begin at 0 0", appearance.BBox)
	}
	if out := tooltest.Run(t, "pdffonts", path); !strings.Contains(out, "NotoSerifSC") {
		t.Errorf("pdffonts: %s", out)
	}
}
