package scan

import (
	"cmp"
	"math"
	"slices"
)

// group is two or three finder patterns that may belong to one symbol. A pattern that
// dirt has hidden is nil.
type group struct {
	topLeft, topRight, bottomLeft *finder // a points along the top, b down
	span                          float64 // between the middles of neighbours, in modules
	err                           float64 // how unlike a symbol they lie; 0 is perfect
}

// Limits of how finder patterns lie to each other when a symbol is seen aslant.
const (
	leastSpan  = 12  // modules between neighbours; 14 in version 1
	mostSpan   = 190 // 170 in version 40
	mostSlant  = 0.4 // tangent of the angle between a pattern's side and its neighbour
	mostRatio  = 1.5 // of the two sides of a symbol, or of the sizes of its patterns
	mostGroups = 64  // of three, and of two
)

// quarter returns the finder pattern turned by quarter turns, clockwise.
func (f *finder) quarter(turns int) *finder {
	g := *f
	for range turns {
		g.a, g.b = g.b, g.a.times(-1)
	}
	return &g
}

// facing returns the finder pattern turned so that a points toward q as well as it
// can.
func (f *finder) facing(q point) *finder {
	switch t := q.in(f.a, f.b); {
	case math.Abs(t.x) >= math.Abs(t.y) && t.x >= 0:
		return f
	case math.Abs(t.x) >= math.Abs(t.y):
		return f.quarter(2)
	case t.y >= 0:
		return f.quarter(1)
	default:
		return f.quarter(3)
	}
}

// neighbours returns how far two finder patterns on one side of a symbol are apart, in
// modules, and how askew. It reports false for what cannot be one.
func neighbours(f, g *finder) (span, slant float64, ok bool) {
	d := g.center.minus(f.center)
	there, back := d.in(f.facing(d).a, f.facing(d).b), d.in(g.facing(d).a, g.facing(d).b)
	// Seen aslant, the nearer pattern is larger; the geometric mean of what both measure
	// is exact.
	span = math.Sqrt(there.x * back.x)
	slant = max(math.Abs(there.y/there.x), math.Abs(back.y/back.x))
	return span, slant, span > leastSpan && span < mostSpan && slant < mostSlant && max(there.x/back.x, back.x/there.x) < mostRatio
}

// triples returns the groups of three, the likeliest first.
func triples(finders []finder) []group {
	var all []group
	for i := range finders {
		corner := &finders[i]
		type side struct {
			other       *finder
			span, slant float64
		}
		var sides []side
		for j := range finders {
			if i == j {
				continue
			}
			if span, slant, ok := neighbours(corner, &finders[j]); ok {
				sides = append(sides, side{&finders[j], span, slant})
			}
		}
		for _, top := range sides {
			for _, left := range sides {
				right, below := top.other.center.minus(corner.center), left.other.center.minus(corner.center)
				topLeft := corner.facing(right)
				down := below.in(topLeft.a, topLeft.b)
				ratio := max(top.span/left.span, left.span/top.span)
				if down.y < math.Abs(down.x) || ratio > mostRatio {
					continue
				}
				all = append(all, group{
					topLeft: topLeft, topRight: top.other.facing(right), bottomLeft: left.other.facing(below).quarter(3),
					span: math.Sqrt(top.span * left.span),
					err:  ratio - 1 + top.slant + left.slant + 3 - corner.score - top.other.score - left.other.score,
				})
			}
		}
	}
	return best(all)
}

// pairs returns the groups of two, for symbols with a hidden finder pattern, the
// likeliest first.
func pairs(finders []finder) []group {
	var all []group
	for i := range finders {
		for j := range finders {
			if i == j {
				continue
			}
			f, g := &finders[i], &finders[j]
			if span, slant, ok := neighbours(f, g); ok {
				// f is in the corner, g to its right or below.
				d := g.center.minus(f.center)
				f, g, err := f.facing(d), g.facing(d), slant+2-f.score-g.score
				all = append(all,
					group{topLeft: f, topRight: g, span: span, err: err},
					group{topLeft: f.quarter(3), bottomLeft: g.quarter(3), span: span, err: err})
			} else if d, ok := diagonal(f, g); ok {
				all = append(all, d)
			}
		}
	}
	return best(all)
}

// diagonal returns the group in which f is at the top right and g at the bottom left.
// It reports false where they do not lie so.
func diagonal(f, g *finder) (group, bool) {
	downLeft := func(p point) bool { return p.x < 0 && p.y > 0 }
	turns := 0
	for turns < 3 && !downLeft(f.quarter(turns).toward(g)) {
		turns++
	}
	f = f.quarter(turns)
	g = g.facing(f.a)
	there, back := f.toward(g), g.toward(f).times(-1)
	if !downLeft(there) || !downLeft(back) {
		return group{}, false
	}
	span := math.Sqrt(math.Sqrt(there.x * there.y * back.x * back.y))
	skew := max(-there.x/there.y, -there.y/there.x, -back.x/back.y, -back.y/back.x) - 1
	return group{topRight: f, bottomLeft: g, span: span, err: skew + 2 - f.score - g.score},
		span > leastSpan && span < mostSpan && skew < mostRatio-1
}

// best returns the groups that look most like a symbol.
func best(groups []group) []group {
	slices.SortStableFunc(groups, func(g, h group) int { return cmp.Compare(g.err, h.err) })
	return groups[:min(len(groups), mostGroups)]
}

// matches places the finder patterns in a symbol of the given size, by their corners.
func (g *group) matches(size int) []match {
	var all []match
	place := func(f *finder, u, v float64) {
		if f == nil {
			return
		}
		for _, corner := range []point{{-3.5, -3.5}, {3.5, -3.5}, {-3.5, 3.5}, {3.5, 3.5}} {
			all = append(all, match{point{u, v}.plus(corner), f.center.plus(corner.along(f.a, f.b)), 1})
		}
	}
	far := float64(size) - 3.5
	place(g.topLeft, 3.5, 3.5)
	place(g.topRight, far, 3.5)
	place(g.bottomLeft, 3.5, far)
	return all
}

// versions returns the versions that the finder patterns may belong to, the likeliest
// first.
func (g *group) versions() []int {
	exact := (g.span + 7 - 17) / 4
	nearest := int(math.Round(exact))
	var all []int
	for v := max(nearest-1, leastVersion); v <= min(nearest+1, mostVersion); v++ {
		if math.Abs(float64(v)-exact) < 1+0.03*exact {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(v, w int) int {
		return cmp.Compare(math.Abs(float64(v)-exact), math.Abs(float64(w)-exact))
	})
	return all
}
