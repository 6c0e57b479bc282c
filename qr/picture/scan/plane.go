package scan

// plane is a picture in grey with what is needed to tell dark from light at each
// place. Coordinates are in pixels; the centre of the first pixel is (0.5, 0.5).
type plane struct {
	w, h int
	pix  []uint8 // grey values, row by row
	mean []uint8 // the mean grey value around each pixel
	dark []bool  // darker than the mean around
}

// newPlane takes a picture of w × h grey values without padding, two or more in each
// direction.
func newPlane(pix []uint8, w, h int) *plane {
	p := &plane{w: w, h: h, pix: pix, mean: make([]uint8, w*h), dark: make([]bool, w*h)}
	p.threshold()
	return p
}

// Half the side of the square whose mean tells dark from light: a part of the
// picture's smaller side, within these bounds. A square must be wider than the three
// dark modules in the middle of a finder pattern, and small enough to follow shadows.
const (
	meanShare = 20
	meanLeast = 15
	meanMost  = 60
)

// threshold computes mean and dark with running sums over columns, in time that does
// not depend on the size of the square.
func (p *plane) threshold() {
	radius := min(max(min(p.w, p.h)/meanShare, meanLeast), meanMost)
	columns := make([]uint32, p.w)
	shares := make([]float32, p.w) // 1 / columns in the square around x
	for x := range p.w {
		shares[x] = 1 / float32(min(x+radius, p.w-1)-max(x-radius, 0)+1)
	}
	margin := p.margin()
	add := func(y int) {
		for x, v := range p.pix[y*p.w : (y+1)*p.w] {
			columns[x] += uint32(v)
		}
	}
	for y := range min(radius, p.h) {
		add(y)
	}
	for y := range p.h {
		if y+radius < p.h {
			add(y + radius)
		}
		if y > radius {
			for x, v := range p.pix[(y-radius-1)*p.w : (y-radius)*p.w] {
				columns[x] -= uint32(v)
			}
		}
		share := 1 / float32(min(y+radius, p.h-1)-max(y-radius, 0)+1)
		row, mean, dark := p.pix[y*p.w:(y+1)*p.w], p.mean[y*p.w:(y+1)*p.w], p.dark[y*p.w:(y+1)*p.w]
		sum := uint32(0)
		for x := range min(radius, p.w) {
			sum += columns[x]
		}
		for x, v := range row {
			if x+radius < p.w {
				sum += columns[x+radius]
			}
			if x > radius {
				sum -= columns[x-radius-1]
			}
			m := uint8(float32(sum) * share * shares[x])
			mean[x] = m
			dark[x] = int(v)+margin < int(m)
		}
	}
}

// margin returns how far below the mean a grey value has to be in order to be dark:
// one and a half times the noise, so that even paper has few dark pixels.
func (p *plane) margin() int {
	const least, most = 3, 25
	// Most pixels of most pictures lie on even ground, where three in a row differ by
	// noise only: half of these second differences are below 1.65 σ.
	var histogram [4*256 + 1]int
	counted := 0
	for y := 0; y < p.h; y += 4 {
		row := p.pix[y*p.w : (y+1)*p.w]
		for x := 1; x < p.w-1; x += 3 {
			d := int(row[x-1]) - 2*int(row[x]) + int(row[x+1])
			histogram[max(d, -d)]++
			counted++
		}
	}
	median := 0
	for below := 0; median < len(histogram) && 2*(below+histogram[median]) < counted; median++ {
		below += histogram[median]
	}
	return min(max(median*10/11, least), most)
}

// at returns the grey value at a point, interpolated between the pixels. Outside, and
// where a coordinate is not a number, the border goes on.
func (p *plane) at(x, y float64) float64 {
	x, y = within(x-0.5, float64(p.w-1)), within(y-0.5, float64(p.h-1))
	i, j := min(int(x), p.w-2), min(int(y), p.h-2)
	fx, fy := x-float64(i), y-float64(j)
	above := p.pix[j*p.w+i:][:p.w+2]
	a, b := float64(above[0]), float64(above[1])
	c, d := float64(above[p.w]), float64(above[p.w+1])
	top, bottom := a+(b-a)*fx, c+(d-c)*fx
	return top + (bottom-top)*fy
}

// within returns the number from 0 to most that is nearest to x.
func within(x, most float64) float64 {
	if !(x > 0) { // not a number either
		return 0
	}
	if x > most {
		return most
	}
	return x
}

// contrast returns how much lighter than its surroundings a point is, from -1 to 1.
func (p *plane) contrast(x, y float64) float64 {
	i, j := int(within(x, float64(p.w-1))), int(within(y, float64(p.h-1)))
	const full = 24 // grey values from the mean that are as good as any more
	return min(max((p.at(x, y)-float64(p.mean[j*p.w+i]))/full, -1), 1)
}
