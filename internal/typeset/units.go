package typeset

import (
	"math"
	"strconv"
)

// pointsPerMM is the length of a millimetre in points of 1/72 inch.
const pointsPerMM = 72 / 25.4

// A Colour is an sRGB colour, 0xRRGGBB, written as DeviceRGB. The zero value is
// black.
type Colour uint32

// appendNumber writes v with at most two decimals, which is 4 µm when v is in
// points, and a space.
func appendNumber(b []byte, v float64) []byte {
	hundredths := int64(math.Round(v * 100))
	if hundredths < 0 {
		b = append(b, '-')
		hundredths = -hundredths
	}
	b = strconv.AppendInt(b, hundredths/100, 10)
	if tens, ones := byte(hundredths/10%10), byte(hundredths%10); tens+ones > 0 {
		b = append(b, '.', '0'+tens)
		if ones > 0 {
			b = append(b, '0'+ones)
		}
	}
	return append(b, ' ')
}

func appendNumbers(b []byte, vs ...float64) []byte {
	for _, v := range vs {
		b = appendNumber(b, v)
	}
	return b
}

// appendColour writes the operands of rg or RG.
func appendColour(b []byte, c Colour) []byte {
	for _, v := range [3]Colour{c >> 16 & 0xFF, c >> 8 & 0xFF, c & 0xFF} {
		b = strconv.AppendFloat(b, math.Round(float64(v)/255*1000)/1000, 'f', -1, 64)
		b = append(b, ' ')
	}
	return b
}
