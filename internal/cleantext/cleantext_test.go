package cleantext

import (
	"errors"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestPlain: what is taken for plain is what it says, for every character and for bytes that
// are none.
func TestPlain(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		want := r >= ' ' && r <= '~' || r >= 0x4e00 && r <= 0x9fff
		if s := string(r); plain(s) != want && r != utf8.RuneError {
			t.Fatalf("%U: %v", r, !want)
		}
	}
	for a := 0x80; a < 0x100; a++ {
		for b := range 0x100 {
			for _, s := range []string{string([]byte{byte(a)}), string([]byte{byte(a), byte(b)}), string([]byte{byte(a), byte(b), 'x'}), string([]byte{byte(a), 0xb8, byte(b), 0x80})} {
				if plain(s) && (!utf8.ValidString(s) || Check(s) != nil) {
					t.Fatalf("%x is taken for plain", s)
				}
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		line       bool // accepted as one line
		lines      bool // accepted as lines
	}{
		{"plain", "张样例", true, true},
		{"rare names", "欧阳龘䶮𠮷", true, true},
		{"middle dot and full width", "阿依古丽·买买提(示例)", true, true},
		{"empty", "", true, true},
		{"space inside", "A B", true, true},
		{"line feed", "a\nb", false, true},
		{"carriage return", "a\r\nb", false, false},
		{"tab", "a\tb", false, false},
		{"nul", "a\x00b", false, false},
		{"right-to-left override", "a\u202eb", false, false},
		{"zero-width space", "a\u200bb", false, false},
		{"byte order mark", "\ufeffa", false, false},
		{"variation selector", "葛\U000e0100", false, false},
		{"private use", "a\ue000", false, false},
		{"decomposed", "e\u0301", false, false},
		{"line separator", "a\u2028b", false, false},
		{"broken UTF-8", "a\xff", false, false},
		{"replacement character", "a\ufffd", false, false},
		{"leading space", " a", false, false},
		{"trailing ideographic space", "a\u3000", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range []struct {
				what string
				err  error
				want bool
			}{{"Check", Check(tt.text), tt.line}, {"CheckLines", CheckLines(tt.text), tt.lines}} {
				if (c.err == nil) != c.want {
					t.Errorf("%s(%q) = %v, want accepted %v", c.what, tt.text, c.err, c.want)
				}
				if c.err != nil && !errors.Is(c.err, ErrUnclean) {
					t.Errorf("%s: error %v does not wrap ErrUnclean", c.what, c.err)
				}
			}
		})
	}
}
