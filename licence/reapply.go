package licence

import (
	"encoding/base64"
	"fmt"

	"github.com/elicence/elicence/licence/catalogue"
)

// Application returns the application that would lead to a licence of the same content.
// Pictures are read through readImage and given in base64. Fields that repeat the common
// part are left out, and a licence without a last day says so: what the category's rule
// says may have changed since.
func (l *Licence) Application(c *catalogue.Category, readImage func(Image) ([]byte, error)) (*Application, error) {
	a := &Application{
		Issuer: l.Identifier.Issuer, Number: l.Number, IssueDate: l.IssueDay.String(), ValidUntil: "long-term", Fields: make(map[string]ApplicationValue, len(l.Fields)),
	}
	for _, h := range l.Holders {
		a.Holders = append(a.Holders, ApplicationHolder{Name: h.Name, IDType: string(h.IDType), IDNumber: h.IDNumber})
	}
	if len(a.Holders) == 1 {
		a.Holder, a.Holders = a.Holders[0], nil
	}
	if l.FirstDay != l.IssueDay {
		a.ValidFrom = l.FirstDay.String()
	}
	if l.LastDay != nil {
		a.ValidUntil = l.LastDay.String()
	}
	for _, f := range c.Fields {
		value, present := l.Fields[f.Code]
		if !present || f.MapsTo != catalogue.MapsNothing {
			continue
		}
		text := value.Text(f)
		if image, ok := value.Image(); ok {
			b, err := readImage(image)
			if err != nil {
				return nil, fmt.Errorf("licence %s: field %s: %w", l.Identifier, f.Code, err)
			}
			text = base64.StdEncoding.EncodeToString(b)
		}
		a.Fields[f.Code] = ApplicationValue{Text: text}
	}
	return a, nil
}
