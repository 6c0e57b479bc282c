package idcode

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckCitizenNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, number string
		ok           bool
	}{
		{"published sample", "11010519491231002X", true},
		{"fictitious, region unassigned", "340199190001010012", true},
		{"wrong check", "110105194912310021", false},
		{"lower-case x", "11010519491231002x", false},
		{"no such day", "110105194902300021", false},
		{"no such day, right check", "110105194902300020", false},
		{"short", "1101051949123100", false},
		{"letter inside", "1101051949123A002X", false},
		{"full-width digit", "1101051949123100\uff12X", false},
		{"empty", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := CheckCitizenNumber(tt.number)
			if (err == nil) != tt.ok {
				t.Fatalf("CheckCitizenNumber(%q) = %v, want ok %v", tt.number, err, tt.ok)
			}
			if err != nil && !errors.Is(err, ErrBadCode) {
				t.Errorf("error %v does not wrap ErrBadCode", err)
			}
			if err != nil && len(tt.number) > 8 && strings.Contains(err.Error(), tt.number[:8]) {
				t.Errorf("error repeats the number: %v", err)
			}
		})
	}
}

func TestEveryCitizenDigitIsChecked(t *testing.T) {
	t.Parallel()
	const good = "11010519491231002X"
	for i := range 17 {
		for c := byte('0'); c <= '9'; c++ {
			if c == good[i] {
				continue
			}
			wrong := good[:i] + string(c) + good[i+1:]
			if CheckCitizenNumber(wrong) == nil {
				t.Errorf("digit %d changed to %c is accepted", i+1, c)
			}
		}
	}
}

// realUSCC are eleven codes of public bodies, as found in public documents.
var realUSCC = []string{
	"11100000000013338W", "11110000000021135M", "11430000006122244L", "11330105002500287C",
	"11220000013544541J", "11320500014150050B", "11370306MB2867521U", "12100000000018032A",
	"11100000MB03271699", "11100000000013661B", "113700000045046442",
}

func TestUSCC(t *testing.T) {
	t.Parallel()
	for _, code := range realUSCC {
		if err := CheckUSCC(code); err != nil {
			t.Errorf("CheckUSCC(%s) = %v, want nil", code, err)
		}
		got, err := USCC(code[:16])
		if err != nil || got != code {
			t.Errorf("USCC(%s) = %q, %v, want %q", code[:16], got, err, code)
		}
		for i := range len(code) {
			for _, c := range []byte(usccAlphabet) {
				if c == code[i] {
					continue
				}
				if wrong := code[:i] + string(c) + code[i+1:]; CheckUSCC(wrong) == nil {
					t.Errorf("CheckUSCC accepts %s, one character from %s", wrong, code)
				}
			}
		}
	}
	// A wrong check character of the organisation code under a right one of the whole.
	for _, code := range realUSCC {
		for _, c := range []byte("0123456789X") {
			head := code[:16] + string(c)
			if err := CheckUSCC(head + string(usccCheck(head))); (err == nil) != (c == code[16]) {
				t.Errorf("CheckUSCC of %s and its check character = %v", head, err)
			}
		}
	}
	for _, bad := range []string{"", "11100000000013338", "11100000000013338WW", "1110000000001333OW", "11100000000013338w"} {
		if err := CheckUSCC(bad); !errors.Is(err, ErrBadCode) {
			t.Errorf("CheckUSCC(%q) = %v, want ErrBadCode", bad, err)
		}
	}
}

func TestCheck37(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		parts string
		want  byte
	}{
		{"11100000000013338W011.11430000006122244L.20230000403.001", 'U'},
		{"11100000MB03271699022.340100.000000016.001", '9'},
		{"11100000000013338W009.11330105002500287C.2025052201.002", '0'},
		{"11100000000013338W032.11220000013544541J.2430599.001", 'F'},
		{"11100000000013338W011.11110000000021135M.20230329701.003", 'Y'},
	} {
		got, err := Check37(strings.ReplaceAll(tt.parts, ".", ""))
		if err != nil || got != tt.want {
			t.Errorf("Check37(%s) = %c, %v, want %c", tt.parts, got, err, tt.want)
		}
	}
	if _, err := Check37("12-3"); !errors.Is(err, ErrBadCode) {
		t.Errorf("Check37 accepts a hyphen: %v", err)
	}
}

func TestCheck11(t *testing.T) {
	t.Parallel()
	// 0794 with 5 is the example of ISO/IEC 7064.
	for body, want := range map[string]byte{"0794": '5', "79462": '3'} {
		if got, err := Check11(body); err != nil || got != want {
			t.Errorf("Check11(%s) = %c, %v, want %c", body, got, err, want)
		}
	}
	const code = "48312290771"
	right, err := Check11(code)
	if err != nil {
		t.Fatal(err)
	}
	for i := range code {
		for c := byte('0'); c <= '9'; c++ {
			if got, err := Check11(code[:i] + string(c) + code[i+1:]); err != nil || (got == right) != (c == code[i]) {
				t.Errorf("digit %d as %c has check digit %c, %v", i+1, c, got, err)
			}
		}
	}
	if _, err := Check11("12-3"); !errors.Is(err, ErrBadCode) {
		t.Errorf("Check11 accepts a hyphen: %v", err)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"11010519491231002X": "11************002X",
		"E12345678":          "E1***5678",
		"1234567":            "12*4567",
		"123456":             "******",
		"":                   "",
	} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}
