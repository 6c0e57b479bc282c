package qr

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestEncodeVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		kind Kind
		b    []byte
		want string // without the check
	}{
		{"one byte zero", 1, []byte{0}, "11" + "000"},
		{"one byte", 4, []byte{255}, "14" + "255"},
		{"two bytes", 1, []byte{1, 0}, "11" + "00256"},
		{"16 bytes", 2, bytes.Repeat([]byte{0xff}, 16), "12" + "340282366920938463463374607431768211455"},
		{"a full group", 1, bytes.Repeat([]byte{0xff}, 17), "11" + "87112285931760246646623899502532662132735"},
		{"a full group and one byte", 3, append(make([]byte, 17), 7), "13" + strings.Repeat("0", 41) + "007"},
	} {
		got, err := Encode(tt.kind, tt.b)
		if err != nil || !strings.HasPrefix(got, tt.want) || len(got) != len(tt.want)+5 {
			t.Errorf("%s: Encode = %q, %v, want %q and five digits", tt.name, got, err, tt.want)
		}
	}
}

// TestCheckVector pins the check digits: head of SM3 over the digits before them.
// printf 11000 | openssl dgst -sm3 begins with 473d6456.
func TestCheckVector(t *testing.T) {
	t.Parallel()
	got, err := Encode(1, []byte{0})
	if err != nil || got != "1100005718" {
		t.Errorf("Encode = %q, %v, want 1100005718", got, err)
	}
}

// TestEveryLength: text and bytes are inverse for every length that is allowed.
func TestEveryLength(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= MaxPaper; n++ {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		kind := Kind(1 + n%4)
		digits, err := Encode(kind, b)
		if err != nil {
			t.Fatal(err)
		}
		gotKind, got, err := Decode(digits)
		if err != nil || gotKind != kind || !bytes.Equal(got, b) {
			t.Fatalf("%d bytes: Decode(Encode) = kind %d, %x, %v", n, gotKind, got, err)
		}
	}
	for name, b := range map[string][]byte{"no bytes": nil, "too many": make([]byte, MaxPaper+1)} {
		if _, err := Encode(1, b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Encode = %v, want ErrMalformed", name, err)
		}
	}
	for _, kind := range []Kind{0, 5, -1} {
		if _, err := Encode(kind, []byte{1}); !errors.Is(err, ErrMalformed) {
			t.Errorf("kind %d: Encode = %v, want ErrMalformed", kind, err)
		}
	}
}

// TestScreenLimit: 408 bytes are 991 digits.
func TestScreenLimit(t *testing.T) {
	t.Parallel()
	digits, err := Encode(1, make([]byte, MaxScreen))
	if err != nil || len(digits) != 991 {
		t.Errorf("%d digits, %v, want 991", len(digits), err)
	}
}

// TestEveryWrongDigit: no single digit of a code can be changed, no digit left out,
// doubled, or exchanged with its neighbour.
func TestEveryWrongDigit(t *testing.T) {
	t.Parallel()
	good, err := Encode(1, bytes.Repeat([]byte{0xa7}, 60))
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what, digits string, i int) {
		t.Helper()
		if digits == good {
			return
		}
		if _, _, err := Decode(digits); !errors.Is(err, ErrMalformed) {
			t.Errorf("digit %d %s: Decode = %v, want ErrMalformed", i, what, err)
		}
	}
	for i := range good {
		for c := byte('0'); c <= '9'; c++ {
			refuse("changed", good[:i]+string(c)+good[i+1:], i)
		}
		refuse("left out", good[:i]+good[i+1:], i)
		refuse("doubled", good[:i]+good[i:i+1]+good[i:], i)
		if i > 0 {
			refuse("exchanged", good[:i-1]+good[i:i+1]+good[i-1:i]+good[i+1:], i)
		}
	}
}

// withCheck completes digits, so that a test gets past the check.
func withCheck(digits string) string { return digits + fmt.Sprintf("%05d", check(digits)) }

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":                        "",
		"letters":                      "abc",
		"full-width digits":            "11000",
		"too short":                    "1100001",
		"a minus sign":                 "-11000" + "12345",
		"another text version":         withCheck("21000"),
		"text version 0":               withCheck("01000"),
		"kind 0":                       withCheck("10000"),
		"kind 5":                       withCheck("15000"),
		"group value overflows":        withCheck("11256"),
		"full group overflows":         withCheck("11" + "87112285931760246646623899502532662132736"),
		"largest group of digits":      withCheck("11" + strings.Repeat("9", 41)),
		"last group of one digit":      withCheck("11" + strings.Repeat("0", 42)),
		"last group of four digits":    withCheck("11" + "0000"),
		"last group of 40 digits":      withCheck("11" + strings.Repeat("0", 40)),
		"longer than any code":         withCheck("11" + strings.Repeat("0", 41*60)),
		"space inside":                 "11 00012345",
		"check digits of another text": "11000" + withCheck("11001")[5:],
	} {
		if kind, b, err := Decode(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Decode = %d, %x, %v, want ErrMalformed", name, kind, b, err)
		}
	}
}

func TestScanned(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"123":                         "123",
		" 12\t3\r\n":                  "123",
		"https://localhost/v#123":     "123",
		"https://localhost/v#1#23\n":  "23",
		"#":                           "",
		"":                            "",
		"12\u00a03":                   "12\u00a03", // only ASCII white space is stripped
		"https://localhost/v%23123":   "https://localhost/v%23123",
		"prefix https://other/x#45 6": "456",
	} {
		if got := Scanned(in); got != want {
			t.Errorf("Scanned(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range [][]byte{{0}, {1, 2, 3}, make([]byte, 17), make([]byte, 40)} {
		digits, err := Encode(1, b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(digits)
	}
	f.Add(withCheck("11256"))
	f.Add("https://localhost/v#1")
	f.Fuzz(func(t *testing.T, text string) {
		// As it is, and with right check digits, which no fuzzer finds.
		for _, text := range []string{text, withCheck(text)} {
			kind, b, err := Decode(text)
			if err != nil {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("error %v does not wrap ErrMalformed", err)
				}
				continue
			}
			again, err := Encode(kind, b)
			if err != nil || again != text {
				t.Errorf("accepted %q, which is not the one text %q of its bytes (%v)", text, again, err)
			}
		}
	})
}

// FuzzGroup compares the reading of a group with the library's big integers.
func FuzzGroup(f *testing.F) {
	f.Add("0", 1)
	f.Add("256", 1)
	f.Add("87112285931760246646623899502532662132735", 17)
	f.Add("87112285931760246646623899502532662132736", 17)
	f.Add(strings.Repeat("9", 41), 17)
	f.Add("18446744073709551616", 8)
	f.Fuzz(func(t *testing.T, digits string, k int) {
		if len(digits) > groupDigits || k < 1 || k > groupBytes || strings.Trim(digits, "0123456789") != "" || digits == "" {
			return
		}
		for i := range len(digits) {
			if digits[i] < '0' || digits[i] > '9' {
				return
			}
		}
		want, _ := new(big.Int).SetString(digits, 10)
		got := make([]byte, k)
		fits := parseGroup(digits, got)
		if fits != (want.BitLen() <= 8*k) {
			t.Fatalf("parseGroup(%s) into %d bytes = %t", digits, k, fits)
		}
		if fits && !bytes.Equal(got, want.FillBytes(make([]byte, k))) {
			t.Errorf("parseGroup(%s) = %x, want %x", digits, got, want)
		}
	})
}
