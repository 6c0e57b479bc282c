package licence

import (
	"bufio"
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

// lookAhead is how many bytes of a picture are in a buffer while its header is read.
const lookAhead = 64

// examine returns the reference to a picture's bytes: JPEG or PNG, judged by
// its content, with a header that decodes.
func examine(b []byte) (Image, error) {
	// The decoders want a reader that can look ahead, and make one of 4 KiB where they get
	// another: more than they read.
	config, format, err := image.DecodeConfig(bufio.NewReaderSize(bytes.NewReader(b), lookAhead))
	if err != nil || format != "jpeg" && format != "png" {
		return Image{}, errors.New("is not a JPEG or PNG picture")
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return Image{}, fmt.Errorf("has %d × %d pixels, at most %d are allowed", config.Width, config.Height, maxPixels)
	}
	return Image{SM3: sm3.Sum(b), Length: uint64(len(b)), MediaType: "image/" + format}, nil
}
