package office

import (
	"context"
	"time"

	"github.com/elicence/elicence/licence"
)

// ChangeView is a change as the feed shows it.
type ChangeView struct {
	ID       string `json:"id"`
	Revision uint64 `json:"revision"` // the cursor behind this change
	Step     string `json:"step"`
	At       string `json:"at"`    // empty: not known
	State    string `json:"state"` // the licence's at present
	List     uint32 `json:"status_list"`
	Index    uint32 `json:"status_index"`
}

// ViewChange returns the view of a change.
func ViewChange(c licence.Change) ChangeView {
	l := c.Record.Licence
	v := ChangeView{ID: l.Identifier.String(), Revision: c.Revision, Step: string(c.Step), State: c.Record.State.String(), List: l.Status.List, Index: l.Status.Index}
	if !c.At.IsZero() {
		v.At = c.At.Format(time.RFC3339)
	}
	return v
}

// CountView is how many licences a category has, by state.
type CountView struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	All    uint64            `json:"all"`
	States map[string]uint64 `json:"states"`
}

// ViewCounts returns how many licences there are of each category that has any.
func (o *Office) ViewCounts(ctx context.Context) ([]CountView, error) {
	counts, err := o.Counts(ctx)
	if err != nil {
		return nil, err
	}
	views := []CountView{}
	for _, c := range counts {
		if id := c.Category.String(); len(views) == 0 || views[len(views)-1].ID != id {
			v := CountView{ID: id, States: make(map[string]uint64)}
			if category, ok := o.Catalogue().Category(c.Category); ok {
				v.Name = category.NameZH
			}
			views = append(views, v)
		}
		v := &views[len(views)-1]
		v.States[c.State.String()] = c.Licences
		v.All += c.Licences
	}
	return views, nil
}
