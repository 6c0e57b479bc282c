package impression

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/raster"
)

func pixels(tb testing.TB, d *Drawing, dpi float64) *image.NRGBA {
	tb.Helper()
	file, err := d.PNG(dpi)
	if err != nil {
		tb.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	m := image.NewNRGBA(decoded.Bounds())
	draw.Draw(m, m.Bounds(), decoded, image.Point{}, draw.Src)
	return m
}

func encoded(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// TestTrace: a scan of a seal gives the seal again, and takes about as many bytes.
func TestTrace(t *testing.T) {
	t.Parallel()
	type bound struct {
		mean, far float64 // see [scanner.apart]
		bytes     float64 // times those of the seal that was scanned
	}
	bounds := map[string]bound{
		"300 dpi":      {21, 95, 1.1},
		"400 dpi, PNG": {19, 75, 1.1},
		"600 dpi":      {19, 75, 1.1},
		"300 dpi, yellow paper, pale ink, coarse JPEG": {26, 175, 1.2},
		"400 dpi, pressed unevenly, noise":             {19, 100, 1.4},
		"600 dpi of a print in dots":                   {27, 165, 1.2},
		"300 dpi, on print, askew":                     {50, 220, 1.8},
		"600 dpi, all of that":                         {50, 205, 1.8},
	}
	for title, spec := range map[string]Spec{
		"10":      Government(Department, "合肥市市场监督管理局"),
		"finance": Finance("安徽样例（合肥）科技有限公司"),
		"name":    Representative("欧阳明"),
	} {
		original := mustDraw(t, spec)
		for from, scanner := range scanners() {
			t.Run(title+" "+from, func(t *testing.T) {
				t.Parallel()
				if testing.Short() && title != "10" {
					t.Skip("one of them is enough")
				}
				spec, err := Trace(scanner.scan(t, original), "样例章", original.width, original.height)
				if err != nil {
					t.Fatal(err)
				}
				again := mustDraw(t, spec)
				mean, far := scanner.apart(original, again)
				bytes := float64(len(again.SVGZ())) / float64(len(original.SVGZ()))
				t.Logf("%.1f µm off on average, 1 %% more than %.1f; %d bytes, %.2f of the original", mean, far, len(again.SVGZ()), bytes)
				if bound := bounds[from]; mean > bound.mean || far > bound.far || bytes > bound.bytes {
					t.Errorf("%.1f µm off on average, 1 %% more than %.1f, %.2f times the bytes: at most %v are wanted", mean, far, bytes, bound)
				}
			})
		}
	}
}

// differing is the part of the ink that only one of two drawings has, edges aside.
func differing(tb testing.TB, a, b *Drawing) float64 {
	tb.Helper()
	first, second := pixels(tb, a, 150), pixels(tb, b, 150)
	if first.Bounds() != second.Bounds() {
		tb.Fatalf("the drawings are %v and %v", first.Bounds(), second.Bounds())
	}
	ink, differ := 0.0, 0.0
	for i := 3; i < len(first.Pix); i += 4 {
		ink += float64(first.Pix[i])
		if d := math.Abs(float64(first.Pix[i]) - float64(second.Pix[i])); d > 128 {
			differ += d
		}
	}
	return differ / ink
}

func TestTraceRefuses(t *testing.T) {
	t.Parallel()
	original, err := Draw(Company("合肥样例科技有限公司"))
	if err != nil {
		t.Fatal(err)
	}
	good := flatbed(300).scan(t, original)
	coarse := flatbed(150).scan(t, original)
	white := encoded(t, image.NewNRGBA(image.Rect(0, 0, 600, 600)))
	bomb := bytes.Clone(white)
	copy(bomb[16:], "\x00\x00\x80\x00\x00\x00\x80\x00\x08\x06\x00\x00\x00\x8c\x1b\x21\x0c") // a header of 32,768 × 32,768
	// A ring, so that the shape is right, around what no seal has.
	around := func(ink func(x, y int) float64) []byte {
		m := image.NewRGBA(image.Rect(0, 0, 1000, 1000))
		for y := range 1000 {
			for x := range 1000 {
				cover := 0.0
				switch r := math.Hypot(float64(x)-500, float64(y)-500); {
				case r < 450:
					cover = ink(x, y)
				case r < 480:
					cover = 1
				}
				m.SetRGBA(x, y, color.RGBA{uint8(250 - 40*cover), uint8(250 - 220*cover), uint8(250 - 210*cover), 255})
			}
		}
		return encoded(t, m)
	}
	shades := around(func(_, y int) float64 { return float64(y) / 1000 })
	checks := around(func(x, y int) float64 { return float64((x/3 + y/3) % 2) })
	scans := slices.Concat(good, bytes.Repeat([]byte{0xFF, 0xDA}, raster.MostScans))
	for name, test := range map[string]struct {
		picture       []byte
		name          string
		width, height float64
		want          string
	}{
		"no picture":     {[]byte("hello"), "章", 40, 40, "neither PNG nor JPEG"},
		"a bomb":         {bomb, "章", 40, 40, "picture:"},
		"too many bytes": {make([]byte, MaxPictureBytes+1), "章", 40, 40, "bytes"},
		"many scans":     {scans, "章", 40, 40, "scans"},
		"shades":         {shades, "章", 40, 40, "shades"},
		"a photograph":   {checks, "章", 40, 40, "photograph"},
		"cut off":        {good[:len(good)/2], "章", 40, 40, "picture:"},
		"white paper":    {white, "章", 40, 40, "no red impression"},
		"too coarse":     {coarse, "章", 40, 40, "300 dpi"},
		"another shape":  {good, "章", 40, 30, "not the shape"},
		"too large":      {good, "章", 100, 100, "possible are 8 to 60"},
		"without a name": {good, "", 40, 40, "name"},
		"not a number":   {good, "章", math.NaN(), 40, "size"},
	} {
		if _, err := Trace(test.picture, test.name, test.width, test.height); !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestRetraceRefuses(t *testing.T) {
	t.Parallel()
	for _, outline := range []string{
		"", "z", "m1 1", "m1 1l2 2", "m1 1l2 2zz", "l1 1z", "m1 1m2 2z", "m-1 0l2 2z", "m1 1l9999 2z", "m1 1l99999999 2z", "m1 1l2z",
		"m1 1q1 1 1 1z", "m1 1 l2 2z", "M1 1z", "m1 1l100 0 0z", "m1 1l100 0  0 100z", "m1 1l100 0,0 100z", "m1 1h9999z", "m1 1v-2z", "m1 1h2z3", "m1 1h2{", "m1 1h2\x80z",
		"m0 0" + strings.Repeat("h2000h-2000", 3000) + "z",
	} {
		if _, err := Draw(Spec{Kind: Traced, WidthMM: 20, HeightMM: 20, Text: "章", Outline: outline}); !errors.Is(err, ErrSpec) {
			t.Errorf("outline %q: %v", outline, err)
		}
	}
}

// However odd an outline is, it is drawn in reasonable time.
func TestOddOutlines(t *testing.T) {
	t.Parallel()
	for _, outline := range []string{
		"m1000 1000" + strings.Repeat("h1v1h-1v-1", traceSteps/4-1) + "z", // a speck
		"m0 0" + strings.Repeat("h2000h-2000", 2000) + "z",                // to and fro
		"m0 0" + strings.Repeat("h1", 2000) + "v2000z",
	} {
		if _, err := Draw(Spec{Kind: Traced, WidthMM: 20, HeightMM: 20, Text: "章", Outline: outline}); err != nil {
			t.Errorf("%.40s…: %v", outline, err)
		}
	}
}

func FuzzTrace(f *testing.F) {
	original, err := Draw(Representative("张样例"))
	if err != nil {
		f.Fatal(err)
	}
	for _, quality := range []int{0, 80} {
		s := flatbed(210)
		s.quality = quality
		f.Add(s.scan(f, original))
	}
	f.Fuzz(func(t *testing.T, picture []byte) {
		if header, _, err := image.DecodeConfig(bytes.NewReader(picture)); err == nil && header.Width*header.Height > 1<<20 {
			t.Skip("large pictures are bounded, and slow")
		}
		spec, err := Trace(picture, "章", 18, 18)
		if err != nil {
			if !errors.Is(err, ErrSpec) {
				t.Fatal(err)
			}
			return
		}
		drawn, err := Draw(spec)
		if err != nil {
			t.Fatalf("what was traced cannot be drawn: %v", err)
		}
		if _, err := Reread(drawn.SVGZ(), spec); err != nil {
			t.Fatalf("what was drawn cannot be read again: %v", err)
		}
	})
}

// The emblem of a seal is what its official drawing shows, in its room and upright; until
// there is one a place-holder stands there, of which no seal can be made.
func TestTraceEmblem(t *testing.T) {
	t.Parallel()
	spec := Government(County, "合肥市样例县人民政府")
	if _, err := Draw(spec); err != nil {
		t.Fatal(err)
	}
	if err := spec.CheckComplete(); !errors.Is(err, ErrSpec) {
		t.Errorf("a seal can be made with the place-holder: %v", err)
	}
	// Any drawing in red will do here: a star, whose outline is known.
	star, err := Draw(Spec{Kind: Traced, WidthMM: 30, HeightMM: 30, Text: "星", Outline: starOutline()})
	if err != nil {
		t.Fatal(err)
	}
	traced, err := TraceEmblem(spec, flatbed(600).scan(t, star))
	if err != nil {
		t.Fatal(err)
	}
	if err := traced.CheckComplete(); err != nil {
		t.Error(err)
	}
	drawn, err := Draw(traced)
	if err != nil {
		t.Fatal(err)
	}
	// The same seal with a star of our own, as wide as the emblem's room.
	want := layout{spec: spec, cx: 22.5, cy: 22.5}
	ours := spec
	ours.Centre = None
	rest, err := Draw(ours)
	if err != nil {
		t.Fatal(err)
	}
	width, _ := emblemBox(45)
	radius := width / 2 / math.Sin(2*math.Pi/5)
	// Its box is from the point on top to the feet; the middle of that is the seal's.
	want.plan.star(22.5, 22.5+radius*(1-math.Cos(math.Pi/5))/2, radius)
	both := &Drawing{width: 45, height: 45, perMM: rest.perMM, shape: append(append(shape{}, rest.shape...), want.plan.shape(rest.perMM, rest.bounds())...)}
	if differ := differing(t, both, drawn); differ > 0.03 {
		t.Errorf("%.1f %% of the ink differs", 100*differ)
	}

	if _, err := TraceEmblem(Company("合肥样例科技有限公司"), nil); !errors.Is(err, ErrSpec) {
		t.Errorf("an emblem on a company's seal: %v", err)
	}
	line, err := Draw(Spec{Kind: Traced, WidthMM: 30, HeightMM: 10, Text: "线", Outline: "m0 0l3000 0l0 1000l-3000 0z"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TraceEmblem(spec, flatbed(600).scan(t, line)); !errors.Is(err, ErrSpec) {
		t.Errorf("a bar for an emblem: %v", err)
	}
}

// starOutline is the path of a star that fills 30 mm.
func starOutline() string {
	var p plan
	p.star(15, 15, 15)
	return string(p.shape(tracedPerMM, point{30, 30}.times(tracedPerMM)).path(nil, brief))
}
