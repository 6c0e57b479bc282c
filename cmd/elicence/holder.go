package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

func newHolder(s *settings) *cobra.Command {
	return group("holder", "持证主体 what happens to holders, for all their licences", atDesk(s,
		newHolderList(s),
		newHolderAct(s, office.HolderDeceased, "死亡 a person has died"),
		newHolderAct(s, office.HolderRenamed, "更名 a person or an organisation has a new name"),
		newHolderAct(s, office.HolderMerged, "合并 an organisation is merged into another"),
		newHolderAct(s, office.HolderDissolved, "解散或终止 an organisation was dissolved"))...)
}

func newHolderList(s *settings) *cobra.Command {
	var holder string
	cmd := &cobra.Command{Use: "licences --holder TYPE:NUMBER", Short: "名下证照 all licences of a holder, the newest change first", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		t, number, err := parseHolder(cmd, "--holder", holder)
		if err != nil {
			return err
		}
		return s.with(func(o *office.Office) error {
			all, err := o.HolderLicences(cmd.Context(), s.actor, t, number)
			if err != nil {
				return err
			}
			var views []licenceView
			for _, r := range all {
				views = append(views, viewLicence(o.Catalogue(), r))
			}
			return list(cmd, s, views, licenceView.row)
		})
	}}
	cmd.Flags().StringVar(&holder, "holder", "", holderHelp)
	return cmd
}

const holderHelp = "the holder's document, `TYPE:NUMBER`, such as 111:…; - reads it from standard input"

// holderStepView is what becomes, or has become, of one licence of a holder.
type holderStepView struct {
	ID           string `json:"id"`
	Category     string `json:"category"`
	CategoryName string `json:"category_name"`
	State        string `json:"state"`
	Fate         string `json:"fate"`              // end, keep, transfer or ask
	Step         string `json:"step,omitempty"`    // that is taken
	Cause        string `json:"cause,omitempty"`   //
	Problem      string `json:"problem,omitempty"` // why it cannot be
	After        string `json:"after,omitempty"`   // the new version, where there is one
}

func viewHolderStep(c *catalogue.Catalogue, h office.HolderStep) holderStepView {
	l := h.Record.Licence
	v := holderStepView{ID: l.Identifier.String(), Category: l.Category.String(), State: h.Record.State.String(), Fate: string(h.Fate), Step: string(h.Step)}
	if category, ok := c.Category(l.Category); ok {
		v.CategoryName = category.NameZH
	}
	if h.Cause != licence.Unstated {
		v.Cause = h.Cause.String()
	}
	if h.Problem != nil {
		v.Problem = h.Problem.Error()
	}
	return v
}

func (v holderStepView) row() []string {
	return []string{v.ID, v.Category, v.CategoryName, v.State, v.Fate, v.Step, v.After, v.Problem}
}

// holderPlanView is a plan as it is printed.
type holderPlanView struct {
	Digest   string           `json:"digest"`
	Licences []holderStepView `json:"licences"`
}

func newHolderAct(s *settings, event office.HolderEvent, short string) *cobra.Command {
	var q office.HolderRequest
	var holder, into, intoName, confirm string
	var end, keep, transfer []string
	cmd := &cobra.Command{
		Use: string(event) + " --holder TYPE:NUMBER --reason TEXT [--confirm DIGEST]", Short: short, Args: cobra.NoArgs,
		Long: "Without --confirm it prints what would become of each licence by the rule of its category, and changes nothing. With the digest that\nwas printed it does exactly that. Where the fate is ask an officer decides with --end or --keep.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.Event = event
			var err error
			if q.IDType, q.IDNumber, err = parseHolder(cmd, "--holder", holder); err != nil {
				return err
			}
			if into != "" {
				q.Successor.Name = intoName
				if q.Successor.IDType, q.Successor.IDNumber, err = parseHolder(cmd, "--into", into); err != nil {
					return err
				}
			}
			if q.Decisions, err = decisions(map[catalogue.Fate][]string{catalogue.FateEnd: end, catalogue.FateKeep: keep, catalogue.FateTransfer: transfer}); err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				if confirm == "" {
					return previewHolder(cmd, s, o, q)
				}
				return actOnHolder(cmd, s, o, q, confirm)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&holder, "holder", "", holderHelp)
	flags.StringVar(&q.Reason, "reason", "", "why, in `WORDS`; kept with every licence")
	flags.StringVar(&confirm, "confirm", "", "do what was printed with this `DIGEST`")
	flags.StringSliceVar(&end, "end", nil, "these licences end, by `ID`, whatever the rule says")
	flags.StringSliceVar(&keep, "keep", nil, "these licences stay as they are, by `ID`")
	switch event {
	case office.HolderRenamed:
		flags.StringVar(&q.Name, "name", "", "the new `NAME`")
	case office.HolderMerged:
		flags.StringVar(&into, "into", "", "the successor's code, `001:CODE`")
		flags.StringVar(&intoName, "into-name", "", "the successor's `NAME`")
		flags.StringSliceVar(&transfer, "transfer", nil, "these licences go over to the successor, by `ID`")
	}
	return cmd
}

// decisions reads the licences that an officer decides on.
func decisions(by map[catalogue.Fate][]string) (map[licence.Identifier]catalogue.Fate, error) {
	all := make(map[licence.Identifier]catalogue.Fate)
	for fate, texts := range by {
		for _, text := range texts {
			id, err := licence.ParseIdentifier(text)
			if err != nil {
				return nil, fmt.Errorf("--%s: %s: %w", fate, text, err)
			}
			if _, twice := all[id]; twice {
				return nil, fmt.Errorf("--%s: %s is decided twice", fate, text)
			}
			all[id] = fate
		}
	}
	return all, nil
}

func previewHolder(cmd *cobra.Command, s *settings, o *office.Office, q office.HolderRequest) error {
	plan, err := o.PlanHolder(cmd.Context(), s.actor, q)
	if err != nil {
		return err
	}
	v := holderPlanView{Digest: fmt.Sprintf("%x", plan.Digest), Licences: []holderStepView{}}
	for _, step := range plan.Steps {
		v.Licences = append(v.Licences, viewHolderStep(o.Catalogue(), step))
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	if err := list(cmd, s, v.Licences, holderStepView.row); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "未作任何改动 nothing is changed yet. 清单摘要 digest: %s\n", v.Digest)
	return err
}

func actOnHolder(cmd *cobra.Command, s *settings, o *office.Office, q office.HolderRequest, confirm string) error {
	digest, err := parseDigest("--confirm", confirm)
	if err != nil {
		return err
	}
	done, err := o.ActOnHolder(cmd.Context(), s.actor, q, digest)
	if err != nil {
		return err
	}
	views := make([]holderStepView, len(done))
	var failed []string
	for i, d := range done {
		views[i] = viewHolderStep(o.Catalogue(), d.HolderStep)
		if d.Err != nil {
			views[i].Problem = d.Err.Error()
			failed = append(failed, views[i].ID)
			continue
		}
		views[i].State = d.After.State.String()
		if d.After.Licence.Identifier != d.Record.Licence.Identifier {
			views[i].After = d.After.Licence.Identifier.String()
			views[i].State = licence.Superseded.String()
		}
	}
	if err := list(cmd, s, views, holderStepView.row); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d licences are as they were: %s: %w", len(failed), strings.Join(failed, ", "), errNotDone)
	}
	return nil
}
