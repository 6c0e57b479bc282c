package security

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/unicode/norm"
)

const (
	shortPassword = 32  // bytes that revisions 2 to 4 look at
	longPassword  = 127 // bytes that revisions 5 and 6 look at
)

// padding fills a short password up (ISO 32000-1, 7.6.3.3, algorithm 2).
const padding = "\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A"

func padded(password []byte) []byte {
	return append(slices.Clone(password[:min(len(password), shortPassword)]), padding...)[:shortPassword]
}

// spellings are the bytes that a password may stand for. Revisions 2 to 4 name
// PDFDocEncoding, which has no Chinese, so programs take what their system uses.
func (p *Parameters) spellings(password string) [][]byte {
	var all [][]byte
	add := func(s string, most int) {
		b := []byte(s)[:min(len(s), most)]
		if !slices.ContainsFunc(all, func(a []byte) bool { return string(a) == string(b) }) {
			all = append(all, b)
		}
	}
	if p.R >= 5 {
		add(prepared(password), longPassword)
		add(password, longPassword)
		return all
	}
	if latin, ok := latin1(password); ok {
		add(latin, shortPassword)
	}
	add(password, shortPassword)
	if gb, err := simplifiedchinese.GB18030.NewEncoder().String(password); err == nil {
		add(gb, shortPassword)
	}
	return all
}

// prepared is the password by SASLprep (RFC 4013): characters that show nothing go, spaces
// of all kinds are one, and compatible forms are the same.
func prepared(password string) string {
	return norm.NFKC.String(strings.Map(func(r rune) rune {
		switch {
		case r == 0xAD, r == 0x34F, r == 0x1806, r >= 0x180B && r <= 0x180D, r >= 0x200B && r <= 0x200D,
			r == 0x2060, r >= 0xFE00 && r <= 0xFE0F, r == 0xFEFF:
			return -1
		case unicode.Is(unicode.Zs, r):
			return ' '
		}
		return r
	}, password))
}

// latin1 is the password in PDFDocEncoding as far as that is Latin-1.
func latin1(password string) (string, bool) {
	var out strings.Builder
	for _, r := range password {
		if r > 0xFF || r >= 0x7F && r <= 0xA0 {
			return "", false
		}
		out.WriteByte(byte(r))
	}
	return out.String(), true
}
