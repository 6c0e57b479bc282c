package load

import (
	"errors"
	"testing"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// TestApplicationsAreValid: each application is valid, and no number of a category comes
// twice, with room for ten million.
func TestApplicationsAreValid(t *testing.T) {
	t.Parallel()
	c, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGenerator(c, civil.Day(20000))
	if err != nil {
		t.Fatal(err)
	}
	uscc, err := idcode.USCC("11340000XN000001")
	if err != nil {
		t.Fatal(err)
	}
	issuer := &licence.Authority{USCC: uscc, Name: "安徽省样例局"}
	for _, category := range c.Categories() {
		issuer.Categories = append(issuer.Categories, category.ID)
	}
	numbers := make(map[string]bool)
	holders := make(map[string]int)
	n := len(c.Categories())
	for i := range 30 * n {
		id, a := g.Application(i)
		category, _ := c.Category(id)
		if _, err := licence.Validate(a, category, issuer, g.ReadFile); err != nil {
			var invalid *licence.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatal(err)
			}
			t.Fatalf("category %s, application %d: %v\n%+v", id, i, err, a)
		}
		if !category.MatchesNumber(a.Number) {
			t.Fatalf("category %s: %q is not a number of %s", id, a.Number, category.NumberPattern)
		}
		if key := id.String() + a.Number; numbers[key] {
			t.Fatalf("category %s: number %s comes twice", id, a.Number)
		} else {
			numbers[key] = true
		}
		holders[a.Holder.IDNumber]++
		again, b := g.Application(i)
		if again != id || b.Number != a.Number || b.Holder != a.Holder {
			t.Fatalf("application %d is another one when it is made again", i)
		}
	}
	if len(holders) > len(numbers)*3/4 {
		t.Errorf("%d licences have %d holders, want several licences a holder", len(numbers), len(holders))
	}
	for i, m := range g.models {
		if !m.citizen && m.number.space < 60000 {
			t.Logf("category %s has %d numbers only (%s)", g.categories[i].ID, m.number.space, g.categories[i].NumberPattern)
		}
	}
}
