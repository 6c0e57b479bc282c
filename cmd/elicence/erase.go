package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// erasureView is an erasure as it is printed.
type erasureView struct {
	ID         string  `json:"id"`
	KeepNumber bool    `json:"keep_number"`
	AppliedBy  string  `json:"applied_by"`
	AppliedAt  string  `json:"applied_at"`
	ApprovedBy *string `json:"approved_by"`
	ApprovedAt *string `json:"approved_at"`
	DryRun     bool    `json:"dry_run,omitempty"`
}

func viewErasure(e licence.Erasure) erasureView {
	v := erasureView{ID: e.Identifier.String(), KeepNumber: e.KeepNumber, AppliedBy: e.AppliedBy, AppliedAt: e.AppliedAt.Format(time.RFC3339)}
	if e.ApprovedBy != "" {
		at := e.ApprovedAt.Format(time.RFC3339)
		v.ApprovedBy, v.ApprovedAt = &e.ApprovedBy, &at
	}
	return v
}

func (v erasureView) row() []string {
	if v.ApprovedBy == nil {
		return []string{v.ID, "待批准 applied", v.AppliedBy, v.AppliedAt}
	}
	return []string{v.ID, "已删除 erased", v.AppliedBy, *v.ApprovedBy, *v.ApprovedAt}
}

func newErase(s *settings) *cobra.Command {
	var reason string
	var keepNumber, approve, dryRun bool
	cmd := onLicence(s, "erase ID --reason TEXT [--keep-number] [--dry-run] | ID --approve [--dry-run]", "依法删除 erase a licence that has ended; two officers",
		func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
			var e licence.Erasure
			var err error
			switch {
			case approve && (reason != "" || keepNumber):
				return fmt.Errorf("--approve: goes alone: what was applied for is approved as it is")
			case dryRun:
				e, err = o.TryErasure(ctx, s.actor, id, keepNumber, approve, reason)
			case approve:
				e, err = o.ApproveErasure(ctx, s.actor, id)
			default:
				e, err = o.ApplyErasure(ctx, s.actor, id, keepNumber, reason)
			}
			if err != nil {
				return err
			}
			v := viewErasure(e)
			v.DryRun = dryRun
			if s.json {
				return printJSON(cmd.OutOrStdout(), v)
			}
			if dryRun {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), dryRunTitle); err != nil {
					return err
				}
			}
			return list(cmd, s, []erasureView{v}, erasureView.row)
		})
	cmd.Long = "One officer applies with --reason, another approves. Then what the licence says, its look-up keys, codes and devices are removed\n" +
		"from the register, and the personal details beside its entries in the audit log; and the key that it was encrypted under is\n" +
		"destroyed, so that no backup gives it back. The log stays whole; the place in the status lists stays revoked. --keep-number\n" +
		"keeps the number from other licences. Then replace the backup of the record keys (elicence backup record-keys): the one of\n" +
		"before still opens what backups hold. Pictures stay, encrypted, in the document store."
	cmd.Flags().StringVar(&reason, "reason", "", "the lawful ground, in `WORDS`; kept as details of the application")
	cmd.Flags().BoolVar(&keepNumber, "keep-number", false, "no other licence may get its number")
	cmd.Flags().BoolVar(&approve, "approve", false, "approve what another officer has applied for, and erase")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

func newErasures(s *settings) *cobra.Command {
	return &cobra.Command{Use: "erasures", Short: "删除记录 erasures that were applied for or carried out", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return s.with(func(o *office.Office) error {
			all, err := o.Erasures(cmd.Context())
			if err != nil {
				return err
			}
			views := []erasureView{}
			for _, e := range all {
				views = append(views, viewErasure(e))
			}
			return list(cmd, s, views, erasureView.row)
		})
	}}
}

// dueView is a licence whose retention is over, as it is printed.
type dueView struct {
	ID           string `json:"id"`
	Category     string `json:"category"`
	CategoryName string `json:"category_name"`
	Ended        string `json:"ended"`
	Due          string `json:"due"`
	Years        int    `json:"years"`
	Basis        string `json:"basis"`
}

// retentionView is how long the licences of a category are kept, as it is printed.
type retentionView struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Years     *int   `json:"years"` // after the end; null: for ever
	Permanent bool   `json:"permanent"`
	Default   bool   `json:"default"` // nobody has said another for this category
	Basis     string `json:"basis"`
}

func viewRetention(c *catalogue.Category) retentionView {
	v := retentionView{ID: c.ID.String(), Name: c.NameZH, Permanent: c.Retention.Permanent(), Default: !c.Retention.Stated, Basis: c.Retention.Basis}
	if !v.Permanent {
		v.Years = &c.Retention.Years
	}
	return v
}

// period says it in words.
func (v retentionView) period() string {
	if v.Permanent {
		return "永久 for ever"
	}
	return fmt.Sprintf("终止后 %d 年 years after the end", *v.Years)
}

func (v retentionView) row() []string { return []string{v.ID, v.Name, v.period(), v.Basis} }

func (v dueView) row() []string { return []string{v.ID, v.Category, v.CategoryName, v.Ended, v.Due} }

func newRetention(s *settings) *cobra.Command {
	var on, only string
	due := &cobra.Command{
		Use: "due [--on DATE] [--category NNN,…]", Short: "保管期满 licences whose retention is over", Args: cobra.NoArgs,
		Long: "Lists what need not be kept any more, by the retention of each category (retention list). It reads the whole register and\n" +
			"erases nothing.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			day := civil.Of(time.Now())
			if on != "" {
				var err error
				if day, err = civil.Parse(on); err != nil {
					return fmt.Errorf("--on: %w", err)
				}
			}
			categories, err := parseCategories(only)
			if err != nil {
				return fmt.Errorf("--category: %w", err)
			}
			return s.with(func(o *office.Office) error {
				views := []dueView{}
				err := o.DueForErasure(cmd.Context(), day, func(d office.Due) error {
					if len(categories) > 0 && !slices.Contains(categories, d.Category.ID) {
						return nil
					}
					views = append(views, dueView{
						ID: d.Identifier.String(), Category: d.Category.ID.String(), CategoryName: d.Category.NameZH, Ended: d.Ended.String(), Due: d.Since.String(),
						Years: d.Category.Retention.Years, Basis: d.Category.Retention.Basis,
					})
					return nil
				})
				if err != nil {
					return err
				}
				return list(cmd, s, views, dueView.row)
			})
		},
	}
	due.Flags().StringVar(&on, "on", "", "`DATE` that is asked about; without: today")
	due.Flags().StringVar(&only, "category", "", "only of these categories, `NNN,…`")
	periods := &cobra.Command{
		Use: "list", Short: "各类别保管期限 how long each category's licences are kept, and by which rule", Args: cobra.NoArgs,
		Long: "Where no rule is known it is 30 years after the end, and the list says so. \"retention\": {\"years\", \"basis\"} in category add and\n" +
			"category change sets another.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.catalogue()
			if err != nil {
				return err
			}
			var views []retentionView
			for _, category := range c.Categories() {
				views = append(views, viewRetention(category))
			}
			return list(cmd, s, views, retentionView.row)
		},
	}
	return group("retention", "保管期限 how long licences are kept", due, periods)
}
