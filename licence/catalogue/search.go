package catalogue

import (
	"slices"
	"strings"
)

// Search returns the categories whose names contain the query, best first: an
// exact name, short name or alias, then the beginning of one, then any part;
// English names and ids count too, upper and lower case alike. An empty query
// finds nothing.
func (c *Catalogue) Search(query string) []*Category {
	query = strings.ToLower(strings.TrimSpace(query))
	if query == "" {
		return nil
	}
	type hit struct {
		category *Category
		rank     int
	}
	var hits []hit
	for _, category := range c.categories {
		best := 3
		names := append([]string{category.ID.String(), category.NameZH, category.ShortNameZH, category.NameEN}, category.AliasesZH...)
		for _, name := range names {
			name = strings.ToLower(name)
			switch {
			case name == query:
				best = 0
			case strings.HasPrefix(name, query):
				best = min(best, 1)
			case strings.Contains(name, query):
				best = min(best, 2)
			}
		}
		if best < 3 {
			hits = append(hits, hit{category, best})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.rank - b.rank })
	found := make([]*Category, len(hits))
	for i, h := range hits {
		found[i] = h.category
	}
	return found
}
