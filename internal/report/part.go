package report

import (
	"fmt"
	"math"

	"github.com/elicence/elicence/internal/inspect"
)

// partWords says what of a seal is seen at a place.
func partWords(p inspect.PartFinding) words {
	across := shareWords(p.Left, p.Right, words{"左", "left"}, words{"右", "right"})
	down := shareWords(p.Top, p.Bottom, words{"上", "top"}, words{"下", "bottom"})
	switch {
	case across == nil && down == nil:
		return words{"整枚印章", "the whole seal"}
	case across == nil:
		return words{"部分印章（" + down.ZH + "）", "a part of it (" + down.EN + ")"}
	case down == nil:
		return words{"部分印章（" + across.ZH + "）", "a part of it (" + across.EN + ")"}
	}
	return words{"部分印章（" + across.ZH + "，其" + down.ZH + "）", "a part of it (" + across.EN + ", of that " + down.EN + ")"}
}

// shareWords says what is seen from the first side to the last; nil: all. A slice of so many
// equal ones is named as such.
func shareWords(from, to float64, first, last words) *words {
	const near = 0.005
	begins, ends := from < near, to > 1-near
	if begins && ends {
		return nil
	}
	zh, en := fmt.Sprintf("%.0f %%", 100*(to-from)), fmt.Sprintf("%.0f %%", 100*(to-from))
	n := math.Round(1 / max(to-from, near))
	equal := math.Abs((to-from)*n-1) < 4*near
	if equal {
		zh, en = fmt.Sprintf("1/%.0f", n), fmt.Sprintf("1/%.0f", n)
	}
	switch {
	case begins:
		return &words{first.ZH + " " + zh, first.EN + " " + en}
	case ends:
		return &words{last.ZH + " " + zh, last.EN + " " + en}
	case equal && math.Abs(from*n-math.Round(from*n)) < 10*near:
		k := math.Round(from*n) + 1
		return &words{fmt.Sprintf("自%s第 %.0f 份，共 %.0f 份", first.ZH, k, n), fmt.Sprintf("%.0f of %.0f from the %s", k, n, first.EN)}
	}
	return &words{fmt.Sprintf("自%s %.0f %% 至 %.0f %%", first.ZH, 100*from, 100*to), fmt.Sprintf("%.0f %% to %.0f %% from the %s", 100*from, 100*to, first.EN)}
}

// placeFacts lists where a seal stands and what of it is seen there, as far as that is known.
func placeFacts(places []inspect.SeenFinding) []fact {
	var facts []fact
	for i, p := range places {
		if p.Part == nil {
			continue
		}
		if len(facts) == maxPlaces {
			more := len(places) - i
			return append(facts, fact{words{"印章所示", "Seal as it is seen"}, fmt.Sprintf("另有 %d 处 and at %d more places", more, more)})
		}
		w := partWords(*p.Part)
		facts = append(facts, fact{words{"印章所示", "Seal as it is seen"},
			fmt.Sprintf("第 %d 页，%.1f, %.1f; %.1f × %.1f mm，%s  page %d, %s", p.Page, p.X, p.Y, p.Width, p.Height, w.ZH, p.Page, w.EN)})
	}
	return facts
}
