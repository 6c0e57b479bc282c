package likeness

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// PNG is the sheet as a transparent picture in the red of seals. It is drawn from ink
// alone, so that nothing of a foreign picture but its shape comes through.
func (s *Sheet) PNG() []byte {
	palette := make(color.Palette, 256)
	for i := range palette {
		palette[i] = color.NRGBA{0xD7, 0, 0x0F, uint8(i)}
	}
	out := image.NewPaletted(image.Rect(0, 0, s.width, s.height), palette)
	for i, v := range s.ink {
		out.Pix[i] = uint8(min(max(v, 0), 1) * 255)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, out); err != nil {
		panic("likeness: writing to memory failed: " + err.Error()) // bytes.Buffer never fails
	}
	return b.Bytes()
}
