package licence

import (
	"encoding/base64"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/licence/catalogue"
)

// Reapply returns the application that leads to a licence of the same content: what a
// new version begins with. Pictures are looked up by their SM3. What repeats the common
// part is left out, so that a change there is made once.
func Reapply(l *Licence, c *catalogue.Category, images func([sm3.Size]byte) ([]byte, error)) (*Application, error) {
	a := &Application{
		Issuer: l.Identifier.Issuer, Number: l.Number, IssueDate: l.IssueDay.String(), ValidFrom: l.FirstDay.String(), ValidUntil: longTermZH,
		Fields: make(map[string]ApplicationValue),
	}
	if l.LastDay != nil {
		a.ValidUntil = l.LastDay.String()
	}
	for _, h := range l.Holders {
		a.Holders = append(a.Holders, ApplicationHolder{Name: h.Name, IDType: string(h.IDType), IDNumber: h.IDNumber})
	}
	if len(a.Holders) == 1 {
		a.Holder, a.Holders = a.Holders[0], nil
	}
	for _, f := range c.Fields {
		v, present := l.Fields[f.Code]
		if !present || f.MapsTo != catalogue.MapsNothing {
			continue
		}
		image, isImage := v.Image()
		if !isImage {
			a.Fields[f.Code] = ApplicationValue{Text: v.Text(f)}
			continue
		}
		data, err := images(image.SM3)
		if err != nil {
			return nil, fmt.Errorf("picture %s of licence %s: %w", f.Code, l.Identifier, err)
		}
		a.Fields[f.Code] = ApplicationValue{Text: base64.StdEncoding.EncodeToString(data)}
	}
	return a, nil
}
