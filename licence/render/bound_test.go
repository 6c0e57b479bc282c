package render

import (
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/licence/boundcopy"
)

// asCopy makes the sheet of a licence that of a copy.
func asCopy(s Sheet, recipient, purpose string) Sheet {
	s.Code = &Code{Room: CodeRoom, Caption: "扫码核验加注件 Scan to verify this copy"}
	s.Bound = &Bound{
		Recipient: recipient, Purpose: purpose, Until: "2026-12-31", Number: "ABCDEFGHIJKLMNOP",
		Statement: Attachment{Name: boundcopy.AttachmentName, MediaType: boundcopy.AttachmentType, Data: []byte("statement")},
	}
	return s
}

// TestCopiesHaveRoom: on every kind of licence, with the shortest and the longest words,
// everything of a copy has its place: the lines outside of the column, the rest as ever.
func TestCopiesHaveRoom(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("鑫", boundcopy.MaxText)
	for _, sheet := range samples(t) {
		for _, words := range []string{"a", longest} {
			s := asCopy(sheet, words, words)
			l, err := newLayout(&s)
			if err != nil {
				t.Fatalf("%s: %v", s.Title, err)
			}
			l.arrange()
			for i, p := range l.pages {
				outside := func(it item) bool { return it.y < 11 || it.y > 288 }
				notes := 0
				for _, it := range p.items {
					if !outside(it) {
						continue
					}
					notes++
					if it.x < 10 || it.right() > pageWidth-10 || it.y < 3 || it.bottom() > pageHeight-3 || it.y < 11 && it.bottom() > 11 {
						t.Errorf("%s: page %d: a line at %+v", s.Title, i+1, it.box)
					}
				}
				if notes < 2 {
					t.Errorf("%s: page %d has %d lines about the copy", s.Title, i+1, notes)
				}
				p.items = slices.DeleteFunc(p.items, outside)
			}
			checkPlaces(t, l)
			if l.codeX < 20 || l.codeY < 100 || l.codeY+CodeRoom > pageHeight-20 {
				t.Errorf("%s: the code at %.1f, %.1f", s.Title, l.codeX, l.codeY)
			}
		}
	}
}

// TestCopySaysSoOnEveryPage: as text at head and foot; the marks across the page are no
// text, so that what is copied from a page is what the licence says.
func TestCopySaysSoOnEveryPage(t *testing.T) {
	t.Parallel()
	sheet := samples(t)[65]
	sheet.Rows = append(slices.Clone(sheet.Rows), Row{"经营范围", "Scope", strings.Repeat("软件开发；技术咨询；", 300)})
	r := mustPage(t, asCopy(sheet, "合肥市政务服务中心", "办理不动产登记"))
	if r.Pages < 2 {
		t.Fatal("the licence has one page only")
	}
	text := pageText(t, save(t, r.PDF))
	for _, want := range []string{"仅供合肥市政务服务中心用于办理不动产登记", "有效期至2026-12-31", "ABCDEFGHIJKLMNOP"} {
		if n := strings.Count(text, want); n != r.Pages {
			t.Errorf("%q stands %d times on %d pages", want, n, r.Pages)
		}
	}
	if n := strings.Count(text, "合肥市政务服务中心"); n != r.Pages {
		t.Errorf("the recipient stands %d times in the text of %d pages", n, r.Pages)
	}
	again := mustPage(t, asCopy(sheet, "合肥市政务服务中心", "办理不动产登记"))
	if string(again.PDF) != string(r.PDF) {
		t.Error("the same sheet gives other bytes")
	}
	if r.CodeX <= 0 || r.CodeY <= 0 {
		t.Errorf("the code at %v, %v", r.CodeX, r.CodeY)
	}
}
