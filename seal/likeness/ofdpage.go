package likeness

import (
	"errors"
	"fmt"
	"image/color"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/typeface"
	"github.com/elicence/elicence/seal/ofd/archive"
)

// An ofdPainter lays out the objects of one page.
type ofdPainter struct {
	*ofdPackage
	sheet   *Sheet
	area    Box    // the page
	toSheet Matrix // millimetres of the page to millimetres of the sheet
	frame   ofdFrame
	bounds  []Box // of the groups around
	units   int   // objects so far, with their parts
	groups  int   // uses of groups
	glyphs  int   // characters
	steps   int   // pieces of outlines so far
	images  int   // and images, with so many pixels
	pixels  int
	faces   map[string]*typeface.Program // by their files
}

// draw lays out layers, the lowest first.
func (o *ofdPackage) draw(s *Sheet, area Box, layers []*archive.Node) error {
	w, h := s.Size()
	sx, sy := w/(area.X1-area.X0), h/(area.Y1-area.Y0)
	p := &ofdPainter{ofdPackage: o, sheet: s, area: area, toSheet: Matrix{sx, 0, 0, sy, -area.X0 * sx, -area.Y0 * sy}}
	for _, layer := range layers {
		if err := onlyAttributes(layer, "ID", "Type", "DrawParam"); err != nil {
			return err
		}
		style, err := p.style(ofdStyle{pen: ofdPen()}, layer, 0)
		if err != nil {
			return err
		}
		if err := p.block(layer, style, 0); err != nil {
			return err
		}
	}
	if p.units == 0 {
		return fmt.Errorf("an OFD picture without content: %w", ErrNotDrawn)
	}
	return nil
}

// block lays out the objects of a layer or of a block in it.
func (p *ofdPainter) block(n *archive.Node, style ofdStyle, depth int) error {
	if depth > maxOFDDepth {
		return fmt.Errorf("blocks more than %d deep: %w", maxOFDDepth, ErrNotDrawn)
	}
	for _, c := range n.Children {
		if err := p.count(c); err != nil {
			return err
		}
		var err error
		switch c.Name {
		case "PageBlock":
			if err = onlyAttributes(c, "ID"); err == nil {
				err = p.block(c, style, depth+1)
			}
		case "PathObject":
			err = p.path(c, style)
		case "ImageObject":
			err = p.image(c)
		case "TextObject":
			err = p.text(c, style)
		case "CompositeObject":
			err = p.composite(c, style, depth)
		default:
			err = fmt.Errorf("an OFD page with <%s>: %w", c.Name, ErrNotDrawn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// count counts an element and its parts, each time that it is laid out.
func (p *ofdPainter) count(n *archive.Node) error {
	if p.units += 1 + len(n.Children); p.units > maxOFDUnits {
		return fmt.Errorf("more than %d objects: %w", maxOFDUnits, ErrNotDrawn)
	}
	return nil
}

// An ofdUnit is what every object has (GB/T 33190-2016, 8.5).
type ofdUnit struct {
	boundary Box    // on the page
	toPage   Matrix // from the object's own coordinates
	origin   Matrix // from those of its boundary, without its own map
	moved    bool   // it has a map of its own
	through  bool   // what lies below it shines through
}

// unit reads what every object has. Attributes of its own kind come in addition.
func (p *ofdPainter) unit(n *archive.Node, attributes ...string) (ofdUnit, error) {
	common := []string{"ID", "Boundary", "Name", "Visible", "CTM", "DrawParam", "LineWidth", "Cap", "Join", "MiterLimit", "DashOffset", "DashPattern", "Alpha"}
	if err := onlyAttributes(n, append(common, attributes...)...); err != nil {
		return ofdUnit{}, err
	}
	if v := n.Attrs["Visible"]; v != "" && v != "true" {
		return ofdUnit{}, fmt.Errorf("an object that is hidden: %w", ErrNotDrawn)
	}
	var u ofdUnit
	var err error
	if u.through, err = translucent(n); err != nil {
		return ofdUnit{}, err
	}
	if u.boundary, err = ofdBox(n.Attrs["Boundary"]); err != nil {
		return ofdUnit{}, err
	}
	u.toPage = Identity()
	if text, ok := n.Attrs["CTM"]; ok {
		m, err := ofdArray(text, 6)
		if err != nil {
			return ofdUnit{}, err
		}
		u.toPage, u.moved = Matrix(m), true
	}
	u.origin = Matrix{1, 0, 0, 1, u.boundary.X0, u.boundary.Y0}
	if p.frame.inside {
		u.origin = u.origin.Then(p.frame.toPage)
		u.boundary = p.frame.toPage.box(u.boundary)
		u.through = u.through || p.frame.through
	}
	u.toPage = u.toPage.Then(u.origin)
	return u, nil
}

// translucent reports that what lies below shines through, and refuses what is nearly
// transparent. Opacity else changes no shape where nothing lies below.
func translucent(n *archive.Node) (bool, error) {
	const least = 77 // of 255
	text, ok := n.Attrs["Alpha"]
	if !ok {
		return false, nil
	}
	alpha, err := strconv.Atoi(text)
	if err != nil || alpha < least || alpha > 255 {
		return false, fmt.Errorf("a drawing that is nearly transparent, of opacity %.20q: %w", text, ErrNotDrawn)
	}
	return alpha < 255, nil
}

// within refuses what reaches over its boundary: the standard cuts it off there, and not
// every reader does. At the page's edge all do.
func (p *ofdPainter) within(boundary Box, outlines [][]point) error {
	const slack = 1.0 / perMM
	b, ok := around(outlines)
	if !ok {
		return nil
	}
	b = b.Intersect(p.area)
	cut := boundary.Intersect(p.area)
	for _, around := range p.bounds {
		cut = cut.Intersect(around)
	}
	if b.X1 <= b.X0 || b.Y1 <= b.Y0 {
		return nil
	}
	if b.X0 < cut.X0-slack || b.Y0 < cut.Y0-slack || b.X1 > cut.X1+slack || b.Y1 > cut.Y1+slack {
		return fmt.Errorf("an object that reaches over its boundary: %w", ErrNotDrawn)
	}
	return nil
}

// put fills outlines in millimetres of the page.
func (p *ofdPainter) put(u ofdUnit, outlines [][]point, evenOdd bool, colour ofdColour) error {
	for _, line := range outlines {
		p.steps += len(line)
	}
	if p.steps > MaxSteps {
		return fmt.Errorf("more than %d pieces of outlines: %w", MaxSteps, ErrNotDrawn)
	}
	if err := p.within(u.boundary, outlines); err != nil {
		return err
	}
	for i, line := range outlines {
		outlines[i] = p.toSheet.each(line)
	}
	return p.sheet.fillLines(outlines, evenOdd, Everywhere(), colour.ink, u.through || colour.through)
}

// path lays out a path (GB/T 33190-2016, 9.1).
func (p *ofdPainter) path(n *archive.Node, style ofdStyle) error {
	u, err := p.unit(n, "Stroke", "Fill", "Rule")
	if err != nil {
		return err
	}
	if err := onlyChildren(n, "Actions", "Clips", "FillColor", "StrokeColor", "AbbreviatedData"); err != nil {
		return err
	}
	return p.clipped(n, u, func() error { return p.outline(n, u, style) })
}

// outline fills a path, or draws it as a line, or both.
func (p *ofdPainter) outline(n *archive.Node, u ofdUnit, style ofdStyle) error {
	stroke, err := truth(n, "Stroke", true)
	if err != nil {
		return err
	}
	fill, err := truth(n, "Fill", false)
	if err != nil {
		return err
	}
	rule := n.Attrs["Rule"]
	if rule != "" && rule != "NonZero" && rule != "Even-Odd" {
		return fmt.Errorf("a path with the rule %.20q: %w", rule, ErrNotDrawn)
	}
	if style, err = p.style(style, n, 0); err != nil {
		return err
	}
	data, err := n.Need("AbbreviatedData")
	if err != nil {
		return err
	}
	outline, err := ofdOutline(data.Value())
	if err != nil {
		return err
	}
	const off = 0.01 // mm
	scale := u.toPage.grows()
	if !(scale > 0) {
		return nil // no area
	}
	lines, err := outline.straight(off / scale)
	if err != nil {
		return err
	}
	if !style.stroke.set {
		style.stroke.ink = 1 // black
	}
	switch {
	case fill && !style.fill.set:
		return fmt.Errorf("a path that is filled with no colour: %w", ErrNotDrawn)
	case fill && stroke && (style.fill.ink < 0.1) != (style.stroke.ink < 0.1):
		return fmt.Errorf("a white path with an outline, of which readers draw either first: %w", ErrNotDrawn)
	}
	if fill {
		if err := p.put(u, placed(lines, u.toPage), rule == "Even-Odd", style.fill); err != nil {
			return err
		}
	}
	if !stroke {
		return nil
	}
	if style.dashed {
		return fmt.Errorf("a dashed line: %w", ErrNotDrawn)
	}
	outlines, err := style.pen.strokes(lines, off/scale)
	if err != nil {
		return err
	}
	for i, line := range outlines {
		outlines[i] = u.toPage.each(line)
	}
	return p.put(u, outlines, false, style.stroke)
}

func placed(lines []polyline, m Matrix) [][]point {
	out := make([][]point, len(lines))
	for i, line := range lines {
		out[i] = m.each(line.points)
	}
	return out
}

// image lays out a picture (GB/T 33190-2016, 10): the unit square, its first row at the top,
// goes where the map puts it.
func (p *ofdPainter) image(n *archive.Node) error {
	u, err := p.unit(n, "ResourceID")
	if err != nil {
		return err
	}
	if err := onlyChildren(n, "Actions", "Clips"); err != nil {
		return err
	}
	if !u.moved {
		return fmt.Errorf("an image without a map: %w", ErrNotDrawn)
	}
	file := p.resources.images[n.Attrs["ResourceID"]]
	if file == "" {
		return fmt.Errorf("the image %.20q is missing: %w", n.Attrs["ResourceID"], ErrNotDrawn)
	}
	data, err := p.content(file)
	if err != nil {
		return err
	}
	if p.images++; p.images > maxOFDImages {
		return fmt.Errorf("more than %d images: %w", maxOFDImages, ErrNotDrawn)
	}
	picture, err := decode(data, MaxPixels-p.pixels)
	if err != nil {
		return err
	}
	p.pixels += picture.Bounds().Dx() * picture.Bounds().Dy()
	if err := p.within(u.boundary, [][]point{u.toPage.each([]point{{0, 0}, {1, 0}, {1, 1}, {0, 1}})}); err != nil {
		return err
	}
	return p.clipped(n, u, func() error {
		return p.sheet.Image(picture, Matrix{1, 0, 0, -1, 0, 1}.Then(u.toPage).Then(p.toSheet), Everywhere(), u.through)
	})
}

// truth reads an attribute that is true or false.
func truth(n *archive.Node, name string, without bool) (bool, error) {
	switch text := n.Attrs[name]; text {
	case "":
		return without, nil
	case "true", "false":
		return text == "true", nil
	default:
		return false, fmt.Errorf("%s is %.20q: %w", name, text, ErrNotDrawn)
	}
}

// An ofdStyle is how lines and areas are drawn.
type ofdStyle struct {
	pen          pen
	dashed       bool
	fill, stroke ofdColour
}

type ofdColour struct {
	set     bool
	ink     float64
	through bool // what lies below shines through
}

// ofdPen is the pen of those who name none (GB/T 33190-2016, 8.2).
func ofdPen() pen { return pen{width: 0.353, cap: "Butt", join: "Miter", miter: 3.528} }

// style is a style with what an element changes of it: the drawing parameters that it names,
// then what it says itself.
func (p *ofdPainter) style(s ofdStyle, n *archive.Node, depth int) (ofdStyle, error) {
	for _, name := range []string{"DrawParam", "Relative"} {
		id, ok := n.Attrs[name]
		if !ok {
			continue
		}
		param := p.resources.params[id]
		if param == nil || depth > maxOFDDepth {
			return s, fmt.Errorf("the drawing parameters %.20q are missing, or rest on themselves: %w", id, ErrNotDrawn)
		}
		if err := p.count(param); err != nil {
			return s, err
		}
		var err error
		if s, err = p.style(s, param, depth+1); err != nil {
			return s, err
		}
	}
	for name, into := range map[string]*float64{"LineWidth": &s.pen.width, "MiterLimit": &s.pen.miter} {
		text, ok := n.Attrs[name]
		if !ok {
			continue
		}
		v, err := ofdNumber(text)
		if err != nil || v <= 0 {
			return s, errors.Join(err, fmt.Errorf("%s is %.20q: %w", name, text, ErrNotDrawn))
		}
		*into = v
	}
	for name, into := range map[string]*string{"Cap": &s.pen.cap, "Join": &s.pen.join} {
		if text, ok := n.Attrs[name]; ok {
			*into = text
		}
	}
	if !strings.Contains(" Butt Round Square ", " "+s.pen.cap+" ") || !strings.Contains(" Miter Round Bevel ", " "+s.pen.join+" ") {
		return s, fmt.Errorf("a line with the ends %.20q and corners %.20q: %w", s.pen.cap, s.pen.join, ErrNotDrawn)
	}
	if text, ok := n.Attrs["DashPattern"]; ok {
		s.dashed = strings.TrimSpace(text) != ""
	}
	for name, into := range map[string]*ofdColour{"FillColor": &s.fill, "StrokeColor": &s.stroke} {
		c, err := n.One(name)
		if err != nil {
			return s, err
		}
		if c == nil {
			continue
		}
		if into.ink, err = p.colour(c); err != nil {
			return s, err
		}
		if into.through, err = translucent(c); err != nil {
			return s, err
		}
		into.set = true
	}
	return s, nil
}

// colour is the ink of a colour (GB/T 33190-2016, 8.3).
func (p *ofdPainter) colour(n *archive.Node) (float64, error) {
	if err := onlyAttributes(n, "Value", "ColorSpace", "Alpha"); err != nil {
		return 0, err
	}
	if err := onlyChildren(n); err != nil { // patterns and shadings
		return 0, err
	}
	kind := "RGB"
	if id, ok := n.Attrs["ColorSpace"]; ok {
		space := p.resources.spaces[id]
		if space == nil || len(space.Children) > 0 || onlyAttributes(space, "ID", "Type", "BitsPerComponent") != nil {
			return 0, fmt.Errorf("the colour space %.20q: %w", id, ErrNotDrawn)
		}
		if bits := space.Attrs["BitsPerComponent"]; bits != "" && bits != "8" {
			return 0, fmt.Errorf("a colour space of %.20q bits: %w", bits, ErrNotDrawn)
		}
		kind = space.Attrs["Type"]
	}
	fields := strings.Fields(n.Attrs["Value"])
	components := make([]uint8, len(fields))
	for i, text := range fields {
		base := 10
		if hex, ok := strings.CutPrefix(text, "#"); ok {
			text, base = hex, 16
		}
		v, err := strconv.ParseUint(text, base, 8)
		if err != nil {
			return 0, fmt.Errorf("the colour %.40q: %w", n.Attrs["Value"], ErrNotDrawn)
		}
		components[i] = uint8(v)
	}
	switch {
	case kind == "RGB" && len(components) == 3:
		return Ink(color.NRGBA{components[0], components[1], components[2], 255}), nil
	case kind == "GRAY" && len(components) == 1:
		return Ink(color.Gray{Y: components[0]}), nil
	}
	return 0, fmt.Errorf("the colour %.40q in %.20q: %w", n.Attrs["Value"], kind, ErrNotDrawn) // CMYK: in 255 or in 100, as readers have it
}
