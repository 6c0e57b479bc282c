package disclose

import (
	"fmt"
	"strings"

	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/qr"
)

// Profile is how much of a licence a code tells.
type Profile string

// The profiles. An organisation's name is public by law and is masked in none.
const (
	// Full: the holder's name, the masked document number, the licence number with
	// personal numbers masked, and all code fields.
	Full Profile = "full"
	// Masked: as full, but of a person's name only the first character, and of the
	// code fields only those that identify nobody.
	Masked Profile = "masked"
	// Minimal: the masked name, the licence number with its first 2 and last 4
	// characters, and the days of validity.
	Minimal Profile = "minimal"
)

// Profiles lists the profiles, the one that tells most first.
func Profiles() []Profile { return []Profile{Full, Masked, Minimal} }

// ParseProfile reads a profile's name.
func ParseProfile(name string) (Profile, error) {
	for _, p := range Profiles() {
		if string(p) == name {
			return p, nil
		}
	}
	return "", fmt.Errorf("profile %q is not one of full, masked, minimal", name)
}

// Summary returns what a code of a profile says of a licence of a category. Its place
// in the status lists is the licence's own; a credential with a place of its own puts
// that in.
func Summary(l *licence.Licence, c *catalogue.Category, p Profile) qr.Summary {
	s := qr.Summary{
		Schema: l.Schema, Category: int(l.Category), Number: l.MaskedNumber(), Holder: l.HolderNames(), MaskedID: l.MaskedIDs(),
		FirstDay: l.FirstDay, LastDay: l.LastDay, Status: l.Status.Packed(),
	}
	if p != Full && l.Personal() {
		s.Holder = maskedNames(l.Holders)
	}
	if p == Minimal {
		s.Number, s.MaskedID = idcode.Mask(s.Number), ""
	}
	for _, f := range c.QRFields() {
		var value any
		if v, present := l.Fields[f.Code]; present && shows(p, c, f) {
			value = v.Plain()
			switch {
			case p == Full || !l.Personal():
			case f.MapsTo == catalogue.MapsHolderName:
				value = s.Holder
			case f.MapsTo == catalogue.MapsHolderID:
				value = s.MaskedID
			}
		}
		s.Fields = append(s.Fields, value)
	}
	return s
}

// shows reports whether a profile tells a code field. Where a category is public by law
// so are its fields. Elsewhere a class or an amount identifies nobody; a text, a date or
// a place may.
func shows(p Profile, c *catalogue.Category, f catalogue.Field) bool {
	switch p {
	case Full:
		return true
	case Minimal:
		return false
	}
	switch f.Type {
	case catalogue.Enum, catalogue.Integer, catalogue.Decimal, catalogue.Money:
		return true
	default:
		return c.Assurance == catalogue.AssuranceC
	}
}

// maskedNames masks the names of those holders that are persons.
func maskedNames(all []licence.Holder) string {
	names := make([]licence.Holder, len(all))
	for i, h := range all {
		if names[i] = h; !h.IDType.Public() {
			names[i].Name = maskedName(h.Name)
		}
	}
	return (&licence.Licence{Holders: names}).HolderNames()
}

// maskedName keeps a name's first character.
func maskedName(name string) string {
	r := []rune(name)
	return string(r[:1]) + strings.Repeat("*", len(r)-1)
}
