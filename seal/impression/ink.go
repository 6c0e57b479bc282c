package impression

import (
	"image"
	"image/color"
	"image/draw"
	"slices"
)

// What is known of stamped paper. Lengths are in millimetres on it.
const (
	leastRed      = 0.12 // of full scale: what is less red is paper, shadow or black ink
	lightBlock    = 4.0  // over which the light changes
	strengthBlock = 1.5  // over which the ink's strength changes
	leastStrength = 0.5  // of the ink: what was pressed less is not made more of
	blackStroke   = 0.08 // deviation over which black print is bridged
)

// A scan is a part of a picture in colour, reduced to what is needed: each pixel the mean
// of those it covers, on white where the picture is transparent.
type scan struct {
	width, height int
	colour        [3][]float32 // red, green, blue; 0 to 1
}

// reduced cuts a box out of a picture, at a width and a height that are not larger.
func reduced(m image.Image, box image.Rectangle, width, height int) *scan {
	s := &scan{width: width, height: height}
	for i := range s.colour {
		s.colour[i] = make([]float32, width*height)
	}
	covered := make([]float32, width*height)
	column := make([]int, box.Dx())
	for x := range column {
		column[x] = x * width / box.Dx()
	}
	const strip = 64 // rows at a time, so that no second picture is unfolded
	rows := image.NewRGBA(image.Rect(0, 0, box.Dx(), min(strip, box.Dy())))
	for top := 0; top < box.Dy(); top += strip {
		part := image.Rect(0, 0, box.Dx(), min(strip, box.Dy()-top))
		draw.Draw(rows, part, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(rows, part, m, box.Min.Add(image.Pt(0, top)), draw.Over)
		for y := range part.Dy() {
			first := (top + y) * height / box.Dy() * width
			pixels := rows.Pix[y*rows.Stride:]
			for x, to := range column {
				for i := range s.colour {
					s.colour[i][first+to] += float32(pixels[4*x+i])
				}
				covered[first+to]++
			}
		}
	}
	for i := range s.colour {
		for at, n := range covered {
			s.colour[i][at] /= 255 * n
		}
	}
	return s
}

// redness is how much redder each pixel is than grey.
func (s *scan) redness() *coverage {
	c := newCoverage(s.width, s.height)
	for i := range c.ink {
		c.ink[i] = max(s.colour[0][i]-max(s.colour[1][i], s.colour[2][i]), 0)
	}
	return c
}

// inked is how much of each pixel is ink, by how dark it is.
//
// That a pixel is red only vouches for it: most cameras and JPEGs keep colour at half the
// resolution of light. And as paper and ink send the red light back alike, where it is
// missing there is something black, of which nobody sees what is below.
func (s *scan) inked(perMM float64) *coverage {
	red := s.redness()
	parting := red.parting()
	s.level(red, parting, lightBlock*perMM)

	luma := newCoverage(s.width, s.height)
	for i := range luma.ink {
		luma.ink[i] = 0.299*s.colour[0][i] + 0.587*s.colour[1][i] + 0.114*s.colour[2][i]
	}
	thick := func(i int) bool { return red.ink[i] > parting && s.colour[0][i] > 0.5 }
	inkLuma := min(quantile(luma.ink, 0.3, thick), 0.9)
	inkRed := min(quantile(s.colour[0], 0.5, thick), 1)
	inkRedness := quantile(red.ink, 0.5, thick)

	near := red.blurred(0.75) // of half the resolution
	ink, sure := newCoverage(s.width, s.height), newCoverage(s.width, s.height)
	for i := range ink.ink {
		dark := min(max((1-luma.ink[i])/(1-inkLuma), 0), 1.2)
		ink.ink[i] = dark * ramp(near.ink[i]/inkRedness, 0.08, 0.28)
		// What of the light comes back that ink and paper send.
		lit := s.colour[0][i] / (1 - min(dark, 1)*(1-inkRed))
		sure.ink[i] = max(ramp(lit, 0.5, 0.8), 0.001)
	}
	ink.bridge(sure, blackStroke*perMM)
	ink.strengthen(strengthBlock * perMM)
	return ink
}

// ramp rises from 0 to 1 between two values.
func ramp(v, from, to float32) float32 { return min(max((v-from)/(to-from), 0), 1) }

// level makes paper white everywhere, and tells redness anew: light and paper change over
// a scan.
func (s *scan) level(red *coverage, parting float32, block float64) {
	bright := float32(0)
	for i, v := range s.colour[0] {
		if red.ink[i] < parting/2 {
			bright = max(bright, v)
		}
	}
	blank := func(i int) bool { return red.ink[i] < parting/2 && s.colour[0][i] > 0.6*bright }
	var paper [3]float32
	for c := range paper {
		paper[c] = quantile(s.colour[c], 0.5, blank)
	}
	light := newField(s.width, s.height, block)
	for i, v := range s.colour[0] {
		if blank(i) {
			light.add(i%s.width, i/s.width, v/paper[0])
		}
	}
	light.spread(1)
	for i := range red.ink {
		lit := max(light.at(i%s.width, i/s.width), 0.2)
		for c := range paper {
			s.colour[c][i] /= lit * paper[c]
		}
		red.ink[i] = max(s.colour[0][i]-max(s.colour[1][i], s.colour[2][i]), 0)
	}
}

// quantile is what a part of the chosen values stays below, more than 0 and at most 2; of
// none it is 1.
func quantile(values []float32, part float64, chosen func(i int) bool) float32 {
	const bins = 2048 // a thousandth each
	var histogram [bins]int
	all := 0
	for i, v := range values {
		if chosen(i) {
			histogram[min(max(int(v*bins/2), 0), bins-1)]++
			all++
		}
	}
	if all == 0 {
		return 1
	}
	sum := 0
	at := slices.IndexFunc(histogram[:], func(n int) bool { sum += n; return float64(sum) >= part*float64(all) })
	return 2 * float32(at+1) / bins
}

// bridge gives pixels that nobody can be sure of what is around them.
func (c *coverage) bridge(sure *coverage, deviation float64) {
	weighted := newCoverage(c.width, c.height)
	for i, v := range c.ink {
		weighted.ink[i] = v * sure.ink[i]
	}
	around, weight := weighted.blurred(deviation), sure.blurred(deviation)
	for i, v := range c.ink {
		c.ink[i] = v*sure.ink[i] + around.ink[i]/weight.ink[i]*(1-sure.ink[i])
	}
}

// strengthen makes ink as strong everywhere: where the seal was pressed less, half of a
// pixel is half of the ink there.
func (c *coverage) strengthen(block float64) {
	strength := newField(c.width, c.height, block)
	for i, v := range c.ink {
		if v > 0.4 {
			strength.add(i%c.width, i/c.width, v)
		}
	}
	strength.spread(1)
	for i, v := range c.ink {
		c.ink[i] = min(v/min(max(strength.at(i%c.width, i/c.width), leastStrength), 1), 1)
	}
}

// A field is what changes slowly over a picture: means of blocks, and between their middles
// what is between.
type field struct {
	each          float32 // pixels
	columns, rows int
	sum, weight   []float32
}

func newField(width, height int, each float64) *field {
	f := &field{each: float32(max(each, 1))}
	f.columns, f.rows = int(float32(width)/f.each)+1, int(float32(height)/f.each)+1
	f.sum, f.weight = make([]float32, f.columns*f.rows), make([]float32, f.columns*f.rows)
	return f
}

func (f *field) add(x, y int, v float32) {
	i := int(float32(y)/f.each)*f.columns + int(float32(x)/f.each)
	f.sum[i] += v
	f.weight[i]++
}

// spread takes the mean of each block and those around it, after which the field can be
// read. Blocks that know little lean towards a value.
func (f *field) spread(otherwise float32) {
	lean := 0.02 * f.each * f.each
	mean := make([]float32, len(f.sum))
	for y := range f.rows {
		for x := range f.columns {
			sum, weight := otherwise*lean, lean
			for v := max(y-1, 0); v <= min(y+1, f.rows-1); v++ {
				for u := max(x-1, 0); u <= min(x+1, f.columns-1); u++ {
					sum += f.sum[v*f.columns+u]
					weight += f.weight[v*f.columns+u]
				}
			}
			mean[y*f.columns+x] = sum / weight
		}
	}
	f.sum = mean
}

// at is the value at a pixel.
func (f *field) at(x, y int) float32 {
	u, v := (float32(x)+0.5)/f.each-0.5, (float32(y)+0.5)/f.each-0.5
	u, v = min(max(u, 0), float32(f.columns-1)), min(max(v, 0), float32(f.rows-1))
	left, top := int(u), int(v)
	right, bottom := min(left+1, f.columns-1), min(top+1, f.rows-1)
	u, v = u-float32(left), v-float32(top)
	above := f.sum[top*f.columns+left]*(1-u) + f.sum[top*f.columns+right]*u
	below := f.sum[bottom*f.columns+left]*(1-u) + f.sum[bottom*f.columns+right]*u
	return above*(1-v) + below*v
}
