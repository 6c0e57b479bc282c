package disclose

import (
	"errors"
	"fmt"
	"slices"
	"sort"
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
// First goes what the summary says elsewhere: a code field that is the holder's name or
// document number or the first day, and a document number that is the licence number.
// Nothing is lost by that and it counts as no cut. Then the other code fields are cut, all to the same number of characters, the highest
// that fits; then the holder's name, then the licence number, then the document number,
// each to no less than six characters. A number written as text is not shortened, which
// would make it another number: the ellipsis stands for all of it. Days and integers
// stay, and so does every text that would take no fewer bytes.
func Fit(credential *qr.Credential, c *catalogue.Category, limit int) (bool, error) {
	return fit(&credential.Summary, c, limit, qr.Choice{Number: true, Holder: true, MaskedID: true, Validity: true}, credential.Size)
}

// Choose returns what a code of kind 3 shows of a summary, cut by the rule of [Fit] to
// [qr.MaxScreen], and whether anything was cut.
func Choose(s qr.Summary, c *catalogue.Category, choice qr.Choice) (qr.Chosen, bool, error) {
	// Any two times of today take as many bytes.
	shown := qr.Shown{SignedAt: time.Unix(1<<31, 0), Expires: time.Unix(1<<31+60, 0)}
	cut, err := fit(&s, c, qr.MaxScreen, choice, func() (int, error) {
		shown.Chosen = s.Choose(choice)
		return shown.Size()
	})
	return s.Choose(choice), cut, err
}

// fit cuts a summary, of which a choice is shown, until size, which looks at it, is at
// most limit.
func fit(s *qr.Summary, c *catalogue.Category, limit int, shown qr.Choice, size func() (int, error)) (bool, error) {
	fits := func() (bool, error) {
		n, err := size()
		return n <= limit, err
	}
	if ok, err := fits(); ok || err != nil {
		return false, err
	}
	s.Fields = slices.Clone(s.Fields)
	fields := c.QRFields()
	for i := range s.Fields {
		if i < len(fields) && saysAnyway(s, shown, fields[i].MapsTo, s.Fields[i]) {
			s.Fields[i] = nil
		}
	}
	if shown.Number && s.MaskedID == s.Number {
		s.MaskedID = ""
	}
	if ok, err := fits(); ok || err != nil {
		return false, err
	}
	whole := *s
	whole.Fields = slices.Clone(s.Fields)
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
	for _, stage := range stages {
		stage.cut(stage.least)
		ok, err := fits()
		if err != nil {
			return true, err
		}
		if !ok {
			continue
		}
		// The longer, the more bytes: the first that does not fit is searched for.
		within := sort.Search(longest(&whole)-stage.least, func(i int) bool {
			stage.cut(stage.least + i + 1)
			ok, problem := fits()
			err = errors.Join(err, problem)
			return !ok
		})
		stage.cut(stage.least + within)
		return true, err
	}
	return true, fmt.Errorf("category %s, limit %d bytes: %w", c.ID, limit, ErrTooLong)
}

// saysAnyway reports whether what is shown of a summary says a field's value elsewhere.
func saysAnyway(s *qr.Summary, shown qr.Choice, m catalogue.Mapping, value any) bool {
	switch m {
	case catalogue.MapsHolderName:
		return shown.Holder && value == s.Holder
	case catalogue.MapsHolderID:
		return shown.MaskedID && value == s.MaskedID
	case catalogue.MapsIssueDate:
		return shown.Validity && value == int64(s.FirstDay)
	default:
		return false
	}
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

// cut shortens a text to a number of characters, the last of which is an ellipsis. A
// text that would take no fewer bytes stays whole.
func cut(text string, to int) string {
	r := []rune(text)
	if len(r) <= to {
		return text
	}
	return shorter(string(r[:to-1])+ellipsis, text)
}

func shorter(cut, text string) string {
	if len(cut) >= len(text) {
		return text
	}
	return cut
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
		return shorter(ellipsis, text)
	}
}
