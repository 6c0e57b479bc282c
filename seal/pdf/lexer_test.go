package pdf

import (
	"errors"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/seen"
)

func TestValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, want string // want is what appendValue makes of it, "" for damage
	}{
		{"null", "null"},
		{"true", "true"},
		{" \r\n\t\f\x00false ", "false"},
		{"% comment\n42", "42"},
		{"-17", "-17"},
		{"+17", "17"},
		{"007", "7"},
		{"3.", "3."},
		{"-.5", "-.5"},
		{"0.10", "0.10"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"12 0 R", "12 0 R"},
		{"[12 0 R]", "[12 0 R]"},
		{"[12 0]", "[12 0]"},
		{"[1 2 3 0 R 4]", "[1 2 3 0 R 4]"},
		{"[12 0 Rx]", ""},
		{"/Name", "/Name"},
		{"/", "/"},
		{"/A#20B#2F", "/A#20B#2F"},
		{"/A#42", "/AB"},
		{"/A#4", ""},
		{"/A#GG", ""},
		{"(text)", "(text)"},
		{"(a(b)c)", `(a\(b\)c)`},
		{`(\(\)\\)`, `(\(\)\\)`},
		{`(\101\7\0053)`, "<41070533>"},
		{`(\n\r\t\b\f\x)`, "<0A0D09080C78>"},
		{"(a\\\nb\\\r\nc\\\rd)", "(abcd)"},
		{"(a\r\nb\rc)", "<610A620A63>"},
		{"()", "()"},
		{"<>", "()"},
		{"<48 65\n6C>", "(Hel)"},
		{"<4>", "(@)"},
		{"<4G>", ""},
		{"<</A 1/B[2 3]/C<</D null>>>>", "<</A 1/B [2 3]/C <</D null>>>>"},
		{"<</A/B/C(d)>>", "<</A /B/C (d)>>"},
		{"<<1 2>>", ""},
		{"<</A 1/A 2>>", ""},
		{"<</A 1/#41 2>>", ""},
		{"<</A>>", ""},
		{"[", ""},
		{"]", ""},
		{"<<", ""},
		{"(", ""},
		{"<41", ""},
		{"", ""},
		{"1.2.3", ""},
		{"--1", ""},
		{"1e5", ""},
		{"+", ""},
		{".", ""},
		{"nul", ""},
		{"{", ""},
		{"0 0 R", "null"},
		{"9999999999 0 R", ""},
		{"1 65536 R", ""},
	} {
		l := &lexer{buf: []byte(tc.in), last: true}
		v, err := l.value(0)
		got := ""
		if err == nil {
			got = string(appendValue(nil, v))
		}
		var damaged *DamagedError
		if err != nil && !errors.As(err, &damaged) {
			t.Errorf("%q: error %v is no *DamagedError", tc.in, err)
		}
		if got != tc.want {
			t.Errorf("%q: got %q (%v), want %q", tc.in, got, err, tc.want)
		}
	}
}

// TestWindows parses objects through every window length that cuts them: the
// result must not depend on it.
// TestSkimmed reads dictionaries of which only /A is of interest.
func TestSkimmed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, want string // "" for damage
	}{
		{"<</A 1>>", "<</A 1>>"},
		{"<</B/A/A 1>>", "<</A 1>>"},
		{"<</B 1 0 R/A 1>>", "<</A 1>>"},
		{"<</B(>>/A 2)/A 1>>", "<</A 1>>"},
		{"<</B</A 1>>", ""},
		{"<</B<</A 2/C[<</A 3>>]>>/A 1>>", "<</A 1>>"},
		{"<</B % /A 2>>\n/C/A 1>>", "<</A 1>>"},
		{"<</B[1 % ]>>\n]/A 1>>", "<</A 1>>"},
		{"<</#41 1/#42 2>>", "<</A 1>>"},
		{"<</A 1/#41 2>>", ""},
		{"<</#4 1>>", ""},
		{"<</B>>", ""},
		{"<</B]>>", ""},
		{"<</B[>>", ""},
		{"<</B 1", ""},
		{"<</B 1>", ""},
	} {
		v, err := (&lexer{buf: []byte(tc.in), last: true, into: &skimmed{keys: []name{"A"}}}).value(0)
		if got := string(appendValue(nil, v)); err == nil && got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%q is skimmed as %s, %v, want %s", tc.in, got, err, tc.want)
		}
	}
}

func TestWindows(t *testing.T) {
	t.Parallel()
	const object = "7 0 obj <</A 12 0 R/B[1 2(str\\)ing\\101)<4142>]/C/N#41me/D true/E -1.5>>\nstream\r\nxyz\nendstream endobj"
	whole := &lexer{buf: []byte(object), last: true}
	want, err := whole.indirect()
	if err != nil {
		t.Fatal(err)
	}
	start := want.val.(*stream).start
	for n := range len(object) {
		l := &lexer{buf: []byte(object)[:n]}
		got, err := l.indirect()
		if int64(n) <= start {
			if err != errMore && err == nil && got.val.(*stream).start != start {
				t.Errorf("a window of %d bytes gave an object", n)
			}
			continue
		}
		if err != nil || got.val.(*stream).start != start || !equal(got.val.(*stream).dict, want.val.(*stream).dict) {
			t.Errorf("a window of %d bytes: %v", n, err)
		}
	}
}

// TestManyKeys looks keys up in a dictionary that is large enough for a map.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	in.WriteString("<<")
	for i := range 200 {
		in.WriteString("/K" + strings.Repeat("x", i) + " " + strings.Repeat("1", i%9+1))
	}
	l := &lexer{buf: []byte(in.String() + ">>"), last: true}
	v, err := l.value(0)
	if err != nil {
		t.Fatal(err)
	}
	d := v.(*dict)
	if got := d.lookup(name("K" + strings.Repeat("x", 150))); got != int64(1111111) {
		t.Errorf("lookup gave %v, want 1111111", got)
	}
	if d.lookup("missing") != nil {
		t.Error("a missing key was found")
	}
	if got := d.with("missing", true).lookup("missing"); got != true {
		t.Errorf("with: lookup gave %v, want true", got)
	}
	l = &lexer{buf: []byte(in.String() + "/K 1>>"), last: true}
	if _, err := l.value(0); err == nil {
		t.Error("a second /K was accepted")
	}
}

// TestPlainNumber: a number is spelled in one way, and told in parts of a unit by its digits.
func TestPlainNumber(t *testing.T) {
	t.Parallel()
	for written, want := range map[real]struct {
		plain string
		parts int64
		told  bool
	}{
		"1.5": {"1.5", 15000, true}, "+1.5": {"1.5", 15000, true}, "01.50": {"1.5", 15000, true}, "0.5": {"0.5", 5000, true},
		".5": {"0.5", 5000, true}, "-.5": {"-0.5", -5000, true}, "-0.25": {"-0.25", -2500, true}, "-00.0": {"0", 0, true}, "5.": {"5", 50000, true},
		"595.2756": {"595.2756", 5952756, true}, "0.00009": {"0.00009", 0, true}, "-0.00019": {"-0.00019", -1, true}, "1.20": {"1.2", 12000, true},
		"10000000.0": {"10000000", seen.MaxSide, true}, "-10000000.0": {"-10000000", -seen.MaxSide, true}, "10000000.0001": {"10000000.0001", 0, false},
		"100000000000000000000000000000000000000000.5": {"100000000000000000000000000000000000000000.5", 0, false},
	} {
		if got := plainNumber(written); got != want.plain {
			t.Errorf("%s is spelled %s, want %s", written, got, want.plain)
		}
		if got, told := fixed(written); told != want.told || told && got != want.parts {
			t.Errorf("%s is %d parts, %v, want %d, %v", written, got, told, want.parts, want.told)
		}
	}
}
