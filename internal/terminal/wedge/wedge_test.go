package wedge

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/qr"
)

// good returns codes of the vectors that have good check digits, one a kind that is
// there, the first the longest.
func good(tb testing.TB) []string {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "vectors", "codes", "*.json"))
	if err != nil {
		tb.Fatal(err)
	}
	kinds := make(map[qr.Kind]string)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		var file struct {
			Vectors []struct{ Scanned, Verdict string }
		}
		if err := json.Unmarshal(b, &file); err != nil {
			tb.Fatal(err)
		}
		for _, v := range file.Vectors {
			if kind, _, err := qr.Decode(v.Scanned); err == nil && v.Verdict == "valid" && len(v.Scanned) > len(kinds[kind]) {
				kinds[kind] = v.Scanned
			}
		}
	}
	var codes []string
	for _, code := range kinds {
		codes = append(codes, code)
	}
	if len(codes) < 2 {
		tb.Fatalf("%d kinds of codes in the vectors", len(codes))
	}
	slices.SortFunc(codes, func(a, b string) int { return len(b) - len(a) })
	return codes
}

// TestStarts: every good code begins as codes are said to begin, and only a few digits
// are not enough to say it.
func TestStarts(t *testing.T) {
	t.Parallel()
	a := New(Options{})
	for _, s := range a.starts {
		if len(s) < 4 {
			t.Errorf("%q is too short to know a code by", s)
		}
	}
	for _, code := range good(t) {
		if !a.begins(code) || !a.mayBegin(code[:3]) {
			t.Errorf("%s… does not begin as a code", code[:30])
		}
	}
}

func texts(scans []Scan) []string {
	var out []string
	for _, s := range scans {
		if s.TooLong {
			s.Text = "too long"
		}
		out = append(out, s.Text)
	}
	return out
}

func fullWidth(s string) string {
	return strings.Map(func(r rune) rune { return r + 0xfee0 }, s)
}

func lines(s string, n int, end string) string {
	var out strings.Builder
	for len(s) > n {
		out.WriteString(s[:n] + end)
		s = s[n:]
	}
	return out.String() + s + end
}

// TestScanners is a table of what scanners, keyboard layouts and input methods make of
// a code.
func TestScanners(t *testing.T) {
	t.Parallel()
	codes := good(t)
	code, other := codes[0], codes[1]
	misread := code[:30] + string('0'+(code[30]-'0'+1)%10) + code[31:]
	for _, tt := range []struct {
		name string
		o    Options
		sent string
		want []string
	}{
		{"Enter as CR", Options{}, code + "\r", []string{code}},
		{"Enter as LF", Options{}, code + "\n", []string{code}},
		{"CR and LF", Options{}, code + "\r\n", []string{code}},
		{"Tab", Options{}, code + "\t", []string{code}},
		{"Tab and Enter", Options{}, code + "\t\r\n", []string{code}},
		{"STX before, ETX after", Options{}, "\x02" + code + "\x03", []string{code}},
		{"STX, ETX, CR, LF", Options{}, "\x02" + code + "\x03\r\n", []string{code}},
		{"nothing after, until the end", Options{}, code, []string{code}},
		{"two scans", Options{}, code + "\r" + other + "\r", []string{code, other}},
		{"two scans with nothing between them", Options{}, code + other + "\r", []string{code, other}},
		{"one read twice, nothing between", Options{}, code + code + "\r", []string{code, code}},
		{"empty lines", Options{}, "\r\n\r\n" + code + "\r\n\r\n", []string{code}},
		{"spaces around and within", Options{}, "  " + code[:50] + " " + code[50:] + " \r", []string{code}},
		{"groups of four", Options{}, strings.TrimSpace(lines(code, 4, " ")) + "\r", []string{code}},
		{"NUL bytes and a no-break space", Options{}, "\x00" + code + "\x00\u00a0\r", []string{code}},
		{"a byte order mark", Options{}, "\ufeff" + code + "\r", []string{code}},
		{"AIM identifier", Options{}, "]Q1" + code + "\r", []string{code}},
		{"AIM identifier of ECI", Options{}, "]Q2" + code + "\r", []string{code}},
		{"AIM identifier through a Chinese input method", Options{}, "】Q1" + code + "\r", []string{code}},
		{"AIM identifier before an address", Options{}, "]Q1https://localhost/v#" + code + "\r", []string{code}},
		{"full-width digits", Options{}, fullWidth(code) + "\r", []string{code}},
		{"full-width address", Options{}, fullWidth("https://localhost/v#"+code) + "\r", []string{code}},
		{"ideographic space", Options{}, code[:9] + "\u3000" + code[9:] + "\r", []string{code}},
		{"an address", Options{}, "https://localhost/v#" + code + "\r", []string{code}},
		{"an address through a Chinese input method", Options{}, "https：、、localhost、v＃" + code + "\r", []string{code}},
		{"an address on a British keyboard", Options{}, "https://localhost/v£" + code + "\r", []string{code}},
		{"an address on a German keyboard", Options{}, "httpsÖ--localhost-v§" + code + "\r", []string{code}},
		{"an address that the input method swallowed", Options{}, "好的://localhost/v#" + code + "\r", []string{code}},
		{"a prefix of letters", Options{}, "QR:" + code + "\r", []string{code}},
		{"a suffix of letters", Options{}, code + ";\r", []string{code}},
		{"a prefix of digits that was set", Options{Prefix: "0007"}, "0007" + code + "\r", []string{code}},
		{"a prefix after the AIM identifier", Options{Prefix: "0007"}, "]Q10007" + code + "\r", []string{code}},
		{"a suffix of digits that was set", Options{Suffix: "99"}, code + "99\r", []string{code}},
		{"a prefix that was set and does not come", Options{Prefix: "0007"}, code + "\r", []string{code}},
		{"cut into lines", Options{}, lines(code, 80, "\r\n"), []string{code}},
		{"cut into lines by Tab", Options{}, lines(code, 100, "\t"), []string{code}},
		{"cut into lines with an AIM identifier", Options{}, "]Q1" + lines(code, 64, "\r"), []string{code}},
		{"cut into lines of an address", Options{}, "https://localhost/v#" + lines(code, 128, "\r"), []string{code}},
		{"cut in two halves", Options{}, lines(code, (len(code)+1)/2, "\n"), []string{code}},
		{"cut, then the same again whole", Options{}, code[:200] + "\r" + code + "\r", []string{code[:200], code}},
		{"cut, then another whole", Options{}, code[:200] + "\r" + other + "\r", []string{code[:200], other}},
		{"cut off twice", Options{}, code[:200] + "\r" + code[:200] + "\r", []string{code[:200], code[:200]}},
		{"misread, then read", Options{}, misread + "\r" + code + "\r", []string{misread, code}},
		{"misread twice", Options{}, misread + "\r" + misread + "\r", []string{misread, misread}},
		{"noise between two halves", Options{}, code[:200] + "\rLOW BATTERY\r" + code[200:] + "\r", []string{code[:200], "LOWBATTERY", code[200:]}},
		{"noise between two scans", Options{}, code + "\r\nLOW BATTERY\r\n" + code + "\r\n", []string{code, "LOWBATTERY", code}},
		{"another trade's barcode", Options{}, "6901234567892\r", []string{"6901234567892"}},
		{"another QR code", Options{}, "https://example.org/pay?id=12\r", []string{"https://example.org/pay?id=12"}},
		{"an address with nothing behind it", Options{}, "https://example.org/#\r", []string{"https://example.org/#"}},
		{"two codes beside each other", Options{}, code + ";" + other + "\r", []string{code + ";" + other}},
		{"a good code before the last #", Options{}, code + "#" + misread + "\r", []string{misread}},
		{"invalid UTF-8", Options{}, "\xff" + code + "\xfe\r", []string{code}},
		{"too long", Options{}, strings.Repeat("7", 3*MaxLine) + "\r" + code + "\r", []string{"too long", code}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := New(tt.o)
			got := texts(append(a.Write([]byte(tt.sent)), a.Flush()...))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
			if a.Waiting() {
				t.Error("something waits after the end")
			}
			// Byte by byte is the same.
			slow := New(tt.o)
			var scans []Scan
			for i := range len(tt.sent) {
				scans = append(scans, slow.Write([]byte{tt.sent[i]})...)
			}
			if got := texts(append(scans, slow.Flush()...)); !slices.Equal(got, tt.want) {
				t.Errorf("byte by byte %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestQuiet: a whole code needs no line end; half a line waits; lines that wait for
// their rest do not wait for ever.
func TestQuiet(t *testing.T) {
	t.Parallel()
	code := good(t)[0]
	a := New(Options{})
	if got := texts(append(a.Write([]byte("]Q1"+code)), a.QuietNow()...)); !slices.Equal(got, []string{code}) {
		t.Errorf("a code without a line end gives %q", got)
	}
	if got := texts(append(a.Write([]byte(code[:100])), a.QuietNow()...)); got != nil || !a.Waiting() {
		t.Errorf("half a code without a line end gives %q", got)
	}
	if got := texts(append(a.Write([]byte(code[100:])), a.QuietNow()...)); !slices.Equal(got, []string{code}) {
		t.Errorf("its other half gives %q", got)
	}
	half := (len(code) + 1) / 2
	a.Write([]byte(code[:half] + "\r"))
	if got := texts(append(a.Write([]byte(code[half:])), a.QuietNow()...)); !slices.Equal(got, []string{code}) {
		t.Errorf("a cut code without its last line end gives %q", got)
	}
	a.Write([]byte(code[:100] + "\r"))
	if got := texts(a.QuietNow()); !slices.Equal(got, []string{code[:100]}) || a.Waiting() {
		t.Errorf("a line whose rest does not come gives %q", got)
	}
}

// FuzzAssembler: any bytes, any cuts: what comes out as a code has come in, memory is
// bounded, and nothing waits after the end.
func FuzzAssembler(f *testing.F) {
	code := good(f)[0]
	f.Add([]byte("]Q1"+code+"\r\n"), 7)
	f.Add([]byte(lines(code, 80, "\r")), 80)
	f.Add([]byte(code+code+"\t"), 1)
	f.Fuzz(func(t *testing.T, sent []byte, cut int) {
		a := New(Options{})
		var scans []Scan
		for b := sent; len(b) > 0; {
			n := min(max(cut, 1+len(sent)/8), len(b))
			scans = append(append(scans, a.Write(b[:n])...), a.QuietNow()...)
			b = b[n:]
		}
		scans = append(scans, a.Flush()...)
		if a.Waiting() || cap(a.line) > 4*MaxLine {
			t.Error("something waits after the end")
		}
		digits := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, visible(string(sent)))
		for _, s := range scans {
			if whole(s.Text) && !strings.Contains(digits, s.Text) {
				t.Errorf("%q was never sent", s.Text)
			}
		}
	})
}
