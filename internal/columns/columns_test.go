package columns

import (
	"strings"
	"testing"
)

func TestFit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abc", 5, "abc  "},
		{"证照", 6, "证照  "},
		{"证照", 4, "证照"},
		{"电子证照", 5, "电子…"},
		{"电子证照", 6, "电子… "}, // half a character is not shown
		{"龘𠮷", 5, "龘𠮷 "},
		{"", 2, "  "},
	} {
		if got := Fit(tc.text, tc.columns); got != tc.want {
			t.Errorf("Fit(%q, %d) = %q, want %q", tc.text, tc.columns, got, tc.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text    string
		columns int
		want    string
	}{
		{"", 10, ""},
		{"abc", 3, "abc"},
		{"Scan again now", 10, "Scan again|now"},
		{"Scan again now", 9, "Scan|again now"},
		{"请重新扫描", 6, "请重新|扫描"},
		{"请重新扫描", 7, "请重新|扫描"},
		{"aVeryLongWordAlone", 6, "aVeryL|ongWor|dAlone"},
		{"请", 1, "请"},
		{"a  b", 2, "a|b"},
	} {
		if got := strings.Join(Wrap(tc.text, tc.columns), "|"); got != tc.want {
			t.Errorf("Wrap(%q, %d) = %q, want %q", tc.text, tc.columns, got, tc.want)
		}
	}
	for columns := range 30 {
		for _, line := range Wrap("机动车驾驶证 the driving licence of 张样例 龘𠮷", columns) {
			if w := Width(line); w > max(columns, 2) {
				t.Errorf("%q takes %d columns of %d", line, w, columns)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := Write(&out, [][]string{{"001", "居民身份证", "valid"}, {"79", "证", ""}, {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "001  居民身份证  valid\n79   证\n1\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
