package likeness_test

import (
	"testing"

	"github.com/elicence/elicence/seal/likeness"
)

// TestThrough: paint that lets shine through what is below it takes nothing away, in however small steps, and its
// layers add up, as they do where they are multiplied.
func TestThrough(t *testing.T) {
	t.Parallel()
	for name, inks := range map[string][]float64{
		"ink that is taken away in steps": {1, 0.75, 0.5, 0.25, 0},
		"ink that fades":                  {0.29, 0},
	} {
		sheet, err := likeness.NewSheet(10, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, ink := range inks {
			var p likeness.Path
			p.Rectangle(1, 1, 8, 8)
			if err = sheet.Fill(&p, likeness.Identity(), likeness.Everywhere(), ink, true); err != nil {
				break
			}
		}
		if err == nil && sheet.Empty() {
			t.Errorf("%s: the sheet is empty", name)
		}
	}
}
