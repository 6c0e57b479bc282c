package scan

import (
	"cmp"
	"slices"
)

// symbol is a symbol that was read.
type symbol struct {
	text string
	grid grid
}

// covers reports whether a point of the picture lies in the symbol.
func (s *symbol) covers(p point) bool {
	n := float64(s.grid.size)
	corners := [4]point{s.grid.h.at(0, 0), s.grid.h.at(n, 0), s.grid.h.at(n, n), s.grid.h.at(0, n)}
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
	mostTries      = 24  // candidates that are fitted, for groups of three and of two
	leastHint      = 0.1 // agreement of a candidate before it is fitted,
	leastAgreement = 0.3 // and after
)

// symbols reads the symbols in a picture, each once.
func (r *reader) symbols(p *plane) []symbol {
	finders := p.finders()
	var read []symbol
	// Three finder patterns make a symbol; two, if the third is hidden.
	for _, groups := range [][]group{triples(finders), pairs(finders)} {
		tries := 0
		for _, c := range r.candidates(p, groups) {
			if tries == mostTries {
				break
			}
			if slices.ContainsFunc(read, func(s symbol) bool { return c.group.touches(&s) }) {
				continue
			}
			tries++
			found, ok := p.fit(c.group, c.grid.layout)
			if !ok || found.score < leastAgreement {
				continue
			}
			text, err := p.decode(&found)
			if err != nil {
				continue // another look may tell more
			}
			read = append(read, symbol{text, found})
		}
	}
	return read
}

// candidates returns the symbols that groups may belong to, the likeliest first, by
// what their finder patterns alone tell.
func (r *reader) candidates(p *plane, groups []group) []candidate {
	var all []candidate
	for i := range groups {
		g := &groups[i]
		for _, v := range g.versions() {
			l := r.layout(v)
			h, ok := project(g.matches(l.size))
			if !ok {
				continue
			}
			if score := p.agreement(l, &h); score >= leastHint {
				all = append(all, candidate{g, grid{l, h, score}})
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
