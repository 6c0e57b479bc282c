package scan

// grid is a symbol that was found: its layout and how the picture shows it.
type grid struct {
	layout *layout
	surface
	score float64 // mean contrast of the marks, as they should be; at most 1
}

// agreement returns how well the picture shows the marks of a layout.
func (p *plane) agreement(l *layout, s *surface) float64 {
	sum := 0.0
	for _, m := range l.marks {
		at := s.at(m.u, m.v)
		sum += m.sign * p.contrast(at.x, at.y)
	}
	return sum / float64(len(l.marks))
}

// fit finds the symbol of a version that a group of finder patterns belongs to. Its
// surface is made of the matches that are found by [flat] or by [bent].
func (p *plane) fit(g *group, l *layout, through func([]match, int) (surface, bool)) (grid, bool) {
	matches := g.matches(l.size)
	s, ok := through(matches, l.size)
	if !ok {
		return grid{}, false
	}
	// The nearer an alignment pattern lies to what is known, the better its place can be
	// told; so each one that is found helps with the next.
	for _, c := range l.alignments {
		at, score := p.findAlignment(&s, c)
		if score < leastAlignment {
			continue
		}
		matches = append(matches, match{c, at, 4})
		if s, ok = through(matches, l.size); !ok {
			return grid{}, false
		}
	}
	found := grid{l, s, p.agreement(l, &s)}
	p.climb(&found)
	return found, true
}

const (
	leastAlignment  = 0.75 // correlation of an alignment pattern
	alignmentReach  = 5    // steps that one may lie off in each direction,
	alignmentStep   = 0.5  // in modules
	alignmentFine   = 0.25
	alignmentAround = 2
)

// findAlignment looks for an alignment pattern near the place where it should be.
func (p *plane) findAlignment(s *surface, c point) (point, float64) {
	best, highest := c, -1.0
	look := func(around point, reach int, step float64) {
		for i := -reach; i <= reach; i++ {
			for j := -reach; j <= reach; j++ {
				at := around.plus(point{float64(i), float64(j)}.times(step))
				if score := p.alignmentScore(s, at); score > highest {
					best, highest = at, score
				}
			}
		}
	}
	look(c, alignmentReach, alignmentStep)
	if highest >= leastAlignment {
		look(best, alignmentAround, alignmentFine)
	}
	return s.at(best.x, best.y), highest
}

// alignmentScore correlates the picture with an alignment pattern.
func (p *plane) alignmentScore(s *surface, center point) float64 {
	var c correlation
	for x := -2; x <= 2; x++ {
		for y := -2; y <= 2; y++ {
			at := s.at(center.x+float64(x), center.y+float64(y))
			c.add(alignmentSign(x, y), p.at(at.x, at.y))
		}
	}
	return c.value()
}

// climb moves the four corners of a symbol to where the picture agrees best with its
// layout.
func (p *plane) climb(g *grid) {
	n := float64(g.size)
	corners := [4]point{{3.5, 3.5}, {n - 3.5, 3.5}, {3.5, n - 3.5}, {n - 6.5, n - 6.5}}
	var matches [4]match
	for i, c := range corners {
		matches[i] = match{c, g.projection.at(c.x, c.y), 1}
	}
	module := matches[1].picture.minus(matches[0].picture).length() / (n - 7)
	for _, step := range []float64{0.5, 0.25, 0.12} {
		for range 3 {
			before := g.score
			for i := range 4 {
				for _, d := range []point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
					next := matches
					next[i].picture = next[i].picture.plus(d.times(step * module))
					h, ok := project(next[:])
					if !ok {
						continue
					}
					moved := g.surface
					moved.projection = h
					if score := p.agreement(g.layout, &moved); score > g.score {
						g.surface, g.score, matches = moved, score, next
					}
				}
			}
			if g.score <= before {
				break
			}
		}
	}
}
