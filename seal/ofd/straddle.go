package ofd

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// A straddle seal (骑缝章) is one seal at a place on each of several pages, seen there by a slice.
// The places are the signer's word, bound by the digest, and the picture is the seal's own.
// But slices that are missing, shown twice or out of their order show another picture than the
// seal when the pages are fanned, so they must be the whole seal, one slice after the other.

// Vendors round; a slack is in millimetres.
const (
	slack        = 0.6  // of all joints between the slices of one seal, of its edges, of its size
	maxDistorted = 1.04 // how much more it may be stretched one way than the other
	maxOnPage    = 100  // places on one page
)

// slackOf is the slack of a seal that is drawn in this size: less where it is small.
func slackOf(full float64) float64 { return min(slack, full/50) }

// judgeStamps finds how much of the seal its places show together. The error wraps
// [ErrPicture] where slices are not the whole seal.
func (s *Signed) judgeStamps() (PictureFinding, error) {
	var parts []Stamp
	for _, at := range s.Stamps {
		if at.seen() && !at.whole() {
			parts = append(parts, at)
		}
	}
	if why := s.unclear(); why != "" {
		return PictureFinding{State: PictureUnknown, Why: why}, nil
	}
	if len(parts) == 0 {
		return PictureFinding{State: PictureDrawn}, nil
	}
	upright := parts[0].high()
	for _, at := range parts {
		if upright != at.high() || upright == at.wide() {
			return PictureFinding{State: PictureUnknown, Why: fmt.Sprintf("page %d shows %v", at.Page, at.Part)}, nil
		}
	}
	if len(parts) == 1 {
		return PictureFinding{State: PictureSlice}, nil // some sign each page by itself
	}
	slices.SortStableFunc(parts, func(a, b Stamp) int { return cmp.Compare(a.Page, b.Page) })
	for i := 1; i < len(parts); i++ {
		if parts[i].Page == parts[i-1].Page {
			return PictureFinding{State: PictureUnknown, Why: fmt.Sprintf("page %d shows two parts of it", parts[i].Page)}, nil
		}
	}
	err := together(parts, upright)
	if errors.Is(err, errShifted) {
		return PictureFinding{State: PictureUnknown, Why: err.Error()}, nil
	}
	if err != nil {
		return PictureFinding{State: PictureOther}, err
	}
	return PictureFinding{State: PictureSlice, Slices: len(parts)}, nil
}

// unclear says why nobody can tell what the places show; empty: it is clear.
func (s *Signed) unclear() string {
	if s.unsized != nil {
		return s.unsized.Error()
	}
	byPage := make(map[int][]Stamp)
	for _, at := range s.Stamps {
		if !at.seen() {
			continue
		}
		if w, h := s.scale(at); max(w, h) > maxDistorted*min(w, h) {
			return fmt.Sprintf("page %d shows it distorted: the seal of %d × %d mm is stretched to %.1f × %.1f mm", at.Page,
				s.Seal.Picture.WidthMM, s.Seal.Picture.HeightMM, at.boundary.Width, at.boundary.Height)
		}
		others := byPage[at.Page]
		if len(others) == maxOnPage {
			return fmt.Sprintf("page %d shows it at more than %d places", at.Page, maxOnPage)
		}
		if slices.ContainsFunc(others, at.overlaps) {
			return fmt.Sprintf("page %d shows it twice, one over the other", at.Page)
		}
		byPage[at.Page] = append(others, at)
	}
	return ""
}

// scale is how much larger than the seal it is drawn, in width and in height.
func (s *Signed) scale(at Stamp) (float64, float64) {
	p := s.Seal.Picture
	return at.boundary.Width / float64(max(p.WidthMM, 1)), at.boundary.Height / float64(max(p.HeightMM, 1))
}

// together holds slices, in the order of their pages, to one whole seal after the other: where
// a document has many pages, each few of them share one.
func together(ordered []Stamp, upright bool) error {
	for len(ordered) > 0 {
		n, err := one(ordered, upright)
		if err != nil {
			return err
		}
		ordered = ordered[n:]
	}
	return nil
}

// errShifted says that slices do not lie beside each other when the pages are fanned.
var errShifted = errors.New("the slices are shifted against each other")

// one finds how many slices from the first on are one whole seal, from its left to its right,
// or its top to its bottom, or from the other end: a stack whose back is on the other side.
func one(ordered []Stamp, upright bool) (int, error) {
	first := ordered[0]
	full := first.boundary.Height
	if upright {
		full = first.boundary.Width
	}
	slack := slackOf(full)
	from, _ := first.along(upright, false)
	backwards := from*full > slack
	at, off := 0.0, 0.0
	for i, c := range ordered {
		if math.Abs(c.boundary.Width-first.boundary.Width) > slack || math.Abs(c.boundary.Height-first.boundary.Height) > slack {
			return 0, fmt.Errorf("the slice on page %d is of a seal of another size than that on page %d: %w", c.Page, first.Page, ErrPicture)
		}
		if c.page == first.page && c.apart(first, upright) > slack {
			return 0, fmt.Errorf("page %d shows its slice %.1f mm away from where page %d does: %w", c.Page, c.apart(first, upright), first.Page, errShifted)
		}
		from, to := c.along(upright, backwards)
		if off += math.Abs(from-at) * full; off > slack {
			return 0, fmt.Errorf("page %d shows %v, which is not what follows on the slices before it: %w", c.Page, c.Part, ErrPicture)
		}
		at = to
		if off+(1-at)*full > slack {
			continue
		}
		// A slice may be thinner than the slack.
		if i+1 < len(ordered) {
			if from, to := ordered[i+1].along(upright, backwards); math.Abs(from-at)*full <= slack && to > at+1e-6 {
				continue
			}
		}
		return i + 1, nil
	}
	last := ordered[len(ordered)-1]
	return 0, fmt.Errorf("the slices from page %d on end on page %d with %v, so some are missing: %w", first.Page, last.Page, last.Part, ErrPicture)
}

// apart is how far the seals of two slices are from one line in the direction in which pages
// are fanned. On pages of different sizes they may be.
func (at Stamp) apart(other Stamp, upright bool) float64 {
	if upright {
		return math.Abs(at.boundary.Y - other.boundary.Y)
	}
	return math.Abs(at.boundary.X - other.boundary.X)
}

// along is what is seen in the direction in which the seal is cut, or against it.
func (at Stamp) along(upright, backwards bool) (float64, float64) {
	from, to := at.Part.Top, at.Part.Bottom
	if upright {
		from, to = at.Part.Left, at.Part.Right
	}
	if backwards {
		return 1 - to, 1 - from
	}
	return from, to
}
