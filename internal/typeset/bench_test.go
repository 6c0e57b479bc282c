package typeset

import (
	"strings"
	"testing"
)

const benchText = "根据《中华人民共和国电子签名法》第十四条，可靠的电子签名与手写签名或者盖章具有同等的法律效力。"

// BenchmarkPage is a page of some 800 characters, 150 of them different, from
// strings to bytes.
func BenchmarkPage(b *testing.B) {
	text := ""
	for r := rune(0x4E00); r < 0x4E00+100; r++ {
		text += string(r)
	}
	text = strings.Repeat(benchText+text, 5)
	song(10).Faces[0].Metrics() // parse the faces before the clock starts
	kai(10).Faces[0].Metrics()
	for b.Loop() {
		doc := New(testInfo())
		page := doc.Page(210, 297)
		page.Text(20, 30, set(b, song(22), "居住证"))
		drawLines(page, 20, 45, set(b, kai(11), text).Lines(170))
		if _, err := doc.PDF(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLines(b *testing.B) {
	text := set(b, kai(11), strings.Repeat(benchText, 40))
	for b.Loop() {
		text.Lines(170)
	}
}

func BenchmarkJPEG(b *testing.B) {
	data := jpegOf(b, quarters(358, 441)) // the pixels of a citizen's photograph
	for b.Loop() {
		if _, err := DecodeImage(data); err != nil {
			b.Fatal(err)
		}
	}
}
