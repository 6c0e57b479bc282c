package scan

import (
	"cmp"
	"math"
	"slices"
)

// finder is a finder pattern: the square of seven modules in three corners of a
// symbol.
type finder struct {
	center point
	a, b   point   // one module in its two directions; b lies clockwise of a
	score  float64 // how much it looks like one, at most 1
}

// toward returns where another pattern lies, in modules.
func (f *finder) toward(other *finder) point { return other.center.minus(f.center).in(f.a, f.b) }

// Limits of the search.
const (
	maxSpots     = 512 // crossings that look like a finder pattern along a row and a column
	maxFitted    = 64  // of these, the best are looked at closely
	maxFinders   = 32  // and the best of those take part in symbols
	leastHope    = 0.3 // score of a spot, before it is looked at closely
	leastFinder  = 0.6 // and after
	longestChord = 0.9 // of the picture's larger side, a finder pattern at most
)

// spot is a place where a row and a column of pixels cross dark, light, dark, light,
// dark in the ratio 1:1:3:1:1.
type spot struct {
	center point
	chords point // the widths along the row and the column, in pixels
	rows   int   // rows that found it
}

// finders returns the finder patterns of a picture, the best first.
func (p *plane) finders() []finder {
	var found []finder
	for _, s := range p.spots() {
		if f := p.fitFinder(s); f.score >= leastFinder && !slices.ContainsFunc(found, func(g finder) bool { return g.center.minus(f.center).length() < 3*f.a.length() }) {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(f, g finder) int { return cmp.Compare(g.score, f.score) })
	return found[:min(len(found), maxFinders)]
}

// spots looks for finder patterns row by row; the best come first.
func (p *plane) spots() []spot {
	var found []spot
	edges := make([]int, 0, p.w+1) // where the colour changes; dark begins at even indices
	for y := range p.h {
		edges = edges[:0]
		last := false
		for x, d := range p.dark[y*p.w : (y+1)*p.w] {
			if d != last {
				edges = append(edges, x)
				last = d
			}
		}
		if last {
			edges = append(edges, p.w)
		}
		for i := 0; i+5 < len(edges); i += 2 {
			e := edges[i : i+6]
			if !finderRatio([5]int{e[1] - e[0], e[2] - e[1], e[3] - e[2], e[4] - e[3], e[5] - e[4]}) {
				continue
			}
			found = p.addSpot(found, float64(e[2]+e[3])/2, y, float64(e[5]-e[0]))
		}
	}
	found = slices.DeleteFunc(found, func(s spot) bool { return s.rows < 2 || float64(s.rows) < s.chords.y/12 })
	quality := func(s spot) float64 { return float64(s.rows*s.rows) / s.chords.y }
	slices.SortStableFunc(found, func(s, t spot) int { return cmp.Compare(quality(t), quality(s)) })
	return found[:min(len(found), maxFitted)]
}

// addSpot counts a row that crosses a finder pattern, if the column does so too.
func (p *plane) addSpot(found []spot, x float64, y int, chord float64) []spot {
	at := point{x, float64(y) + 0.5}
	for i := len(found) - 1; i >= 0; i-- {
		s := &found[i]
		if math.Abs(s.center.x-at.x) < s.chords.x/7 && math.Abs(s.center.y-at.y) < s.chords.y/2 && chord < s.chords.x*1.5 {
			s.rows++
			return found
		}
	}
	if len(found) == maxSpots {
		// What one row alone has found, and no row can find any more, makes room.
		found = slices.DeleteFunc(found, func(s spot) bool { return s.rows == 1 && s.center.y+s.chords.y/2 < at.y })
		if len(found) == maxSpots {
			return found
		}
	}
	top, bottom, ok := p.crossColumn(int(x), y)
	if !ok {
		return found
	}
	height := float64(bottom - top)
	if height > 2.5*chord || chord > 2.5*height || max(height, chord) > longestChord*float64(max(p.w, p.h)) {
		return found
	}
	return append(found, spot{point{x, float64(top+bottom) / 2}, point{chord, height}, 1})
}

// crossColumn looks for a finder pattern along a column, from a pixel in its middle.
// It returns the first row of the pattern and the one after its last.
func (p *plane) crossColumn(x, y int) (int, int, bool) {
	if !p.dark[y*p.w+x] {
		return 0, 0, false
	}
	// walk goes from the middle to the outer edge: dark, light, dark.
	walk := func(step int) (lengths [3]int, end int) {
		at := y
		for i := range lengths {
			for at >= 0 && at < p.h && p.dark[at*p.w+x] == (i != 1) {
				lengths[i]++
				at += step
			}
		}
		return lengths, at
	}
	up, above := walk(-1)
	down, below := walk(1)
	return above + 1, below, finderRatio([5]int{up[2], up[1], up[0] + down[0] - 1, down[1], down[2]})
}

// finderRatio reports whether runs are near 1:1:3:1:1.
func finderRatio(runs [5]int) bool {
	total := 0
	for _, n := range runs {
		if n == 0 {
			return false
		}
		total += n
	}
	if total < 7 {
		return false
	}
	module := float64(total) / 7
	for i, n := range runs {
		want, tolerance := module, 0.6*module
		if i == 2 {
			want, tolerance = 3*module, 1.5*module
		}
		if math.Abs(float64(n)-want) >= tolerance {
			return false
		}
	}
	return true
}

// finderSign is the colour of a module of a finder pattern with the light ring around
// it, by its distance from the middle: 1 light, -1 dark.
func finderSign(i, j int) float64 {
	switch max(i, -i, j, -j) {
	case 2, 4:
		return 1
	default:
		return -1
	}
}

// fitFinder finds centre, size and direction of a finder pattern. Rows and columns
// cross a turned square in longer chords.
func (p *plane) fitFinder(s spot) finder {
	best := finder{score: -1}
	for turn := range 6 {
		sin, cos := math.Sincos(float64(turn) * math.Pi / 12)
		shorter := max(cos, sin) / 7
		f := finder{
			center: s.center,
			a:      point{s.chords.x * shorter * cos, s.chords.x * shorter * sin},
			b:      point{-s.chords.y * shorter * sin, s.chords.y * shorter * cos},
		}
		if f.score = p.finderScore(&f, 1); f.score > best.score {
			best = f
		}
	}
	if best.score < leastHope {
		return best
	}
	p.climbFinder(&best, 1, 0.4, 0.2, 0.1)
	if best.score < leastFinder {
		return best
	}
	best.score = p.finderScore(&best, 3)
	p.climbFinder(&best, 3, 0.1, 0.05)
	return best
}

// climbFinder moves a finder pattern to where its score is highest, by steps in
// modules.
func (p *plane) climbFinder(f *finder, samples int, steps ...float64) {
	for _, step := range steps {
		size := step * math.Sqrt(math.Abs(f.a.cross(f.b)))
		for range 4 {
			before := f.score
			for i := range 12 {
				next := *f
				d := size * float64(1-2*(i%2))
				switch i / 2 {
				case 0:
					next.center.x += d
				case 1:
					next.center.y += d
				case 2:
					next.a.x += d / 4
				case 3:
					next.a.y += d / 4
				case 4:
					next.b.x += d / 4
				case 5:
					next.b.y += d / 4
				}
				if next.score = p.finderScore(&next, samples); next.score > f.score {
					*f = next
				}
			}
			if f.score <= before {
				break
			}
		}
	}
}

// finderScore correlates the picture with a finder pattern, with some samples a module
// in each direction.
func (p *plane) finderScore(f *finder, samples int) float64 {
	var c correlation
	for i := -4; i <= 4; i++ {
		for j := -4; j <= 4; j++ {
			sign := finderSign(i, j)
			for k := range samples * samples {
				u := float64(i) + (float64(k%samples)+0.5)/float64(samples) - 0.5
				v := float64(j) + (float64(k/samples)+0.5)/float64(samples) - 0.5
				at := f.center.plus(point{u, v}.along(f.a, f.b))
				c.add(sign, p.at(at.x, at.y))
			}
		}
	}
	return c.value()
}

// correlation is Pearson's coefficient of signs and grey values: 1 where they agree,
// whatever the light.
type correlation struct{ n, s, ss, g, gg, sg float64 }

func (c *correlation) add(sign, grey float64) {
	c.n++
	c.s += sign
	c.ss += sign * sign
	c.g += grey
	c.gg += grey * grey
	c.sg += sign * grey
}

func (c *correlation) value() float64 {
	spread := (c.n*c.ss - c.s*c.s) * (c.n*c.gg - c.g*c.g)
	if !(spread > 0) {
		return 0
	}
	return (c.n*c.sg - c.s*c.g) / math.Sqrt(spread)
}
