// Package raster looks at pictures before they are decoded, as anybody may have made them.
package raster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
)

// MostScans bounds the scans of a JPEG. Each may be a few bytes long and goes over the whole
// picture, so that a file of megabytes would take hours; cameras and programs write up to a
// dozen.
const MostScans = 100

// lookAhead is how many bytes of a picture are in a buffer while its header is read. The
// decoders want a reader that can look ahead, and make one of 4 KiB where they get another.
const lookAhead = 64

// ErrLarge: decoding the picture would take too long or too much room.
var ErrLarge = errors.New("too large")

// Header reads a picture's header, in one of the formats that the program has registered with
// package image, and returns the format's name. It refuses a picture without pixels, with
// more than most, or with too many scans: the error wraps [ErrLarge].
func Header(data []byte, most int) (image.Config, string, error) {
	config, format, err := image.DecodeConfig(bufio.NewReaderSize(bytes.NewReader(data), lookAhead))
	if err != nil {
		return image.Config{}, "", err
	}
	if config.Width < 1 || config.Height < 1 || config.Width > most/config.Height {
		return image.Config{}, "", fmt.Errorf("%w: %d × %d pixels, at most %d in all", ErrLarge, config.Width, config.Height, most)
	}
	if format == "jpeg" {
		// Within the data of a scan a 0xFF is followed by 0 or a restart (ISO/IEC 10918-1, B.1.1.5).
		if scans := bytes.Count(data, []byte{0xFF, 0xDA}); scans > MostScans {
			return image.Config{}, "", fmt.Errorf("%w: a JPEG of %d scans, at most %d", ErrLarge, scans, MostScans)
		}
	}
	return config, format, nil
}
