package idcode

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// ContainsCitizenNumber reports whether a text holds 18 characters that are a
// well-formed citizen number of somebody born from 1850 on. Full-width digits count
// as digits, and spaces and hyphens between them are passed over. A unified social
// credit code that is all digits is not taken for a number unless it reads as one
// with such a date of birth.
func ContainsCitizenNumber(text string) bool {
	if len(text) < 18 {
		return false
	}
	// A number in any of the forms that a reader takes for the same digits.
	plain := strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-':
			return -1
		case 'x':
			return 'X'
		default:
			return r
		}
	}, norm.NFKC.String(text))
	for i := 0; i+18 <= len(plain); i++ {
		if window := plain[i : i+18]; window[6:10] >= "1850" && window[6:10] < "2200" && CheckCitizenNumber(window) == nil {
			return true
		}
	}
	return false
}
