package catalogue_test

import (
	"strings"
	"testing"

	"github.com/elicence/elicence/licence/catalogue"
)

// TestRetentionIsStated: where a rule is known the category has it, with its name, and
// elsewhere the default says that it is one.
func TestRetentionIsStated(t *testing.T) {
	t.Parallel()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := map[catalogue.ID]int{17: 100, 18: 100, 19: 0, 40: 50, 46: 0, 47: 0, 87: 0, 88: 0, 157: 0}
	for _, category := range c.Categories() {
		r := category.Retention
		years, stated := want[category.ID]
		if !stated {
			years = 30
		}
		if r.Years != years || r.Stated != stated || r.Stated == strings.HasPrefix(r.Basis, "缺省值") || r.Permanent() != (years == 0) {
			t.Errorf("%s %s: %+v, want %d years", category.ID, category.NameZH, r, years)
		}
	}
}
