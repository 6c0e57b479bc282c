package syntax

import (
	"errors"
	"strings"
	"testing"
)

func TestValues(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in, want string // want is what AppendValue makes of it, "" for damage
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
			got = string(AppendValue(nil, v))
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
		v, err := (&lexer{buf: []byte(tc.in), last: true, into: &Skimmed{Keys: []Name{"A"}}}).value(0)
		if got := string(AppendValue(nil, v)); err == nil && got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%q is skimmed as %s, %v, want %s", tc.in, got, err, tc.want)
		}
	}
}

// TestWindows parses objects through every window length that cuts them: the
// result must not depend on it.
func TestWindows(t *testing.T) {
	t.Parallel()
	const object = "7 0 obj <</A 12 0 R/B[1 2(str\\)ing\\101)<4142>]/C/N#41me/D true/E -1.5>>\nstream\r\nxyz\nendstream endobj"
	whole := &lexer{buf: []byte(object), last: true}
	want, err := whole.indirect()
	if err != nil {
		t.Fatal(err)
	}
	start := want.Val.(*Stream).start
	for n := range len(object) {
		l := &lexer{buf: []byte(object)[:n]}
		got, err := l.indirect()
		if int64(n) <= start {
			if err != errMore && err == nil && got.Val.(*Stream).start != start {
				t.Errorf("a window of %d bytes gave an object", n)
			}
			continue
		}
		if err != nil || got.Val.(*Stream).start != start || !Equal(got.Val.(*Stream).Dict, want.Val.(*Stream).Dict) {
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
	d := v.(*Dict)
	if got := d.Lookup(Name("K" + strings.Repeat("x", 150))); got != int64(1111111) {
		t.Errorf("lookup gave %v, want 1111111", got)
	}
	if d.Lookup("missing") != nil {
		t.Error("a missing key was found")
	}
	if got := d.With("missing", true).Lookup("missing"); got != true {
		t.Errorf("with: lookup gave %v, want true", got)
	}
	l = &lexer{buf: []byte(in.String() + "/K 1>>"), last: true}
	if _, err := l.value(0); err == nil {
		t.Error("a second /K was accepted")
	}
}

// FuzzValue parses any bytes as an object. What parses must parse again from
// what is written of it, and passing over values must end at the same place.
func FuzzValue(f *testing.F) {
	for _, s := range []string{"<</A[1 0 R(x)<41>]/B -1.5>>", "/A#42", "(a(b\\)\\101)", "[[[", "1 0 R", "true"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		l := &lexer{buf: in, last: true}
		v, err := l.value(0)
		if err != nil {
			return
		}
		out := AppendValue(nil, v)
		again, err := (&lexer{buf: out, last: true}).value(0)
		if err != nil || !Equal(v, again) {
			t.Errorf("%q was written as %q, which reads as %v, %v", in, out, again, err)
		}
		skimmed := &lexer{buf: in, last: true, into: &Skimmed{Keys: []Name{"A"}}}
		v2, err := skimmed.value(0)
		d, ok := v.(*Dict)
		if err != nil || skimmed.pos != l.pos || ok && !Equal(d.Lookup("A"), v2.(*Dict).Lookup("A")) {
			t.Errorf("%q skimmed: %v up to %d, want up to %d: %v", in, v2, skimmed.pos, l.pos, err)
		}
	})
}
