package licence

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder

	"github.com/emmansun/gmsm/sm3"
)

// maxPixels bounds a picture's width times height before anything is decoded.
const maxPixels = 25_000_000

// examine returns the reference to a picture's bytes: JPEG or PNG, judged by
// its content, with a header that decodes.
func examine(b []byte) (Image, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || format != "jpeg" && format != "png" {
		return Image{}, errors.New("is not a JPEG or PNG picture")
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return Image{}, fmt.Errorf("has %d × %d pixels, at most %d are allowed", config.Width, config.Height, maxPixels)
	}
	return Image{SM3: sm3.Sum(b), Length: uint64(len(b)), MediaType: "image/" + format}, nil
}
