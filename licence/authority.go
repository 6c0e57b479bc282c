package licence

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
)

// Authority is a body that issues licences: its names, what it may issue, and
// the key it signs with.
type Authority struct {
	USCC       string          `json:"uscc"`
	Name       string          `json:"name"`
	Region     string          `json:"region"` // six digits, GB/T 2260; 100000 for the whole country
	Level      catalogue.Level `json:"level"`
	Categories []catalogue.ID  `json:"categories"` // ascending
	Lists      []uint32        `json:"lists"`      // its own status lists
	// Undo has the times in which a licence that was issued can be taken back before it
	// is published; the one of category 0 is for all categories that have none.
	Undo        []UndoWindow `json:"undo,omitempty"`
	Point       pki.Point    `json:"-"`
	Certificate []byte       `json:"-"` // DER, of the key at Point
}

// UndoWindow is how long licences of a category wait before they are published.
type UndoWindow struct {
	Category catalogue.ID `json:"category"` // 0: all others
	Minutes  int          `json:"minutes"`
}

// MaxUndoMinutes bounds an undo window: a week.
const MaxUndoMinutes = 7 * 24 * 60

// UndoMinutes returns how long a new licence of a category waits before it is
// published.
func (a *Authority) UndoMinutes(id catalogue.ID) int {
	minutes := 0
	for _, w := range a.Undo {
		if w.Category == id {
			return w.Minutes
		}
		if w.Category == 0 {
			minutes = w.Minutes
		}
	}
	return minutes
}

// Allow adds categories to those that the authority issues; some must be new.
func (a *Authority) Allow(categories ...catalogue.ID) error {
	all := slices.Concat(a.Categories, categories)
	slices.Sort(all)
	if all = slices.Compact(all); len(all) == len(a.Categories) {
		return fmt.Errorf("authority %s issues all of them already", a.USCC)
	}
	a.Categories = all
	return nil
}

// SetUndo puts a window in the place of the one of the same category.
func (a *Authority) SetUndo(w UndoWindow) error {
	if w.Minutes < 0 || w.Minutes > MaxUndoMinutes {
		return fmt.Errorf("undo window of %d minutes is not 0 to %d", w.Minutes, MaxUndoMinutes)
	}
	a.Undo = slices.DeleteFunc(slices.Clone(a.Undo), func(o UndoWindow) bool { return o.Category == w.Category })
	a.Undo = append(a.Undo, w)
	slices.SortFunc(a.Undo, func(a, b UndoWindow) int { return int(a.Category) - int(b.Category) })
	return nil
}

var regionForm = regexp.MustCompile(`^[1-9][0-9]{5}$`)

// Check refuses an authority whose particulars are not well formed.
func (a *Authority) Check() error {
	if err := idcode.CheckUSCC(a.USCC); err != nil {
		return fmt.Errorf("authority's code: %w", err)
	}
	if err := cleantext.Check(a.Name); err != nil {
		return fmt.Errorf("authority's name: %w", err)
	}
	if a.Name == "" {
		return fmt.Errorf("authority %s has no name", a.USCC)
	}
	if !regionForm.MatchString(a.Region) {
		return bilingual.Wrap("行政区划代码应为六位数字", fmt.Errorf("authority's region %q is not six digits (GB/T 2260)", a.Region))
	}
	if !slices.Contains(catalogue.Levels(), a.Level) {
		return fmt.Errorf("authority's level %q is not one of %v", a.Level, catalogue.Levels())
	}
	if len(a.Categories) == 0 || !slices.IsSorted(a.Categories) {
		return fmt.Errorf("authority %s has no categories", a.USCC)
	}
	return nil
}

// MayIssue reports whether the authority issues licences of the category.
func (a *Authority) MayIssue(id catalogue.ID) bool {
	_, found := slices.BinarySearch(a.Categories, id)
	return found
}
