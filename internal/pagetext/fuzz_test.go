package pagetext

import (
	"testing"

	"github.com/klippa-app/go-pdfium/responses"
)

// FuzzKeyword looks for any words among any characters of a page: every hit stands there, in
// order, and no two share a character.
func FuzzKeyword(f *testing.F) {
	f.Add("盖章", "甲方（盖 章）乙方（盖章）", 3.0)
	f.Add("final", "the ﬁnal ⑴", 0.0)
	f.Add("aa", "aaaaa", -5.0)
	f.Fuzz(func(t *testing.T, words, page string, step float64) {
		wanted := []rune(fold(words))
		if len(wanted) == 0 || len(wanted) > maxWords {
			return
		}
		var chars []*responses.GetPageTextStructuredChar
		at := 0.0
		for _, r := range page {
			chars = append(chars, &responses.GetPageTextStructuredChar{
				Text: string(r), PointPosition: responses.CharPosition{Left: at, Right: at + 10, Bottom: at * step, Top: at*step + 10},
			})
			at += 10
		}
		all := glyphs(chars)
		hits := find(wanted, all)
		if len(hits)*len(wanted) > len(all) {
			t.Errorf("%d hits of %d characters on a page of %d", len(hits), len(wanted), len(all))
		}
		again := 0
		for at := 0; at+len(wanted) <= len(all); at++ {
			same := true
			for i, r := range wanted {
				same = same && all[at+i].rune == r
			}
			if same {
				again++
				at += len(wanted) - 1
			}
		}
		if again != len(hits) {
			t.Errorf("%q stands %d times in %q, found %d", words, again, page, len(hits))
		}
	})
}
