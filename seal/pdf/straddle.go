package pdf

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/structure"
)

// A straddle seal (骑缝章) is one seal cut into slices, one at the same edge of each page. Its
// signature has one field, which shows the first slice; the others are stamps that came with
// it. Each slice alone could be of any seal that has such a stroke: only together, laid side
// by side as the fanned pages show them, are they compared with the seal.

// slice is one of them, on the page as people see it, in millimetres.
type slice struct {
	annotation
	box           structure.Rect // in the page's units
	sheet         structure.Sheet
	x, y          float64
	width, height float64
}

// slacks are by how much slices may miss the seal's size in millimetres. A seal says its
// size in whole ones.
const (
	slackAlong = 0.6 // what is not cut
	slackRound = 0.1 // all slices together, of a seal as wide as it is high
	slack      = 0.6 // of another one, or of others
)

// isSlice reports whether the field has the shape of a slice of its seal.
func (s *Signed) isSlice() bool {
	box := slice{width: s.Width, height: s.Height}
	return box.of(s.Seal.Picture, true) || box.of(s.Seal.Picture, false)
}

// of reports whether a box has the shape of a slice of a seal that is cut upright, or
// across.
func (c *slice) of(p ses.Picture, upright bool) bool {
	along, across := c.height-float64(p.HeightMM), float64(p.WidthMM)-c.width
	if !upright {
		along, across = c.width-float64(p.WidthMM), float64(p.HeightMM)-c.height
	}
	return along <= slackAlong && along >= -slackAlong && across > slackAlong && c.width > 0 && c.height > 0
}

// judgeStraddle compares the whole of the slices with the seal. It leaves a lonely slice
// of others alone: some sign each page by itself, with a slice in each field.
func (s *Signed) judgeStraddle(memory *likeness.Memory) bool {
	all, upright, err := s.slices()
	if err == nil && len(all) < 2 && !s.Seal.Ours() {
		return false
	}
	var groups [][]slice
	if err == nil {
		groups, err = s.together(all, upright)
	}
	if err == nil {
		err = s.straddles(groups, upright, memory)
	}
	switch {
	case err == nil:
		s.Picture = PictureFinding{State: PictureSlice, Slices: len(all)}
		s.check(checkPicture, nil)
	case errors.Is(err, ErrPicture):
		s.Picture = PictureFinding{State: PictureOther}
		s.check(checkPicture, err)
	default:
		s.Picture = PictureFinding{State: PictureUnknown, Why: err.Error()}
	}
	return true
}

// slices lists the slices in the order of their pages, and says whether the seal is cut
// upright.
func (s *Signed) slices() ([]slice, bool, error) {
	v := s.doc.now
	widget, err := v.Dict(s.widget)
	if err != nil {
		return nil, false, err
	}
	came, err := s.doc.came(s.view)
	if err != nil {
		return nil, false, err
	}
	found := append(make([]annotation, 0, len(came)+1), annotation{s.Page, s.widget, widget})
	for _, a := range came {
		// What came with the signature, as it is shown now.
		if a.dict, err = v.Dict(a.ref); err != nil {
			return nil, false, err
		}
		if a.dict == nil {
			continue
		}
		if a.page, err = s.doc.pageOf(a.ref, a.dict); err != nil {
			return nil, false, err
		}
		if a.page > 0 {
			found = append(found, a)
		}
	}
	field := slice{width: s.Width, height: s.Height}
	upright := field.of(s.Seal.Picture, true)
	out := make([]slice, 0, len(found))
	for _, a := range found {
		one := slice{annotation: a}
		var ok bool
		if one.box, ok, err = v.Rect(a.dict.Lookup("Rect")); err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		if one.sheet, err = s.doc.sheet(a.page); err != nil {
			return nil, false, err
		}
		one.x, one.y, one.width, one.height = one.sheet.ToDisplay(one.box)
		if one.of(s.Seal.Picture, upright) {
			if err := v.plainPage(one.sheet.Ref); err != nil {
				return nil, false, err
			}
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, func(a, b slice) int {
		return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(a.x, b.x), cmp.Compare(a.y, b.y))
	})
	return out, upright, nil
}

// across is how much of the seal a slice shows.
func (c *slice) across(upright bool) float64 {
	if upright {
		return c.width
	}
	return c.height
}

// along is how much of the page's edge a slice takes, which is not cut.
func (c *slice) along(upright bool) float64 { return c.across(!upright) }

// full is the seal's size in the direction in which it is cut.
func (s *Signed) full(upright bool) float64 {
	if upright {
		return float64(s.Seal.Picture.WidthMM)
	}
	return float64(s.Seal.Picture.HeightMM)
}

// together shares the slices out among whole seals: where a document has many pages, each
// few of them share one.
func (s *Signed) together(all []slice, upright bool) ([][]slice, error) {
	if len(all) == 0 {
		return nil, notDrawn("the field is no slice any more")
	}
	full, slack := s.full(upright), slack
	if s.Seal.Ours() && s.Seal.Picture.WidthMM == s.Seal.Picture.HeightMM {
		full, slack = all[0].along(upright), slackRound
	}
	var groups [][]slice
	from, sum := 0, 0.0
	for i := range all {
		sum += all[i].across(upright)
		if sum > full+slack {
			return nil, fmt.Errorf("the slices up to page %d are %.1f mm together, the seal has %.1f mm: %w", all[i].page, sum, full, ErrPicture)
		}
		if sum >= full-slack {
			groups = append(groups, all[from:i+1])
			from, sum = i+1, 0
		}
	}
	if from < len(all) {
		return nil, fmt.Errorf("the slices from page %d on are %.1f mm together, the seal has %.1f mm, so some are missing: %w", all[from].page, sum, full, ErrPicture)
	}
	return groups, nil
}

// backwards reports that the pages show the seal from its end: a stack opens away from its
// edge, so on the left and above the first page shows the last slice.
func (c *slice) backwards(upright bool) bool {
	const edge = 1 // millimetre
	width, height := c.sheet.Displayed()
	if upright {
		return c.x < edge && c.x+c.width < width/c.sheet.PerMM-edge
	}
	return c.y < edge && c.y+c.height < height/c.sheet.PerMM-edge
}

// straddles compares each whole of slices with the seal. The error wraps [ErrPicture], or
// [likeness.ErrNotDrawn] where nobody can say.
func (s *Signed) straddles(groups [][]slice, upright bool, memory *likeness.Memory) error {
	l := s.doc.looks(memory)
	for _, group := range groups {
		ordered := group
		if group[0].backwards(upright) {
			ordered = slices.Clone(group)
			slices.Reverse(ordered)
		}
		compare := func() (likeness.Likeness, error) { return s.straddle(ordered, upright) }
		if memory == nil {
			if _, err := compare(); err != nil {
				return err
			}
			continue
		}
		shown := make([]byte, 0, len(ordered)*(sm3.Size+measures*8))
		for i := range ordered {
			c := &ordered[i]
			look, err := l.of(c.dict)
			if err != nil {
				return err
			}
			shown = c.appendMeasures(append(shown, look[:]...))
		}
		if _, err := memory.Of(pictureKey(s.Seal.Picture, sm3.Sum(shown), s.full(upright)), compare); err != nil {
			return err
		}
	}
	return nil
}

// measures is how many numbers appendMeasures writes.
const measures = 7

// appendMeasures writes down all that decides how a slice is laid out but its look.
func (c *slice) appendMeasures(out []byte) []byte {
	for _, n := range [measures]float64{float64(c.page), float64(c.sheet.Rotate), c.box.X0, c.box.Y0, c.box.X1, c.box.Y1, c.sheet.PerMM} {
		out = binary.BigEndian.AppendUint64(out, math.Float64bits(n))
	}
	return out
}

// fine is the width of slices in millimetres below which the pictures are laid out larger
// than they are, by enlarged: a cell of the comparison is a sixth of a millimetre.
const (
	fine     = 1.5
	enlarged = 2.5
)

// straddle lays slices side by side and compares them with the seal, as a whole and slice
// by slice.
func (s *Signed) straddle(ordered []slice, upright bool) (likeness.Likeness, error) {
	none := likeness.Likeness{}
	picture := s.Seal.Picture
	width, height := float64(picture.WidthMM), float64(picture.HeightMM)
	scale, sum := 1.0, 0.0
	for i := range ordered {
		sum += ordered[i].across(upright)
		if ordered[i].across(upright) < fine {
			scale = max(1, min(enlarged, likeness.MaxMM/max(width, height)))
		}
	}
	whole, err := likeness.Picture(picture.Type, picture.Data, width*scale, height*scale)
	if err != nil {
		return none, fmt.Errorf("the seal's picture: %w", err)
	}
	shown, err := likeness.NewSheet(width*scale, height*scale)
	if err != nil {
		return none, err
	}
	boxes := make([]likeness.Box, len(ordered))
	at := 0.0
	fit := scale * s.full(!upright) / ordered[0].along(upright) // to the size that the seal says
	for i := range ordered {
		c := &ordered[i]
		to := at + c.across(upright)*scale*s.full(upright)/sum
		boxes[i] = likeness.Box{X0: at, X1: to, Y1: height * scale}
		if !upright {
			boxes[i] = likeness.Box{Y0: at, Y1: to, X1: width * scale}
		}
		at = to
		if err := c.lay(s.doc.now, shown, boxes[i], fit); err != nil {
			return none, fmt.Errorf("the slice on page %d: %w", c.page, err)
		}
	}
	found, err := likeness.Compare(whole, shown)
	if err != nil && !errors.Is(err, likeness.ErrNotDrawn) {
		return none, err
	}
	for i := range ordered {
		if part := likeness.CompareIn(whole, shown, boxes[i]); !part.Alike {
			return none, fmt.Errorf("the slice on page %d is not that part of the seal, %.0f %% of it differ: %w", ordered[i].page, 100*part.Worst, ErrPicture)
		}
	}
	if err != nil {
		return none, err
	}
	if !found.Alike || found.Slice {
		return none, fmt.Errorf("the slices together are not the seal, %.0f %% of a part differ: %w", 100*found.Worst, ErrPicture)
	}
	return found, nil
}

// lay lays a slice into its box on a sheet.
func (c *slice) lay(v view, shown *likeness.Sheet, box likeness.Box, scale float64) error {
	const noRotate, unseen = 16, 1 | 2 | 32 // invisible, hidden, no view
	flags, err := v.flags(c.dict)
	switch {
	case err != nil:
		return err
	case flags&unseen != 0:
		return fmt.Errorf("it is hidden: %w", ErrPicture)
	case flags&noRotate != 0 && c.sheet.Rotate != 0, c.dict.Lookup("OC") != nil:
		return notDrawn("it is shown on conditions, or does not turn with its page")
	}
	part, shift := shown.Cut(box)
	if part == nil {
		return nil
	}
	perMM := c.sheet.PerMM / scale
	w, h := c.box.Width()/perMM, c.box.Height()/perMM
	turn := map[int]likeness.Matrix{90: {0, 1, -1, 0, h, 0}, 180: {-1, 0, 0, -1, w, h}, 270: {0, -1, 1, 0, 0, w}}
	then, ok := turn[c.sheet.Rotate]
	if !ok {
		then = likeness.Identity()
	}
	move := likeness.Matrix{1, 0, 0, 1, box.X0, box.Y0}
	p := &painter{view: v, sheet: part}
	if err := p.appearance(c.dict, c.box, perMM, then.Then(move).Then(shift)); err != nil {
		return err
	}
	shown.Paste(part)
	return nil
}
