package render

import (
	"math"

	"github.com/elicence/elicence/internal/typeset"
)

// The page, A4, in millimetres.
const (
	pageWidth  = 210.0
	pageHeight = 297.0
)

// The guilloche band runs around the page; its middle line is a rectangle whose
// sides are whole numbers of waves.
const (
	bandX, bandY = 13.0, 14.0 // from the edges of the page to the middle of the band
	bandHalf     = 3.2
	wave         = 5.0
	cornerHalf   = 7.0 // half the side of a corner, where the rosettes are
)

// curve adds a smooth line through f(from) … f(to), which is given with its
// direction, in so many pieces.
func curve(p *typeset.Path, f func(t float64) (x, y, dx, dy float64), from, to float64, pieces int) {
	step := (to - from) / float64(pieces)
	x, y, dx, dy := f(from)
	p.Move(x, y)
	for i := range pieces {
		nx, ny, ndx, ndy := f(from + float64(i+1)*step)
		p.Curve(x+dx*step/3, y+dy*step/3, nx-ndx*step/3, ny-ndy*step/3, nx, ny)
		x, y, dx, dy = nx, ny, ndx, ndy
	}
}

// waveTile is one wave of the band: strands of two widths, moved against each
// other.
func waveTile(doc *typeset.Document, colour typeset.Colour) *typeset.Canvas {
	tile := doc.Form(wave, 2*bandHalf)
	for _, strand := range []struct{ height, phase float64 }{
		{1, 0}, {1, 0.25}, {1, 0.5}, {1, 0.75}, {0.55, 0.125}, {0.55, 0.625},
	} {
		path := &typeset.Path{}
		k := 2 * math.Pi / wave
		high := (bandHalf - 0.35) * strand.height
		curve(path, func(x float64) (float64, float64, float64, float64) {
			sin, cos := math.Sincos(k * (x + strand.phase*wave))
			return x, bandHalf + high*sin, 1, high * k * cos
		}, 0, wave, 4)
		tile.Stroke(path, 0.14, colour)
	}
	return tile
}

// petals adds a closed rosette: a circle whose radius swings so many times.
func petals(p *typeset.Path, cx, cy, radius, swing float64, count int, phase float64) {
	n := float64(count)
	curve(p, func(a float64) (float64, float64, float64, float64) {
		r := radius + swing*math.Cos(n*a+phase)
		dr := -swing * n * math.Sin(n*a+phase)
		sin, cos := math.Sincos(a)
		return cx + r*cos, cy + r*sin, dr*cos - r*sin, dr*sin + r*cos
	}, 0, 2*math.Pi, 4*count)
	p.Close()
}

// cornerTile is the rosette where two bands meet.
func cornerTile(doc *typeset.Document, s skin) *typeset.Canvas {
	const middle = cornerHalf
	tile := doc.Form(2*middle, 2*middle)
	for i := range 4 {
		path := &typeset.Path{}
		petals(path, middle, middle, 3.6, 2.1, 12, float64(i)*math.Pi/2)
		tile.Stroke(path, 0.13, s.pale)
	}
	ring := &typeset.Path{}
	ring.Circle(middle, middle, 6.2)
	ring.Circle(middle, middle, 1.1)
	tile.Stroke(ring, 0.3, s.dark)
	return tile
}

// drawFrame draws the frame of a certificate.
func drawFrame(c *typeset.Canvas, doc *typeset.Document, s skin) {
	lines := &typeset.Path{}
	for _, line := range []struct{ away float64 }{{-bandHalf - 0.5}, {bandHalf + 0.5}} {
		lines.Rect(bandX-line.away, bandY-line.away, pageWidth-2*(bandX-line.away), pageHeight-2*(bandY-line.away))
	}
	c.Stroke(lines, 0.35, s.dark)
	fine := &typeset.Path{}
	inner := bandHalf + 1.6
	fine.Rect(bandX+inner, bandY+inner, pageWidth-2*(bandX+inner), pageHeight-2*(bandY+inner))
	c.Stroke(fine, 0.12, s.dark)

	tile := waveTile(doc, s.pale)
	for x := bandX + cornerHalf + wave/2; x < pageWidth-bandX-cornerHalf; x += wave {
		c.DrawTurned(x, bandY, 0, tile)
		c.DrawTurned(x, pageHeight-bandY, 180, tile)
	}
	for y := bandY + cornerHalf + wave/2; y < pageHeight-bandY-cornerHalf; y += wave {
		c.DrawTurned(bandX, y, 270, tile)
		c.DrawTurned(pageWidth-bandX, y, 90, tile)
	}
	corner := cornerTile(doc, s)
	for _, x := range []float64{bandX, pageWidth - bandX} {
		for _, y := range []float64{bandY, pageHeight - bandY} {
			blank := &typeset.Path{}
			blank.Circle(x, y, 6.2)
			c.Fill(blank, 0xFFFFFF)
			c.DrawTurned(x, y, 0, corner)
		}
	}
}

// drawWatermark draws the large pale rosette behind the fields.
func drawWatermark(c *typeset.Canvas, doc *typeset.Document, s skin, x, y float64) {
	const radius = 58.0
	const turns = 6
	leaf := doc.Form(2*radius, 2*radius)
	for _, ring := range []struct {
		radius, swing float64
		count         int
	}{{43, 14, 24}, {25, 12, 24}, {9, 7.5, 12}} {
		path := &typeset.Path{}
		petals(path, radius, radius, ring.radius, ring.swing, ring.count, 0)
		leaf.Stroke(path, 0.18, s.wash)
	}
	for i := range turns {
		c.DrawTurned(x, y, float64(i)*360/48/turns*2, leaf)
	}
}
