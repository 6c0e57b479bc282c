package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
)

func changeRow(v office.ChangeView) []string {
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
				var views []office.ChangeView
				for _, c := range changes {
					views = append(views, office.ViewChange(c))
				}
				return list(cmd, s, views, changeRow)
			})
		},
	}
	cmd.Flags().Uint64Var(&after, "after", 0, "only changes behind this `REVISION`")
	cmd.Flags().IntVar(&limit, "limit", 1000, "at most so many")
	cmd.Flags().UintSliceVar(&lists, "list", nil, "only of licences on these status lists, by `NUMBER`")
	return cmd
}

func countRow(v office.CountView) []string {
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
				views, err := o.ViewCounts(cmd.Context())
				if err != nil {
					return err
				}
				return list(cmd, s, views, countRow)
			})
		},
	}
}
