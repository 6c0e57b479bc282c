package api_test

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/elicence/elicence/qr/picture"
)

// A film of the camera, in pixels and frames.
const (
	filmWidth, filmHeight = 1280, 720
	framesPerScene        = 6
	filmRate              = 4
)

// scene is how a code is held before the camera.
type scene struct {
	width float64 // of the symbol, pixels
	tilt  float64 // degrees
	blur  int     // radius of a box, pixels, applied twice
	glare float64 // grey levels that a lamp adds at its brightest
}

// film is a Y4M file that Chromium shows as its camera.
func film(tb testing.TB, codes []string, scenes []scene) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "film.y4m")
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	out := bufio.NewWriter(f)
	fmt.Fprintf(out, "YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420mpeg2\n", filmWidth, filmHeight, filmRate)
	colour := slices.Repeat([]byte{128}, filmWidth*filmHeight/2)
	for i, s := range scenes {
		symbol, err := picture.Draw(codes[i], picture.Screen)
		if err != nil {
			tb.Fatal(err)
		}
		frame := s.frame(symbol.Modules())
		for range framesPerScene {
			_, _ = out.WriteString("FRAME\n") // the first error stays until Flush
			_, _ = out.Write(frame)
			_, _ = out.Write(colour)
		}
	}
	if err := out.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

// frame draws a symbol in the middle of a grey table.
func (s scene) frame(modules [][]bool) []byte {
	frame := make([]byte, filmWidth*filmHeight)
	n := float64(len(modules))
	sin, cos := math.Sincos(s.tilt * math.Pi / 180)
	for y := range filmHeight {
		for x := range filmWidth {
			dx, dy := float64(x)-filmWidth/2, float64(y)-filmHeight/2
			u, v := (cos*dx+sin*dy)*n/s.width+n/2, (cos*dy-sin*dx)*n/s.width+n/2
			light := 110.0
			if u >= 0 && v >= 0 && u < n && v < n {
				light = 205
				if modules[int(v)][int(u)] {
					light = 40
				}
			}
			// The lamp stands to the upper left of the symbol.
			away := math.Hypot(dx+s.width/2, dy+s.width/2)
			light += s.glare * math.Exp(-away*away/(s.width*s.width/8))
			frame[y*filmWidth+x] = byte(min(235, light))
		}
	}
	for range 2 {
		frame = boxBlur(frame, s.blur)
	}
	return frame
}

// boxBlur is a mean over a square, one direction after the other.
func boxBlur(frame []byte, radius int) []byte {
	if radius == 0 {
		return frame
	}
	pass := func(in []byte, step, length, lines, stride int) []byte {
		out := make([]byte, len(in))
		for line := range lines {
			for i := range length {
				sum, count := 0, 0
				for k := max(0, i-radius); k <= min(length-1, i+radius); k++ {
					sum, count = sum+int(in[line*stride+k*step]), count+1
				}
				out[line*stride+i*step] = byte(sum / count)
			}
		}
		return out
	}
	rows := pass(frame, 1, filmWidth, filmHeight, filmWidth)
	return pass(rows, filmWidth, filmHeight, filmWidth, 1)
}

// TestHallCamera: codes that are held before the camera are read and judged: small,
// tilted, blurred, under a lamp.
func TestHallCamera(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	scenes := map[string]scene{
		"004": {width: 420, tilt: 25},
		"003": {width: 300},
		"066": {width: 420, blur: 1},
		"001": {width: 420, tilt: -8, glare: 60},
	}
	var codes []string
	var inOrder []scene
	for category, sc := range scenes {
		record := s.record // of 004
		if category != "004" {
			record = s.fixture.Issue(t, category)
		}
		code, err := s.fixture.Office.Code(context.Background(), "test", record)
		if err != nil {
			t.Fatal(err)
		}
		codes, inOrder = append(codes, code.Digits), append(inOrder, sc)
	}
	if _, err := s.fixture.Office.Publish(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t,
		chromedp.Flag("use-fake-ui-for-media-stream", true), chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", film(t, codes, inOrder)),
	)
	b.openHall(s.url)
	// Every category that was seen as valid is kept.
	ask(b, chromedp.Evaluate[bool](`(() => {
		window.seen = {};
		new MutationObserver(() => {
			const answer = document.querySelector("#answer");
			if (answer.className === "green") for (const dd of answer.querySelectorAll("dd")) window.seen[dd.textContent.slice(0, 3)] = true;
		}).observe(document.querySelector("#answer"), {subtree: true, childList: true, attributes: true});
		return true;
	})()`))
	b.do(chromedp.Click("#camera-button"))
	start := time.Now()
	b.until("all codes of the film are read", `["004", "003", "066", "001"].every((category) => window.seen[category])`)
	t.Logf("all read after %s", time.Since(start))
	b.screenshot("hall-camera")
	b.do(chromedp.Click("#camera-button"))
	b.until("the camera is off", `document.querySelector("#video").srcObject === null`)
}

// TestHallNativeReader: where the browser has a reader of its own that one is asked, ours is
// loaded only for what it does not find, and two different codes are one too many.
func TestHallNativeReader(t *testing.T) {
	t.Parallel()
	s := newServiceWith(t, programs(t))
	b := newBrowser(t)
	b.openHall(s.url)
	// As Chromium has it on phones, and not here.
	ask(b, chromedp.Evaluate[bool](`(() => {
		window.natively = [];
		window.BarcodeDetector = class {
			static async getSupportedFormats() { return ["aztec", "qr_code"]; }
			constructor({ formats }) { if (formats.join() !== "qr_code") throw new Error("asks for " + formats); }
			async detect(source) {
				if (!(source instanceof ImageBitmap)) throw new Error("not a picture");
				return window.natively.map((rawValue) => ({ rawValue }));
			}
		};
		return true;
	})()`))
	choose := func(name string, picture []byte, natively string) answer {
		t.Helper()
		ask(b, chromedp.Evaluate[bool](`(window.natively = [`+natively+`], true)`))
		return b.answered(chromedp.SetUploadFiles("#file", []string{s.file(t, name, picture)}))
	}
	loaded := func() bool {
		return len(b.requests(func(r *network.Request) bool { return strings.HasSuffix(r.URL, "/static/picture-worker.js") })) > 0
	}
	address := `"https://localhost/v#` + s.code + `"`
	if a := choose("blank.png", blankPNG(t), address); a.ZH != "有效" || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("found by the browser: %+v", a)
	}
	if a := choose("twice.png", blankPNG(t), address+", "+address); a.ZH != "有效" {
		t.Errorf("found twice by the browser: %+v", a)
	}
	if a := choose("two.png", blankPNG(t), address+`, "https://localhost/v#123"`); a.ZH != "画面里有不止一个码" || a.Colour != "amber" {
		t.Errorf("two codes: %+v", a)
	}
	if loaded() {
		t.Error("our reader is loaded although the browser's finds everything")
	}
	if a := choose("code.png", s.png, ""); a.ZH != "有效" || !strings.Contains(a.Facts, "张样例") {
		t.Errorf("found by ours alone: %+v", a)
	}
	if !loaded() {
		t.Error("our reader was not asked")
	}
}
