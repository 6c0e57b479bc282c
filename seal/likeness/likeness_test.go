package likeness_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"

	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/svgz"
)

func drawing(tb testing.TB, s impression.Spec) *impression.Drawing {
	tb.Helper()
	d, err := impression.Draw(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func svg(tb testing.TB, s impression.Spec) *likeness.Sheet {
	tb.Helper()
	sheet, err := likeness.Picture("svg", drawing(tb, s).SVG(), s.WidthMM, s.HeightMM)
	if err != nil {
		tb.Fatal(err)
	}
	return sheet
}

func png(tb testing.TB, s impression.Spec, dpi float64) []byte {
	tb.Helper()
	data, err := drawing(tb, s).PNG(dpi)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// onWhite is what a scan of a seal is: a JPEG without transparency.
func onWhite(tb testing.TB, data []byte) []byte {
	tb.Helper()
	picture, err := likeness.Decode(data)
	if err != nil {
		tb.Fatal(err)
	}
	out := image.NewRGBA(picture.Bounds())
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), picture, picture.Bounds().Min, draw.Over)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, out, &jpeg.Options{Quality: 70}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// TestTheSameSeal: however a seal is stored, it is like itself.
func TestTheSameSeal(t *testing.T) {
	t.Parallel()
	for _, s := range append(impression.Set("合肥样例科技有限公司", "91340100MA2XXXXX0X", "张样例"), impression.Government(impression.Department, "合肥市样例局")) {
		whole := svg(t, s)
		for name, data := range map[string][]byte{"SVG": drawing(t, s).SVGZ(), "PNG": png(t, s, 300), "png": png(t, s, 200), "JPG": onWhite(t, png(t, s, 300))} {
			shown, err := likeness.Picture(name, data, s.WidthMM, s.HeightMM)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := likeness.Compare(whole, shown); err != nil || !got.Alike || got.Worst > 0.2 {
				t.Errorf("%s %s: %+v, %v", s.Text, name, got, err)
			}
		}
	}
}

// TestAnotherSeal: one other character, another shape or nothing at all is not the seal.
func TestAnotherSeal(t *testing.T) {
	t.Parallel()
	bureau := func(name string) impression.Spec { return impression.Government(impression.Department, name) }
	long := "安徽省合肥市高新技术产业开发区样例科技信息服务有限责任公司第一分公司"
	for _, tt := range []struct{ a, b impression.Spec }{
		{bureau("合肥市样例局"), bureau("合肥市样列局")},
		{bureau("合肥市样例局"), bureau("合肥县样例局")},
		{bureau("合肥市样例局"), bureau("合肥市样例所")},
		{bureau("合肥市样例局"), bureau("芜湖市样例局")},
		{bureau(long), bureau("安徽省合肥市高新技术产业开发区样例科技信息服务有限责任公司第二分公司")},
		{impression.Finance("样例公司"), impression.Contract("样例公司")},
		{impression.Representative("张样例"), impression.Representative("李样例")},
		{impression.Invoice("样例公司", "91340100MA2XXXXX0X"), impression.Invoice("样例公司", "91340100MA2XXXXX1X")},
	} {
		got, err := likeness.Compare(svg(t, tt.a), svg(t, tt.b))
		if err != nil || got.Alike {
			t.Errorf("%s passes for %s: %+v, %v", tt.b.Text, tt.a.Text, got, err)
		}
		t.Logf("%s and %s: %.2f, worst %.2f", tt.a.Text, tt.b.Text, got.Differs, got.Worst)
	}
	empty, err := likeness.NewSheet(42, 42)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := likeness.Compare(svg(t, bureau("合肥市样例局")), empty); err != nil || got.Alike {
		t.Errorf("nothing passes for a seal: %+v, %v", got, err)
	}
	for _, other := range []impression.Spec{impression.Representative("张样例"), impression.Invoice("样例公司", "91340100MA2XXXXX0X")} {
		if _, err := likeness.Compare(svg(t, bureau("合肥市样例局")), svg(t, other)); !errors.Is(err, likeness.ErrNotDrawn) {
			t.Errorf("%s beside a round seal of another size: %v, want %v", other.Text, err, likeness.ErrNotDrawn)
		}
	}
}

// TestNotDrawn: what cannot be laid out with certainty is said so, and large pictures
// are refused by their header.
func TestNotDrawn(t *testing.T) {
	t.Parallel()
	bomb := []byte("BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\xff\xff\x00\x00\xff\xff\x00\x00\x01\x00\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for name, tt := range map[string]struct {
		kind, data string
		width      float64
	}{
		"another type":     {"EMF", "PK", 42},
		"no package":       {"OFD", "PK", 42},
		"no picture":       {"PNG", "PNG", 42},
		"a bomb":           {"BMP", string(bomb), 42},
		"no size":          {"SVG", `<svg viewBox="0 0 1 1"><path d="M0 0L1 1"/></svg>`, 0},
		"too large":        {"SVG", `<svg viewBox="0 0 1 1"><path d="M0 0L1 1"/></svg>`, 200},
		"empty":            {"SVG", "<svg/>", 42},
		"no path":          {"SVG", `<svg viewBox="0 0 1 1"></svg>`, 42},
		"no box":           {"SVG", `<svg><path d="M0 0L1 1"/></svg>`, 42},
		"a box of three":   {"SVG", `<svg viewBox="0 0 1"><path d="M0 0L1 1"/></svg>`, 42},
		"a flat box":       {"SVG", `<svg viewBox="0 0 1 0"><path d="M0 0L1 1"/></svg>`, 42},
		"a script":         {"SVG", `<svg viewBox="0 0 1 1"><script/><path d="M0 0L1 1"/></svg>`, 42},
		"an image":         {"SVG", `<svg viewBox="0 0 1 1"><image href="file:///x"/></svg>`, 42},
		"a transformation": {"SVG", `<svg viewBox="0 0 1 1"><path transform="scale(2)" d="M0 0L1 1"/></svg>`, 42},
		"an event":         {"SVG", `<svg viewBox="0 0 1 1" onload="x()"><path d="M0 0L1 1"/></svg>`, 42},
		"an entity":        {"SVG", `<!DOCTYPE svg [<!ENTITY a "x">]><svg viewBox="0 0 1 1"><path d="M0 0L1 1"/></svg>`, 42},
		"an arc":           {"SVG", `<svg viewBox="0 0 1 1"><path d="M0 0A1 1 0 0 0 1 1"/></svg>`, 42},
		"no numbers":       {"SVG", `<svg viewBox="0 0 1 1"><path d="M0"/></svg>`, 42},
		"no beginning":     {"SVG", `<svg viewBox="0 0 1 1"><path d="L1 1"/></svg>`, 42},
		"a named colour":   {"SVG", `<svg viewBox="0 0 1 1"><path fill="red" d="M0 0L1 1"/></svg>`, 42},
		"compressed twice": {"SVG", string(svgz.Compress(svgz.Compress([]byte(`<svg viewBox="0 0 1 1"><path d="M0 0L1 1"/></svg>`)))), 42},
		"more behind it":   {"SVG", string(svgz.Compress([]byte(`<svg viewBox="0 0 1 1"><path d="M0 0L1 1"/></svg>`))) + " ", 42},
		"cut off":          {"SVG", `<svg viewBox="0 0 1 1"><path d="M0 0L1 1"`, 42},
	} {
		if _, err := likeness.Picture(tt.kind, []byte(tt.data), tt.width, tt.width); !errors.Is(err, likeness.ErrNotDrawn) {
			t.Errorf("%s: %v, want %v", name, err, likeness.ErrNotDrawn)
		}
	}
}

// FuzzPicture: no picture makes it panic, or compare with itself as another.
func FuzzPicture(f *testing.F) {
	f.Add("SVG", []byte(`<svg viewBox="0 0 10 10"><path fill="#D7000F" d="M1 1h8v8h-8zM2 2q1 1 2 0c1 1 2 2 3 3Z"/></svg>`))
	f.Add("SVG", svgz.Compress([]byte(`<svg viewBox="0 0 10 10"><path d="M1 1h8v8h-8z"/></svg>`)))
	f.Add("PNG", png(f, impression.Representative("张样例"), 20))
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		if len(data) > 1<<16 {
			t.Skip("larger pictures are slow, and nothing else")
		}
		s, err := likeness.Picture(kind, data, 18, 18)
		if err != nil {
			if !errors.Is(err, likeness.ErrNotDrawn) {
				t.Fatal(err)
			}
			return
		}
		got, err := likeness.Compare(s, s)
		if errors.Is(err, likeness.ErrNotDrawn) {
			return // nothing of it lies on the seal
		}
		if err != nil || got.Alike == s.Empty() && got.Worst > 0 {
			t.Errorf("not like itself: %+v, %v", got, err)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	s := impression.Government(impression.Department, "合肥市样例局")
	data := drawing(b, s).SVG()
	b.Run("lay out", func(b *testing.B) {
		for b.Loop() {
			if _, err := likeness.Picture("SVG", data, 42, 42); err != nil {
				b.Fatal(err)
			}
		}
	})
	whole := svg(b, s)
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			if _, err := likeness.Compare(whole, whole); err != nil {
				b.Fatal(err)
			}
		}
	})
}
