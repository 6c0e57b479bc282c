package qr

import (
	"errors"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/detcbor"
)

func TestChallenge(t *testing.T) {
	t.Parallel()
	for _, hall := range []string{"x", "合肥市政务服务中心", strings.Repeat("厅", MaxHall/3)} {
		c := &Challenge{Nonce: [NonceSize]byte{1, 2, 15: 255}, Hall: hall}
		text, err := c.Text()
		if err != nil || len(text) > 130 || !strings.HasPrefix(text, "19") {
			t.Fatalf("%s: Text = %q, %v", hall, text, err)
		}
		got, err := ParseChallenge(Scanned("https://localhost/wallet#" + text + "\r\n"))
		if err != nil || *got != *c {
			t.Errorf("ParseChallenge = %+v, %v, want %+v", got, err, c)
		}
		if _, _, err := Decode(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("a hall's question is read as a code: %v", err)
		}
	}
}

func TestParseChallengeRefuses(t *testing.T) {
	t.Parallel()
	text := func(kind Kind, items ...any) string {
		b, err := detcbor.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		digits, err := encode(kind, b)
		if err != nil {
			t.Fatal(err)
		}
		return digits
	}
	nonce := make([]byte, NonceSize)
	if _, err := ParseChallenge(text(9, nonce, "甲厅")); err != nil {
		t.Fatal(err)
	}
	for name, digits := range map[string]string{
		"empty":                  "",
		"a code":                 text(2, nonce, "甲厅"),
		"kind 8":                 text(8, nonce, "甲厅"),
		"one item":               text(9, nonce),
		"three items":            text(9, nonce, "甲厅", 1),
		"a nonce of 15 bytes":    text(9, nonce[1:], "甲厅"),
		"no hall":                text(9, nonce, ""),
		"a hall of 31 bytes":     text(9, nonce, strings.Repeat("h", MaxHall+1)),
		"a hall with a tab":      text(9, nonce, "甲\t厅"),
		"a right-to-left hall":   text(9, nonce, "甲\u202e厅"),
		"a hall as bytes":        text(9, nonce, []byte("h")),
		"a nonce as text":        text(9, strings.Repeat("n", 16), "h"),
		"wrong check digits":     text(9, nonce, "甲厅") + "0",
		"with letters behind it": text(9, nonce, "甲厅") + "a",
	} {
		if c, err := ParseChallenge(digits); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: ParseChallenge = %+v, %v, want ErrMalformed", name, c, err)
		}
	}
	for _, hall := range []string{"", strings.Repeat("h", MaxHall+1), "甲\n厅"} {
		if text, err := (&Challenge{Hall: hall}).Text(); !errors.Is(err, ErrMalformed) {
			t.Errorf("a hall named %q: %q, %v", hall, text, err)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	text, err := (&Challenge{Nonce: [NonceSize]byte{7}, Hall: "甲厅"}).Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-5])
	f.Fuzz(func(t *testing.T, text string) {
		// As it is, and with right check digits, which no fuzzer finds.
		for _, text := range []string{text, withCheck(text)} {
			c, err := ParseChallenge(text)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("error %v does not wrap ErrMalformed", err)
				}
				continue
			}
			if again, err := c.Text(); err != nil || again != text {
				t.Errorf("accepted %q, which is not the one text %q (%v)", text, again, err)
			}
		}
	})
}
