package licence

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
)

// Authority is a body that issues licences: its names, what it may issue, and
// the key it signs with.
type Authority struct {
	USCC        string          `json:"uscc"`
	Name        string          `json:"name"`
	Region      string          `json:"region"` // six digits, GB/T 2260; 100000 for the whole country
	Level       catalogue.Level `json:"level"`
	Categories  []catalogue.ID  `json:"categories"` // ascending
	Lists       []uint32        `json:"lists"`      // its own status lists
	Point       pki.Point       `json:"-"`
	Certificate []byte          `json:"-"` // DER, of the key at Point
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
		return fmt.Errorf("authority's region %q is not six digits (GB/T 2260)", a.Region)
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
