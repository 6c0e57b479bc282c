package syntax

import (
	"testing"
	"time"
)

func TestTextString(t *testing.T) {
	t.Parallel()
	for _, tc := range []string{"", "plain ASCII (with) \\", "合同专用章", "é", "龘䶮 𫖯𠮷", "line\nbreak", "emoji 🙂"} {
		if got := Text(TextString(tc)); got != tc {
			t.Errorf("%q came back as %q", tc, got)
		}
	}
	for _, tc := range []struct{ in, want string }{
		{"\xFE\xFF\x54\x08\x54\x0C", "合同"},
		{"\xFE\xFF\xD8\x00", "\uFFFD"},
		{"\xFE\xFF\x54", ""},
		{"\xEF\xBB\xBFUTF-8 合", "UTF-8 合"},
		{"\xEF\xBB\xBF\xFF", "\uFFFD"},
		{"\xE9t\xE9", "été"},
		{"\x18\x1F\x80\x9E\x9F\xA0", "˘˜•ž\uFFFD€"},
	} {
		if got := Text(String(tc.in)); got != tc.want {
			t.Errorf("%q was read as %q, want %q", tc.in, got, tc.want)
		}
	}
	if got := Text(int64(5)); got != "" {
		t.Errorf("a number was read as the text %q", got)
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	signingTime := time.Date(2026, 11, 23, 9, 30, 0, 0, time.FixedZone("CST", 8*3600))
	zone := time.FixedZone("", -(3*3600 + 30*60))
	for _, want := range []time.Time{signingTime, signingTime.UTC(), signingTime.In(zone)} {
		if got := Date(DateString(want)); !got.Equal(want) {
			t.Errorf("%v came back as %v", want, got)
		}
	}
	if got := DateString(signingTime); got != "D:20261123093000+08'00'" {
		t.Errorf("DateString gave %q", got)
	}
	for _, tc := range []struct{ in, want string }{
		{"D:2026", "2026-01-01T00:00:00Z"},
		{"D:202611", "2026-11-01T00:00:00Z"},
		{"D:20261123093000", "2026-11-23T09:30:00Z"},
		{"20261123093000Z", "2026-11-23T09:30:00Z"},
		{"D:20261123093000Z00'00'", "2026-11-23T09:30:00Z"},
		{"D:20261123093000+08'00", "2026-11-23T09:30:00+08:00"},
		{"D:20261123093000+08", "2026-11-23T09:30:00+08:00"},
		{"D:20261123093000-03'30'", "2026-11-23T09:30:00-03:30"},
	} {
		want, err := time.Parse(time.RFC3339, tc.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := Date(String(tc.in)); !got.Equal(want) {
			t.Errorf("%q was read as %v, want %v", tc.in, got, want)
		}
	}
	for _, bad := range []string{"", "D:", "yesterday", "D:202", "D:20261323", "D:20261123093000+8", "D:2026112309300099"} {
		if got := Date(String(bad)); !got.IsZero() {
			t.Errorf("%q was read as %v, want no time", bad, got)
		}
	}
}
