package licence

import (
	"errors"
	"fmt"
	_ "image/jpeg" // registers the decoder
	_ "image/png"  // registers the decoder

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/raster"
)

// maxPixels bounds a picture's width times height before anything is decoded.
const maxPixels = 25_000_000

// examine returns the reference to a picture's bytes: JPEG or PNG, judged by
// its content, with a header that decodes.
func examine(b []byte) (Image, error) {
	_, format, err := raster.Header(b, maxPixels)
	switch {
	case errors.Is(err, raster.ErrLarge):
		return Image{}, fmt.Errorf("is %w", err)
	case err != nil, format != "jpeg" && format != "png":
		return Image{}, errors.New("is not a JPEG or PNG picture")
	}
	return Image{SM3: sm3.Sum(b), Length: uint64(len(b)), MediaType: "image/" + format}, nil
}
