package likeness

import (
	"fmt"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// An ofdFrame is where the objects of a group lie: the map from their coordinates to the page,
// and whether what lies below shines through. The zero value is the page itself.
type ofdFrame struct {
	toPage  Matrix
	inside  bool // of a group
	through bool
}

// composite lays out a group that is among the resources (GB/T 33190-2016, 13): the objects of
// its content, in coordinates of their own. A group that is turned would have boundaries that
// stand aslant, and is refused.
func (p *ofdPainter) composite(n *archive.Node, style ofdStyle, depth int) error {
	if err := onlyAttributes(n, "ID", "Boundary", "Name", "Visible", "CTM", "Alpha", "ResourceID"); err != nil {
		return err // drawing parameters hold for what is in it with some readers
	}
	u, err := p.unit(n, "ResourceID")
	if err != nil {
		return err
	}
	if err := onlyChildren(n, "Actions", "Clips"); err != nil {
		return err
	}
	if p.groups++; p.groups > maxOFDGroups {
		return fmt.Errorf("more than %d groups: %w", maxOFDGroups, ErrNotDrawn)
	}
	group := p.resources.groups[n.Attrs["ResourceID"]]
	if group == nil {
		return fmt.Errorf("the group %.20q is missing: %w", n.Attrs["ResourceID"], ErrNotDrawn)
	}
	if err := onlyAttributes(group, "ID", "Width", "Height"); err != nil {
		return err
	}
	if err := onlyChildren(group, "Content"); err != nil { // or pictures that are shown instead of it
		return err
	}
	content, err := group.Need("Content")
	if err != nil {
		return err
	}
	size, err := ofdBox("0 0 " + group.Attrs["Width"] + " " + group.Attrs["Height"])
	if err != nil {
		return err
	}
	if u.toPage[1] != 0 || u.toPage[2] != 0 || !(u.toPage[0] > 0) || !(u.toPage[3] > 0) {
		return fmt.Errorf("a group that is turned: %w", ErrNotDrawn)
	}
	// Some readers cut it off at its own size, others at its boundary, or not at all.
	outer, outerBounds := p.frame, p.bounds
	p.frame = ofdFrame{u.toPage, true, u.through}
	p.bounds = append(p.bounds[:len(p.bounds):len(p.bounds)], u.boundary, u.toPage.box(size))
	defer func() { p.frame, p.bounds = outer, outerBounds }()
	return p.clipped(n, u, func() error { return p.block(content, style, depth+1) })
}

// box is the box of a box, by a map that does not turn.
func (m Matrix) box(b Box) Box {
	x0, y0 := m.Apply(b.X0, b.Y0)
	x1, y1 := m.Apply(b.X1, b.Y1)
	return Box{x0, y0, x1, y1}
}
