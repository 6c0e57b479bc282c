package impression

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/typeface"
)

const longName = "中华人民共和国长江三角洲区域一体化发展示范区安徽省合肥市高新技术产业开发区管理委员会"

// name is a name of n characters.
func name(n int) string { return string([]rune(longName)[:n]) }

func mustDraw(t testing.TB, spec Spec) *Drawing {
	t.Helper()
	d, err := Draw(spec)
	if err != nil {
		t.Fatalf("Draw(%+v): %v", spec, err)
	}
	return d
}

// contours cuts a shape into its contours.
func contours(s shape) []shape {
	var list []shape
	for _, step := range s {
		if step.op == move {
			list = append(list, nil)
		}
		if step.op != shut {
			list[len(list)-1] = append(list[len(list)-1], step)
		}
	}
	return list
}

// An extent is where a letter lies: distances from the centre in mm and angles
// from the top in degrees, clockwise.
type extent struct{ near, far, from, to float64 }

// extents finds the letters of a text among the contours, which begin with those
// of the rim and the star.
func extents(t *testing.T, d *Drawing, spec Spec) []extent {
	t.Helper()
	parts := contours(d.shape)[2:]
	if spec.Centre == Star {
		parts = parts[1:]
	}
	if spec.Code != "" {
		parts = parts[countContours(t, spec.Code):]
	}
	var list []extent
	for _, r := range spec.Text {
		n := countContours(t, string(r))
		e := extent{near: math.Inf(1), from: math.Inf(1), to: math.Inf(-1)}
		middle := math.NaN()
		for _, contour := range parts[:n] {
			for _, s := range contour {
				x, y := float64(s.to.x)/float64(d.perMM)-d.width/2, float64(s.to.y)/float64(d.perMM)-d.height/2
				angle := math.Atan2(x, -y) * 180 / math.Pi
				if math.IsNaN(middle) {
					middle = angle
				}
				angle = middle + math.Remainder(angle-middle, 360)
				e.near, e.far = min(e.near, math.Hypot(x, y)), max(e.far, math.Hypot(x, y))
				e.from, e.to = min(e.from, angle), max(e.to, angle)
			}
		}
		list = append(list, e)
		parts = parts[n:]
	}
	return list
}

func countContours(t *testing.T, text string) int {
	t.Helper()
	list, err := letters(text)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range list {
		for _, s := range l.outline {
			if s.Op == typeface.MoveTo {
				n++
			}
		}
	}
	return n
}

// However long the name, its letters lie between the star and the rim, keep clear
// of each other, stand evenly and leave a gap at the bottom.
func TestRoundText(t *testing.T) {
	t.Parallel()
	for n := 4; n <= 40; n++ {
		for _, diameter := range []float64{38, 42, 60} {
			t.Run(fmt.Sprintf("%d characters on %g mm", n, diameter), func(t *testing.T) {
				t.Parallel()
				spec := Spec{Kind: Round, WidthMM: diameter, HeightMM: diameter, Text: name(n), Centre: Star}
				list := extents(t, mustDraw(t, spec), spec)
				rim := diameter/2 - diameter/35
				for i, e := range list {
					if e.far > rim-0.2 || e.near < diameter/6+0.5 {
						t.Errorf("letter %d lies %.2f to %.2f mm from the centre, rim at %.2f, star to %.2f",
							i, e.near, e.far, rim, diameter/6)
					}
					if i > 0 && e.from <= list[i-1].to {
						t.Errorf("letter %d begins at %.1f°, the one before ends at %.1f°", i, e.from, list[i-1].to)
					}
				}
				first, last := list[0], list[n-1]
				if gap := 360 - (last.to - first.from); gap < 40 {
					t.Errorf("the gap at the bottom is %.1f°", gap)
				}
				if lean := (first.from + first.to + last.from + last.to) / 4; math.Abs(lean) > 3 {
					t.Errorf("the text leans to one side by %.1f°", lean)
				}
			})
		}
	}
}

// The middles of ideographs stand at equal angles.
func TestEvenSpacing(t *testing.T) {
	t.Parallel()
	const n = 10
	spec := Company(strings.Repeat("田", n)) // as wide as its box, and symmetric
	list := extents(t, mustDraw(t, spec), spec)
	step := ((list[n-1].from + list[n-1].to) - (list[0].from + list[0].to)) / 2 / (n - 1)
	for i := 1; i < n; i++ {
		got := (list[i].from + list[i].to - list[i-1].from - list[i-1].to) / 2
		if math.Abs(got-step) > 0.7 {
			t.Errorf("from letter %d to %d it is %.2f°, on average %.2f°", i-1, i, got, step)
		}
	}
}

// Below the centre, line and code must not touch the text, the star or the rim:
// no dot of ink of one part lies under another.
func TestPartsKeepClear(t *testing.T) {
	t.Parallel()
	specs := []Spec{}
	for n := 4; n <= 40; n += 3 {
		with := Finance(name(n))
		specs = append(specs, with, Invoice(name(n), "91340199XN00000017"))
		with.Code = "3401990012345"
		specs = append(specs, with)
		with.Line = ""
		specs = append(specs, with)
	}
	for _, spec := range specs {
		whole := ink(t, spec)
		parts := ink(t, without(spec, true, true))
		if spec.Line != "" {
			parts += ink(t, without(spec, false, true)) - ink(t, without(spec, true, true))
		}
		if spec.Code != "" {
			parts += ink(t, without(spec, true, false)) - ink(t, without(spec, true, true))
		}
		// The text moves together where a line or a code takes its place, so the
		// sums are near and not equal; an overlap of one letter would be 1 mm².
		if math.Abs(whole-parts)/whole > 0.03 {
			t.Errorf("%s with %q and %q: the whole has %.1f mm² of ink, its parts %.1f", spec.Text, spec.Line, spec.Code, whole, parts)
		}
	}
}

func without(spec Spec, line, code bool) Spec {
	if line {
		spec.Line = ""
	}
	if code {
		spec.Code = ""
	}
	return spec
}

// ink is the red area in mm².
func ink(t *testing.T, spec Spec) float64 {
	t.Helper()
	const dpi = 200
	sum := 0.0
	picture := decode(t, mustDraw(t, spec), dpi)
	for _, cover := range picture.Pix {
		sum += float64(cover) / 255
	}
	return sum * (25.4 / dpi) * (25.4 / dpi)
}

func TestConstructors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		spec          Spec
		width, height float64
		refused       bool
	}{
		{"State Council", Government(StateCouncil, "国务院办公厅"), 60, 60, false},
		{"province", Government(Province, "样例省人民政府"), 50, 50, false},
		{"national bureau", Government(NationalBureau, "国家样例局"), 45, 45, false},
		{"county", Government(County, "样例县人民政府"), 45, 45, false},
		{"township", Government(Township, "样例镇人民政府"), 42, 42, false},
		{"department", Government(Department, "合肥市公安局"), 42, 42, false},
		{"company", Company("合肥样例科技有限公司"), 40, 40, false},
		{"finance", Finance("合肥样例科技有限公司"), 38, 38, false},
		{"contract", Contract("合肥样例科技有限公司"), 38, 38, false},
		{"invoice", Invoice("合肥样例科技有限公司", "91340199XN00000017"), 40, 30, false},
		{"representative", Representative("欧阳明"), 18, 18, false},
		{"unknown rank", Government(99, "样例"), 0, 0, true},
	}
	for _, test := range tests {
		drawing, err := Draw(test.spec)
		if refused := errors.Is(err, ErrSpec); refused != test.refused || (err != nil) != refused {
			t.Errorf("%s: Draw = %v, want refused %v", test.name, err, test.refused)
		}
		if test.spec.WidthMM != test.width || test.spec.HeightMM != test.height {
			t.Errorf("%s: %g × %g mm, want %g × %g", test.name, test.spec.WidthMM, test.spec.HeightMM, test.width, test.height)
		}
		if err != nil {
			continue
		}
		if width, height := drawing.Size(); width != test.width || height != test.height {
			t.Errorf("%s: the drawing is %g × %g mm, want %g × %g", test.name, width, height, test.width, test.height)
		}
	}
	for text, want := range map[string]string{"李白": "李白之印", "欧阳明": "欧阳明印", "欧阳明德": "欧阳明德", "买买提江": "买买提江"} {
		if got := Representative(text).Text; got != want {
			t.Errorf("Representative(%s) shows %s, want %s", text, got, want)
		}
	}
}

func TestDrawRefuses(t *testing.T) {
	t.Parallel()
	company := func(change func(*Spec)) Spec {
		spec := Company("合肥样例科技有限公司")
		change(&spec)
		return spec
	}
	tests := []struct {
		name string
		spec Spec
		want string
	}{
		{"nothing", Spec{}, "kind: 0 is unknown"},
		{"an emblem larger than its room", company(func(s *Spec) { s.Centre, s.Outline = Emblem, "m0 0l2000 0l0 2000z" }), "it leaves"},
		{"a star with an outline", company(func(s *Spec) { s.Outline = "m0 0l100 0l0 100z" }), "a traced seal or an emblem"},
		{"unknown centre", company(func(s *Spec) { s.Centre = 9 }), "centre: 9"},
		{"three characters", company(func(s *Spec) { s.Text = "公安局" }), "text: 3 characters"},
		{"41 characters", company(func(s *Spec) { s.Text = name(41) }), "text: 41 characters"},
		{"white space", company(func(s *Spec) { s.Text = "合肥 样例公司" }), "white space"},
		{"too small", company(func(s *Spec) { s.WidthMM, s.HeightMM = 19, 19 }), "width: 19 mm"},
		{"too large", company(func(s *Spec) { s.WidthMM, s.HeightMM = 61, 61 }), "width: 61 mm"},
		{"no number", company(func(s *Spec) { s.WidthMM, s.HeightMM = math.NaN(), math.NaN() }), "width: NaN mm"},
		{"not round", company(func(s *Spec) { s.HeightMM = 39 }), "height: 39 mm"},
		{"long line", company(func(s *Spec) { s.Line = name(13) }), "line: 13 characters"},
		{"line without room", company(func(s *Spec) { s.Line = name(12); s.WidthMM, s.HeightMM = 20, 20 }), "no room"},
		{"code with letters", company(func(s *Spec) { s.Code = "abc" }), "code:"},
		{"long code", company(func(s *Spec) { s.Code = strings.Repeat("1", 21) }), "code: 21"},
		{"oval with a star", Spec{Kind: Oval, WidthMM: 40, HeightMM: 30, Text: "样例公司", Centre: Star}, "an oval seal has none"},
		{"flat oval", Spec{Kind: Oval, WidthMM: 40, HeightMM: 20, Text: "样例公司"}, "height: 20 mm"},
		{"long name on a square", Spec{Kind: Square, WidthMM: 18, HeightMM: 18, Text: name(21)}, "text: 21 characters"},
		{"star on a square", Spec{Kind: Square, WidthMM: 18, HeightMM: 18, Text: "李白之印", Centre: Star}, "only a text"},
	}
	for _, test := range tests {
		if _, err := Draw(test.spec); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Draw = %v, want ErrSpec with %q", test.name, err, test.want)
		}
	}
	var missing *typeface.MissingRuneError
	if _, err := Draw(Company("合肥𪚥科技有限公司")); !errors.As(err, &missing) || missing.Rune != '𪚥' {
		t.Errorf("Draw with a character nobody has = %v, want a MissingRuneError", err)
	}
}

func TestSquareReadsFromRightToLeft(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 21; n++ {
		text := name(n)
		if n == 21 {
			text = "阿卜杜热西提·麦麦提明" // the dot stays with what is before it
		}
		spec := Spec{Kind: Square, WidthMM: 18, HeightMM: 18, Text: text}
		d := mustDraw(t, spec)
		parts := contours(d.shape)[2:]
		type place struct{ x, y float64 }
		var last place
		for i, r := range spec.Text {
			low, high := place{math.Inf(1), math.Inf(1)}, place{}
			count := countContours(t, string(r))
			for _, contour := range parts[:count] {
				for _, s := range contour {
					x, y := float64(s.to.x)/float64(d.perMM), float64(s.to.y)/float64(d.perMM)
					low, high = place{min(low.x, x), min(low.y, y)}, place{max(high.x, x), max(high.y, y)}
				}
			}
			parts = parts[count:]
			if low.x < 0.9 || low.y < 0.9 || high.x > 17.1 || high.y > 17.1 {
				t.Errorf("%d characters: number %d lies from %v to %v, on the frame", n, i, low, high)
			}
			here := place{(low.x + high.x) / 2, (low.y + high.y) / 2}
			below := math.Abs(here.x-last.x) < 1.5 && here.y > last.y
			left := here.x < last.x-1.5
			if i > 0 && !below && !left {
				t.Errorf("%d characters: number %d at %v does not follow %v", n, i, here, last)
			}
			last = here
		}
	}
}

func FuzzDraw(f *testing.F) {
	f.Add(uint8(Round), 42.0, 42.0, "合肥市公安局", uint8(Star), "财务专用章", "3401")
	f.Add(uint8(Oval), 40.0, 30.0, "样例公司", uint8(None), "发票专用章", "91340199XN00000017")
	f.Add(uint8(Square), 18.0, 18.0, "李白之印", uint8(None), "", "")
	f.Add(uint8(Round), 20.0, 20.0, "....", uint8(Star), "................", "I")
	f.Fuzz(func(t *testing.T, kind uint8, width, height float64, text string, centre uint8, line, code string) {
		drawing, err := Draw(Spec{Kind: Kind(kind), WidthMM: width, HeightMM: height, Text: text, Centre: Centre(centre), Line: line, Code: code})
		var missing *typeface.MissingRuneError
		switch {
		case errors.As(err, &missing), errors.Is(err, ErrSpec), errors.Is(err, typeface.ErrNotUTF8):
			return
		case err != nil:
			t.Fatal(err)
		}
		for _, s := range drawing.shape {
			const slack = 0.6 // mm: an odd glyph may stand out of its em box
			at := s.to.spot().times(1 / float64(drawing.perMM))
			if s.op != shut && (at.x < -slack || at.y < -slack || at.x > width+slack || at.y > height+slack) {
				t.Fatalf("a point at %v lies outside the seal of %g × %g mm", s.to, width, height)
			}
		}
		if len(drawing.SVG()) == 0 {
			t.Fatal("no SVG")
		}
	})
}

func BenchmarkDraw(b *testing.B) {
	spec := Company("合肥市测试区样例科技有限责任公司")
	for b.Loop() {
		drawing, err := Draw(spec)
		if err != nil {
			b.Fatal(err)
		}
		drawing.PDF()
	}
}
