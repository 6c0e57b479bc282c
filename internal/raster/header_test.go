package raster

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	var photo, drawing bytes.Buffer
	picture := image.NewGray(image.Rect(0, 0, 30, 20))
	if err := errors.Join(jpeg.Encode(&photo, picture, nil), png.Encode(&drawing, picture)); err != nil {
		t.Fatal(err)
	}
	scan := []byte{0xFF, 0xDA}
	for name, test := range map[string]struct {
		data   []byte
		most   int
		format string
		want   string // part of the error
	}{
		"a JPEG":               {photo.Bytes(), 600, "jpeg", ""},
		"a PNG":                {drawing.Bytes(), 600, "png", ""},
		"one pixel too many":   {photo.Bytes(), 599, "", "30 × 20 pixels, at most 599"},
		"as many scans as may": {append(bytes.Clone(photo.Bytes()), bytes.Repeat(scan, MostScans-1)...), 600, "jpeg", ""},
		"a scan too many":      {append(bytes.Clone(photo.Bytes()), bytes.Repeat(scan, MostScans)...), 600, "", "101 scans"},
		"no scans at all":      {append(bytes.Clone(drawing.Bytes()), bytes.Repeat(scan, 1000)...), 600, "png", ""},
		"cut off":              {photo.Bytes()[:20], 600, "", "EOF"},
		"something else":       {[]byte("hello"), 600, "", image.ErrFormat.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, format, err := Header(test.data, test.most)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v, want %q", err, test.want)
				}
				return
			}
			if err != nil || format != test.format || config.Width != 30 || config.Height != 20 {
				t.Errorf("%d × %d, %q, %v", config.Width, config.Height, format, err)
			}
		})
	}
}
