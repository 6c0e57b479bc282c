package typeset

import (
	"encoding/binary"
	"math"
	"slices"
)

// intentName is what colours the files mean, by its registered name.
const intentName = "sRGB IEC61966-2.1"

// outputIntent says that the colours of a file are sRGB (ISO 32000-1, 14.11.5), so
// that a red seal is the same red in an archive as on today's screen (ISO 19005-3,
// 6.2.4.3).
func outputIntent(z *compressor) *Object {
	profile := z.stream(srgbProfile(), " /N 3")
	intent := &Object{}
	intent.printf("<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (%s) /Info (%s) /DestOutputProfile %s >>",
		intentName, intentName, intent.ref(profile))
	return intent
}

// srgbProfile is an ICC display profile of version 4 (ISO 15076-1) with the primaries
// of IEC 61966-2-1, adapted to D50, and its curve in parametric form.
func srgbProfile() []byte {
	curve := signature("para", 3<<16, fixed(2.4), fixed(1/1.055), fixed(0.055/1.055), fixed(1/12.92), fixed(0.04045))
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", localized(intentName)},
		{"cprt", localized("No copyright")},
		{"wtpt", signature("XYZ ", fixed(0.9642), fixed(1), fixed(0.8249))},
		{"chad", signature("sf32", fixed(1.04788), fixed(0.02292), fixed(-0.05022), fixed(0.02959), fixed(0.99048), fixed(-0.01707),
			fixed(-0.00925), fixed(0.01508), fixed(0.75168))},
		{"rXYZ", signature("XYZ ", fixed(0.43607), fixed(0.22249), fixed(0.01392))},
		{"gXYZ", signature("XYZ ", fixed(0.38515), fixed(0.71687), fixed(0.09708))},
		{"bXYZ", signature("XYZ ", fixed(0.14307), fixed(0.06061), fixed(0.71410))},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	const header, entry = 128, 12
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	places := make(map[string]uint32) // equal data is stored once
	for _, tag := range tags {
		place, stored := places[string(tag.data)]
		if !stored {
			place = uint32(header + 4 + entry*len(tags) + len(data))
			places[string(tag.data)] = place
			data = append(data, tag.data...)
			data = append(data, make([]byte, -len(data)&3)...)
		}
		table = append(table, tag.name...)
		table = binary.BigEndian.AppendUint32(table, place)
		table = binary.BigEndian.AppendUint32(table, uint32(len(tag.data)))
	}
	h := make([]byte, header)
	binary.BigEndian.PutUint32(h, uint32(header+len(table)+len(data)))
	h[8], h[9] = 4, 0x20 // version 4.2
	copy(h[12:], "mntrRGB XYZ ")
	for i, n := range []uint16{2026, 1, 1} { // of making; the profile is the same in every file
		binary.BigEndian.PutUint16(h[24+2*i:], n)
	}
	copy(h[36:], "acsp")
	for i, n := range []uint32{fixed(0.9642), fixed(1), fixed(0.8249)} { // D50, of the connection space
		binary.BigEndian.PutUint32(h[68+4*i:], n)
	}
	return slices.Concat(h, table, data)
}

// fixed is a number in units of 2^-16 (s15Fixed16).
func fixed(v float64) uint32 { return uint32(int32(math.Round(v * 65536))) }

// signature is an element of a type with its numbers.
func signature(kind string, numbers ...uint32) []byte {
	b := append([]byte(kind), 0, 0, 0, 0)
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// localized is a text in English.
func localized(text string) []byte {
	b := signature("mluc", 1, 12, uint32('e')<<24|uint32('n')<<16|uint32('U')<<8|uint32('S'), uint32(2*len(text)), 28)
	for _, r := range text {
		b = binary.BigEndian.AppendUint16(b, uint16(r))
	}
	return b
}
