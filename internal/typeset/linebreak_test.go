package typeset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/typeface"
)

func scan(t testing.TB, text, format string, values ...any) {
	t.Helper()
	if _, err := fmt.Sscanf(text, format, values...); err != nil {
		t.Fatalf("scan %.60q: %v", text, err)
	}
}

func strs(lines []Text) []string {
	var out []string
	for _, line := range lines {
		out = append(out, line.String())
	}
	return out
}

// ems is a width that holds n ideographs of a ten-point style.
func ems(n float64) float64 { return n * 10 / pointsPerMM }

func TestLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		text  string
		width float64 // in ideographs
		want  []string
	}{
		{"nothing", "", 5, []string{""}},
		{"one line", "安徽省", 5, []string{"安徽省"}},
		{"exactly full", "安徽省合肥", 5, []string{"安徽省合肥"}},
		{"ideographs anywhere", "安徽省合肥市测试区", 5, []string{"安徽省合肥", "市测试区"}},
		{"no comma at the beginning", "安徽省合肥，测试", 5, []string{"安徽省合", "肥，测试"}},
		{"no two marks at the beginning", "（甲乙丙丁）。戊己", 5, []string{"（甲乙丙", "丁）。戊己"}},
		{"no opening mark at the end", "安徽省合（肥西）", 5, []string{"安徽省合", "（肥西）"}},
		{"no ellipsis cut", "安徽省合……肥西", 5, []string{"安徽省", "合……肥西"}},
		{"no dash cut", "安徽省合——肥西", 5, []string{"安徽省", "合——肥西"}},
		{"no middle dot at the beginning", "我阿卜杜拉·买买提", 5, []string{"我阿卜杜", "拉·买买提"}},
		{"words whole", "编号 Licence number", 6, []string{"编号", "Licence", "number"}},
		{"number whole", "面积12345.67平方米", 5, []string{"面积", "12345.67", "平方米"}},
		{"date whole", "有效期2024-01-01至2029-01-01", 6.5, []string{"有效期", "2024-01-01至", "2029-01-01"}},
		{"per cent stays", "安徽省合肥50%", 5.6, []string{"安徽省合肥", "50%"}},
		{"long word is cut", "abcdefghijklmnopqrstuvwxyz", 5, []string{"abcdefghi", "jklmnopq", "rstuvwxy", "z"}},
		{"line ends", "甲\n乙\r\n丙", 5, []string{"甲", "乙", "丙"}},
		{"empty lines", "甲\n\n乙\n", 5, []string{"甲", "", "乙", ""}},
		{"line end at a full line", "安徽省合肥\n市", 5, []string{"安徽省合肥", "市"}},
		{"spaces at a break vanish", "安徽省合肥   市", 5, []string{"安徽省合肥", "市"}},
		{"spaces at a line end vanish", "安徽省合肥   \n市", 5, []string{"安徽省合肥", "市"}},
		{"too narrow for anything", "证照", 0.5, []string{"证", "照"}},
		{"only closing marks", "。。。。。。", 2, []string{"。。", "。。", "。。"}},
		{"quotes", "他说“好的”，走", 4, []string{"他说“好", "的”，走"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			style := Style{Faces: typeface.Stack{typeface.Song()}, Size: 10}
			lines := set(t, style, test.text).Lines(ems(test.width))
			if got := strs(lines); !slices.Equal(got, test.want) {
				t.Errorf("%q at %v ideographs:\n got %q\nwant %q", test.text, test.width, got, test.want)
			}
		})
	}
}

// Whatever the text and the width, nothing is lost but white space, every line
// but one of a single character fits, and the marks rule holds.
func FuzzLines(f *testing.F) {
	f.Add("安徽省（合肥市），测试……——区 abc 123.4%", 5.0)
	f.Add("“”“”（（（）））、、、、", 1.0)
	f.Add("\n\n甲 \n 乙", 3.0)
	f.Add("“”“” ", 1.0)
	f.Add(strings.Repeat("a", 50), 2.0)
	f.Fuzz(func(t *testing.T, text string, width float64) {
		if !(width >= 0.1 && width < 1000) || utf8.RuneCountInString(text) > 2000 {
			t.Skip()
		}
		style := Style{Faces: typeface.Stack{typeface.Song(), typeface.Kai()}, Size: 10}
		whole, err := style.Set(text)
		var missing *typeface.MissingRuneError
		if errors.As(err, &missing) || errors.Is(err, typeface.ErrNotUTF8) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := whole.Lines(ems(width))
		bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got, want := bare(strings.Join(strs(lines), " ")), bare(text); got != want {
			t.Fatalf("lines hold %q, want %q", got, want)
		}
		for _, line := range lines {
			if head, tail := whole.Cut(line.Start()); head.Len()+tail.Len() != whole.Len() || !strings.HasPrefix(tail.String(), line.String()) {
				t.Errorf("line %q does not start at %d", line, line.Start())
			}
			if n := utf8.RuneCountInString(line.String()); n > 1 && line.Width() > ems(width)+0.001 {
				t.Errorf("line %q is %.3f mm wide, limit %.3f", line, line.Width(), ems(width))
			}
		}
	})
}

func TestSetNamesTheMissingCharacter(t *testing.T) {
	t.Parallel()
	_, err := song(10).Set("第一行\n王𪚥")
	var missing *typeface.MissingRuneError
	if !errors.As(err, &missing) || missing.Rune != '𪚥' || missing.Text != "王𪚥" {
		t.Errorf("Set = %v, want a MissingRuneError for U+2A6A5", err)
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	text := set(t, song(10), strings.Repeat("字", 100))
	tests := []struct {
		name     string
		width    float64
		most     int
		min      float64
		lines    int
		size     float64
		complete bool
	}{
		{"fits as it is", ems(25), 4, 6, 4, 10, true},
		{"fits smaller", ems(20), 4, 6, 4, 8, true},
		{"does not fit", ems(10), 4, 6, 7, 6, false},
		{"may not shrink", ems(20), 4, 10, 5, 10, false},
	}
	for _, test := range tests {
		lines, ok := text.Fit(test.width, test.most, test.min)
		if len(lines) != test.lines || lines[0].Style().Size != test.size || ok != test.complete {
			t.Errorf("%s: %d lines at %v points, %v; want %d at %v, %v", test.name,
				len(lines), lines[0].Style().Size, ok, test.lines, test.size, test.complete)
		}
	}
}

func TestShrink(t *testing.T) {
	t.Parallel()
	text := set(t, song(10), strings.Repeat("字", 10))
	if got, ok := text.Shrink(ems(10), 5); !ok || got.Style().Size != 10 {
		t.Errorf("a text that fits became %v points, %v", got.Style().Size, ok)
	}
	if got, ok := text.Shrink(ems(8), 5); !ok || got.Width() > ems(8)+0.001 {
		t.Errorf("shrunk text is %.3f mm wide, limit %.3f, %v", got.Width(), ems(8), ok)
	}
	if got, ok := text.Shrink(ems(4), 5); ok || got.Style().Size != 5 {
		t.Errorf("a text that cannot fit became %v points, %v", got.Style().Size, ok)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	text := set(t, song(10), "四个汉字")
	if got := text.Spread(ems(4.6), 0.3).Width(); got < ems(4.6)-0.001 || got > ems(4.6)+0.001 {
		t.Errorf("spread text is %.3f mm wide, want %.3f", got, ems(4.6))
	}
	if got := text.Spread(ems(8), 0.3).Width(); got != text.Width() {
		t.Errorf("a text that may not be spread became %.3f mm wide", got)
	}
}

func TestTrackingWidth(t *testing.T) {
	t.Parallel()
	style := song(10)
	style.Tracking = 0.5
	if got, want := set(t, style, "三个字").Width(), ems(4); got < want-1e-9 || got > want+1e-9 {
		t.Errorf("Width() = %v, want %v: three ems and two spaces", got, want)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	text := set(t, song(10), "前三字后两")
	if head, tail := text.Cut(3); head.String() != "前三字" || tail.String() != "后两" || text.Len() != 5 {
		t.Errorf("Cut(3) of %d characters = %q, %q", text.Len(), head, tail)
	}
}
