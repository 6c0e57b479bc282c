// Package cleantext says what text may be signed and shown: valid UTF-8 in
// Unicode normalisation form C, without characters that a reader cannot see or
// that change what the reader sees (controls, bidirectional and zero-width
// format characters, private use, variation selectors), and without U+FFFD, the
// mark of a character that was lost on the way.
//
// Two texts that look alike must not differ in bytes by such tricks, and what a
// hall's screen shows must be what was signed. It does not judge look-alike
// letters of different scripts.
package cleantext

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ErrUnclean is wrapped by every error of this package. The errors never repeat
// the text: it may be personal.
var ErrUnclean = errors.New("text that may not be signed")

// LinePattern is a regular expression for one line of text, for descriptions that can
// say no more: [Check] refuses more than it.
const LinePattern = `^[^\x00-\x1f\x7f-\x9f]*$`

// Check checks one line of text. Empty text is clean.
func Check(s string) error { return check(s, false) }

// CheckLines is [Check] for text that may have line feeds.
func CheckLines(s string) error { return check(s, true) }

func check(s string, lines bool) error {
	if plain(s) {
		if s != "" && (s[0] == ' ' || s[len(s)-1] == ' ') {
			return errEnds()
		}
		return nil
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("not valid UTF-8: %w", ErrUnclean)
	}
	if !norm.NFC.IsNormalString(s) {
		return fmt.Errorf("not in normalisation form C: %w", ErrUnclean)
	}
	for i, r := range s {
		if r == '\n' && lines {
			continue
		}
		if r == utf8.RuneError || unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector) {
			return fmt.Errorf("character %U at byte %d: %w", r, i, ErrUnclean)
		}
	}
	return checkEnds(s)
}

func checkEnds(s string) error {
	if strings.TrimSpace(s) != s {
		return errEnds()
	}
	return nil
}

func errEnds() error { return fmt.Errorf("a space at the beginning or end: %w", ErrUnclean) }

// plain reports whether a text has nothing but visible ASCII, spaces, and the Chinese
// characters of the first block, as nearly every text has: all of these are clean and in
// normalisation form C, whatever stands beside them.
func plain(s string) bool {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c >= ' ' && c <= '~':
			i++
		case c >= 0xe4 && c <= 0xe9 && i+2 < len(s) && s[i+1]&0xc0 == 0x80 && s[i+2]&0xc0 == 0x80 && (c > 0xe4 || s[i+1] >= 0xb8):
			i += 3 // U+4E00 is E4 B8 80, U+9FFF is E9 BF BF
		default:
			return false
		}
	}
	return true
}
