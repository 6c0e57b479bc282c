package ofd

import (
	"fmt"
	"slices"

	"github.com/elicence/elicence/seal/ofd/archive"
)

// maxStamps bounds the places of one signature.
const maxStamps = 10_000

// Stamp is a place where a seal is drawn (GB/T 33190-2016, 18.2): its picture is stretched to
// a boundary, and seen of it is what lies in the clip, if there is one, and on the page.
type Stamp struct {
	Page int  // from 1 within its document; 0: a page that the document has not
	Box  Box  // what is seen, from the page's top left corner
	Part Part // of the seal, that is seen

	boundary Box // of the whole seal
	page     Box // on the medium
}

// Part is a part of a seal in shares of its width and height, from 0 to 1, from the top left
// corner.
type Part struct{ Left, Top, Right, Bottom float64 }

// Empty reports that nothing is seen.
func (p Part) Empty() bool { return p.Right <= p.Left || p.Bottom <= p.Top }

func (p Part) String() string {
	across, down := share(p.Left, p.Right, "left", "right"), share(p.Top, p.Bottom, "top", "bottom")
	switch {
	case p.Empty():
		return "nothing of it"
	case across == "" && down == "":
		return "the whole seal"
	case across == "":
		return down
	case down == "":
		return across
	}
	return across + ", of that " + down
}

// share words what is seen from one side to the other.
func share(from, to float64, first, last string) string {
	const near = 0.005
	switch whole, rest := from < near, to > 1-near; {
	case whole && rest:
		return ""
	case whole:
		return fmt.Sprintf("the %s %.0f %%", first, 100*to)
	case rest:
		return fmt.Sprintf("the %s %.0f %%", last, 100*(1-from))
	}
	return fmt.Sprintf("%.0f %% to %.0f %% from the %s", 100*from, 100*to, first)
}

// loadStamps reads the places. What cannot be told of them is kept for the judgement of the
// picture: it is no fault of the signature's files.
func (p *Package) loadStamps(s *Signature, info *archive.Node) error {
	all := info.All("StampAnnot")
	if len(all) > maxStamps {
		return fmt.Errorf("%s: a seal at %d places, at most %d are judged: %w", s.File, len(all), maxStamps, ErrMalformed)
	}
	for _, n := range all {
		boundary, err := parseBox(n.Attrs["Boundary"])
		if err != nil {
			return fmt.Errorf("%s: %w", s.File, err)
		}
		seen := boundary
		if text, clipped := n.Attrs["Clip"]; clipped {
			clip, err := parseBox(text)
			if err != nil {
				return fmt.Errorf("%s: %w", s.File, err)
			}
			seen = boundary.intersect(Box{boundary.X + clip.X, boundary.Y + clip.Y, clip.Width, clip.Height})
		}
		stamp := Stamp{boundary: boundary}
		if stamp.Page, err = s.pages.number(n.Attrs["PageRef"]); err != nil {
			return fmt.Errorf("%s: %w", s.File, err)
		}
		if stamp.Page > 0 {
			page, err := p.size(s.pages, stamp.Page)
			if err != nil {
				s.unsized = err
			} else {
				// Some readers take the page's corner for that of its coordinates, wherever it lies.
				corner := boundary.part(seen.intersect(Box{0, 0, page.Width, page.Height}))
				stamp.page = page
				seen = seen.intersect(page)
				if corner != boundary.part(seen) {
					s.unsized = fmt.Errorf("page %d begins at %g, %g, and not every reader minds it: %w", stamp.Page, page.X, page.Y, errSize)
				}
				seen.X, seen.Y = seen.X-page.X, seen.Y-page.Y
				stamp.boundary.X, stamp.boundary.Y = boundary.X-page.X, boundary.Y-page.Y
			}
		}
		stamp.Box, stamp.Part = seen, stamp.boundary.part(seen)
		s.Stamps = append(s.Stamps, stamp)
	}
	return nil
}

// intersect is what two boxes share; it may be empty.
func (b Box) intersect(c Box) Box {
	x, y := max(b.X, c.X), max(b.Y, c.Y)
	return Box{x, y, max(0, min(b.X+b.Width, c.X+c.Width)-x), max(0, min(b.Y+b.Height, c.Y+c.Height)-y)}
}

// part is which part of a box another one within it is.
func (b Box) part(within Box) Part {
	if !(b.Width > 0 && b.Height > 0) {
		return Part{}
	}
	along := func(from, length, of, full float64) (float64, float64) {
		return min(max((from-of)/full, 0), 1), min(max((from+length-of)/full, 0), 1)
	}
	var p Part
	p.Left, p.Right = along(within.X, within.Width, b.X, b.Width)
	p.Top, p.Bottom = along(within.Y, within.Height, b.Y, b.Height)
	return p
}

// shown reports that the seal is seen on a page.
func (s *Signature) shown() bool { return slices.ContainsFunc(s.Stamps, Stamp.seen) }

// seen reports that there is something of the seal to be seen.
func (at Stamp) seen() bool { return at.Page > 0 && !at.Part.Empty() }

// whole reports that all of the seal is seen, but for what rounding cuts off.
func (at Stamp) whole() bool { return at.wide() && at.high() }

// wide and high report that all of the seal's width and height is seen.
func (at Stamp) wide() bool {
	return (at.Part.Left+1-at.Part.Right)*at.boundary.Width <= slackOf(at.boundary.Width)
}

func (at Stamp) high() bool {
	return (at.Part.Top+1-at.Part.Bottom)*at.boundary.Height <= slackOf(at.boundary.Height)
}

// overlaps reports that two places on one page cover each other.
func (at Stamp) overlaps(other Stamp) bool {
	both := at.Box.intersect(other.Box)
	return at.Page == other.Page && min(both.Width, both.Height) > slack
}
