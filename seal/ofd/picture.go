package ofd

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/elicence/elicence/seal/likeness"
)

// ErrPicture says that the package has a picture for readers to show in the seal's place
// that is not the seal's.
var ErrPicture = errors.New("the picture beside the signature is not the seal")

// A PictureState says what readers show where a seal stands.
type PictureState string

const (
	// PictureNone: it stands on no page, or there is no seal.
	PictureNone PictureState = "none"
	// PictureDrawn: what they draw from the seal that signed. There is no other picture.
	PictureDrawn PictureState = "drawn"
	// PictureSame: or a picture of the package, which is like the seal's.
	PictureSame PictureState = "same"
	// PictureOther: or a picture that is not.
	PictureOther PictureState = "other"
	// PictureUnknown: or one of which nobody can say.
	PictureUnknown PictureState = "unknown"
)

// A PictureFinding is what was found of the picture of a seal.
type PictureFinding struct {
	State PictureState
	Why   string // why nobody can say, in words
}

// judgePicture finds what readers show of a seal (GB/T 33190, 18.2): they draw it from the
// seal structure at the places that the signature protects, so a page cannot show another.
// Newer packages may name a picture for them to show instead, and that one is compared.
func (p *Package) judgePicture(s *Signed) {
	if s.Seal == nil || !s.shown() {
		return
	}
	if s.Err() != nil {
		s.Picture = PictureFinding{PictureUnknown, "the signature does not count"}
		return
	}
	if s.imageFile == "" {
		s.Picture.State = PictureDrawn
		return
	}
	found, err := p.likeness(s)
	switch {
	case err != nil:
		s.Picture = PictureFinding{PictureUnknown, err.Error()}
	case found.Alike:
		s.Picture.State = PictureSame
		s.check("picture", nil)
	default:
		s.Picture.State = PictureOther
		s.check("picture", fmt.Errorf("%s: %.0f %% of a part of it differ: %w", s.imageFile, 100*found.Worst, ErrPicture))
	}
}

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
	return likeness.Compare(seal, beside)
}
