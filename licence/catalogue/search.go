package catalogue

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxQuery is the longest query that is looked for, in characters. The longest name
// has 24, which is 70 letters of pinyin.
const maxQuery = 128

// How well a name matches a query, best first.
const (
	exact       = iota
	beginning   // the name begins with it
	part        // it stands somewhere in the name
	spelt       // the name begins with what it spells in pinyin
	speltWithin // it spells a part of the name
	gapped      // its characters stand in the name in this order: 驾证 in 驾驶证
	mistyped    // one character of it is wrong, missing, too many, or exchanged with the next
	none
)

// Search returns the categories that a query may mean, best first. It looks through
// ids, names, short names and aliases: 房本 finds 不动产权证书. A query in Latin letters
// is looked for in the English names and as pinyin, in full, by initials or mixed:
// jiashizheng, jsz, jiashiz. Only when nothing else is found, names that hold all
// characters of the query with others between them, and names that differ by one
// typing error, are returned. Upper and lower case, full-width forms and spaces make no
// difference. An empty query and one of more than 128 characters find nothing.
func (c *Catalogue) Search(query string) []*Category {
	q := fold(query)
	if q == "" || utf8.RuneCountInString(q) > maxQuery {
		return nil
	}
	type hit struct {
		category *Category
		rank     int
		name     int // which of its names: the official one comes before an alias
	}
	var hits []hit
	best := none
	for i, names := range c.names() {
		h := hit{category: c.categories[i], rank: none}
		for at, n := range names {
			if rank := n.match(q); rank < h.rank {
				h.rank, h.name = rank, at
			}
		}
		if h.rank < none {
			hits = append(hits, h)
		}
		best = min(best, h.rank)
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.name, b.name)) })
	var found []*Category
	for _, h := range hits {
		// A guess is offered only where there is nothing surer.
		if h.rank < gapped || h.rank == best {
			found = append(found, h.category)
		}
	}
	return found
}

// name is one name of a category, prepared for searching.
type name struct {
	text      string
	syllables []syllable
}

func (n name) match(q string) int {
	switch {
	case n.text == q:
		return exact
	case strings.HasPrefix(n.text, q):
		return beginning
	case strings.Contains(n.text, q):
		return part
	}
	if latin(q) {
		for i := range n.syllables {
			switch {
			case !spells(q, n.syllables[i:]):
			case i == 0:
				return spelt
			default:
				return speltWithin
			}
		}
		// Short ones would meet by chance.
		if len(q) >= 5 && (oneErrorWithin(q, n.text) || oneErrorWithin(q, inFull(n.syllables))) {
			return mistyped
		}
		return none
	}
	switch {
	case utf8.RuneCountInString(q) >= 2 && inOrder(q, n.text):
		return gapped
	case utf8.RuneCountInString(q) >= 3 && oneErrorWithin(q, n.text):
		return mistyped
	default:
		return none
	}
}

// prepare returns the names of every category, prepared for searching on first use.
func prepare(categories []*Category) func() [][]name {
	return sync.OnceValue(func() [][]name {
		folded := make([][]string, len(categories))
		for i, c := range categories {
			for _, s := range append([]string{c.ID.String(), c.NameZH, c.ShortNameZH, c.NameEN}, c.AliasesZH...) {
				folded[i] = append(folded[i], fold(s))
			}
		}
		spell := newSpeller(slices.Concat(folded...))
		all := make([][]name, len(categories))
		for i, texts := range folded {
			for _, text := range texts {
				all[i] = append(all[i], name{text: text, syllables: spell.syllables(text)})
			}
		}
		return all
	})
}

// fold takes away what makes no difference to a search.
func fold(s string) string {
	s = strings.ToLower(norm.NFKC.String(s))
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\'' || r == '’' || r == '·' }), "")
}

// latin reports whether a folded query is ASCII letters only.
func latin(q string) bool {
	return !strings.ContainsFunc(q, func(r rune) bool { return r < 'a' || r > 'z' })
}

// inOrder reports whether all characters of q stand in text in the same order.
func inOrder(q, text string) bool {
	for _, r := range q {
		_, rest, ok := strings.Cut(text, string(r))
		if !ok {
			return false
		}
		text = rest
	}
	return true
}

// oneErrorWithin reports whether some part of text is q but for one typing error: a
// character that is wrong, missing or too many, or two neighbours exchanged.
func oneErrorWithin(q, text string) bool {
	want, all := []rune(q), []rune(text)
	for start := range all {
		if oneError(want, all[start:]) {
			return true
		}
	}
	return false
}

// oneError reports whether text begins with q but for at most one typing error. The
// first character that differs is where the error must lie, so each kind of error is
// tried there alone.
func oneError(q, text []rune) bool {
	same := 0
	for same < min(len(q), len(text)) && q[same] == text[same] {
		same++
	}
	q, text = q[same:], text[same:]
	begins := func(text, q []rune) bool { return len(text) >= len(q) && slices.Equal(text[:len(q)], q) }
	switch {
	case len(q) == 0:
		return true
	case begins(text, q[1:]): // one too many
		return true
	case len(text) == 0:
		return false
	case begins(text[1:], q[1:]), begins(text[1:], q): // a wrong one, a missing one
		return true
	default:
		return len(q) > 1 && len(text) > 1 && q[0] == text[1] && q[1] == text[0] && begins(text[2:], q[2:])
	}
}
