package disclose

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/qr"
)

// ErrTooLong says that a summary does not fit however much is cut. No licence that was
// validated comes to that; a test holds it for every category.
var ErrTooLong = errors.New("the summary does not fit a code")

// Fit cuts the summary of a credential until its signed bytes are at most limit:
// [qr.MaxPaper], [qr.MaxScreen], or [qr.MaxDeviceCredential]. It reports whether
// anything was cut. What is cut ends with an ellipsis, so that whoever reads it sees
// that the licence says more.
//
// The code fields are cut first, all to the same number of characters, the highest that
// fits; then the holder's name, then the licence number, then the document number, each
// to no less than six characters. A number written as text is not shortened, which
// would make it another number: the ellipsis stands for all of it. Days and integers
// stay.
func Fit(credential *qr.Credential, c *catalogue.Category, limit int) (bool, error) {
	return fit(&credential.Summary, c, limit, credential.Size)
}

// Choose returns what a code of kind 3 shows of a summary, cut by the rule of [Fit] to
// [qr.MaxScreen], and whether anything was cut.
func Choose(s qr.Summary, c *catalogue.Category, choice qr.Choice) (qr.Chosen, bool, error) {
	// Any two times of today take as many bytes.
	shown := qr.Shown{SignedAt: time.Unix(1<<31, 0), Expires: time.Unix(1<<31+60, 0)}
	cut, err := fit(&s, c, qr.MaxScreen, func() (int, error) {
		shown.Chosen = s.Choose(choice)
		return shown.Size()
	})
	return shown.Chosen, cut, err
}

// fit cuts a summary until size, which looks at it, is at most limit.
func fit(s *qr.Summary, c *catalogue.Category, limit int, size func() (int, error)) (bool, error) {
	whole := *s
	whole.Fields = slices.Clone(s.Fields)
	fields := c.QRFields()
	stages := []stage{
		{least: 1, cut: func(to int) {
			for i, v := range whole.Fields {
				if text, ok := v.(string); ok && i < len(fields) {
					s.Fields[i] = cutField(fields[i], text, to)
				}
			}
		}},
		{least: 6, cut: func(to int) { s.Holder = cut(whole.Holder, to) }},
		{least: 6, cut: func(to int) { s.Number = cut(whole.Number, to) }},
		{least: 6, cut: func(to int) { s.MaskedID = cut(whole.MaskedID, to) }},
	}
	s.Fields = slices.Clone(s.Fields)
	fits := func() (bool, error) {
		n, err := size()
		return n <= limit, err
	}
	if ok, err := fits(); ok || err != nil {
		return false, err
	}
	for _, stage := range stages {
		for to := longest(&whole) - 1; to >= stage.least; to-- {
			stage.cut(to)
			if ok, err := fits(); ok || err != nil {
				return true, err
			}
		}
	}
	return true, fmt.Errorf("category %s, limit %d bytes: %w", c.ID, limit, ErrTooLong)
}

// stage cuts a part of a summary to a number of characters.
type stage struct {
	least int
	cut   func(to int)
}

// longest is the length of the longest text of a summary, in characters.
func longest(s *qr.Summary) int {
	n := 0
	for _, text := range append([]any{s.Number, s.Holder, s.MaskedID}, s.Fields...) {
		if text, ok := text.(string); ok {
			n = max(n, len([]rune(text)))
		}
	}
	return n
}

const ellipsis = "…"

// cut shortens a text to a number of characters, the last of which is an ellipsis.
func cut(text string, to int) string {
	r := []rune(text)
	if len(r) <= to {
		return text
	}
	return string(r[:to-1]) + ellipsis
}

func cutField(f catalogue.Field, text string, to int) string {
	short := cut(text, to)
	if short == text {
		return text
	}
	switch f.Type {
	case catalogue.String, catalogue.Text, catalogue.Enum:
		return short
	default:
		return ellipsis
	}
}
