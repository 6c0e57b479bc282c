package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
)

// changeView is a change as the feed prints it.
type changeView struct {
	ID       string `json:"id"`
	Revision uint64 `json:"revision"` // the cursor behind this change
	Step     string `json:"step"`
	At       string `json:"at"`    // empty: not known
	State    string `json:"state"` // the licence's at present
	List     uint32 `json:"status_list"`
	Index    uint32 `json:"status_index"`
}

func (v changeView) row() []string {
	return []string{fmt.Sprint(v.Revision), v.At, v.Step, v.ID, v.State}
}

func newChanges(s *settings) *cobra.Command {
	var after uint64
	var limit int
	var lists []uint
	cmd := &cobra.Command{
		Use: "changes [--after REVISION] [--list N,…] [--limit N]", Short: "变更流 every step of every licence once, the oldest first", Args: cobra.NoArgs,
		Long: "Keep the revision of the last change and give it to --after: nothing is lost and nothing comes twice.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 10000 {
				return fmt.Errorf("--limit: %d is not 1 to 10000", limit)
			}
			q := licence.ChangeQuery{After: after, Limit: limit}
			for _, n := range lists {
				q.Lists = append(q.Lists, uint32(n))
			}
			return s.with(func(o *office.Office) error {
				changes, err := o.Changes(cmd.Context(), q)
				if err != nil {
					return err
				}
				var views []changeView
				for _, c := range changes {
					l := c.Record.Licence
					v := changeView{ID: l.Identifier.String(), Revision: c.Revision, Step: string(c.Step), State: c.Record.State.String(), List: l.Status.List, Index: l.Status.Index}
					if !c.At.IsZero() {
						v.At = c.At.Format(time.RFC3339)
					}
					views = append(views, v)
				}
				return list(cmd, s, views, changeView.row)
			})
		},
	}
	cmd.Flags().Uint64Var(&after, "after", 0, "only changes behind this `REVISION`")
	cmd.Flags().IntVar(&limit, "limit", 1000, "at most so many")
	cmd.Flags().UintSliceVar(&lists, "list", nil, "only of licences on these status lists, by `NUMBER`")
	return cmd
}

// countView is how many licences a category has, by state.
type countView struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	All    uint64            `json:"all"`
	States map[string]uint64 `json:"states"`
}

func (v countView) row() []string {
	row := []string{v.ID, v.Name, fmt.Sprint(v.All)}
	for _, s := range licence.States() {
		if n := v.States[s.String()]; n > 0 {
			row = append(row, fmt.Sprintf("%s %s %d", s, s.NameZH(), n))
		}
	}
	return row
}

func newCount(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "count", Short: "统计 how many licences there are, by category and state", Args: cobra.NoArgs,
		Long: "The numbers are kept, and no licence is looked at. One whose publication has come by its time alone is pending here until its next step.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				counts, err := o.Counts(cmd.Context())
				if err != nil {
					return err
				}
				var views []countView
				for _, c := range counts {
					if id := c.Category.String(); len(views) == 0 || views[len(views)-1].ID != id {
						v := countView{ID: id, States: make(map[string]uint64)}
						if category, ok := o.Catalogue().Category(c.Category); ok {
							v.Name = category.NameZH
						}
						views = append(views, v)
					}
					v := &views[len(views)-1]
					v.States[c.State.String()] = c.Licences
					v.All += c.Licences
				}
				return list(cmd, s, views, countView.row)
			})
		},
	}
}
