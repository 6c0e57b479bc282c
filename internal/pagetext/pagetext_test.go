package pagetext_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/pagetext"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
)

var ctx = context.Background()

// run is text that starts at a place of a page, in millimetres.
type run struct {
	page int
	x, y float64
	text string
}

// write makes a document of as many pages as the runs need.
func write(tb testing.TB, runs ...run) []byte {
	tb.Helper()
	doc := typeset.New(typeset.Info{Title: "文字"})
	var pages []*typeset.Canvas
	for _, r := range runs {
		for len(pages) < r.page {
			pages = append(pages, doc.Page(210, 297))
		}
		text, err := typeset.Style{Faces: typeface.Stack{typeface.Song()}, Size: 12}.Set(r.text)
		if err != nil {
			tb.Fatal(err)
		}
		pages[r.page-1].Text(r.x, r.y, text)
	}
	b, err := doc.PDF()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestFind(t *testing.T) {
	t.Parallel()
	file := write(t,
		run{1, 20, 40, "甲方（盖章）：某局"}, run{1, 120, 40, "乙方（盖章）："},
		run{2, 20, 60, "请在"}, run{2, 34, 60, "此处"}, run{2, 48, 60, "盖 章"}, // one line, three runs
		run{2, 150, 100, "法定代表"}, run{2, 20, 107, "人签字"}, // over the end of a line
		run{3, 20, 40, "Sign here ⑴ ﬁnal"},
	)
	finder := pagetext.New(filepath.Join(t.TempDir(), "cache"))
	t.Cleanup(func() {
		if err := finder.Close(); err != nil {
			t.Error(err)
		}
	})
	all := []int{1, 2, 3}
	for _, tt := range []struct {
		words string
		pages []int
		want  []int // the pages of the hits
	}{
		{"（盖章）", all, []int{1, 1}},
		{"(盖章)", all, []int{1, 1}}, // full-width or not
		{"盖章", all, []int{1, 1, 2}},
		{"盖章", []int{2}, []int{2}},
		{"请在此处盖章", all, []int{2}},
		{"请在 此处\n盖章", all, []int{2}},
		{"法定代表人签字", all, []int{2}},
		{"signhere", all, nil}, // case matters
		{"Signhere", all, []int{3}},
		{"(1)final", all, []int{3}},
		{"没有", all, nil},
	} {
		hits, err := finder.Find(ctx, bytes.NewReader(file), int64(len(file)), tt.words, tt.pages)
		if err != nil {
			t.Errorf("%q: %v", tt.words, err)
			continue
		}
		var pages []int
		for _, h := range hits {
			pages = append(pages, h.Page)
		}
		if len(pages) != len(tt.want) || len(pages) > 0 && pages[0] != tt.want[0] || len(pages) > 0 && pages[len(pages)-1] != tt.want[len(tt.want)-1] {
			t.Errorf("%q on pages %v: found on %v, want %v", tt.words, tt.pages, pages, tt.want)
		}
	}
	// Where a hit goes over a line its ends are told apart.
	hits, err := finder.Find(ctx, bytes.NewReader(file), int64(len(file)), "法定代表人签字", all)
	if err != nil || len(hits) != 1 {
		t.Fatalf("%d hits, %v", len(hits), err)
	}
	const mm = 72 / 25.4
	if first, last := hits[0].First[0]/mm, hits[0].Last[0]/mm; math.Abs(first-150) > 2 || math.Abs(last-20) > 2 {
		t.Errorf("the lines begin at %.1f and %.1f mm, want 150 and 20", first, last)
	}
	// What is wrong is said, and the finder goes on working.
	for name, tt := range map[string]struct {
		words string
		file  []byte
		pages []int
	}{
		"no words":       {" ", file, all},
		"too many words": {strings.Repeat("章", 101), file, all},
		"no such page":   {"盖章", file, []int{9}},
		"no PDF":         {"盖章", []byte("text"), []int{1}},
		"cut off":        {"盖章", file[:len(file)/3], []int{1}},
	} {
		if hits, err := finder.Find(ctx, bytes.NewReader(tt.file), int64(len(tt.file)), tt.words, tt.pages); err == nil {
			t.Errorf("%s: %d hits and no error", name, len(hits))
		}
	}
	if _, err := finder.Find(ctx, bytes.NewReader(nil), pagetext.MaxFile+1, "盖章", all); !errors.Is(err, pagetext.ErrTooLarge) {
		t.Errorf("a large file: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := finder.Find(ended, bytes.NewReader(file), int64(len(file)), "盖章", all); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
	if hits, err := finder.Find(ctx, bytes.NewReader(file), int64(len(file)), "盖章", all); err != nil || len(hits) != 3 {
		t.Errorf("afterwards: %d hits, %v", len(hits), err)
	}
	agree(t, finder, file)
}

// agree compares the boxes with those that another reader of PDF gives.
func agree(t *testing.T, finder *pagetext.Finder, file []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "words.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out := tooltest.Run(t, "pdftotext", "-bbox", "-f", "1", "-l", "1", path, "-")
	word := regexp.MustCompile(`<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">乙方（盖章）：</word>`).FindStringSubmatch(out)
	if word == nil {
		t.Fatalf("pdftotext does not find the words:\n%s", out)
	}
	var want [4]float64
	for i := range want {
		n, err := strconv.ParseFloat(word[i+1], 64)
		if err != nil {
			t.Fatal(err)
		}
		want[i] = n
	}
	hits, err := finder.Find(ctx, bytes.NewReader(file), int64(len(file)), "乙方（盖章）：", []int{1})
	if err != nil || len(hits) != 1 {
		t.Fatalf("%d hits, %v", len(hits), err)
	}
	const height = 297 * 72 / 25.4
	got := [4]float64{hits[0].First[0], height - hits[0].First[3], hits[0].First[2], height - hits[0].First[1]}
	// One tells the ink, the other the characters' cells: 12 points wide and high.
	for i := range got {
		if math.Abs(got[i]-want[i]) > 10 {
			t.Errorf("the words are at %.1f, pdftotext says %.1f", got, want)
			break
		}
	}
}

// TestCacheIsKept: the second finder does not compile again.
func TestFindDates(t *testing.T) {
	t.Parallel()
	file := write(t,
		run{1, 20, 40, "第〔2026〕12号 2026年1月 12日至2027年1月11日"},    // two
		run{1, 20, 60, "2026年度、26年1月1日、2026-01-01、二〇年"},        // none
		run{2, 120, 240, "二〇二六年"}, run{2, 155, 240, "十一月二十六日"}, // two runs
		run{2, 120, 260, "二○二六年一月三日"}, // the circle that is no digit
	)
	finder := pagetext.New(filepath.Join(t.TempDir(), "cache"))
	t.Cleanup(func() {
		if err := finder.Close(); err != nil {
			t.Error(err)
		}
	})
	hits, err := finder.FindDates(ctx, bytes.NewReader(file), int64(len(file)), []int{1, 2})
	if err != nil || len(hits) != 4 {
		t.Fatalf("%d hits, %v", len(hits), err)
	}
	const mm = 72 / 25.4
	for i, want := range []struct {
		page int
		x    float64
	}{{1, 52.5}, {1, 83}, {2, 120}, {2, 120}} {
		if h := hits[i]; h.Page != want.page || math.Abs(h.First[0]/mm-want.x) > 4 {
			t.Errorf("date %d is on page %d at %.1f mm, want %d and %g", i+1, h.Page, h.First[0]/mm, want.page, want.x)
		}
	}
}

func TestCacheIsKept(t *testing.T) {
	t.Parallel()
	cache := filepath.Join(t.TempDir(), "cache")
	file := write(t, run{1, 20, 40, "盖章"})
	for range 2 {
		finder := pagetext.New(cache)
		if _, err := finder.Find(ctx, bytes.NewReader(file), int64(len(file)), "盖章", []int{1}); err != nil {
			t.Fatal(err)
		}
		if err := finder.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var kept int
	err := filepath.WalkDir(cache, func(_ string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			kept++
		}
		return err
	})
	if err != nil || kept != 1 {
		t.Errorf("%d compiled files in the cache, %v, want 1", kept, err)
	}
}

// opened is an encrypted file whose password is known.
type opened struct{ *bytes.Reader }

func (opened) Password() string { return "密码" }

// TestFindEncrypted finds words in an encrypted document whose password is known.
func TestFindEncrypted(t *testing.T) {
	t.Parallel()
	in, out := filepath.Join(t.TempDir(), "in.pdf"), filepath.Join(t.TempDir(), "out.pdf")
	if err := os.WriteFile(in, write(t, run{1, 20, 40, "甲方（盖章）"}), 0o600); err != nil {
		t.Fatal(err)
	}
	tooltest.Run(t, "qpdf", "--encrypt", "密码", "owner", "256", "--", in, out)
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	finder := pagetext.New(filepath.Join(t.TempDir(), "cache"))
	t.Cleanup(func() {
		if err := finder.Close(); err != nil {
			t.Error(err)
		}
	})
	r := bytes.NewReader(file)
	if _, err := finder.Find(ctx, r, r.Size(), "盖章", []int{1}); err == nil {
		t.Error("read without the password")
	}
	hits, err := finder.Find(ctx, opened{r}, r.Size(), "盖章", []int{1})
	if err != nil || len(hits) != 1 {
		t.Errorf("found %+v, %v", hits, err)
	}
}
