package ofd

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/elicence/elicence/seal/likeness"
)

// ErrPicture says that readers show something else than the seal that signed: another
// picture of the package, or slices that are not the seal together.
var ErrPicture = errors.New("what readers show is not the seal")

// A PictureState says what readers show where a seal stands.
type PictureState string

const (
	// PictureNone: it stands on no page, or there is no seal.
	PictureNone PictureState = "none"
	// PictureDrawn: what they draw from the seal that signed. There is no other picture.
	PictureDrawn PictureState = "drawn"
	// PictureSame: or a picture of the package, which is like the seal's.
	PictureSame PictureState = "same"
	// PictureSlice: a slice of either, or slices of a straddle seal.
	PictureSlice PictureState = "slice"
	// PictureOther: a picture that is not like the seal's, or slices that are not the seal.
	PictureOther PictureState = "other"
	// PictureUnknown: one of which nobody can say, or a part of the seal that is no slice.
	PictureUnknown PictureState = "unknown"
)

// A PictureFinding is what was found of the picture of a seal.
type PictureFinding struct {
	State PictureState
	Why   string // why nobody can say, in words
	// Slices is how many slices of a straddle seal make the seal, or several, together; 0: it is
	// none, or there is but one slice.
	Slices int
}

// judgePicture finds what readers show of a seal (GB/T 33190, 18.2): they draw it from the
// seal structure at the places that the signature protects, so a page cannot show another.
// Newer packages may name a picture for them to show instead, and that one is compared.
func (p *Package) judgePicture(s *Signed) {
	if s.Seal == nil || !s.shown() {
		return
	}
	if s.Err() != nil {
		s.Picture = PictureFinding{State: PictureUnknown, Why: "the signature does not count"}
		return
	}
	var err error
	if s.Picture, err = s.judgeStamps(); err != nil {
		s.check(checkPicture, err)
		return
	}
	if s.imageFile == "" || s.Picture.State == PictureUnknown {
		return
	}
	found, err := p.likeness(s)
	switch {
	case err != nil:
		s.Picture = PictureFinding{State: PictureUnknown, Why: err.Error()}
	case !found.Alike:
		s.Picture = PictureFinding{State: PictureOther}
		s.check(checkPicture, fmt.Errorf("%s: %.0f %% of a part of it differ: %w", s.imageFile, 100*found.Worst, ErrPicture))
	case s.Picture.State == PictureDrawn:
		s.Picture.State = PictureSame
		s.check(checkPicture, nil)
	}
}

// checkPicture is the name of the check for what readers show.
const checkPicture = "picture"

func (p *Package) likeness(s *Signed) (likeness.Likeness, error) {
	of := s.Seal.Picture
	seal, err := likeness.Picture(of.Type, of.Data, float64(of.WidthMM), float64(of.HeightMM))
	if err != nil {
		return likeness.Likeness{}, fmt.Errorf("the seal's picture: %w", err)
	}
	data, err := p.Read(s.imageFile, maxValue)
	if err != nil {
		return likeness.Likeness{}, err
	}
	beside, err := likeness.Picture(strings.TrimPrefix(path.Ext(s.imageFile), "."), data, float64(of.WidthMM), float64(of.HeightMM))
	if err != nil {
		return likeness.Likeness{}, fmt.Errorf("%s: %w", s.imageFile, err)
	}
	if beside.Clipped() {
		return likeness.Likeness{}, fmt.Errorf("%s: not every reader cuts off what its clips hide: %w", s.imageFile, likeness.ErrNotDrawn)
	}
	return likeness.Compare(seal, beside)
}
