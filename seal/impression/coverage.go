package impression

import (
	"image"
	"math"
)

// coverage is how much of each pixel is ink, 0 to 1, row by row.
type coverage struct {
	width, height int
	ink           []float32
}

func newCoverage(width, height int) *coverage {
	return &coverage{width, height, make([]float32, width*height)}
}

func (c *coverage) at(x, y int) float32 {
	if x < 0 || y < 0 || x >= c.width || y >= c.height {
		return 0
	}
	return c.ink[y*c.width+x]
}

// size is how many pixels are ink.
func (c *coverage) size() int {
	n := 0
	for _, v := range c.ink {
		if v >= 0.5 {
			n++
		}
	}
	return n
}

// sweep removes connected spots of ink of fewer pixels than least.
func (c *coverage) sweep(least int) {
	seen := make([]bool, len(c.ink))
	var spot []int
	for start, v := range c.ink {
		if v < 0.5 || seen[start] {
			continue
		}
		spot = append(spot[:0], start)
		seen[start] = true
		for i := 0; i < len(spot); i++ {
			x, y := spot[i]%c.width, spot[i]/c.width
			for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				nx, ny := x+d[0], y+d[1]
				if c.at(nx, ny) >= 0.5 && !seen[ny*c.width+nx] {
					seen[ny*c.width+nx] = true
					spot = append(spot, ny*c.width+nx)
				}
			}
		}
		if len(spot) < least {
			for _, i := range spot {
				c.ink[i] = 0
			}
		}
	}
}

// bounds is the box of the ink; where there is none its sides are negative.
func (c *coverage) bounds() image.Rectangle {
	r := image.Rectangle{Min: image.Pt(c.width, c.height)} // image.Rect would put it right
	for y := range c.height {
		for x := range c.width {
			if c.at(x, y) >= 0.5 {
				r.Min.X, r.Min.Y = min(r.Min.X, x), min(r.Min.Y, y)
				r.Max.X, r.Max.Y = max(r.Max.X, x+1), max(r.Max.Y, y+1)
			}
		}
	}
	return r
}

// blurred is the Gaussian mean around each pixel, the deviation in pixels.
func (c *coverage) blurred(deviation float64) *coverage {
	kernel := []float32{1}
	sum := float32(1)
	for i := 1; float64(i) <= 3*deviation; i++ {
		weight := float32(math.Exp(-float64(i*i) / (2 * deviation * deviation)))
		kernel = append(kernel, weight)
		sum += 2 * weight
	}
	for i := range kernel {
		kernel[i] /= sum
	}
	across, down := newCoverage(c.width, c.height), newCoverage(c.width, c.height)
	for y := range c.height {
		row := c.ink[y*c.width : (y+1)*c.width]
		for x := range row {
			v := kernel[0] * row[x]
			for i := 1; i < len(kernel); i++ {
				v += kernel[i] * (row[max(x-i, 0)] + row[min(x+i, c.width-1)])
			}
			across.ink[y*c.width+x] = v
		}
	}
	for y := range c.height {
		to := down.ink[y*c.width : (y+1)*c.width]
		for i, weight := range kernel {
			above := across.ink[max(y-i, 0)*c.width:]
			below := across.ink[min(y+i, c.height-1)*c.width:]
			for x := range to {
				if i == 0 {
					to[x] = weight * above[x]
				} else {
					to[x] += weight * (above[x] + below[x])
				}
			}
		}
	}
	return down
}

// parting is the value that parts the small ones from the large ones best (Otsu's method),
// but at least leastRed.
func (c *coverage) parting() float32 {
	const bins = 256
	var histogram [bins]float64
	for _, v := range c.ink {
		histogram[int(v*(bins-1))]++
	}
	var all, sum float64
	for i, n := range histogram {
		all += n
		sum += float64(i) * n
	}
	best, at := -1.0, 0
	below, belowSum := 0.0, 0.0
	for i, n := range histogram {
		below += n
		belowSum += float64(i) * n
		if below == 0 || below == all {
			continue
		}
		difference := belowSum/below - (sum-belowSum)/(all-below)
		if between := below * (all - below) * difference * difference; between > best {
			best, at = between, i
		}
	}
	return max(float32(at)/(bins-1), leastRed)
}

// above is which pixels are above a value: 0.5 at the value itself.
func (c *coverage) above(value float32) *coverage {
	p := newCoverage(c.width, c.height)
	for i, v := range c.ink {
		p.ink[i] = ramp(v, value/2, 1.5*value)
	}
	return p
}
