package typeset

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits of a picture, checked on its header before it is unfolded. 25 million
// pixels are more than what telephones take; an A4 page at 300 dpi has 9 million.
const (
	MaxImagePixels = 25_000_000
	MaxImageBytes  = 16 << 20
)

// ErrImage is wrapped by every error about a picture that cannot be used.
var ErrImage = errors.New("picture cannot be used")

// An Image is a picture that a document can carry. It is immutable and may be
// used in any number of documents.
type Image struct {
	width, height int // as stored
	orientation   int // 1…8, Exif tag 0x0112
	dict          string
	data          []byte
	mask          *Image // opacity, nil when opaque
}

// DecodeImage reads a JPEG or PNG picture. The whole picture is decoded once, so
// that a broken one is found here and not in somebody's viewer. Errors wrap
// [ErrImage].
//
// A JPEG is then carried as it came, without the segments that are not needed to
// draw it: camera data, places, previews, comments. Its Exif orientation is
// honoured. A PNG is stored again as grey or RGB with 8 bits; transparency
// becomes a soft mask.
func DecodeImage(data []byte) (*Image, error) {
	switch {
	case len(data) > MaxImageBytes:
		return nil, fmt.Errorf("%w: %d bytes, more than %d", ErrImage, len(data), MaxImageBytes)
	case bytes.HasPrefix(data, []byte("\xFF\xD8")):
		return decodeJPEG(data)
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return decodePNG(data)
	}
	return nil, fmt.Errorf("%w: neither JPEG nor PNG", ErrImage)
}

// Size is the width and height in pixels as the picture is seen.
func (m *Image) Size() (int, int) {
	if m.orientation >= 5 {
		return m.height, m.width
	}
	return m.width, m.height
}

// placement is the operator that turns the unit square the way the picture is
// meant to be seen.
func (m *Image) placement() string {
	return [9]string{
		2: "-1 0 0 1 1 0 cm\n",
		3: "-1 0 0 -1 1 1 cm\n",
		4: "1 0 0 -1 0 1 cm\n",
		5: "0 -1 -1 0 1 1 cm\n",
		6: "0 -1 1 0 0 1 cm\n",
		7: "0 1 1 0 0 0 cm\n",
		8: "0 1 -1 0 1 0 cm\n",
	}[m.orientation]
}

// object makes the image XObject (ISO 32000-1, 8.9.5).
func (m *Image) object() *Object {
	o := &Object{Stream: m.data}
	o.printf("<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 %s", m.width, m.height, m.dict)
	if m.mask != nil {
		o.printf(" /SMask %s", o.ref(m.mask.object()))
	}
	o.printf(" >>")
	return o
}
