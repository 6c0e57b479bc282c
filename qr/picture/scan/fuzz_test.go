package scan_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/picture/picturetest"
	"github.com/elicence/elicence/qr/picture/scan"
)

// FuzzRead reads any pixels: the bytes, repeated.
func FuzzRead(f *testing.F) {
	symbol, err := picture.Draw("elicence", picture.Screen)
	if err != nil {
		f.Fatal(err)
	}
	img := draw(symbol.Modules(), 2)
	f.Add(uint16(img.Width), uint16(img.Height), img.Pix)
	patterns := finderPatterns(80, 60)
	f.Add(uint16(80), uint16(60), patterns.Pix)
	f.Add(uint16(21), uint16(21), []byte{0, 255, 0})
	f.Add(uint16(500), uint16(3), []byte{7})
	f.Fuzz(func(t *testing.T, width, height uint16, pix []byte) {
		w, h := int(width%128), int(height%128) // larger ones are slow, and nothing else
		if len(pix) == 0 {
			pix = []byte{0}
		}
		whole := bytes.Repeat(pix, w*h/len(pix)+1)[:w*h]
		for _, img := range []scan.Luminance{
			{Pix: whole, Stride: w, Width: w, Height: h},
			{Pix: pix, Stride: int(width), Width: w, Height: int(height)}, // which is a picture only now and then
		} {
			before := slices.Clone(img.Pix)
			text, err := scan.Read(img)
			if err != nil && text != "" {
				t.Errorf("Read = %q, %v", text, err)
			}
			if !bytes.Equal(before, img.Pix) {
				t.Error("Read has changed the picture")
			}
		}
	})
}

// FuzzDamaged flips modules of a symbol: it is read right or not at all.
func FuzzDamaged(f *testing.F) {
	sheet := picturetest.NewSheet(f, rand.New(rand.NewPCG(5, 6)), 0)
	n := len(sheet.Modules)
	f.Add([]byte{0})
	f.Add(bytes.Repeat([]byte{0, 0, 0, 0, 0, 0, 0, 0x11}, 80))
	f.Add(bytes.Repeat([]byte{0xff}, n*n/8+1))
	f.Fuzz(func(t *testing.T, flips []byte) {
		damaged := make([][]bool, n)
		for y, row := range sheet.Modules {
			damaged[y] = slices.Clone(row)
			for x := range row {
				if i := y*n + x; i/8 < len(flips) && flips[i/8]>>(i%8)&1 == 1 {
					damaged[y][x] = !row[x]
				}
			}
		}
		if got, err := scan.Read(draw(damaged, 1)); err == nil && got != sheet.Text {
			t.Errorf("read as %q, want %q", got, sheet.Text)
		}
	})
}

// FuzzBitStream has the decoder read any data, as if a symbol without errors held it.
func FuzzBitStream(f *testing.F) {
	f.Add(uint8(10), []byte{0x10, 0x20, 0x0c, 0x56, 0x61, 0x80})       // numeric
	f.Add(uint8(1), []byte{0x40, 0x16, 0x10})                          // bytes
	f.Add(uint8(27), []byte{0x71, 0xa4, 0x05, 0x61, 0x62, 0x63, 0x64}) // another character set
	f.Add(uint8(3), []byte{0x80, 0x2f, 0xff, 0xff})                    // kanji
	f.Add(uint8(3), []byte{0xd1, 0x08, 0xff, 0xff})                    // hanzi
	f.Fuzz(func(t *testing.T, version uint8, data []byte) {
		v, err := decoder.Version_GetVersionForNumber(1 + int(version)%40)
		if err != nil {
			t.Fatal(err)
		}
		result, err := decoder.DecodedBitStreamParser_Decode(data, v, decoder.ErrorCorrectionLevel_M, nil)
		if (err == nil) != (result != nil) {
			t.Errorf("%v, %v", result, err)
		}
	})
}
