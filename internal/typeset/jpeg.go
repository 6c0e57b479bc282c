package typeset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"

	"github.com/elicence/elicence/internal/raster"
)

// Markers of a JPEG file (ISO/IEC 10918-1, table B.1).
const (
	markerSOF0  = 0xC0 // baseline
	markerSOF2  = 0xC2 // progressive
	markerDHT   = 0xC4
	markerRST0  = 0xD0
	markerRST7  = 0xD7
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerDQT   = 0xDB
	markerDRI   = 0xDD
	markerAPP0  = 0xE0 // JFIF
	markerAPP1  = 0xE1 // Exif
	markerAPP14 = 0xEE // Adobe: says how the colours are coded
	markerCOM   = 0xFE
)

func decodeJPEG(data []byte) (*Image, error) {
	config, _, err := raster.Header(data, MaxImagePixels)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	space := "DeviceRGB"
	switch config.ColorModel {
	case color.CMYKModel:
		return nil, fmt.Errorf("%w: CMYK colours", ErrImage)
	case color.GrayModel:
		space = "DeviceGray"
	}
	clean, orientation, err := cleanJPEG(data)
	if err != nil {
		return nil, err
	}
	// What is decoded is what will be carried, not what came.
	picture, err := jpeg.Decode(bytes.NewReader(clean))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImage, err)
	}
	if want := image.Rect(0, 0, config.Width, config.Height); picture.Bounds() != want {
		return nil, fmt.Errorf("%w: the JPEG has two sizes", ErrImage)
	}
	return &Image{
		width: config.Width, height: config.Height, orientation: orientation, data: clean,
		dict: "/ColorSpace /" + space + " /Filter /DCTDecode",
	}, nil
}

// cleanJPEG copies the segments that a decoder needs, up to the end of the image,
// and reads the orientation from the Exif segment it leaves out.
func cleanJPEG(data []byte) ([]byte, int, error) {
	orientation := 1
	clean := append(make([]byte, 0, len(data)), data[:2]...)
	for at := 2; ; {
		for at < len(data) && data[at] == 0xFF && at+1 < len(data) && data[at+1] == 0xFF {
			at++ // fill bytes before a marker
		}
		if at+2 > len(data) || data[at] != 0xFF {
			return nil, 0, fmt.Errorf("%w: the JPEG breaks off or has no marker at byte %d", ErrImage, at)
		}
		marker := data[at+1]
		if marker == markerEOI {
			return append(clean, data[at:at+2]...), orientation, nil
		}
		if at+4 > len(data) {
			return nil, 0, fmt.Errorf("%w: the JPEG breaks off at byte %d", ErrImage, at)
		}
		length := int(binary.BigEndian.Uint16(data[at+2:]))
		if length < 2 || at+2+length > len(data) {
			return nil, 0, fmt.Errorf("%w: the JPEG has a segment of %d bytes at byte %d", ErrImage, length, at)
		}
		segment := data[at : at+2+length]
		at += len(segment)
		switch marker {
		case markerSOF0, markerSOF2, markerDHT, markerDQT, markerDRI, markerAPP0, markerAPP14:
			clean = append(clean, segment...)
		case markerSOS:
			end := scanEnd(data, at)
			clean = append(append(clean, segment...), data[at:end]...)
			at = end
		case markerAPP1:
			if o, ok := exifOrientation(segment[4:]); ok {
				orientation = o
			}
		case markerCOM:
		default:
			if marker < markerAPP0 || marker > 0xEF { // other application data is dropped
				return nil, 0, fmt.Errorf("%w: a JPEG of kind %#x is not supported", ErrImage, marker)
			}
		}
	}
}

// scanEnd finds the first marker after the coded data of a scan: stuffed zeros
// and restart markers belong to the data.
func scanEnd(data []byte, at int) int {
	for ; at+1 < len(data); at++ {
		next := data[at+1]
		if data[at] == 0xFF && next != 0 && (next < markerRST0 || next > markerRST7) {
			return at
		}
	}
	return len(data)
}

// exifOrientation reads tag 0x0112 from the first directory of an Exif segment
// (Exif 2.32, 4.6.4).
func exifOrientation(segment []byte) (int, bool) {
	tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0, false
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0, false
	}
	directory := int64(order.Uint32(tiff[4:]))
	if directory+2 > int64(len(tiff)) {
		return 0, false
	}
	entries := tiff[directory+2:]
	for range order.Uint16(tiff[directory:]) {
		if len(entries) < 12 {
			return 0, false
		}
		const orientationTag, short = 0x0112, 3
		if order.Uint16(entries) == orientationTag && order.Uint16(entries[2:]) == short {
			o := int(order.Uint16(entries[8:]))
			return o, o >= 1 && o <= 8
		}
		entries = entries[12:]
	}
	return 0, false
}
