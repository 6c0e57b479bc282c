package licence

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/licence/catalogue"
)

// Value is the value of a field in the signed form: a text, a whole number (an
// integer field) or a day number (a date field), or a reference to an image.
type Value struct {
	kind  valueKind
	text  string
	num   int64
	image Image
}

type valueKind uint8

const (
	textValue valueKind = iota
	numberValue
	imageValue
)

// Image is how a signed form carries a picture: its digest, so that the bytes
// kept elsewhere cannot be exchanged.
type Image struct {
	_         struct{} `cbor:",toarray"`
	SM3       [32]byte
	Length    uint64 // bytes
	MediaType string // image/jpeg or image/png
}

// newValue takes a text that f.Check has accepted.
func newValue(f *catalogue.Field, text string) (Value, error) {
	switch f.Type {
	case catalogue.Date:
		day, err := civil.Parse(text)
		if err != nil {
			return Value{}, err
		}
		return Value{kind: numberValue, num: int64(day)}, nil
	case catalogue.Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return Value{}, errors.New("is a number out of range")
		}
		return Value{kind: numberValue, num: n}, nil
	default:
		return Value{kind: textValue, text: text}, nil
	}
}

// Image returns the image reference of an image field's value.
func (v Value) Image() (Image, bool) { return v.image, v.kind == imageValue }

// Text returns the value as it is written: days as 2006-01-02, numbers in
// decimal. An image has no text.
func (v Value) Text(f catalogue.Field) string {
	switch {
	case v.kind == numberValue && f.Type == catalogue.Date:
		return civil.Day(v.num).String()
	case v.kind == numberValue:
		return strconv.FormatInt(v.num, 10)
	default:
		return v.text
	}
}

// Shown returns the value as it is shown to people: its text, or of an image what it is
// and its digest.
func (v Value) Shown(f catalogue.Field) string {
	if v.kind == imageValue {
		return fmt.Sprintf("%s, %d bytes, SM3 %x", v.image.MediaType, v.image.Length, v.image.SM3)
	}
	return v.Text(f)
}

// Plain returns the value as a code carries it: a string, or an int64 for
// numbers and days.
func (v Value) Plain() any {
	if v.kind == numberValue {
		return v.num
	}
	return v.text
}

// MarshalCBOR encodes a text, an integer or an image's three items.
func (v Value) MarshalCBOR() ([]byte, error) { return v.appendCBOR(nil), nil }

func (v Value) appendCBOR(dst []byte) []byte {
	switch v.kind {
	case numberValue:
		return detcbor.AppendInt(dst, v.num)
	case imageValue:
		dst = detcbor.AppendBytes(detcbor.AppendArray(dst, 3), v.image.SM3[:])
		return detcbor.AppendText(detcbor.AppendUint(dst, v.image.Length), v.image.MediaType)
	default:
		return detcbor.AppendText(dst, v.text)
	}
}

// UnmarshalCBOR decodes what [Value.MarshalCBOR] writes.
func (v *Value) UnmarshalCBOR(b []byte) error {
	if len(b) == 0 {
		return errors.New("empty value")
	}
	switch b[0] >> 5 {
	case 0, 1:
		v.kind = numberValue
		return detcbor.Unmarshal(b, &v.num)
	case 3:
		v.kind = textValue
		return detcbor.Unmarshal(b, &v.text)
	case 4:
		v.kind = imageValue
		return detcbor.Unmarshal(b, &v.image)
	default:
		return fmt.Errorf("a field's value is neither text, integer nor image")
	}
}
