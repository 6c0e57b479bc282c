package cleantext

import (
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// TestPlainIsClean holds the short way to what the long way says of each character, and
// of each beside others that might join it.
func TestPlainIsClean(t *testing.T) {
	t.Parallel()
	count := 0
	for r := range rune(unicode.MaxRune + 1) {
		s := string(r)
		if !plain(s) {
			continue
		}
		count++
		for _, text := range []string{s, "a" + s + "a", "样" + s + "样"} {
			if !norm.NFC.IsNormalString(text) || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector) {
				t.Errorf("%U is taken for plain", r)
			}
		}
		// A character that joins others is never plain, so its neighbours do not matter.
		if p := norm.NFC.PropertiesString(s); p.CCC() != 0 {
			t.Errorf("%U combines", r)
		}
	}
	if want := 95 + 0x9fff - 0x4e00 + 1; count != want {
		t.Errorf("%d plain characters, want %d", count, want)
	}
	if plain("a\ufffd") || plain("a\xff") || plain("a\n") || !plain("") {
		t.Error("what is not plain is taken for it")
	}
}
