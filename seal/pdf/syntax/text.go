package syntax

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// TextString encodes a PDF text string (ISO 32000-1, 7.9.2.2): plain where it
// is ASCII, which PDFDocEncoding agrees with, else UTF-16BE with a byte order
// mark.
func TextString(s string) String {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] >= ' ' && s[i] <= '~'
	}
	if ascii {
		return String(s)
	}
	out := []byte{0xFE, 0xFF}
	for _, unit := range utf16.Encode([]rune(s)) {
		out = binary.BigEndian.AppendUint16(out, unit)
	}
	return String(out)
}

// Text decodes a PDF text string: UTF-16BE or, since PDF 2.0, UTF-8 where a
// byte order mark says so, else PDFDocEncoding. What cannot be decoded becomes
// U+FFFD. A value that is no string is the empty text.
func Text(v Value) string {
	s, _ := v.(String)
	switch {
	case strings.HasPrefix(string(s), "\xFE\xFF"):
		units := make([]uint16, 0, len(s)/2)
		for i := 2; i+1 < len(s); i += 2 {
			units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
		}
		return string(utf16.Decode(units))
	case strings.HasPrefix(string(s), "\xEF\xBB\xBF"):
		return strings.ToValidUTF8(string(s[3:]), string(utf8.RuneError))
	}
	var out strings.Builder
	for i := range len(s) {
		out.WriteRune(docEncoded(s[i]))
	}
	return out.String()
}

// Where PDFDocEncoding is not Latin-1 (ISO 32000-1, D.2).
const (
	docFrom18 = "˘ˇˆ˙˝˛˚˜"
	docFrom80 = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\uFFFD€"
)

func docEncoded(c byte) rune {
	switch {
	case c >= 0x18 && c <= 0x1F:
		return []rune(docFrom18)[c-0x18]
	case c >= 0x80 && c <= 0xA0:
		return []rune(docFrom80)[c-0x80]
	}
	return rune(c)
}

// DateString writes a date with the offset of t's zone (ISO 32000-1, 7.9.4).
func DateString(t time.Time) String {
	zone := t.Format("-0700")
	return String(t.Format("D:20060102150405") + zone[:3] + "'" + zone[3:] + "'")
}

// Date reads what DateString writes and the shorter forms the standard allows;
// anything else is the zero time.
func Date(v Value) time.Time {
	s, _ := v.(String)
	digits, zone := strings.TrimPrefix(string(s), "D:"), ""
	if i := strings.IndexAny(digits, "Z+-"); i >= 0 {
		digits, zone = digits[:i], strings.ReplaceAll(digits[i:], "'", "")
	}
	const layout = "20060102150405"
	if len(digits) < 4 || len(digits) > len(layout) || len(digits)%2 != 0 {
		return time.Time{}
	}
	if len(zone) == len("+08") {
		zone += "00"
	}
	if zone == "" || strings.HasPrefix(zone, "Z") {
		zone = "+0000"
	}
	t, err := time.Parse(layout[:len(digits)]+"-0700", digits+zone)
	if err != nil {
		return time.Time{}
	}
	return t
}
