package likeness

import (
	"fmt"
	"math"
	"slices"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// A mask is how much ink each cell of a sheet lets through, from 0 to 1; nil: all.
type mask []float32

// and lets through what both do.
func (m mask) and(other mask) mask {
	if m == nil {
		return other
	}
	out := make(mask, len(m))
	for i := range m {
		out[i] = m[i] * other[i]
	}
	return out
}

// Clipped reports that a clip keeps ink off the sheet. Not every reader knows clips, so that
// what a stranger made shows more with some of them.
func (s *Sheet) Clipped() bool { return s.clipped }

// clipped draws an object within its clips (GB/T 33190-2016, 8.4): each is the union of its
// areas, and what all of them share is drawn.
func (p *ofdPainter) clipped(n *archive.Node, u ofdUnit, draw func() error) error {
	list, err := n.One("Clips")
	if err != nil {
		return err
	}
	if list == nil {
		return draw()
	}
	toPage, err := clipMap(list, u)
	if err != nil {
		return err
	}
	if err := onlyChildren(list, "Clip"); err != nil {
		return err
	}
	if len(list.Children) == 0 || slices.ContainsFunc(list.Children, func(clip *archive.Node) bool { return len(clip.Children) == 0 }) {
		return fmt.Errorf("a clip of nothing, which hides all or is none: %w", ErrNotDrawn)
	}
	before := p.sheet.mask
	defer func() { p.sheet.mask = before }()
	for _, clip := range list.Children {
		if err := onlyChildren(clip, "Area"); err != nil {
			return err
		}
		union := &Sheet{width: p.sheet.width, height: p.sheet.height, ink: make([]float32, len(p.sheet.ink)), fills: p.sheet.fills, crossings: p.sheet.crossings}
		for _, area := range clip.Children {
			if err := p.clipArea(union, area, toPage); err != nil {
				return err
			}
		}
		p.sheet.fills, p.sheet.crossings = union.fills, union.crossings
		p.sheet.mask = p.sheet.mask.and(union.ink)
	}
	return draw()
}

// clipMap is the map from an object's clips to the page. Whether the object's own map applies to
// them is said by a flag, which came with version 1.2: where it is not said, readers differ.
func clipMap(list *archive.Node, u ofdUnit) (Matrix, error) {
	if err := onlyAttributes(list, "TransFlag"); err != nil {
		return Matrix{}, err
	}
	switch flag := list.Attrs["TransFlag"]; {
	case flag == "true":
		return u.toPage, nil
	case flag == "false", flag == "" && (!u.moved || u.toPage == u.origin):
		return u.origin, nil
	default:
		return Matrix{}, fmt.Errorf("clips of an object with a map, and TransFlag %.20q: %w", flag, ErrNotDrawn)
	}
}

// clipArea adds an area of a clip to what the clip lets through.
func (p *ofdPainter) clipArea(union *Sheet, area *archive.Node, toPage Matrix) error {
	if err := onlyAttributes(area, "CTM"); err != nil {
		return err
	}
	if err := onlyChildren(area, "Path"); err != nil {
		return err
	}
	n, err := area.Need("Path")
	if err != nil {
		return err
	}
	if err := onlyAttributes(n, "ID", "Boundary", "CTM", "Stroke", "Fill", "Rule"); err != nil {
		return err
	}
	if err := onlyChildren(n, "AbbreviatedData"); err != nil {
		return err
	}
	boundary, err := ofdBox(n.Attrs["Boundary"])
	if err != nil {
		return err
	}
	own, inArea := Identity(), Identity()
	for node, into := range map[*archive.Node]*Matrix{n: &own, area: &inArea} {
		text, ok := node.Attrs["CTM"]
		if !ok {
			continue
		}
		m, err := ofdArray(text, 6)
		if err != nil {
			return err
		}
		*into = Matrix(m)
	}
	const near = 0.01 // mm
	if linear := [4]float64(inArea[:4]); linear != [4]float64{1, 0, 0, 1} && math.Hypot(boundary.X0, boundary.Y0) > near {
		return fmt.Errorf("a clip whose place is mapped by some readers, and added by others: %w", ErrNotDrawn)
	}
	own[4], own[5] = own[4]+boundary.X0, own[5]+boundary.Y0
	data, err := n.Need("AbbreviatedData")
	if err != nil {
		return err
	}
	outline, err := ofdOutline(data.Value())
	if err != nil {
		return err
	}
	scale := own.Then(inArea).Then(toPage).grows()
	if !(scale > 0) {
		return union.fillLines(nil, false, Everywhere(), 1, false) // no area, and a mask all the same
	}
	lines, err := outline.straight(near / scale)
	if err != nil {
		return err
	}
	outlines := placed(lines, own)
	if b, ok := around(outlines); ok && b.Intersect(boundary) != b && !nearBox(b, boundary, own.grows()/(perMM*scale)) {
		return fmt.Errorf("a clip that reaches over its boundary: %w", ErrNotDrawn)
	}
	all := inArea.Then(toPage).Then(p.toSheet)
	for i, line := range outlines {
		if p.steps += len(line); p.steps > MaxSteps {
			return fmt.Errorf("more than %d pieces of outlines: %w", MaxSteps, ErrNotDrawn)
		}
		outlines[i] = all.each(line)
	}
	rule := n.Attrs["Rule"]
	if rule != "" && rule != "NonZero" && rule != "Even-Odd" {
		return fmt.Errorf("a clip with the rule %.20q: %w", rule, ErrNotDrawn)
	}
	return union.fillLines(outlines, rule == "Even-Odd", Everywhere(), 1, false)
}

// nearBox reports that b reaches over a boundary by no more than slack.
func nearBox(b, boundary Box, slack float64) bool {
	return b.X0 >= boundary.X0-slack && b.Y0 >= boundary.Y0-slack && b.X1 <= boundary.X1+slack && b.Y1 <= boundary.Y1+slack
}
