package pagetext_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/pagetext"
	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/internal/typeset"
)

// TestBlank: a page is empty where it shows its ground alone, white or tinted, and taken by
// text, lines and areas.
func TestBlank(t *testing.T) {
	t.Parallel()
	finder := pagetext.New(filepath.Join(t.TempDir(), "cache"))
	t.Cleanup(func() {
		if err := finder.Close(); err != nil {
			t.Error(err)
		}
	})
	text, err := typeset.Style{Faces: typeface.Stack{typeface.Song()}, Size: 12}.Set("申请人签字")
	if err != nil {
		t.Fatal(err)
	}
	for name, ground := range map[string]typeset.Colour{"white": 0xFFFFFF, "tinted": 0xF2E6CC, "dark": 0x203040} {
		doc := typeset.New(typeset.Info{Title: "空白"})
		page := doc.Page(210, 297)
		fill := func(x, y, width, height float64, c typeset.Colour) {
			p := new(typeset.Path)
			p.Rect(x, y, width, height)
			page.Fill(p, c)
		}
		fill(0, 0, 210, 297, ground)
		page.Text(20, 40, text)
		fill(100, 100, 50, 0.2, 0xD7000F) // a fine line
		b, err := doc.PDF()
		if err != nil {
			t.Fatal(err)
		}
		blank, err := finder.Blank(ctx, bytes.NewReader(b), int64(len(b)), 1, 210, 297)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			x, y, width, height float64
			want                bool
		}{
			{10, 60, 40, 40, true}, {150, 200, 60, 97, true}, {0, 0, 210, 30, true}, {10, 42, 90, 57, true},
			{15, 35, 40, 40, false}, {10, 10, 40, 35, false}, {90, 80, 40, 40, false}, {120, 99, 1, 2, false},
			{-1, 60, 40, 40, false}, {180, 60, 40, 40, false}, {10, 280, 40, 40, false}, {10, 60, 0, 40, false},
		} {
			if got := blank.Empty(tt.x, tt.y, tt.width, tt.height); got != tt.want {
				t.Errorf("%s: empty at %v is %v", name, tt, got)
			}
		}
		if _, err := finder.Blank(ctx, bytes.NewReader(b), int64(len(b)), 2, 210, 297); err == nil {
			t.Error("a page that is not there is drawn")
		}
	}
	if _, err := finder.Blank(ctx, bytes.NewReader(nil), 0, 1, 0, 297); err == nil {
		t.Error("a page without a size is drawn")
	}
}
