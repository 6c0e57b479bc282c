package pdf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

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
	State  PictureState
	Why    string // why nobody can say, in words
	Slices int    // of a straddle seal: how many make the seal together; 0: only the field was compared
}

// judgePicture compares what the field shows with the picture inside the seal. Whatever
// else is on the page never counts as a seal. The work is for signatures that count, for
// which refused is nil: anybody can write others, in any number.
func (s *Signed) judgePicture(memory *likeness.Memory, refused error) {
	s.Picture = PictureFinding{State: PictureNone}
	if s.Seal == nil || len(s.Faults) > 0 || s.Page == 0 {
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
	const noRotate, unseen = 16, 1 | 2 | 32 // invisible, hidden, no view
	flags, _ := widget.lookup("F").(int64)
	if flags&unseen != 0 {
		return likeness.Likeness{}, notDrawn("a field that is hidden")
	}
	if flags&noRotate != 0 && sheet.rotate != 0 {
		return likeness.Likeness{}, notDrawn("a field that does not turn with its page")
	}
	compare := func() (likeness.Likeness, error) {
		picture := s.Seal.Picture
		seal, err := likeness.Picture(picture.Type, picture.Data, float64(picture.WidthMM), float64(picture.HeightMM))
		if err != nil {
			return likeness.Likeness{}, fmt.Errorf("the seal's picture: %w", err)
		}
		shown, err := v.layout(widget, box, sheet.rotate, sheet.perMM)
		if err != nil {
			return likeness.Likeness{}, fmt.Errorf("the field: %w", err)
		}
		found, err := likeness.Compare(seal, shown)
		scale, sameShape := likeness.Scale(seal, shown)
		if err == nil || !sameShape {
			return found, err
		}
		// A whole seal that is shown smaller or larger than it is.
		if shown, err = v.layout(widget, box, sheet.rotate, sheet.perMM*scale); err != nil {
			return likeness.Likeness{}, fmt.Errorf("the field: %w", err)
		}
		return likeness.Compare(seal, shown)
	}
	if memory == nil {
		return compare()
	}
	f := s.pictured(usualDescription)
	f.text(fmt.Sprint(box.width(), box.height(), sheet.rotate, sheet.perMM))
	if err := f.value(widget.lookup("AP"), 0); err != nil {
		return compare()
	}
	return memory.Of(f.out, compare)
}

// pictured begins a description with the seal's picture.
func (s *Signed) pictured(room int) *description {
	f := &description{view: s.doc.now, out: make([]byte, 0, room+len(s.Seal.Picture.Data)), seen: make(map[ref]int)}
	f.text(s.Seal.Picture.Type, string(s.Seal.Picture.Data), fmt.Sprint(s.Seal.Picture.WidthMM, s.Seal.Picture.HeightMM))
	return f
}

// checkPicture is the name of the check for what the field shows.
const checkPicture = "picture"

// A description is a value with everything that it leads to, whatever numbers the objects
// have in this file: two values that are described alike look alike.
type description struct {
	view view
	out  []byte
	seen map[ref]int
}

// text adds strings, each with its length.
func (f *description) text(parts ...string) {
	for _, s := range parts {
		f.out = append(binary.BigEndian.AppendUint64(f.out, uint64(len(s))), s...)
	}
}

// usualDescription is what a seal with its picture and its drawing takes, in bytes.
const usualDescription = 24 << 10

func (f *description) value(val value, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%w: values more than %d deep", ErrTooComplex, maxNesting)
	}
	switch val := val.(type) {
	case ref:
		if n, ok := f.seen[val]; ok {
			f.text("again", strconv.Itoa(n))
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
		f.text("array", strconv.Itoa(len(val)))
		for _, e := range val {
			if err := f.value(e, depth+1); err != nil {
				return err
			}
		}
	case *dict:
		f.text("dict", strconv.Itoa(len(val.entries)))
		for _, e := range val.entries {
			f.text(string(e.key))
			if err := f.value(e.val, depth+1); err != nil {
				return err
			}
		}
	case *stream:
		return f.stream(val, depth)
	default:
		f.text("value", string(appendValue(nil, val)))
	}
	return nil
}

func (f *description) stream(st *stream, depth int) error {
	where, err := f.view.span(st)
	if err != nil {
		return err
	}
	if err := f.value(st.dict, depth+1); err != nil {
		return err
	}
	size := where.to - where.from
	if int64(len(f.out))+size > likeness.MaxDescription {
		return fmt.Errorf("%w: an appearance that takes more than %d bytes to describe", ErrTooComplex, likeness.MaxDescription)
	}
	if err := f.view.doc.work(int(size)); err != nil {
		return err
	}
	// What an encrypted stream says, and not how: another key would make another look of the
	// same bytes.
	filters, err := f.view.filters(st)
	if err != nil {
		return err
	}
	method, err := f.view.method(st, filters)
	if err != nil {
		return err
	}
	data, err := f.view.raw(st, where, method)
	if err != nil {
		return err
	}
	f.text("stream")
	f.out = append(binary.BigEndian.AppendUint64(f.out, uint64(len(data))), data...)
	return nil
}
