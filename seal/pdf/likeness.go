package pdf

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	ses "github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/likeness"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// ErrPicture says that a field shows something else than the seal that signed it.
var ErrPicture = errors.New("the picture on the page is not the seal")

// A PictureState says whether a sealed field shows its seal.
type PictureState string

const (
	// PictureNone: there is nothing to compare: no seal, or a field that shows nothing.
	PictureNone PictureState = "none"
	// PictureSame: the field shows the seal.
	PictureSame PictureState = "same"
	// PictureSlice: the field shows a slice of it, as of a straddle seal.
	PictureSlice PictureState = "slice"
	// PictureOther: the field shows something else.
	PictureOther PictureState = "other"
	// PictureUnknown: nobody can say, as one of the two pictures cannot be laid out.
	PictureUnknown PictureState = "unknown"
)

// A PictureFinding is what the comparison of a field with its seal's picture found.
type PictureFinding struct {
	State  PictureState
	Why    string // why nobody can say, in words
	Slices int    // of a straddle seal: how many make the seal together; 0: only the field was compared
}

// judgePicture compares what the field shows with the picture inside the seal. Whatever
// else is on the page never counts as a seal. The work is for signatures that count, for
// which refused is nil: anybody can write others, in any number.
func (s *Signed) judgePicture(memory *likeness.Memory, refused error) {
	s.Picture = PictureFinding{State: PictureNone}
	if s.Seal == nil || len(s.Faults) > 0 {
		return
	}
	if s.others { // which ISO 32000-2, 12.7.5.5 does not allow: each may show another seal
		s.Picture = PictureFinding{State: PictureUnknown, Why: "the field has more places than one"}
		return
	}
	if s.Page == 0 {
		return
	}
	isSlice := s.isSlice()
	if !isSlice && (s.Width < 0.5 || s.Height < 0.5) {
		return
	}
	if refused != nil {
		s.Picture = PictureFinding{State: PictureUnknown, Why: "the signature does not count"}
		return
	}
	if isSlice && s.judgeStraddle(memory) {
		return
	}
	found, err := s.likeness(memory)
	switch {
	case err != nil:
		s.Picture = PictureFinding{State: PictureUnknown, Why: err.Error()}
	case !found.Alike:
		s.Picture.State = PictureOther
		s.check(checkPicture, fmt.Errorf("%.0f %% of a part of it differ: %w", 100*found.Worst, ErrPicture))
	case found.Slice:
		s.Picture.State = PictureSlice
		s.check(checkPicture, nil)
	default:
		s.Picture.State = PictureSame
		s.check(checkPicture, nil)
	}
}

func (s *Signed) likeness(memory *likeness.Memory) (likeness.Likeness, error) {
	v := s.doc.now
	widget, err := v.Dict(s.widget)
	if err != nil {
		return likeness.Likeness{}, err
	}
	box, ok, err := v.Rect(widget.Lookup("Rect"))
	if err != nil || !ok {
		return likeness.Likeness{}, errors.Join(err, notDrawn("the field has no place"))
	}
	sheet, err := s.doc.sheet(s.Page)
	if err != nil {
		return likeness.Likeness{}, err
	}
	const noRotate, unseen = 16, 1 | 2 | 32 // invisible, hidden, no view
	flags, err := v.flags(widget)
	if err != nil {
		return likeness.Likeness{}, err
	}
	if flags&unseen != 0 {
		return likeness.Likeness{}, notDrawn("a field that is hidden")
	}
	if widget.Lookup("OC") != nil {
		return likeness.Likeness{}, notDrawn("a field that is shown on conditions")
	}
	if flags&noRotate != 0 && sheet.Rotate != 0 {
		return likeness.Likeness{}, notDrawn("a field that does not turn with its page")
	}
	if err := v.plainPage(sheet.Ref); err != nil {
		return likeness.Likeness{}, err
	}
	compare := func() (likeness.Likeness, error) {
		picture := s.Seal.Picture
		seal, err := likeness.Picture(picture.Type, picture.Data, float64(picture.WidthMM), float64(picture.HeightMM))
		if err != nil {
			return likeness.Likeness{}, fmt.Errorf("the seal's picture: %w", err)
		}
		shown, err := v.layout(widget, box, sheet.Rotate, sheet.PerMM)
		if err != nil {
			return likeness.Likeness{}, fmt.Errorf("the field: %w", err)
		}
		found, err := likeness.Compare(seal, shown)
		scale, sameShape := likeness.Scale(seal, shown)
		if err == nil || !sameShape {
			return found, err
		}
		// A whole seal that is shown smaller or larger than it is.
		if shown, err = v.layout(widget, box, sheet.Rotate, sheet.PerMM*scale); err != nil {
			return likeness.Likeness{}, fmt.Errorf("the field: %w", err)
		}
		return likeness.Compare(seal, shown)
	}
	if memory == nil {
		return compare()
	}
	look, err := s.doc.looks(memory).of(widget)
	if err != nil {
		return compare()
	}
	return memory.Of(pictureKey(s.Seal.Picture, look, box.Width(), box.Height(), float64(sheet.Rotate), sheet.PerMM), compare)
}

// flags are those of an annotation, wherever they stand (ISO 32000-1, table 165).
func (v view) flags(annotation *syntax.Dict) (int64, error) {
	val, err := v.Get(annotation, "F")
	if err != nil || val == nil {
		return 0, err
	}
	n, ok := val.(int64)
	if !ok {
		return 0, notDrawn("flags that are no whole number, which readers take for any")
	}
	return n, nil
}

// checkPicture is the name of the check for what the field shows.
const checkPicture = "picture"

// pictureKey describes a comparison: the seal's picture, what is shown, and its measures.
func pictureKey(picture ses.Picture, look [sm3.Size]byte, measures ...float64) []byte {
	out := make([]byte, 0, len(picture.Data)+256)
	for _, s := range []string{picture.Type, string(picture.Data), fmt.Sprint(picture.WidthMM, picture.HeightMM), string(look[:]), fmt.Sprint(measures)} {
		out = append(binary.BigEndian.AppendUint64(out, uint64(len(s))), s...)
	}
	return out
}
