package typeface

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// The CFF fonts of modules that are built with: Latin, and Chinese keyed by CID.
const (
	latinCFF   = "golang.org/x/image font/testdata/CFFTest.otf"
	chineseCFF = "github.com/klippa-app/go-pdfium shared_tests/testdata/NotoSansSC-Regular.subset.otf"
)

// moduleFile reads a file of a module that is built with.
func moduleFile(tb testing.TB, name string) []byte {
	tb.Helper()
	module, file, _ := strings.Cut(name, " ")
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		tb.Fatalf("%s: %v", module, err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), file))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestProgramsAgreeWithSfnt: of CFF fonts every outline is as golang.org/x/image/font/sfnt
// reads it, to its fraction of a unit.
func TestProgramsAgreeWithSfnt(t *testing.T) {
	t.Parallel()
	for _, name := range []string{latinCFF, chineseCFF} {
		data := moduleFile(t, name)
		p, err := ParseProgram("CFF", data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		oracle, err := sfnt.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		var buf sfnt.Buffer
		curves := 0
		for g := range oracle.NumGlyphs() {
			segments, err := oracle.LoadGlyph(&buf, sfnt.GlyphIndex(g), fixed.I(p.UnitsPerEm()), nil)
			if err != nil {
				t.Fatalf("%s: sfnt: glyph %d: %v", name, g, err)
			}
			outline, err := p.Outline(GlyphID(g))
			if err != nil {
				t.Fatalf("%s: glyph %d: %v", name, g, err)
			}
			if want := fromSfnt(segments); !sameShape(outline, want) {
				t.Errorf("%s: glyph %d: %v, sfnt reads %v", name, g, outline, want)
			}
			for _, s := range outline {
				if s.Op == CubeTo {
					curves++
				}
			}
		}
		if curves < 10 {
			t.Errorf("%s: only %d curves compared", name, curves)
		}
		for r := rune(' '); r < 0xFFFF; r++ {
			want, err := oracle.GlyphIndex(&buf, r)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := p.Glyph(r); GlyphID(want) != got {
				t.Errorf("%s: Glyph(%U) = %d, sfnt says %d", name, r, got, want)
			}
		}
	}
}

// TestProgramOfLess: outlines alone are enough, as of fonts that were cut down for a document.
func TestProgramOfLess(t *testing.T) {
	t.Parallel()
	subset, err := Kai().Subset([]GlyphID{glyph(t, Kai(), '永')})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseProgram("Subset", subset)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Outline(1)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Kai().Outline(glyph(t, Kai(), '永'))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("the outline is %v, want %v", got, want)
	}
	if g, ok := p.Glyph('永'); ok {
		t.Errorf("a font without characters has glyph %d for one", g)
	}
}

func glyph(tb testing.TB, f *Face, r rune) GlyphID {
	tb.Helper()
	g, ok := f.Glyph(r)
	if !ok {
		tb.Fatalf("no glyph for %U", r)
	}
	return g
}

// smallCFF is a table CFF of one font with these glyphs and subroutines, with more operators
// in its dictionary.
func smallCFF(global [][]byte, top []byte, glyphs ...[]byte) []byte {
	index := func(items ...[]byte) []byte {
		if len(items) == 0 {
			return []byte{0, 0}
		}
		out := []byte{byte(len(items) >> 8), byte(len(items)), 4}
		at := 1
		for i := range len(items) + 1 {
			out = binary.BigEndian.AppendUint32(out, uint32(at))
			if i < len(items) {
				at += len(items[i])
			}
		}
		return append(out, slices.Concat(items...)...)
	}
	build := func(at int) []byte {
		d := append(binary.BigEndian.AppendUint32([]byte{29}, uint32(at)), opCharStrings)
		return slices.Concat([]byte{1, 0, 4, 4}, index([]byte("a")), index(append(d, top...)), index(), index(global...))
	}
	head := build(len(build(0)))
	return append(head, index(glyphs...)...)
}

// TestCharstrings: what a charstring may hold is drawn as Technical Note 5177 says, and what it
// may not, or what would cost too much, is refused.
func TestCharstrings(t *testing.T) {
	t.Parallel()
	n := func(values ...int) []byte {
		var out []byte
		for _, v := range values {
			out = append(out, 28, byte(v>>8), byte(v))
		}
		return out
	}
	code := func(parts ...any) []byte {
		var out []byte
		for _, p := range parts {
			switch p := p.(type) {
			case []byte:
				out = append(out, p...)
			case int:
				out = append(out, byte(p))
			}
		}
		return out
	}
	begin := code(n(10, 20), 21)
	last := Point{10, 20}
	line := func(x, y float64) Segment { return Segment{Op: LineTo, To: Point{x, y}} }
	curve := func(a, b, c Point) Segment { return Segment{Op: CubeTo, Control: a, Second: b, To: c} }
	back := line(10, 20)
	bomb := func(level int) []byte { // calls the one below a hundred times
		var out []byte
		for range 100 {
			out = append(out, code(n(level-1-107), 29)...)
		}
		return append(out, 11)
	}
	var bombs [][]byte
	bombs = append(bombs, code(n(1), 6, 11))
	for level := 1; level < 10; level++ {
		bombs = append(bombs, bomb(level))
	}
	for name, tt := range map[string]struct {
		global [][]byte
		glyph  []byte
		want   Outline // after the beginning
		err    string
	}{
		"lines":              {nil, code(begin, n(5, 0, 0, 6), 5, 14), Outline{line(15, 20), line(15, 26), back}, ""},
		"a width":            {nil, code(n(500, 10, 20), 21, n(5), 6, 14), Outline{line(15, 20), back}, ""},
		"across and up":      {nil, code(begin, n(5, 6, 7), 6, 14), Outline{line(15, 20), line(15, 26), line(22, 26), back}, ""},
		"up and across":      {nil, code(begin, n(5, 6), 7, 14), Outline{line(10, 25), line(16, 25), back}, ""},
		"a curve":            {nil, code(begin, n(1, 2, 3, 4, 5, 6), 8, 14), Outline{curve(Point{11, 22}, Point{14, 26}, Point{19, 32}), back}, ""},
		"a curve and a line": {nil, code(begin, n(1, 2, 3, 4, 5, 6, 7, 8), 24, 14), Outline{curve(Point{11, 22}, Point{14, 26}, Point{19, 32}), line(26, 40), back}, ""},
		"a line and a curve": {nil, code(begin, n(7, 8, 1, 2, 3, 4, 5, 6), 25, 14), Outline{line(17, 28), curve(Point{18, 30}, Point{21, 34}, Point{26, 40}), back}, ""},
		"hhcurveto":          {nil, code(begin, n(9, 1, 2, 3, 4), 27, 14), Outline{curve(Point{11, 29}, Point{13, 32}, Point{17, 32}), back}, ""},
		"vvcurveto":          {nil, code(begin, n(9, 1, 2, 3, 4), 26, 14), Outline{curve(Point{19, 21}, Point{21, 24}, Point{21, 28}), back}, ""},
		"hvcurveto":          {nil, code(begin, n(1, 2, 3, 4, 5), 31, 14), Outline{curve(Point{11, 20}, Point{13, 23}, Point{18, 27}), back}, ""},
		"vhcurveto twice": {nil, code(begin, n(1, 2, 3, 4, 1, 2, 3, 4, 5), 30, 14),
			Outline{curve(Point{10, 21}, Point{12, 24}, Point{16, 24}), curve(Point{17, 24}, Point{19, 27}, Point{24, 31}), back}, ""},
		"flex":  {nil, code(begin, n(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 50), 12, 35, 14), Outline{curve(Point{11, 22}, Point{14, 26}, Point{19, 32}), curve(Point{20, 34}, Point{23, 38}, Point{28, 44}), back}, ""},
		"hflex": {nil, code(begin, n(1, 2, 3, 4, 5, 6, 7), 12, 34, 14), Outline{curve(Point{11, 20}, Point{13, 23}, Point{17, 23}), curve(Point{22, 23}, Point{28, 20}, Point{35, 20}), back}, ""},
		"hflex1": {nil, code(begin, n(1, 2, 3, 4, 5, 6, 7, 8, 9), 12, 36, 14),
			Outline{curve(Point{11, 22}, Point{14, 26}, Point{19, 26}), curve(Point{25, 26}, Point{32, 34}, Point{41, 20}), back}, ""},
		"flex1": {nil, code(begin, n(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 12, 37, 14),
			Outline{curve(Point{11, 22}, Point{14, 26}, Point{19, 32}), curve(Point{26, 40}, Point{35, 50}, Point{10, 61}), back}, ""},
		"hints and a mask":    {nil, code(n(1, 2), 18, n(3, 4), 19, 0xC0, begin, n(5), 6, 14), Outline{line(15, 20), back}, ""},
		"a subroutine":        {[][]byte{code(n(5), 6, 11)}, code(begin, n(-107), 29, 14), Outline{line(15, 20), back}, ""},
		"one that ends":       {[][]byte{code(n(5), 6, 14)}, code(begin, n(-107), 29), Outline{line(15, 20), back}, ""},
		"a fraction":          {nil, code(begin, 255, 0, 1, 128, 0, 6, 14), Outline{line(11.5, 20), back}, ""},
		"no end":              {nil, code(begin, n(5), 6), nil, "does not end"},
		"no return":           {[][]byte{code(n(5), 6)}, code(begin, n(-107), 29, 14), nil, "does not return"},
		"a return":            {nil, code(begin, 11), nil, "returns from nowhere"},
		"no beginning":        {nil, code(n(5), 6, 14), nil, "without a beginning"},
		"a flex at first":     {nil, code(n(1, 2, 3, 4, 5, 6, 7), 12, 34, 14), nil, "without a beginning"},
		"too few":             {nil, code(begin, n(5), 5, 14), nil, "with 1 operands"},
		"two widths":          {nil, code(n(1, 2, 3), 1, n(9, 10, 20), 21, 14), nil, "an operand too many"},
		"operands left":       {nil, code(begin, n(1, 2), 14), nil, "operands left"},
		"composed":            {nil, code(n(1, 2, 65, 66), 14), nil, "composed by endchar"},
		"arithmetic":          {nil, code(begin, n(1, 2), 12, 10, 14), nil, "operator 12 10"},
		"an unknown operator": {nil, code(begin, n(1), 2, 14), nil, "operator 2"},
		"no subroutine":       {nil, code(begin, n(0), 29, 14), nil, "not there"},
		"a call of nothing":   {nil, code(begin, 29, 14), nil, "calls nothing"},
		"itself":              {[][]byte{code(n(-107), 29, 11)}, code(begin, n(-107), 29, 14), nil, "levels deep"},
		"billions":            {bombs, code(begin, n(9-107), 29, 14), nil, "too many steps"},
		"a large stack":       {nil, code(begin, n(make([]int, maxStack+1)...), 14), nil, "more than 48 operands"},
		"a hundred hints":     {nil, code(slices.Repeat(code(n(1, 2), 1), maxHints+1), 14), nil, "more than 96 hints"},
		"cut short":           {nil, code(begin, 28, 0), nil, "cut short"},
		"a mask cut short":    {nil, code(n(1, 2), 1, 19), nil, "cut short"},
	} {
		f, err := parseCFF(smallCFF(tt.global, nil, tt.glyph), 1, 1000)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := f.outline(0)
		if tt.err != "" {
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, want %q", name, err, tt.err)
			}
			continue
		}
		if want := append(Outline{{Op: MoveTo, To: last}}, tt.want...); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
}

// TestCFFRefuses: tables that are broken, or that others read otherwise.
func TestCFFRefuses(t *testing.T) {
	t.Parallel()
	glyph := []byte{14}
	good := smallCFF(nil, nil, glyph)
	matrix := func(scale string) []byte { // scale 0 0 scale 0 0
		real := map[string][]byte{"0.001": {30, 0xA0, 0x01, 0xFF}, "0.002": {30, 0xA0, 0x02, 0xFF}}[scale]
		return slices.Concat(real, []byte{139, 139}, real, []byte{139, 139, 12, 7})
	}
	if f, err := parseCFF(smallCFF(nil, matrix("0.001"), glyph), 1, 1000); err != nil {
		t.Errorf("a font matrix: %v", err)
	} else if o, err := f.outline(0); err != nil || len(o) != 0 {
		t.Errorf("a glyph of nothing: %v, %v", o, err)
	}
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":                      {nil, "version 1"},
		"another version":              {append([]byte{2}, good[1:]...), "version 1"},
		"cut short":                    {good[:9], "one font"},
		"another matrix":               {smallCFF(nil, matrix("0.002"), glyph), "font matrix"},
		"charstrings of type 1":        {smallCFF(nil, []byte{140, 12, 6}, glyph), "type 1"},
		"stroked":                      {smallCFF(nil, []byte{141, 12, 5}, glyph), "stroked"},
		"more glyphs":                  {smallCFF(nil, nil, glyph, glyph), "2 glyphs"},
		"an operator twice":            {smallCFF(nil, []byte{139, 12, 5, 139, 12, 5}, glyph), "twice"},
		"an operand that is not":       {smallCFF(nil, []byte{255, 12, 5}, glyph), "operand 255"},
		"a number that is none":        {smallCFF(nil, []byte{30, 0xBB, 0xFF, 12, 5}, glyph), "number"},
		"operands left":                {smallCFF(nil, []byte{139}, glyph), "cut short"},
		"fonts that are not":           {smallCFF(nil, []byte{139, 139, 139, 12, 30}, glyph), "lacks the place"},
		"a private dictionary outside": {smallCFF(nil, []byte{28, 0x7f, 0xff, 139, 18}, glyph), "outside itself"},
		"of less than nothing":         {smallCFF(nil, []byte{138, 139, 18}, glyph), "outside itself"},
		"of half a byte":               {smallCFF(nil, []byte{30, 0xA5, 0xFF, 139, 18}, glyph), "outside itself"},
	} {
		if _, err := parseCFF(tt.data, 1, 1000); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	// Font dictionaries may share the bytes of their subroutines, and are bounded together.
	shared := func(fonts int) []byte {
		const each = 4000
		number := func(v int, op ...byte) []byte {
			return append(binary.BigEndian.AppendUint32([]byte{29}, uint32(v)), op...)
		}
		private := number(6, opSubrs) // they follow
		subroutines := slices.Concat([]byte{each >> 8, each & 0xFF, 1}, bytes.Repeat([]byte{1}, each+1))
		build := func(at int) ([]byte, int) {
			font := slices.Concat(number(len(private)), number(at), []byte{opPrivate})
			list := []byte{byte(fonts >> 8), byte(fonts), 4}
			for i := range fonts + 1 {
				list = binary.BigEndian.AppendUint32(list, uint32(1+i*len(font)))
			}
			list = append(list, bytes.Repeat(font, fonts)...)
			lists := at + len(private) + len(subroutines)
			table := smallCFF(nil, slices.Concat([]byte{139, 139, 139, 12, 30}, number(lists, 12, 36), number(lists+len(list), 12, 37)), glyph)
			return slices.Concat(table, private, subroutines, list, []byte{0, 0}), len(table)
		}
		_, at := build(0)
		table, _ := build(at)
		return table
	}
	if f, err := parseCFF(shared(60), 1, 1000); err != nil || len(f.local) != 60 || len(f.local[59]) != 4000 {
		t.Errorf("60 font dictionaries: %v", err)
	}
	if _, err := parseCFF(shared(70), 1, 1000); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "subroutines") {
		t.Errorf("70 font dictionaries of 4000 subroutines: %v", err)
	}
	if scales([][]float64{{math.NaN(), 0, 0, math.NaN(), 0, 0}}, 1000) {
		t.Error("a matrix of no number scales")
	}
}

// TestRenumbered: a font that is keyed by CID, and was cut down, has two numbers for each glyph.
func TestRenumbered(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{latinCFF: false, chineseCFF: true} {
		p, err := ParseProgram("CFF", moduleFile(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Renumbered(); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, tt := range map[string]struct {
		charset []byte // at 3; nil: there is none
		want    bool
		err     string
	}{
		"none":                  {nil, false, ""},
		"each, in order":        {[]byte{0, 0, 1, 0, 2, 0, 3}, false, ""},
		"each, with a gap":      {[]byte{0, 0, 1, 0, 2, 0, 4}, true, ""},
		"a range":               {[]byte{1, 0, 1, 2}, false, ""},
		"a range from further":  {[]byte{1, 0, 2, 2}, true, ""},
		"two ranges, exchanged": {[]byte{2, 0, 3, 0, 0, 0, 1, 0, 1}, true, ""},
		"a long range":          {[]byte{2, 0, 1, 0, 2}, false, ""},
		"one too long":          {[]byte{2, 0, 1, 0, 3}, false, "number of glyphs"},
		"one cut short":         {[]byte{1, 0, 1, 0}, false, "number of glyphs"},
		"another format":        {[]byte{3, 0, 1}, false, "format 3"},
	} {
		f, top := &cff{charstrings: make([][]byte, 4)}, dict{}
		if tt.charset != nil {
			top[opCharset] = []float64{3}
		}
		err := f.readCharset(append(make([]byte, 3), tt.charset...), top)
		if f.renumbered != tt.want && err == nil || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, %v", name, f.renumbered, err)
		}
	}
}

// FuzzProgram: whatever the bytes are, they are read within bounds or refused.
func FuzzProgram(f *testing.F) {
	f.Add(moduleFile(f, latinCFF))
	f.Add(moduleFile(f, chineseCFF))
	f.Add(standalone(f, Kai(), []rune("永A")))
	f.Add(smallCFF(nil, nil, []byte{139, 139, 21, 140, 6, 14}))
	check := func(t *testing.T, outline func(GlyphID) (Outline, error), count int) {
		for g := range min(count, 64) {
			o, err := outline(GlyphID(g))
			if err != nil && !errors.Is(err, ErrFormat) {
				t.Fatalf("outline: %v is not an ErrFormat", err)
			}
			for _, s := range o {
				if v := s.To.X + s.To.Y + s.Control.X + s.Second.Y; math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("glyph %d has the segment %v", g, s)
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := ParseProgram("Fuzz", data); err == nil {
			check(t, p.Outline, p.face.glyphCount)
		} else if !errors.Is(err, ErrFormat) {
			t.Fatalf("ParseProgram: %v is not an ErrFormat", err)
		}
		if c, err := parseCFF(data, 1, 1000); err == nil {
			check(t, c.outline, 1)
		} else if !errors.Is(err, ErrFormat) {
			t.Fatalf("parseCFF: %v is not an ErrFormat", err)
		}
	})
}
