package impression

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// scanOf draws a seal on paper as a scanner sees it: yellowish, unevenly lit, with noise,
// specks of red dust, and, if it is printed on, black lines across it.
func scanOf(tb testing.TB, d *Drawing, dpi float64, printed bool) *image.RGBA {
	tb.Helper()
	impression := pixels(tb, d, dpi)
	b := impression.Bounds()
	const margin = 40
	m := image.NewRGBA(image.Rect(0, 0, b.Dx()+2*margin, b.Dy()+2*margin))
	random := rand.New(rand.NewPCG(1, 2))
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			light := 0.82 + 0.15*float64(x)/float64(m.Bounds().Dx())
			c := [3]float64{250 * light, 246 * light, 232 * light}
			if printed && y%97 > 88 {
				c = [3]float64{40, 38, 41}
			}
			alpha := 0.86 * float64(impression.NRGBAAt(x-margin, y-margin).A) / 255
			for i, ink := range [3]float64{205, 30, 42} {
				if c[0] < 100 { // ink on print stays dark
					ink *= 0.55
				}
				c[i] = min(max(c[i]*(1-alpha)+ink*alpha+random.NormFloat64()*7, 0), 255)
			}
			if random.IntN(9000) == 0 {
				c = [3]float64{220, 40, 50}
			}
			m.SetRGBA(x, y, color.RGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 255})
		}
	}
	return m
}

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

func encoded(tb testing.TB, m image.Image, as string) []byte {
	tb.Helper()
	var b bytes.Buffer
	var err error
	if as == "jpeg" {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 88})
	} else {
		err = png.Encode(&b, m)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// A scan of a seal gives the seal again: the traced drawing lies on the drawn one.
func TestTrace(t *testing.T) {
	t.Parallel()
	for name, spec := range map[string]Spec{
		"company": Company("合肥样例科技有限公司"), "invoice": Invoice("合肥样例科技有限公司", "91340199XN0000012Q"), "representative": Representative("张样例"),
	} {
		original, err := Draw(spec)
		if err != nil {
			t.Fatal(err)
		}
		for as, most := range map[string]float64{"png": 0.03, "jpeg": 0.03, "printed": 0.08} {
			traced, err := Trace(encoded(t, scanOf(t, original, 400, as == "printed"), as), "样例章", spec.WidthMM, spec.HeightMM)
			if err != nil {
				t.Errorf("%s, %s: %v", name, as, err)
				continue
			}
			again, err := Draw(traced)
			if err != nil {
				t.Fatal(err)
			}
			if differ := differing(t, original, again); differ > most {
				t.Errorf("%s, %s: %.1f %% of the ink differs", name, as, 100*differ)
			}
			if n := len(again.SVG()); n > 80_000 {
				t.Errorf("%s, %s: the drawing has %d bytes", name, as, n)
			}
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
	good := encoded(t, scanOf(t, original, 300, true), "png")
	coarse := encoded(t, scanOf(t, original, 100, true), "png")
	white := encoded(t, image.NewNRGBA(image.Rect(0, 0, 600, 600)), "png")
	bomb := bytes.Clone(white)
	copy(bomb[16:], "\x00\x00\x80\x00\x00\x00\x80\x00\x08\x06\x00\x00\x00\x8c\x1b\x21\x0c") // a header of 32,768 × 32,768
	for name, test := range map[string]struct {
		picture       []byte
		name          string
		width, height float64
		want          string
	}{
		"no picture":     {[]byte("hello"), "章", 40, 40, "neither PNG nor JPEG"},
		"a bomb":         {bomb, "章", 40, 40, "picture:"},
		"too many bytes": {make([]byte, MaxPictureBytes+1), "章", 40, 40, "bytes"},
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
	f.Add(encoded(f, scanOf(f, original, 210, false), "png"))
	f.Add(encoded(f, scanOf(f, original, 210, false), "jpeg"))
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
		if _, err := Draw(spec); err != nil {
			t.Fatalf("what was traced cannot be drawn: %v", err)
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
	traced, err := TraceEmblem(spec, encoded(t, scanOf(t, star, 600, false), "png"))
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
	both := &Drawing{width: 45, height: 45, perMM: rest.perMM, shape: append(append(shape{}, rest.shape...), want.plan.shape(rest.perMM)...)}
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
	if _, err := TraceEmblem(spec, encoded(t, scanOf(t, line, 600, false), "png")); !errors.Is(err, ErrSpec) {
		t.Errorf("a bar for an emblem: %v", err)
	}
}

// starOutline is the path of a star that fills 30 mm.
func starOutline() string {
	var p plan
	p.star(15, 15, 15)
	return string(p.shape(tracedPerMM).path(nil, true))
}
