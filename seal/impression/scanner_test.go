package impression

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/image/vector"

	"github.com/elicence/elicence/internal/typeface"
)

// A scanner is how an impression comes from paper to pixels.
type scanner struct {
	dpi      float64
	angle    float64 // degrees that the paper lies askew
	blur     float64 // mm, of ink that runs and of the lens
	uneven   float64 // part of the ink that is missing where the stamp was pressed least
	grain    float64 // how much of the ink the paper's fibres leave out
	noise    float64 // of each channel, of 255
	paper    color.RGBA
	ink      color.RGBA
	text     string // printed under the seal
	quality  int    // of the JPEG; 0: PNG
	halftone bool   // printed in dots before it was scanned
}

// flatbed is a flat-bed scanner and a seal that was pressed well.
func flatbed(dpi float64) scanner {
	return scanner{
		dpi: dpi, blur: 0.035, uneven: 0.15, grain: 0.1, noise: 4, quality: 88,
		paper: color.RGBA{252, 251, 246, 255}, ink: color.RGBA{212, 24, 38, 255},
	}
}

// scanners are flat-beds, better ones and worse.
func scanners() map[string]scanner {
	all := map[string]scanner{"300 dpi": flatbed(300), "600 dpi": flatbed(600)}
	png := flatbed(400)
	png.quality = 0
	all["400 dpi, PNG"] = png
	yellow := flatbed(300)
	yellow.quality, yellow.blur = 60, 0.05
	yellow.paper, yellow.ink = color.RGBA{240, 226, 196, 255}, color.RGBA{198, 60, 62, 255}
	all["300 dpi, yellow paper, pale ink, coarse JPEG"] = yellow
	poor := flatbed(400)
	poor.uneven, poor.grain, poor.noise = 0.5, 0.5, 8
	all["400 dpi, pressed unevenly, noise"] = poor
	dots := flatbed(600)
	dots.halftone = true
	all["600 dpi of a print in dots"] = dots
	onText := flatbed(300)
	onText.text, onText.angle = "根据行政许可法第三十八条规定准予许可申请人应当于期限内", 1.5
	all["300 dpi, on print, askew"] = onText
	worst := flatbed(600)
	worst.uneven, worst.grain, worst.noise, worst.text, worst.angle = 0.5, 0.6, 9, onText.text, -2
	all["600 dpi, all of that"] = worst
	return all
}

// margin of the paper around the impression, in millimetres.
const margin = 4.0

// on is where a place of the drawing, in its units, lies on the paper, in millimetres.
func (s scanner) on(d *Drawing) func(p point) spot {
	sin, cos := math.Sincos(s.angle * math.Pi / 180)
	return func(p point) spot {
		x, y := float64(p.x)/float64(d.perMM)-d.width/2, float64(p.y)/float64(d.perMM)-d.height/2
		return spot{cos*x - sin*y + d.width/2 + margin, sin*x + cos*y + d.height/2 + margin}
	}
}

// scan stamps a drawing on paper and scans it.
func (s scanner) scan(tb testing.TB, d *Drawing) []byte {
	tb.Helper()
	const over = 2
	perMM := s.dpi / 25.4
	width, height := int((d.width+2*margin)*perMM), int((d.height+2*margin)*perMM)
	seal := filled(d, width*over, height*over, perMM*over, s.on(d))
	s.dust(seal, perMM*over)
	ink := softened(halved(seal), s.blur*perMM)
	black := make([]float64, width*height)
	if s.text != "" {
		black = softened(halved(printed(tb, s.text, width*over, height*over, perMM*over)), 0.02*perMM)
	}
	random := rand.New(rand.NewPCG(7, uint64(s.dpi)))
	pressed := cloud(random, width, height, 6*perMM)
	fibres := cloud(random, width, height, max(0.09*perMM, 1))
	light := cloud(random, width, height, 25*perMM)
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			i := y*width + x
			cover := ink[i]
			if s.halftone { // dots of 0.17 mm at 45°
				u, v := (float64(x)+float64(y))/perMM/0.17, (float64(x)-float64(y))/perMM/0.17
				dot := 0.5 + 0.25*(math.Cos(2*math.Pi*u/math.Sqrt2)+math.Cos(2*math.Pi*v/math.Sqrt2))
				cover *= min(max((0.85-dot)*4, 0.15), 1)
			}
			alpha := cover * (1 - s.uneven*pressed[i]) * (1 - s.grain*max(3*fibres[i]-1.6, 0))
			shade := 0.93 + 0.07*light[i]
			unprinted := 1 - 0.88*black[i]
			channel := func(paper, ink uint8) uint8 {
				v := float64(paper) * shade * (1 - alpha + alpha*float64(ink)/255) * unprinted
				return uint8(min(max(v+random.NormFloat64()*s.noise, 0), 255))
			}
			m.SetRGBA(x, y, color.RGBA{channel(s.paper.R, s.ink.R), channel(s.paper.G, s.ink.G), channel(s.paper.B, s.ink.B), 255})
		}
	}
	var b bytes.Buffer
	var err error
	if s.quality > 0 {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: s.quality})
	} else {
		err = png.Encode(&b, m)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// dust strews specks of ink of 0.1 and 0.16 mm over a sheet, on its margins too.
func (s scanner) dust(sheet *image.Alpha, perMM float64) {
	random := rand.New(rand.NewPCG(3, uint64(s.dpi)))
	size := sheet.Rect.Size()
	speck := func(x, y, radius float64) {
		for v := int(y - radius); v <= int(y+radius); v++ {
			for u := int(x - radius); u <= int(x+radius); u++ {
				if math.Hypot(float64(u)-x, float64(v)-y) <= radius {
					sheet.SetAlpha(u, v, color.Alpha{255})
				}
			}
		}
	}
	for range 40 {
		speck(random.Float64()*float64(size.X), random.Float64()*float64(size.Y), 0.05*perMM)
		speck(random.Float64()*float64(size.X), (0.5+random.Float64()*(margin-1.5))*perMM, 0.08*perMM)
	}
}

// filled is what a drawing covers of a sheet.
func filled(d *Drawing, width, height int, perMM float64, on func(point) spot) *image.Alpha {
	raster := vector.NewRasterizer(width, height)
	raster.DrawOp = draw.Src
	place := func(p point) (float32, float32) {
		at := on(p).times(perMM)
		return float32(at.x), float32(at.y)
	}
	for _, s := range d.shape {
		x, y := place(s.to)
		switch s.op {
		case move:
			raster.MoveTo(x, y)
		case line:
			raster.LineTo(x, y)
		case quad:
			cx, cy := place(s.control)
			raster.QuadTo(cx, cy, x, y)
		case shut:
			raster.ClosePath()
		}
	}
	cover := image.NewAlpha(image.Rect(0, 0, width, height))
	raster.Draw(cover, cover.Bounds(), image.Opaque, image.Point{})
	return cover
}

// printed is lines of text, 3.7 mm high, all over a sheet.
func printed(tb testing.TB, text string, width, height int, perMM float64) *image.Alpha {
	tb.Helper()
	list, err := letters(text)
	if err != nil {
		tb.Fatal(err)
	}
	raster := vector.NewRasterizer(width, height)
	raster.DrawOp = draw.Src
	const size = 3.7
	for line, y := 0, 2*size; y < float64(height)/perMM; line, y = line+1, y+1.6*size {
		for i := 0; float64(i+1)*size < float64(width)/perMM; i++ {
			l := list[(i+7*line)%len(list)]
			scale := size / unitsPerEm * perMM
			at := func(p typeface.Point) (float32, float32) {
				return float32(float64(i)*size*perMM + p.X*scale), float32(y*perMM - p.Y*scale)
			}
			for _, s := range l.outline {
				x, y := at(s.To)
				switch s.Op {
				case typeface.MoveTo:
					raster.ClosePath()
					raster.MoveTo(x, y)
				case typeface.LineTo:
					raster.LineTo(x, y)
				case typeface.QuadTo:
					cx, cy := at(s.Control)
					raster.QuadTo(cx, cy, x, y)
				}
			}
			raster.ClosePath()
		}
	}
	cover := image.NewAlpha(image.Rect(0, 0, width, height))
	raster.Draw(cover, cover.Bounds(), image.Opaque, image.Point{})
	return cover
}

func halved(m *image.Alpha) *coverage {
	c := &coverage{width: m.Rect.Dx() / 2, height: m.Rect.Dy() / 2}
	c.ink = make([]float32, c.width*c.height)
	for y := range c.height {
		for x := range c.width {
			i := m.PixOffset(2*x, 2*y)
			c.ink[y*c.width+x] = float32(int(m.Pix[i])+int(m.Pix[i+1])+int(m.Pix[i+m.Stride])+int(m.Pix[i+m.Stride+1])) / 4 / 255
		}
	}
	return c
}

// softened is a Gaussian blur, the sigma in pixels.
func softened(c *coverage, sigma float64) []float64 {
	reach := int(math.Ceil(3 * sigma))
	kernel := make([]float64, 2*reach+1)
	sum := 0.0
	for i := range kernel {
		kernel[i] = math.Exp(-float64((i-reach)*(i-reach)) / (2 * sigma * sigma))
		sum += kernel[i]
	}
	from, to := make([]float64, len(c.ink)), make([]float64, len(c.ink))
	for i, v := range c.ink {
		from[i] = float64(v)
	}
	for _, across := range []bool{true, false} {
		for y := range c.height {
			for x := range c.width {
				v := 0.0
				for i, weight := range kernel {
					if across {
						v += weight * from[y*c.width+min(max(x+i-reach, 0), c.width-1)]
					} else {
						v += weight * from[min(max(y+i-reach, 0), c.height-1)*c.width+x]
					}
				}
				to[y*c.width+x] = v / sum
			}
		}
		from, to = to, from
	}
	return from
}

// cloud is noise from 0 to 1 that changes over so many pixels.
func cloud(random *rand.Rand, width, height int, each float64) []float64 {
	columns := int(float64(width)/each) + 2
	grid := make([]float64, columns*(int(float64(height)/each)+2))
	for i := range grid {
		grid[i] = random.Float64()
	}
	list := make([]float64, width*height)
	for y := range height {
		for x := range width {
			u, v := float64(x)/each, float64(y)/each
			i := int(v)*columns + int(u)
			u, v = u-math.Floor(u), v-math.Floor(v)
			list[y*width+x] = (grid[i]*(1-u)+grid[i+1]*u)*(1-v) + (grid[i+columns]*(1-u)+grid[i+columns+1]*u)*v
		}
	}
	return list
}

// apart is how far the edges of a scanned drawing and of one traced from it are apart: the
// mean, and what one in a hundred places is more, in µm; of the edges of either, the larger.
func (s scanner) apart(original, traced *Drawing) (float64, float64) {
	scanned := edgesOf(original, s.on(original))
	least, most := box(scanned)
	for i, p := range scanned { // a square that lies askew has larger bounds
		scanned[i] = spot{(p.x - least.x) * original.width / (most.x - least.x), (p.y - least.y) * original.height / (most.y - least.y)}
	}
	again := edgesOf(traced, func(p point) spot { return p.spot().times(1 / float64(traced.perMM)) })
	oneMean, oneFar := distances(again, scanned)
	otherMean, otherFar := distances(scanned, again)
	return max(oneMean, otherMean), max(oneFar, otherFar)
}

// edgesOf are places on the edges of what a drawing covers, at a step of 0.02 mm; on is where
// its places lie in millimetres.
func edgesOf(d *Drawing, on func(point) spot) []spot {
	const perMM, air = 50, 1.0 // mm
	size := int(perMM * (max(d.width, d.height) + 2*margin + 2*air))
	moved := func(p point) spot { return on(p).plus(spot{air, air}) }
	cover := filled(d, size, size, perMM, moved)
	c := newCoverage(size, size)
	for y := range size {
		for x := range size {
			c.ink[y*size+x] = float32(cover.AlphaAt(x, y).A) / 255
		}
	}
	contours, _ := c.contours(math.MaxInt)
	var list []spot
	for _, contour := range contours {
		for _, p := range contour {
			list = append(list, p.times(1.0/perMM).minus(spot{air, air}))
		}
	}
	return list
}

// distances are those of places from the nearest of others: the mean, and the 99th of 100.
func distances(from, to []spot) (float64, float64) {
	const cell, rings = 0.1, 20 // mm
	type key struct{ x, y int }
	in := func(p spot) key { return key{int(math.Floor(p.x / cell)), int(math.Floor(p.y / cell))} }
	cells := make(map[key][]spot)
	for _, p := range to {
		cells[in(p)] = append(cells[in(p)], p)
	}
	list := make([]float64, len(from))
	sum := 0.0
	for i, p := range from {
		at, nearest := in(p), rings*cell
		for ring := 0; ring < rings && nearest > cell*float64(ring-1); ring++ {
			for y := at.y - ring; y <= at.y+ring; y++ {
				step := max(2*ring, 1)
				if y == at.y-ring || y == at.y+ring {
					step = 1
				}
				for x := at.x - ring; x <= at.x+ring; x += step {
					for _, q := range cells[key{x, y}] {
						nearest = min(nearest, p.minus(q).length())
					}
				}
			}
		}
		list[i] = 1000 * nearest
		sum += list[i]
	}
	slices.Sort(list)
	return sum / float64(len(list)), list[len(list)*99/100]
}
