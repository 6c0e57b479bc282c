package typeset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/elicence/elicence/internal/raster"
)

func decodePNG(data []byte) (*Image, error) {
	if _, _, err := raster.Header(data, MaxImagePixels); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	colours, opacity := separate(picture)
	m, err := flate(colours)
	if err != nil {
		return nil, err
	}
	if opacity != nil {
		if m.mask, err = flate(opacity); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// separate takes a picture apart into its colours, grey where it has no others,
// and its opacity, nil where it is opaque throughout.
func separate(picture image.Image) (image.Image, *image.Gray) {
	bounds := picture.Bounds()
	opaque, colourless := true, true
	each(picture, func(_, _ int, c color.NRGBA) {
		opaque = opaque && c.A == 0xFF
		colourless = colourless && c.R == c.G && c.G == c.B
	})
	size := image.Rect(0, 0, bounds.Dx(), bounds.Dy())
	var opacity *image.Gray
	if !opaque {
		opacity = image.NewGray(size)
		each(picture, func(x, y int, c color.NRGBA) { opacity.SetGray(x, y, color.Gray{Y: c.A}) })
	}
	if colourless {
		grey := image.NewGray(size)
		each(picture, func(x, y int, c color.NRGBA) { grey.SetGray(x, y, color.Gray{Y: c.R}) })
		return grey, opacity
	}
	colours := image.NewNRGBA(size)
	each(picture, func(x, y int, c color.NRGBA) { colours.SetNRGBA(x, y, color.NRGBA{c.R, c.G, c.B, 0xFF}) })
	return colours, opacity
}

// each visits all pixels, counted from the top left.
func each(picture image.Image, visit func(x, y int, c color.NRGBA)) {
	bounds := picture.Bounds()
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			visit(x, y, color.NRGBAModel.Convert(picture.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.NRGBA))
		}
	}
}

// flate writes a grey or an opaque RGB picture. The compressed rows of a PNG file
// are exactly what a PDF calls Flate with predictor 15, so the encoder of the
// standard library does the work.
func flate(picture image.Image) (*Image, error) {
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&file, picture); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	bounds := picture.Bounds()
	components, space := 3, "DeviceRGB"
	if _, grey := picture.(*image.Gray); grey {
		components, space = 1, "DeviceGray"
	}
	m := &Image{width: bounds.Dx(), height: bounds.Dy(), orientation: 1, data: pictureData(file.Bytes())}
	m.dict = fmt.Sprintf("/ColorSpace /%s /Filter /FlateDecode /DecodeParms"+
		" << /Predictor 15 /Colors %d /Columns %d >>", space, components, m.width)
	return m, nil
}

// pictureData joins the IDAT chunks of a PNG file we wrote ourselves.
func pictureData(file []byte) []byte {
	var data []byte
	for at := 8; at+8 <= len(file); {
		length := int(binary.BigEndian.Uint32(file[at:]))
		if string(file[at+4:at+8]) == "IDAT" {
			data = append(data, file[at+8:at+8+length]...)
		}
		at += 12 + length
	}
	return data
}
