package pdf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/seal/likeness"
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
	State PictureState
	Why   string // why nobody can say, in words
}

// judgePicture compares what the field shows with the picture inside the seal. Whatever
// else is on the page never counts as a seal.
func (s *Signed) judgePicture(memory *likeness.Memory) {
	s.Picture = PictureFinding{State: PictureNone}
	if s.Seal == nil || len(s.Faults) > 0 || s.Page == 0 || s.Width < 0.5 || s.Height < 0.5 {
		return
	}
	found, err := s.likeness(memory)
	switch {
	case err != nil:
		s.Picture = PictureFinding{PictureUnknown, err.Error()}
	case !found.Alike:
		s.Picture.State = PictureOther
		s.check(checkPicture, fmt.Errorf("%.0f %% of a part of it differ: %w", 100*found.Worst, ErrPicture))
	case found.Slice:
		s.Picture.State = PictureSlice
	default:
		s.Picture.State = PictureSame
	}
}

func (s *Signed) likeness(memory *likeness.Memory) (likeness.Likeness, error) {
	v := s.doc.now
	widget, err := v.dict(s.widget)
	if err != nil {
		return likeness.Likeness{}, err
	}
	box, ok, err := v.rect(widget.lookup("Rect"))
	if err != nil || !ok {
		return likeness.Likeness{}, errors.Join(err, notDrawn("the field has no place"))
	}
	sheet, err := s.doc.sheet(s.Page)
	if err != nil {
		return likeness.Likeness{}, err
	}
	const noRotate = 16
	if flags, _ := widget.lookup("F").(int64); flags&noRotate != 0 && sheet.rotate != 0 {
		return likeness.Likeness{}, notDrawn("a field that does not turn with its page")
	}
	compare := func() (likeness.Likeness, error) {
		picture := s.Seal.Picture
		seal, err := likeness.Picture(picture.Type, picture.Data, float64(picture.WidthMM), float64(picture.HeightMM))
		if err != nil {
			return likeness.Likeness{}, fmt.Errorf("the seal's picture: %w", err)
		}
		perX, perY := sheet.perMM, sheet.perMM
		// A whole seal is compared at the seal's size, however large it is shown.
		if sx, sy := s.Width/float64(picture.WidthMM), s.Height/float64(picture.HeightMM); max(sx, sy) <= 1.03*min(sx, sy) {
			if sheet.rotate%180 != 0 {
				sx, sy = sy, sx
			}
			perX, perY = perX*sx, perY*sy
		}
		shown, err := v.layout(widget, box, sheet.rotate, perX, perY)
		if err != nil {
			return likeness.Likeness{}, fmt.Errorf("the field: %w", err)
		}
		return likeness.Compare(seal, shown)
	}
	if memory == nil {
		return compare()
	}
	f := &fingerprint{view: v, hash: sm3.New(), seen: make(map[ref]int)}
	f.text(s.Seal.Picture.Type, string(s.Seal.Picture.Data), fmt.Sprint(s.Seal.Picture.WidthMM, s.Seal.Picture.HeightMM),
		fmt.Sprint(box.width(), box.height(), sheet.rotate, sheet.perMM))
	if err := f.value(widget.lookup("AP"), 0); err != nil {
		return compare()
	}
	return memory.Of([32]byte(f.hash.Sum(nil)), compare)
}

// checkPicture is the name of the check for what the field shows.
const checkPicture = "picture"

// A fingerprint hashes a value with everything that it leads to, whatever numbers the
// objects have in this file.
type fingerprint struct {
	view view
	hash hash.Hash
	seen map[ref]int
}

// text adds strings, each with its length.
func (f *fingerprint) text(parts ...string) {
	for _, s := range parts {
		f.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		f.hash.Write([]byte(s))
	}
}

func (f *fingerprint) value(val value, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%w: values more than %d deep", ErrTooComplex, maxNesting)
	}
	switch val := val.(type) {
	case ref:
		if n, ok := f.seen[val]; ok {
			f.text("again", fmt.Sprint(n))
			return nil
		}
		f.seen[val] = len(f.seen)
		o, err := f.view.load(val)
		if err != nil || o == nil {
			f.text("nothing")
			return err
		}
		return f.value(o.val, depth+1)
	case array:
		f.text("array", fmt.Sprint(len(val)))
		for _, e := range val {
			if err := f.value(e, depth+1); err != nil {
				return err
			}
		}
	case *dict:
		f.text("dict", fmt.Sprint(len(val.entries)))
		for _, e := range val.entries {
			f.text(string(e.key))
			if err := f.value(e.val, depth+1); err != nil {
				return err
			}
		}
	case *stream:
		where, err := f.view.span(val)
		if err != nil {
			return err
		}
		if err := f.value(val.dict, depth+1); err != nil {
			return err
		}
		f.text("stream", fmt.Sprint(where.to-where.from))
		if err := f.view.doc.work(int(where.to - where.from)); err != nil {
			return err
		}
		return f.view.doc.hashInto(f.hash, where.from, where.to)
	default:
		f.text("value", string(appendValue(nil, val)))
	}
	return nil
}
