package typeset

import (
	"math"
	"strconv"

	"github.com/elicence/elicence/internal/typeface"
)

// A Canvas is a surface to draw on: a page, a form or a fragment. Its measures
// are millimetres from its top left corner.
type Canvas struct {
	width, height float64
	res           *resources
	content       []byte
	fill          Colour // what the operators so far have set
}

// resources are what the content of a document's canvases refers to by name.
type resources struct {
	fonts  []*font
	images []*Image
	forms  []*Canvas
}

// font returns the document's copy of a face. There are two faces or three.
func (r *resources) font(face *typeface.Face) *font {
	for _, f := range r.fonts {
		if f.face == face {
			return f
		}
	}
	f := &font{face: face, name: resourceName('F', len(r.fonts)), codes: make(map[rune]uint16)}
	r.fonts = append(r.fonts, f)
	return f
}

// index returns the place of x in the list and adds it where it is new.
func index[T comparable](list *[]T, x T) int {
	for i, known := range *list {
		if known == x {
			return i
		}
	}
	*list = append(*list, x)
	return len(*list) - 1
}

// x and y turn millimetres from the top left into points from the bottom left.
func (c *Canvas) x(mm float64) float64 { return mm * pointsPerMM }
func (c *Canvas) y(mm float64) float64 { return (c.height - mm) * pointsPerMM }

// operator ends the operands appended so far.
func (c *Canvas) operator(name string) {
	c.content = append(c.content, name...)
	c.content = append(c.content, '\n')
}

func (c *Canvas) numbers(vs ...float64) { c.content = appendNumbers(c.content, vs...) }

func (c *Canvas) setFill(colour Colour) {
	if colour != c.fill {
		c.content = appendColour(c.content, colour)
		c.operator("rg")
		c.fill = colour
	}
}

// Text draws a text on one line; (x, y) is where its baseline begins.
func (c *Canvas) Text(x, y float64, t Text) {
	if t.Empty() {
		return
	}
	c.setFill(t.style.Colour)
	c.operator("BT")
	c.numbers(1, 0, 0, 1, c.x(x), c.y(y))
	c.operator("Tm")
	c.numbers(t.style.Tracking * t.style.Size)
	c.operator("Tc")
	const digits = "0123456789ABCDEF"
	var face *typeface.Face
	var f *font
	for i, g := range t.glyphs {
		if g.Face == nil {
			continue // a line end, in a text that was not broken into lines
		}
		if g.Face != face {
			if face != nil {
				c.operator("> Tj")
			}
			face = g.Face
			f = c.res.font(face)
			c.content = append(append(c.content, '/'), f.name...)
			c.content = append(c.content, ' ')
			c.numbers(t.style.Size)
			c.operator("Tf")
			c.content = append(c.content, '<')
		}
		code := f.code(t.glyphs[i])
		c.content = append(c.content, digits[code>>12], digits[code>>8&15], digits[code>>4&15], digits[code&15])
	}
	if face != nil {
		c.operator("> Tj")
	}
	c.operator("ET")
}

// Fill fills a path by the non-zero winding rule.
func (c *Canvas) Fill(p *Path, colour Colour) {
	if len(p.steps) == 0 {
		return
	}
	c.setFill(colour)
	c.trace(p)
	c.operator("f")
}

// Stroke draws a line of the given width in millimetres along a path, with round
// joins.
func (c *Canvas) Stroke(p *Path, width float64, colour Colour) {
	if len(p.steps) == 0 {
		return
	}
	c.operator("q")
	c.content = appendColour(c.content, colour)
	c.operator("RG 1 j")
	c.numbers(width * pointsPerMM)
	c.operator("w")
	c.trace(p)
	c.operator("S")
	c.operator("Q")
}

func (c *Canvas) trace(p *Path) {
	points := p.points
	for _, step := range p.steps {
		n := step.operands()
		for i := 0; i < n; i += 2 {
			c.numbers(c.x(points[i]), c.y(points[i+1]))
		}
		c.operator(string(rune(step)))
		points = points[n:]
	}
}

// Image draws a picture into a box whose top left corner is (x, y), stretched to
// the box.
func (c *Canvas) Image(x, y, width, height float64, image *Image) {
	c.operator("q")
	c.numbers(c.x(width), 0, 0, c.x(height), c.x(x), c.y(y+height))
	c.operator("cm")
	c.content = append(c.content, image.placement()...)
	c.operator("/" + resourceName('I', index(&c.res.images, image)) + " Do")
	c.operator("Q")
}

// Draw places a form with its top left corner at (x, y). The form may be drawn on
// after that; it is written once, when the document is.
func (c *Canvas) Draw(x, y float64, form *Canvas) {
	c.operator("q")
	c.numbers(1, 0, 0, 1, c.x(x), c.y(y+form.height))
	c.operator("cm")
	c.operator("/" + resourceName('X', index(&c.res.forms, form)) + " Do")
	c.operator("Q")
}

// DrawTurned places a form with its middle at (x, y), turned clockwise by the
// given degrees.
func (c *Canvas) DrawTurned(x, y, degrees float64, form *Canvas) {
	sin, cos := math.Sincos(-degrees * math.Pi / 180)
	halfWidth, halfHeight := c.x(form.width)/2, c.x(form.height)/2
	c.operator("q")
	for _, v := range []float64{cos, sin, -sin, cos} { // two decimals would be too coarse
		c.content = append(strconv.AppendFloat(c.content, math.Round(v*1e5)/1e5, 'f', -1, 64), ' ')
	}
	c.numbers(c.x(x)-cos*halfWidth+sin*halfHeight, c.y(y)-sin*halfWidth-cos*halfHeight)
	c.operator("cm")
	c.operator("/" + resourceName('X', index(&c.res.forms, form)) + " Do")
	c.operator("Q")
}

// Operators places content operators that somebody else wrote, in points with y
// upwards, such as a seal's: their origin comes to (x, y). They must be balanced
// and use no resources.
func (c *Canvas) Operators(x, y float64, operators []byte) {
	c.operator("q")
	c.numbers(1, 0, 0, 1, c.x(x), c.y(y))
	c.operator("cm")
	c.content = append(c.content, operators...)
	c.operator("")
	c.operator("Q")
}
