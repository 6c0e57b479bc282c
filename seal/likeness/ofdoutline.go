package likeness

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ofdOutline reads AbbreviatedData (GB/T 33190-2016, 9.1): commands and numbers, each
// apart from the next by white space.
func ofdOutline(data string) (*Path, error) {
	r := &ofdNumbers{fields: strings.Fields(data)}
	p := new(Path)
	for len(r.fields) > 0 {
		command := r.fields[0]
		count, known := map[string]int{"S": 2, "M": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}[command]
		if !known || len(p.steps) == 0 && command != "S" && command != "M" {
			return nil, fmt.Errorf("an outline at %.20q: %w", command, ErrNotDrawn)
		}
		r.fields = r.fields[1:]
		n, err := r.numbers(count)
		if err != nil {
			return nil, fmt.Errorf("an outline at %s: %w", command, err)
		}
		switch command {
		case "S", "M":
			p.Move(n[0], n[1])
		case "L":
			p.Line(n[0], n[1])
		case "Q":
			p.Quadratic(n[0], n[1], n[2], n[3])
		case "B":
			p.Cubic(n[0], n[1], n[2], n[3], n[4], n[5])
		case "A":
			if (n[3] != 0 && n[3] != 1) || (n[4] != 0 && n[4] != 1) {
				return nil, fmt.Errorf("an arc with the flags %g and %g: %w", n[3], n[4], ErrNotDrawn)
			}
			p.arc(n[0], n[1], n[2], n[3] == 1, n[4] == 1, n[5], n[6])
		case "C":
			p.Close()
		}
		if len(p.steps) > MaxSteps {
			return nil, fmt.Errorf("more than %d pieces of outlines: %w", MaxSteps, ErrNotDrawn)
		}
	}
	return p, nil
}

type ofdNumbers struct{ fields []string }

func (r *ofdNumbers) numbers(count int) ([]float64, error) {
	if len(r.fields) < count {
		return nil, fmt.Errorf("%d numbers where %d should stand: %w", len(r.fields), count, ErrNotDrawn)
	}
	out := make([]float64, count)
	for i := range out {
		var err error
		if out[i], err = ofdNumber(r.fields[i]); err != nil {
			return nil, err
		}
	}
	r.fields = r.fields[count:]
	return out, nil
}

// ofdNumber reads a decimal number.
func ofdNumber(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > 32 || strings.Trim(text, "+-.0123456789eE") != "" || math.Abs(v) > farthest {
		return 0, fmt.Errorf("%.40q where a number should stand: %w", text, ErrNotDrawn)
	}
	return v, nil
}

// ofdArray reads an array of exactly so many numbers.
func ofdArray(text string, count int) ([]float64, error) {
	r := &ofdNumbers{fields: strings.Fields(text)}
	n, err := r.numbers(count)
	if err == nil && len(r.fields) > 0 {
		err = fmt.Errorf("more than %d numbers in %.40q: %w", count, text, ErrNotDrawn)
	}
	return n, err
}

// arc goes on along an arc of an ellipse whose axis is turned by an angle in degrees: the
// longer way or the shorter one, clockwise (y points down) or against it. Where the ellipse
// is too small it grows until it reaches (SVG 1.1, F.6).
func (p *Path) arc(rx, ry, angle float64, large, clockwise bool, x, y float64) {
	rx, ry = math.Abs(rx), math.Abs(ry)
	fromX, fromY := p.Current()
	if rx == 0 || ry == 0 || fromX == x && fromY == y {
		p.Line(x, y)
		return
	}
	// On the circle of radius 1 that the ellipse was.
	sine, cosine := math.Sincos(angle * math.Pi / 180)
	ellipse := Matrix{rx * cosine, rx * sine, -ry * sine, ry * cosine, 0, 0}
	back, ok := ellipse.inverse()
	if !ok {
		p.Line(x, y)
		return
	}
	from, to := back.place(point{fromX, fromY}), back.place(point{x, y})
	half := to.minus(from).times(0.5)
	radius := max(1, half.length())
	toMiddle := math.Sqrt(max(0, radius*radius-half.length()*half.length())) / half.length()
	if large == clockwise {
		toMiddle = -toMiddle
	}
	middle := from.plus(half).plus(point{-half.y, half.x}.times(toMiddle))
	begin := math.Atan2(from.y-middle.y, from.x-middle.x)
	sweep := math.Atan2(to.y-middle.y, to.x-middle.x) - begin
	if clockwise && sweep < 0 {
		sweep += 2 * math.Pi
	} else if !clockwise && sweep > 0 {
		sweep -= 2 * math.Pi
	}
	pieces := int(math.Ceil(math.Abs(sweep) / (math.Pi / 2) * (1 - 1e-9)))
	step := sweep / float64(max(pieces, 1))
	reach := 4.0 / 3 * math.Tan(step/4) * radius
	for i := range pieces {
		s0, c0 := math.Sincos(begin + float64(i)*step)
		s1, c1 := math.Sincos(begin + float64(i+1)*step)
		a := ellipse.place(middle.plus(point{c0*radius - s0*reach, s0*radius + c0*reach}))
		b := ellipse.place(middle.plus(point{c1*radius + s1*reach, s1*radius - c1*reach}))
		end := ellipse.place(middle.plus(point{c1, s1}.times(radius)))
		if i == pieces-1 {
			end = point{x, y}
		}
		p.Cubic(a.x, a.y, b.x, b.y, end.x, end.y)
	}
}
