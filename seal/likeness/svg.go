package likeness

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"io"
	"strconv"
	"strings"
)

// svg lays out an SVG that consists of filled paths, as package impression writes it.
// Everything else of SVG is refused: a picture that is drawn half would be compared
// half.
func (s *Sheet) svg(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Entity = map[string]string{}
	var fit Matrix
	root, drawn, steps := false, false, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if !drawn {
				return fmt.Errorf("an SVG without a path: %w", ErrNotDrawn)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotDrawn, err)
		}
		element, ok := token.(xml.StartElement)
		if _, isDirective := token.(xml.Directive); isDirective {
			return fmt.Errorf("an SVG with a document type: %w", ErrNotDrawn)
		}
		if !ok {
			continue
		}
		switch name := element.Name.Local; {
		case !root && name == "svg":
			root = true
			if fit, err = s.viewBox(element.Attr); err != nil {
				return err
			}
		case root && (name == "title" || name == "desc"):
		case root && name == "path":
			if err := s.svgPath(element.Attr, fit, &steps); err != nil {
				return err
			}
			drawn = true
		default:
			return fmt.Errorf("an SVG with <%s>: %w", name, ErrNotDrawn)
		}
	}
}

// viewBox maps the SVG's coordinates to the sheet.
func (s *Sheet) viewBox(attributes []xml.Attr) (Matrix, error) {
	var fit Matrix
	found := false
	for _, a := range attributes {
		switch a.Name.Local {
		case "xmlns", "width", "height", "version":
		case "viewBox":
			var n [4]float64
			fields := strings.FieldsFunc(a.Value, func(r rune) bool { return r == ' ' || r == ',' })
			for i := range n {
				v, err := strconv.ParseFloat(at(fields, i), 64)
				if err != nil {
					return Matrix{}, fmt.Errorf("viewBox %q: %w", a.Value, ErrNotDrawn)
				}
				n[i] = v
			}
			if len(fields) != 4 || !(n[2] > 0 && n[3] > 0) {
				return Matrix{}, fmt.Errorf("viewBox %q: %w", a.Value, ErrNotDrawn)
			}
			w, h := s.Size()
			sx, sy := w/n[2], h/n[3]
			fit, found = Matrix{sx, 0, 0, sy, -n[0] * sx, -n[1] * sy}, true
		default:
			return Matrix{}, fmt.Errorf("an SVG with the attribute %s: %w", a.Name.Local, ErrNotDrawn)
		}
	}
	if !found {
		return Matrix{}, fmt.Errorf("an SVG without viewBox: %w", ErrNotDrawn)
	}
	return fit, nil
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func (s *Sheet) svgPath(attributes []xml.Attr, fit Matrix, steps *int) error {
	ink := 1.0 // without a fill it is black
	var p *Path
	for _, a := range attributes {
		var err error
		switch a.Name.Local {
		case "d":
			if p, err = svgOutline(a.Value); err != nil {
				return err
			}
		case "fill":
			if ink, err = hexInk(a.Value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("a path with the attribute %s: %w", a.Name.Local, ErrNotDrawn)
		}
	}
	if p == nil {
		return fmt.Errorf("a path without outline: %w", ErrNotDrawn)
	}
	if *steps += p.Steps(); *steps > MaxSteps {
		return fmt.Errorf("more than %d pieces of outlines: %w", MaxSteps, ErrNotDrawn)
	}
	return s.Fill(p, fit, Everywhere(), ink, false)
}

// hexInk reads a colour of the form #RRGGBB.
func hexInk(text string) (float64, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(text, "#"), 16, 24)
	if err != nil || len(text) != len("#RRGGBB") {
		return 0, fmt.Errorf("fill %q: %w", text, ErrNotDrawn)
	}
	return Ink(color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}), nil
}

// svgOutline reads path data with the commands M L H V C Q Z in both cases (SVG 1.1,
// 8.3).
func svgOutline(data string) (*Path, error) {
	r := &outlineReader{rest: data}
	p := new(Path)
	for {
		r.blanks()
		if r.rest == "" {
			return p, nil
		}
		if c := r.rest[0]; strings.IndexByte("MmLlHhVvCcQqZz", c) >= 0 {
			r.command, r.rest = c, r.rest[1:]
			if c == 'Z' || c == 'z' {
				p.Close()
				r.command = 0
				continue
			}
		}
		if r.command == 0 || len(p.steps) > MaxSteps || len(p.steps) == 0 && r.command != 'M' && r.command != 'm' {
			return nil, fmt.Errorf("path data at %.20q: %w", r.rest, ErrNotDrawn)
		}
		if err := r.piece(p); err != nil {
			return nil, err
		}
	}
}

type outlineReader struct {
	rest    string
	command byte
}

func (r *outlineReader) blanks() { r.rest = strings.TrimLeft(r.rest, " \t\r\n,") }

// piece reads the numbers of one command.
func (r *outlineReader) piece(p *Path) error {
	relative := r.command >= 'a'
	x, y := p.Current()
	if !relative {
		x, y = 0, 0
	}
	count := map[byte]int{'m': 2, 'l': 2, 'h': 1, 'v': 1, 'c': 6, 'q': 4}[r.command|0x20]
	var n [6]float64
	for i := range count {
		v, err := r.number()
		if err != nil {
			return err
		}
		if n[i] = v + x; i%2 == 1 || r.command|0x20 == 'v' {
			n[i] = v + y
		}
	}
	nowX, nowY := p.Current()
	switch r.command | 0x20 {
	case 'm':
		p.Move(n[0], n[1])
		r.command-- // what follows are lines: m and l, M and L are neighbours
	case 'l':
		p.Line(n[0], n[1])
	case 'h':
		p.Line(n[0], nowY)
	case 'v':
		p.Line(nowX, n[0])
	case 'c':
		p.Cubic(n[0], n[1], n[2], n[3], n[4], n[5])
	case 'q':
		p.Quadratic(n[0], n[1], n[2], n[3])
	}
	return nil
}

// number reads a decimal number; a sign may be all that separates two.
func (r *outlineReader) number() (float64, error) {
	r.blanks()
	end, point := 0, false
	for end < len(r.rest) {
		c := r.rest[end]
		if c == '.' && !point {
			point = true
		} else if !(c >= '0' && c <= '9' || (c == '-' || c == '+') && end == 0) {
			break
		}
		end++
	}
	v, err := strconv.ParseFloat(r.rest[:end], 64)
	if err != nil || end > 32 {
		return 0, fmt.Errorf("path data at %.20q: %w", r.rest, ErrNotDrawn)
	}
	r.rest = r.rest[end:]
	return v, nil
}
