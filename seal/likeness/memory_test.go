package likeness_test

import (
	"errors"
	"testing"

	"github.com/elicence/elicence/seal/likeness"
)

// TestMemoryOfErrors: what one document could not be compared for is asked anew of the next;
// what a drawing is not compared for is remembered.
func TestMemoryOfErrors(t *testing.T) {
	t.Parallel()
	spent := errors.New("the document's limits are spent")
	m := likeness.NewMemory()
	for _, tt := range []struct {
		description string
		first       error
		asked       bool // again, for the next
	}{{"a", spent, true}, {"b", likeness.ErrNotDrawn, false}, {"c", nil, false}} {
		if _, err := m.Of([]byte(tt.description), func() (likeness.Likeness, error) { return likeness.Likeness{}, tt.first }); !errors.Is(err, tt.first) {
			t.Errorf("%s: %v, want %v", tt.description, err, tt.first)
		}
		asked := false
		found, err := m.Of([]byte(tt.description), func() (likeness.Likeness, error) {
			asked = true
			return likeness.Likeness{Alike: true}, nil
		})
		if asked != tt.asked || found.Alike != tt.asked || !tt.asked && !errors.Is(err, tt.first) {
			t.Errorf("%s: asked again %v, %+v, %v; want %v", tt.description, asked, found, err, tt.asked)
		}
	}
}
