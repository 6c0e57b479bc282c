package scan

import (
	"cmp"
	"slices"
)

// symbol is a symbol that was found.
type symbol struct {
	read bool
	text string
	grid grid
}

// covers reports whether a point of the picture lies in the symbol.
func (s *symbol) covers(p point) bool {
	n := s.grid.surface.size
	corners := [4]point{s.grid.at(0, 0), s.grid.at(n, 0), s.grid.at(n, n), s.grid.at(0, n)}
	for i, c := range corners {
		if corners[(i+1)%4].minus(c).cross(p.minus(c)) < 0 {
			return false
		}
	}
	return true
}

// reader reads symbols. It keeps the layouts that it has met.
type reader struct {
	layouts map[int]*layout // by version
}

func (r *reader) layout(version int) *layout {
	l := r.layouts[version]
	if l == nil {
		l = newLayout(version)
		r.layouts[version] = l
	}
	return l
}

// candidate is a symbol that a group of finder patterns may belong to.
type candidate struct {
	group *group
	grid  grid
}

const (
	mostTries      = 5    // candidates that are fitted in vain, of groups of three and of two
	leastHint      = 0.2  // agreement of a candidate before it is fitted,
	leastAgreement = 0.5  // after that,
	flatAgreement  = 0.95 // and on paper that is flat
)

// texts returns what the symbols in a picture say, each once.
func (r *reader) texts(p *plane) []string {
	finders := p.finders()
	var found []symbol
	// Three finder patterns make a symbol; two, if the third is hidden.
	for _, groups := range [][]group{triples(finders), pairs(finders)} {
		tries := 0
		for _, c := range r.candidates(p, groups) {
			if slices.ContainsFunc(found, func(s symbol) bool { return c.group.touches(&s) }) {
				continue
			}
			if s, ok := p.read(&c); ok {
				found = append(found, s)
			} else if tries++; tries == mostTries {
				break
			}
		}
	}
	var texts []string
	for _, s := range found {
		if s.read {
			texts = append(texts, s.text)
		}
	}
	return texts
}

// read reads a symbol on flat paper, or else on bent paper. It reports whether there is
// one at all: one that lies perfectly and cannot be read is damaged.
func (p *plane) read(c *candidate) (symbol, bool) {
	for _, through := range []func([]match, int) (surface, bool){flat, bent} {
		found, ok := p.fit(c.group, c.grid.layout, through)
		if !ok || found.score < leastAgreement {
			break
		}
		text, err := p.decode(&found)
		if err == nil || found.score > flatAgreement {
			return symbol{err == nil, text, found}, true
		}
	}
	return symbol{}, false
}

// candidates returns the symbols that groups may belong to, the likeliest first, by
// what their finder patterns alone tell.
func (r *reader) candidates(p *plane, groups []group) []candidate {
	var all []candidate
	for i := range groups {
		g := &groups[i]
		for _, v := range g.versions() {
			l := r.layout(v)
			s, ok := flat(g.matches(l.size), l.size)
			if !ok {
				continue
			}
			if score := p.agreement(l, &s); score >= leastHint {
				all = append(all, candidate{g, grid{l, s, score}})
			}
		}
	}
	slices.SortStableFunc(all, func(c, d candidate) int { return cmp.Compare(d.grid.score, c.grid.score) })
	return all
}

// touches reports whether one of the finder patterns lies in a symbol.
func (g *group) touches(s *symbol) bool {
	for _, f := range []*finder{g.topLeft, g.topRight, g.bottomLeft} {
		if f != nil && s.covers(f.center) {
			return true
		}
	}
	return false
}
