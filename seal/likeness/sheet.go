package likeness

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
)

// ErrNotDrawn says that a picture uses what is not laid out here.
var ErrNotDrawn = errors.New("the picture cannot be laid out for a comparison")

// Limits of one picture.
const (
	// MaxPixels bounds a pixel picture, checked on its header.
	MaxPixels = 25_000_000
	// MaxSteps bounds the pieces of outlines of one picture, and MaxFills how often
	// ink is put down.
	MaxSteps = 1 << 20
	MaxFills = 400
	// MaxMM bounds width and height of a picture in millimetres.
	MaxMM = 120
)

// perMM is how many cells a millimetre of paper has: 152 dpi, where the strokes of the
// smallest characters of a seal are two cells wide.
const perMM = 6

// A Matrix maps (x, y) to (a·x + c·y + e, b·x + d·y + f), in the order of PDF:
// a b c d e f (ISO 32000-1, 8.3.3).
type Matrix [6]float64

// Identity leaves everything where it is.
func Identity() Matrix { return Matrix{1, 0, 0, 1, 0, 0} }

// Then is the map that applies m first and n to what comes out.
func (m Matrix) Then(n Matrix) Matrix {
	return Matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// Apply maps one point.
func (m Matrix) Apply(x, y float64) (float64, float64) {
	return m[0]*x + m[2]*y + m[4], m[1]*x + m[3]*y + m[5]
}

// inverse is the way back; false where there is none.
func (m Matrix) inverse() (Matrix, bool) {
	det := m[0]*m[3] - m[1]*m[2]
	if math.Abs(det) < 1e-12 || math.IsNaN(det) || math.IsInf(det, 0) {
		return Matrix{}, false
	}
	return Matrix{
		m[3] / det, -m[1] / det, -m[2] / det, m[0] / det,
		(m[2]*m[5] - m[3]*m[4]) / det, (m[1]*m[4] - m[0]*m[5]) / det,
	}, true
}

// A Sheet is a piece of paper in cells, each with its ink from 0 to 1. Coordinates are
// millimetres from its top left corner, y downwards.
type Sheet struct {
	width, height int // in cells
	ink           []float32
	fills         int
	x, y          int  // where it was cut out of another one
	crossings     int  // of outlines with scan lines so far
	shone         bool // ink lies below light paint that lets it shine through
	worn          []wear
	wornOut       int  // cells of which more ink was taken than one paint covers
	pixels        int  // of pictures that are denser than the sheet, so far
	mask          mask // of what is put now
	clipped       bool // and it kept ink off
}

// NewSheet returns an empty sheet of a size in millimetres, or [ErrNotDrawn] where it
// is empty or larger than [MaxMM].
func NewSheet(widthMM, heightMM float64) (*Sheet, error) {
	if !(widthMM >= 0.5 && widthMM <= MaxMM && heightMM >= 0.5 && heightMM <= MaxMM) { // NaN fails too
		return nil, fmt.Errorf("%.1f × %.1f mm: %w", widthMM, heightMM, ErrNotDrawn)
	}
	w, h := int(math.Round(widthMM*perMM)), int(math.Round(heightMM*perMM))
	return &Sheet{width: w, height: h, ink: make([]float32, w*h)}, nil
}

// Size returns the sheet's size in millimetres.
func (s *Sheet) Size() (float64, float64) { return float64(s.width) / perMM, float64(s.height) / perMM }

// Empty reports that there is no ink on the sheet.
func (s *Sheet) Empty() bool {
	for _, v := range s.ink {
		if v > 0.1 {
			return false
		}
	}
	return true
}

// Ink is how far a colour is from white paper: 0 for white, 1 for red, blue or black.
func Ink(c color.Color) float64 {
	ink, opacity := shade(c)
	return ink * opacity
}

// shade is the ink of a colour where it hides all, and how much it hides.
func shade(c color.Color) (ink, opacity float64) {
	n, ok := color.NRGBAModel.Convert(c).(color.NRGBA)
	if !ok {
		return 0, 0
	}
	return float64(255-min(n.R, n.G, n.B)) / 255, float64(n.A) / 255
}

// Fill puts ink inside a path, by the non-zero winding rule, and where clip, in
// millimetres, lets it. Ink of 0 is white paint. Paint that lets shine through what is below it
// takes no ink away, and must not be much lighter: readers show that ink, more or less.
func (s *Sheet) Fill(p *Path, m Matrix, clip Box, ink float64, through bool) error {
	outlines, err := p.on(m)
	if err != nil {
		return err
	}
	return s.fillLines(outlines, false, clip, ink, through)
}

func (s *Sheet) put(x, y int, cover, ink float32, through bool) {
	cell := &s.ink[y*s.width+x]
	if s.mask != nil {
		let := s.mask[y*s.width+x]
		s.clipped = s.clipped || (1-let)*cover*float32(math.Abs(float64(ink-*cell))) > tolerated
		cover *= let
	}
	if through {
		// What is below stays, or a little at a time would take it away; and layers add up as where they are multiplied,
		// which is the darkest that a reader shows.
		s.shone = s.shone || cover*(*cell-ink) > tolerated
		*cell += cover * ink * (1 - *cell)
		return
	}
	before := *cell
	*cell += cover * (ink - *cell)
	s.wear(y*s.width+x, before, cover)
}

// covered is how much of a cell paint covers that covers a part of it without the clip. Ink is taken away only where
// the clip truly lets it.
func (s *Sheet) covered(x, y int, part, ink float32, clip Box) float32 {
	if ink >= s.ink[y*s.width+x] {
		return part
	}
	across := min(clip.X1*perMM, float64(x+1)) - max(clip.X0*perMM, float64(x))
	down := min(clip.Y1*perMM, float64(y+1)) - max(clip.Y0*perMM, float64(y))
	return part * float32(max(across, 0)*max(down, 0))
}

// A wear is what light paint took of a cell since paint last covered all of it.
type wear struct {
	from, most float32 // the ink that there was, and the largest part of the cell that one paint covered
	out        bool
}

// maxWornOut is how many cells may lose more ink than one paint covers: shapes that meet in a cell do that.
const maxWornOut = perMM * perMM

// wear notes what paint over a part of a cell took of its ink. Paint after paint at one place, the sheet has less and
// less of it, and a reader goes on showing what none of them covers.
func (s *Sheet) wear(at int, before, cover float32) {
	const all = 0.98
	now := s.ink[at]
	if s.worn == nil {
		if cover >= all || now >= before {
			return
		}
		s.worn = make([]wear, len(s.ink))
	}
	w := &s.worn[at]
	switch {
	case cover >= all:
		*w = wear{out: w.out}
		return
	case w.most == 0:
		w.from = before
	}
	if now < before {
		w.most = max(w.most, cover)
	}
	w.from = max(w.from, now)
	if !w.out && w.from*(1-w.most)-now > tolerated {
		w.out = true
		s.wornOut++
	}
}

// hidesAll refuses light paint over ink that shines through it, or stands out beside it.
func (s *Sheet) hidesAll() error {
	if s.wornOut > maxWornOut {
		return fmt.Errorf("light paint over small parts of ink, again and again: %w", ErrNotDrawn)
	}
	if s.shone {
		return fmt.Errorf("light paint over ink that shines through it: %w", ErrNotDrawn)
	}
	return nil
}

// within is the part of the sheet inside a box: the cells with their middle in it.
func (s *Sheet) within(clip Box) image.Rectangle {
	cell := func(mm float64, limit int) int {
		return int(math.Round(min(max(mm*perMM, 0), float64(limit))))
	}
	return image.Rect(cell(clip.X0, s.width), cell(clip.Y0, s.height), cell(clip.X1, s.width), cell(clip.Y1, s.height))
}

// samples is how many points of a cell are looked up in a pixel picture, along each
// side.
const samples = 3

// Image puts a picture where m maps the unit square to, with the picture's first row at
// y = 1 as PDF has it (ISO 32000-1, 8.9.5). Where the picture is transparent what is below it
// stays; through is as of [Sheet.Fill].
func (s *Sheet) Image(picture image.Image, m Matrix, clip Box, through bool) error {
	if s.fills++; s.fills > MaxFills {
		return fmt.Errorf("more than %d fills: %w", MaxFills, ErrNotDrawn)
	}
	back, ok := m.inverse()
	if !ok {
		return nil // no area
	}
	shades, err := s.shades(picture, back)
	if err != nil {
		return err
	}
	area := s.within(clip)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			var sum, cover float64
			for i := range samples * samples {
				u, v := back.Apply((float64(x)+(float64(i%samples)+0.5)/samples)/perMM, (float64(y)+(float64(i/samples)+0.5)/samples)/perMM)
				if u < 0 || u >= 1 || v <= 0 || v > 1 {
					continue
				}
				ink, opacity := shades(u, v)
				sum += ink
				cover += opacity
			}
			if cover > 0 {
				ink := float32(sum / cover)
				s.put(x, y, s.covered(x, y, float32(cover/(samples*samples)), ink, clip), ink, through)
			}
		}
	}
	return s.hidesAll()
}

// shades returns what finds the ink and the opacity of a picture at a point of the unit square: the ink on paper. Where more
// pixels than one come to a sample it is the mean of them, for a reader shows them all, and what stands at the samples
// alone may be another picture.
func (s *Sheet) shades(picture image.Image, back Matrix) (func(u, v float64) (ink, opacity float64), error) {
	bounds := picture.Bounds()
	w, h := bounds.Dx(), bounds.Dy()
	place := func(u, v float64) (int, int) { return int(u * float64(w)), min(int((1-v)*float64(h)), h-1) }
	at := func(x, y int) (float64, float64) {
		ink, opacity := shade(picture.At(bounds.Min.X+x, bounds.Min.Y+y))
		return ink * opacity, opacity
	}
	dense := func(a, b float64, pixels int) int {
		return int(min(max(math.Ceil((math.Abs(a)+math.Abs(b))*float64(pixels)/(perMM*samples)-1e-6), 1), float64(pixels)))
	}
	kx, ky := dense(back[0], back[2], w), dense(back[1], back[3], h)
	if kx == 1 && ky == 1 {
		return func(u, v float64) (float64, float64) { return at(place(u, v)) }, nil
	}
	if s.pixels += w * h; s.pixels > MaxPixels {
		return nil, fmt.Errorf("pictures of more than %d pixels: %w", MaxPixels, ErrNotDrawn)
	}
	stride := (w + kx - 1) / kx
	type mean struct{ ink, opacity, n float32 }
	means := make([]mean, stride*((h+ky-1)/ky))
	for y := range h {
		row := means[y/ky*stride:][:stride]
		for x := range w {
			ink, opacity := at(x, y)
			m := &row[x/kx]
			m.ink, m.opacity, m.n = m.ink+float32(ink), m.opacity+float32(opacity), m.n+1
		}
	}
	return func(u, v float64) (float64, float64) {
		x, y := place(u, v)
		m := means[y/ky*stride+x/kx]
		return float64(m.ink / m.n), float64(m.opacity / m.n)
	}, nil
}

// Turned returns the sheet turned clockwise by 0, 90, 180 or 270 degrees.
func (s *Sheet) Turned(degrees int) *Sheet {
	out := s
	for range ((degrees/90)%4 + 4) % 4 {
		next := &Sheet{width: out.height, height: out.width, ink: make([]float32, len(out.ink))}
		for y := range out.height {
			for x := range out.width {
				next.ink[x*next.width+out.height-1-y] = out.ink[y*out.width+x]
			}
		}
		out = next
	}
	return out
}

// Cut returns an empty sheet for the part of s inside a box, cell on cell, and the map from
// places on s to places on it; nil where the box has the middle of no cell. [Sheet.Paste]
// puts it back.
func (s *Sheet) Cut(b Box) (*Sheet, Matrix) {
	area := s.within(b)
	if area.Empty() {
		return nil, Identity()
	}
	out := &Sheet{width: area.Dx(), height: area.Dy(), ink: make([]float32, area.Dx()*area.Dy()), x: area.Min.X, y: area.Min.Y}
	return out, Matrix{1, 0, 0, 1, -float64(out.x) / perMM, -float64(out.y) / perMM}
}

// Paste puts a part that was cut out back to its place.
func (s *Sheet) Paste(part *Sheet) {
	for y := range part.height {
		copy(s.ink[(part.y+y)*s.width+part.x:], part.ink[y*part.width:(y+1)*part.width])
	}
}

// A Box is a rectangle in millimetres, X0 ≤ X1 and Y0 ≤ Y1.
type Box struct {
	X0, Y0, X1, Y1 float64
}

// Everywhere is a box that clips nothing.
func Everywhere() Box { return Box{-1e9, -1e9, 1e9, 1e9} }

// Intersect is what two boxes share; it may be empty.
func (b Box) Intersect(c Box) Box {
	out := Box{max(b.X0, c.X0), max(b.Y0, c.Y0), min(b.X1, c.X1), min(b.Y1, c.Y1)}
	out.X1, out.Y1 = max(out.X0, out.X1), max(out.Y0, out.Y1)
	return out
}
