package pdf

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"

	"github.com/elicence/elicence/internal/raster"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// picture decodes an image XObject (ISO 32000-1, 8.9.5): grey or RGB with 8 bits, or a
// JPEG, with a soft mask or none.
func (v view) picture(st *syntax.Stream) (image.Image, error) {
	for _, key := range []syntax.Name{"ImageMask", "Mask", "Decode", "Alternates", "OPI", "F"} {
		if st.Dict.Lookup(key) != nil {
			return nil, notDrawn("an image with /%s", key)
		}
	}
	width, height, err := v.pixels(st)
	if err != nil {
		return nil, err
	}
	filter, err := v.Get(st.Dict, "Filter")
	if err != nil {
		return nil, err
	}
	if list, ok := filter.(syntax.Array); ok && len(list) == 1 {
		filter = list[0]
	}
	var base image.Image
	if filter == syntax.Name("DCTDecode") {
		base, err = v.jpeg(st, width, height)
	} else {
		base, err = v.samples(st, width, height)
	}
	if err != nil {
		return nil, err
	}
	mask, err := v.Get(st.Dict, "SMask")
	if err != nil || mask == nil {
		return base, err
	}
	soft, ok := mask.(*syntax.Stream)
	if !ok {
		return nil, notDrawn("a soft mask that is no image")
	}
	return v.masked(base, soft)
}

// pixels returns an image's size.
func (v view) pixels(st *syntax.Stream) (int, int, error) {
	var size [2]int64
	for i, key := range []syntax.Name{"Width", "Height"} {
		val, err := v.Get(st.Dict, key)
		if err != nil {
			return 0, 0, err
		}
		size[i], _ = val.(int64)
	}
	if size[0] < 1 || size[1] < 1 || size[0] > likeness.MaxPixels/size[1] {
		return 0, 0, notDrawn("an image of %d × %d pixels", size[0], size[1])
	}
	return int(size[0]), int(size[1]), nil
}

func (v view) jpeg(st *syntax.Stream, width, height int) (image.Image, error) {
	where, err := v.Span(st)
	if err != nil {
		return nil, err
	}
	if where.To-where.From > maxAppearance {
		return nil, notDrawn("a JPEG of %d bytes", where.To-where.From)
	}
	if st.Dict.Lookup("DecodeParms") != nil {
		return nil, notDrawn("a JPEG with parameters of its own")
	}
	data, err := v.Encoded(st)
	if err != nil {
		return nil, err
	}
	config, format, err := raster.Header(data, likeness.MaxPixels)
	if err != nil || format != "jpeg" || config.Width != width || config.Height != height {
		return nil, notDrawn("a JPEG that is not of the size it says")
	}
	decoded, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, notDrawn("%v", err)
	}
	components, err := v.components(st.Dict.Lookup("ColorSpace"))
	if err != nil {
		return nil, err
	}
	_, grey := decoded.(*image.Gray)
	if _, cmyk := decoded.(*image.CMYK); cmyk || grey != (components == 1) {
		return nil, notDrawn("a JPEG whose colours have another meaning")
	}
	return decoded, nil
}

// samples reads pixels that are not compressed, or deflated.
func (v view) samples(st *syntax.Stream, width, height int) (image.Image, error) {
	bits, err := v.Get(st.Dict, "BitsPerComponent")
	if err != nil {
		return nil, err
	}
	components, err := v.components(st.Dict.Lookup("ColorSpace"))
	if err != nil {
		return nil, err
	}
	if bits != int64(8) {
		return nil, notDrawn("an image with %v bits", bits)
	}
	want := width * height * components
	data, _, err := v.Decode(st, want)
	if err != nil {
		return nil, notDrawn("%v", err)
	}
	if len(data) != want {
		return nil, notDrawn("an image of %d bytes, %d are wanted", len(data), want)
	}
	if components == 1 {
		return &image.Gray{Pix: data, Stride: width, Rect: image.Rect(0, 0, width, height)}, nil
	}
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(out.Pix[4*i:], data[3*i:3*i+3])
		out.Pix[4*i+3] = 255
	}
	return out, nil
}

// components is how many numbers a pixel of a colour space has: 1 or 3. Spaces that are made of
// others, or have a profile, may turn any of them into any colour.
func (v view) components(val syntax.Value) (int, error) {
	space, err := v.Resolve(val)
	if err != nil {
		return 0, err
	}
	switch space {
	case syntax.Name("DeviceGray"):
		return 1, nil
	case syntax.Name("DeviceRGB"):
		return 3, nil
	}
	return 0, notDrawn("an image in another colour space")
}

// masked gives a picture the transparency of a soft mask of its size.
func (v view) masked(base image.Image, soft *syntax.Stream) (image.Image, error) {
	width, height, err := v.pixels(soft)
	if err != nil {
		return nil, err
	}
	bounds := base.Bounds()
	if width != bounds.Dx() || height != bounds.Dy() || soft.Dict.Lookup("Matte") != nil || soft.Dict.Lookup("Decode") != nil {
		return nil, notDrawn("a soft mask of another size than its image")
	}
	mask, err := v.samples(soft, width, height)
	if err != nil {
		return nil, err
	}
	alpha, ok := mask.(*image.Gray)
	if !ok {
		return nil, notDrawn("a soft mask in colour")
	}
	return &softImage{base, alpha}, nil
}

// softImage is a picture with its transparency beside it.
type softImage struct {
	image.Image
	alpha *image.Gray
}

// At implements image.Image.
func (m *softImage) At(x, y int) color.Color {
	b := m.Bounds()
	c, ok := color.NRGBAModel.Convert(m.Image.At(x, y)).(color.NRGBA)
	if !ok {
		return color.Transparent
	}
	c.A = m.alpha.GrayAt(x-b.Min.X, y-b.Min.Y).Y
	return c
}

// ColorModel implements image.Image.
func (m *softImage) ColorModel() color.Model { return color.NRGBAModel }
