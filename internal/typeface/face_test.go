package typeface

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/image/font/sfnt"
)

// The digests are those of fonts/README.md: the faces are the published ones.
func TestEmbeddedFacesAreUnmodified(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("fonts/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, face := range []*Face{Song(), Kai()} {
		data := unfoldedFile(t, face.Name())
		digest := sha256.Sum256(data)
		if want := hex.EncodeToString(digest[:]); !bytes.Contains(readme, []byte(want)) {
			t.Errorf("%s has SHA-256 %s, which fonts/README.md does not name", face.Name(), want)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	tests := []struct {
		face *Face
		want Metrics
	}{
		{Song(), Metrics{1000, 880, -120, 729, -1005, -1047, 2927, 1807}},
		{Kai(), Metrics{1000, 880, -120, 695, -1014, -273, 1988, 1048}},
	}
	for _, test := range tests {
		if got := test.face.Metrics(); got != test.want {
			t.Errorf("%s: Metrics() = %+v, want %+v", test.face.Name(), got, test.want)
		}
	}
}

// stack is the order a value is set in.
func stack() Stack { return Stack{Kai(), Song()} }

func TestStackShowsTheNationalTable(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("testdata/tgh8105.txt")
	if err != nil {
		t.Fatal(err)
	}
	characters := strings.ReplaceAll(string(table), "\n", "")
	if got := utf8.RuneCountInString(characters); got != 8105 {
		t.Fatalf("the table has %d characters, want 8105", got)
	}
	for _, s := range []Stack{stack(), {Song(), Kai()}, {Song()}, {Kai()}} {
		glyphs, err := s.Glyphs(characters)
		if err != nil {
			t.Errorf("%s first: %v", s[0].Name(), err)
			continue
		}
		for _, g := range glyphs {
			outline, err := g.Face.Outline(g.ID)
			if err != nil {
				t.Errorf("%U '%c': %v", g.Rune, g.Rune, err)
			}
			if len(outline) < 2 {
				t.Errorf("%U '%c' has no ink", g.Rune, g.Rune)
			}
			if g.Face.Advance(g.ID) != 1000 {
				t.Errorf("%U '%c' is %d units wide, want 1000", g.Rune, g.Rune, g.Face.Advance(g.ID))
			}
		}
	}
}

// Characters that people really bear in their names and that common fonts lack.
const rareNames = "龘䶮𫖯𬭸𠮷喆堃翀昇㛃㐱㑇㙍㛹㝬㟃㠓㥄㬊㬎㭎㮾㳇㳘㴔㸆㺄㻬䂮䃅䄂䌹䎃䎖䏝䐃䓖䓛䓨䓫䓬䗖䗛䗪䗴" +
	"𤧛𠅤𫘧𫷷𬀩𬀪𬇕𬇙𬇹𬉼𬊈𬊤𬌗𬍛𬍡𬍤𬒈𬒔𬒗𬕂𬘓𬘘𬘡𬘩𬘫𬘬𬘭𬘯𬙂𬙊𬙋𬜬𬜯𬞟𬟁𬟽𬣙𬣞𬣡𬣳𬤇𬤊𬤝𬨂𬨎𬩽𬪩𬬩𬬭𬬮" +
	"𬬱𬬸𬬹𬬻𬬿𬭁𬭊𬭎𬭚𬭛𬭤𬭩𬭬𬭯𬭳𬭶𬭼𬮱𬮿𬯀𬯎𬱖𬱟𬳵𬳶𬳽𬳿𬴂𬴃𬴊𬶋𬶍𬶏𬶐𬶟𬶠𬶨𬶭𬶮𬷕𬸘𬸚𬸣𬸦𬸪𬹼𬺈𬺓燚垚淼犇骉鱻羴"

func TestStackShowsRareNames(t *testing.T) {
	t.Parallel()
	shown := 0
	for _, r := range rareNames {
		if _, ok := stack().Find(r); !ok {
			t.Errorf("%U '%c' is not shown", r, r)
		}
		shown++
	}
	if shown < 150 {
		t.Errorf("only %d names were looked at", shown)
	}
	glyph, ok := stack().Find('𠮷')
	if !ok || glyph.Face != Kai() {
		t.Errorf("Find(𠮷) = %v, want the Kai face", glyph)
	}
	glyph, ok = Stack{Song(), Kai()}.Find('𠮷') // Song lacks it
	if !ok || glyph.Face != Kai() {
		t.Errorf("Find(𠮷) with Song first = %v, want the Kai face", glyph)
	}
}

// TestCoveringAsksForNoFaceMore: a face is unfolded only where the ones before it do not do.
func TestCoveringAsksForNoFaceMore(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text  string
		faces int
	}{{"张样例 2026", 1}, {"", 1}, {"吉𠮷", 2}, {"a\u200b", 2}} { // Song lacks 𠮷, and nobody shows U+200B
		asked := 0
		count := func(face func() *Face) func() *Face {
			return func() *Face {
				asked++
				return face()
			}
		}
		got := Covering(tc.text, count(Song), count(Kai))
		if len(got) != tc.faces || asked != tc.faces || got[0] != Song() {
			t.Errorf("Covering(%q) asked for %d faces and has %d, want %d", tc.text, asked, len(got), tc.faces)
		}
	}
}

func TestMissingRuneIsNamed(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"no face has it", "王𪚥", `U+2A6A5 '𪚥' in "王𪚥": no face has a glyph for it`},
		{"long text is cut", strings.Repeat("长", 50) + "𪚥",
			`U+2A6A5 '𪚥' in "` + strings.Repeat("长", 40) + `…": no face has a glyph for it`},
		{"line end", "甲\n乙", `U+000A in "甲\n乙": a character without a shape of its own cannot be set`},
		{"direction mark", "甲\u202e乙", `U+202E in "甲\u202e乙": a character without a shape of its own cannot be set`},
		{"zero width", "甲\u200b", `U+200B in "甲\u200b": a character without a shape of its own cannot be set`},
		{"combining", "a\u0304", "U+0304 in \"ā\": a character without a shape of its own cannot be set"},
		{"variation selector", "葛\U000e0100", `U+E0100 in "葛󠄀": a character without a shape of its own cannot be set`},
		{"private use", "\ue000", `U+E000 in "\ue000": a character without a shape of its own cannot be set`},
		{"Arabic", "ئۇ", `U+0626 'ئ' in "ئۇ": no face has a glyph for it`},
		{"blank that is not a space", "甲\u3164", "U+3164 '\u3164' in \"甲\u3164\": no face has a glyph for it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := stack().Glyphs(test.text)
			var missing *MissingRuneError
			if !errors.As(err, &missing) {
				t.Fatalf("Glyphs(%q) = %v, want a MissingRuneError", test.text, err)
			}
			if got := err.Error(); got != test.want {
				t.Errorf("Glyphs(%q):\n got %s\nwant %s", test.text, got, test.want)
			}
			if missing.Text != test.text {
				t.Errorf("Text = %q, want %q", missing.Text, test.text)
			}
		})
	}
	if _, err := stack().Glyphs("甲\xff"); !errors.Is(err, ErrNotUTF8) {
		t.Errorf("Glyphs of bytes that are not UTF-8: %v, want ErrNotUTF8", err)
	}
	if glyphs, err := stack().Glyphs("\ufffd"); err == nil && len(glyphs) != 1 {
		t.Errorf("Glyphs(U+FFFD) = %v", glyphs)
	}
	if glyphs, err := stack().Glyphs(""); err != nil || len(glyphs) != 0 {
		t.Errorf("Glyphs of nothing = %v, %v", glyphs, err)
	}
}

// Every rune of the two faces that the stack hands out has a readable outline.
func TestEveryOutlineReads(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads 60,000 outlines")
	}
	for _, face := range []*Face{Song(), Kai()} {
		for g := range face.glyphCount {
			if _, err := face.Outline(GlyphID(g)); err != nil {
				t.Fatalf("%s: %v", face.Name(), err)
			}
		}
	}
}

func TestSubset(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		face *Face
		text string
	}{
		{"Song", Song(), "电子证照 No.1"},
		{"Kai", Kai(), "欧阳龘䶮𫖯𠮷abc"},
		{"composites", Kai(), "´¨∕−永"},
		{"one glyph", Song(), "章"},
		{"long loca", Song(), hanRunes(700)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			runes := []rune(test.text)
			file := standalone(t, test.face, runes)
			if !bytes.Equal(file, standalone(t, test.face, runes)) {
				t.Error("the same subset twice gives different bytes")
			}
			if got := checksum(file); got != 0xB1B0AFBA {
				t.Errorf("checksum of the file is %#x, want 0xb1b0afba", got)
			}
			small, err := Parse("Subset", file)
			if err != nil {
				t.Fatal(err)
			}
			oracle, err := sfnt.Parse(file)
			if err != nil {
				t.Fatalf("sfnt: %v", err)
			}
			compareWithSfnt(t, small, oracle, runes)
			for i, r := range runes {
				full, _ := test.face.Glyph(r)
				want, err := test.face.Outline(full)
				if err != nil {
					t.Fatal(err)
				}
				got, err := small.Outline(GlyphID(i + 1))
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Errorf("the outline of %U changed", r)
				}
				if got, want := small.Advance(GlyphID(i+1)), test.face.Advance(full); got != want {
					t.Errorf("the advance of %U is %d, was %d", r, got, want)
				}
			}
		})
	}
}

func TestSubsetKeepsTwoCharactersOfOneGlyphApart(t *testing.T) {
	t.Parallel()
	g, _ := Song().Glyph('一')
	file, err := Song().Subset([]GlyphID{g, g})
	if err != nil {
		t.Fatal(err)
	}
	c := &cursor{data: embedded(t, file)["maxp"], at: 4}
	if got := c.u16(); got != 3 {
		t.Errorf("the subset has %d glyphs, want 3", got)
	}
}

func TestSubsetRefusesUnknownGlyph(t *testing.T) {
	t.Parallel()
	if _, err := Song().Subset([]GlyphID{60000}); !errors.Is(err, ErrFormat) {
		t.Errorf("Subset(60000) = %v, want ErrFormat", err)
	}
}

func hanRunes(n int) string {
	var b strings.Builder
	for r := rune(0x4E00); n > 0; n-- {
		b.WriteRune(r)
		r++
	}
	return b.String()
}

func TestCubicIsTheSameCurve(t *testing.T) {
	t.Parallel()
	from := Point{0, 0}
	s := Segment{Op: QuadTo, Control: Point{30, 60}, To: Point{90, 0}}
	c1, c2 := s.Cubic(from)
	for _, at := range []float64{0, 0.25, 0.5, 0.75, 1} {
		u := 1 - at
		quad := u*u*from.Y + 2*u*at*s.Control.Y + at*at*s.To.Y
		cubic := u*u*u*from.Y + 3*u*u*at*c1.Y + 3*u*at*at*c2.Y + at*at*at*s.To.Y
		if diff := quad - cubic; diff > 1e-9 || diff < -1e-9 {
			t.Errorf("at %v: quadratic %v, cubic %v", at, quad, cubic)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	if _, _, ok := Outline(nil).Bounds(); ok {
		t.Error("an empty outline has bounds")
	}
	o := Outline{{Op: MoveTo, To: Point{10, 20}}, {Op: QuadTo, Control: Point{-5, 50}, To: Point{0, 0}}}
	low, high, ok := o.Bounds()
	if want := (Point{-5, 0}); !ok || low != want {
		t.Errorf("low = %v, want %v", low, want)
	}
	if want := (Point{10, 50}); high != want {
		t.Errorf("high = %v, want %v", high, want)
	}
}

func BenchmarkGlyphs(b *testing.B) {
	s := stack()
	for b.Loop() {
		if _, err := s.Glyphs("安徽省合肥市测试区样例路1号1幢101室"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSubset(b *testing.B) {
	glyphs := make([]GlyphID, 0, 150)
	for _, r := range hanRunes(150) {
		g, _ := Song().Glyph(r)
		glyphs = append(glyphs, g)
	}
	for b.Loop() {
		if _, err := Song().Subset(glyphs); err != nil {
			b.Fatal(err)
		}
	}
}
