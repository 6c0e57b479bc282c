package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

func newHolder(s *settings) *cobra.Command {
	return group("holder", "持证主体 what happens to holders, for all their licences", atDesk(s,
		newHolderList(s),
		newHolderAct(s, licence.EventDeceased, "死亡 a person has died"),
		newHolderAct(s, licence.EventRenamed, "更名 a person or an organisation has a new name"),
		newHolderAct(s, licence.EventMerged, "合并 an organisation is merged into another"),
		newHolderAct(s, licence.EventDissolved, "解散或终止 an organisation was dissolved"))...)
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

func newHolderAct(s *settings, event licence.HolderEvent, short string) *cobra.Command {
	var q office.HolderRequest
	var holder, into, intoName, confirm string
	var end, keep, transfer []string
	cmd := &cobra.Command{
		Use: string(event) + " --holder TYPE:NUMBER --reason TEXT [--dry-run]", Short: short, Args: cobra.NoArgs,
		Long: "Prints what would become of each licence by the rule of its category, and the digest of exactly that. Nothing happens to any\n" +
			"licence before another officer approves it with that digest (licence mass approve), and not then if anything has changed in\n" +
			"between. Where the fate is ask an officer decides with --end or --keep. A proposal lives for seven days.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if confirm != "" {
				return bilingual.New("不再由一人确认：请先提出，再由另一人批准", "--confirm: one officer alone does not do this any more: propose it without, and have another approve it with: elicence licence mass approve ID --digest HEX")
			}
			q.Event = event
			switch {
			case event == licence.EventRenamed && q.Name == "":
				return bilingual.New("须用 --name 给出新名称", "--name: must say the new name")
			case event == licence.EventMerged && (into == "" || intoName == ""):
				return bilingual.New("须用 --into 与 --into-name 给出承继者的代码与名称", "--into and --into-name: must say the successor's code and name")
			}
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
			return s.with(func(o *office.Office) error { return proposeHolder(cmd, s, o, q) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&holder, "holder", "", holderHelp)
	flags.StringVar(&q.Reason, "reason", "", "why, in `WORDS`; kept with every licence")
	flags.BoolVar(&q.DryRun, "dry-run", false, "print what would become of them, and store nothing")
	flags.StringVar(&confirm, "confirm", "", "")
	_ = flags.MarkHidden("confirm") // it fails for flags that are not there
	flags.StringSliceVar(&end, "end", nil, "these licences end, by `ID`, whatever the rule says")
	flags.StringSliceVar(&keep, "keep", nil, "these licences stay as they are, by `ID`")
	switch event {
	case licence.EventRenamed:
		flags.StringVar(&q.Name, "name", "", "the new `NAME`")
	case licence.EventMerged:
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

// stateUndecided is shown for what cannot be proposed before an officer has decided.
const stateUndecided = "undecided"

func proposeHolder(cmd *cobra.Command, s *settings, o *office.Office, q office.HolderRequest) error {
	preview, refused := o.ProposeHolder(cmd.Context(), s.actor, q)
	if refused != nil && len(preview.Steps) == 0 {
		return refused
	}
	v := viewProposal(preview.Proposal)
	v.DryRun = q.DryRun
	if refused != nil { // what there is to decide on, or why nothing can be done, is shown all the same
		v.ID, v.Digest, v.State, v.DryRun = "", "", stateUndecided, true
	}
	for _, step := range preview.Steps {
		l := viewHolderStep(o.Catalogue(), step)
		if step.Problem != nil {
			v.Excluded = append(v.Excluded, l)
		} else {
			v.Licences = append(v.Licences, l)
		}
	}
	return errors.Join(v.print(cmd, s, o), refused)
}

// viewHolderStep is what would become of one licence of a holder.
func viewHolderStep(c *catalogue.Catalogue, h office.HolderStep) proposedView {
	l := h.Record.Licence
	v := viewProposed(licence.Proposed{Identifier: l.Identifier, Fate: h.Fate, Step: h.Step, Cause: h.Cause})
	v.Category, v.State = l.Category.String(), h.Record.State.String()
	if category, ok := c.Category(l.Category); ok {
		v.CategoryName = category.NameZH
	}
	if h.Problem != nil {
		v.Refusal = bilingual.Text(h.Problem)
	}
	return v
}
