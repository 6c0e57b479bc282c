package cleantext

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Alike reports whether two names are one to a reader: upper and lower case, full-width and
// other forms of a character, spaces and what cannot be seen make no difference. Where a
// second person must act it takes more than another spelling of the first.
func Alike(a, b string) bool { return a == b || fold(a) == fold(b) }

func fold(s string) string {
	unseen := func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector) {
			return -1
		}
		return r
	}
	// Forms may fold into letters that have others.
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(strings.Map(unseen, s))))
}
