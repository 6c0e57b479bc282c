package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

func newMass(s *settings) *cobra.Command {
	return group("mass", "批量处置 one step for many licences, by two officers",
		newMassPropose(s, licence.Suspend, "提议批量暂扣 propose to suspend many licences"),
		newMassPropose(s, licence.Resume, "提议批量恢复 propose to resume many licences"),
		newMassPropose(s, licence.Revoke, "提议批量注销或吊销 propose to revoke many licences"),
		newMassList(s), newMassShow(s), newMassApprove(s), goesOn(newMassRun(s), nothingTwice), newMassCancel(s))
}

// proposalView is a proposal as it is printed.
type proposalView struct {
	ID         string         `json:"id"`
	State      string         `json:"state"`
	Event      string         `json:"event,omitempty"` // what has happened to a holder; then there is no step for all
	Step       string         `json:"step"`
	Cause      string         `json:"cause"`
	Reason     string         `json:"reason"`
	Count      int            `json:"count"`
	Digest     string         `json:"digest"`
	ByCategory map[string]int `json:"by_category"`
	ByIssuer   map[string]int `json:"by_issuer"`
	ProposedBy string         `json:"proposed_by"`
	ProposedAt string         `json:"proposed_at"`
	Expires    string         `json:"expires"`
	ApprovedBy string         `json:"approved_by,omitempty"`
	ApprovedAt string         `json:"approved_at,omitempty"`
	Done       int            `json:"done"`
	Refused    int            `json:"refused"`
	// What follows is printed where somebody asks for it.
	Licences []proposedView `json:"licences,omitempty"`
	Excluded []proposedView `json:"excluded,omitempty"` // selected, and not in a state for the step
	DryRun   bool           `json:"dry_run,omitempty"`
}

type proposedView struct {
	ID      string `json:"id"`
	Refusal string `json:"refusal,omitempty"`
	// What follows is of proposals about a holder.
	Category     string `json:"category,omitempty"`
	CategoryName string `json:"category_name,omitempty"`
	State        string `json:"state,omitempty"`
	Fate         string `json:"fate,omitempty"` // end, keep, transfer or ask
	Step         string `json:"step,omitempty"`
	Cause        string `json:"cause,omitempty"`
	After        string `json:"after,omitempty"` // the new version, where there is one
}

func viewProposal(p licence.Proposal) proposalView {
	v := proposalView{
		ID: p.ID.String(), State: string(p.State(time.Now())), Step: string(p.Step), Cause: p.Cause.String(), Reason: p.Reason, Count: p.Count,
		ByCategory: make(map[string]int), ByIssuer: p.ByIssuer,
		ProposedBy: p.ProposedBy, ProposedAt: p.ProposedAt.Format(time.RFC3339), Expires: p.Expires.Format(time.RFC3339),
		ApprovedBy: p.ApprovedBy, Done: p.Done, Refused: p.Refused,
	}
	if at, lapses := p.Lapses(); lapses {
		v.Expires = at.Format(time.RFC3339)
	}
	if p.Digest != ([32]byte{}) { // else it is forgotten with the name
		v.Digest = hex.EncodeToString(p.Digest[:])
	}
	if p.Holder != nil {
		v.Event = string(p.Holder.Event)
	}
	for id, n := range p.ByCategory {
		v.ByCategory[id.String()] = n
	}
	if p.ApprovedBy != "" {
		v.ApprovedAt = p.ApprovedAt.Format(time.RFC3339)
	}
	return v
}

func viewProposed(p licence.Proposed) proposedView {
	v := proposedView{ID: p.Identifier.String(), Refusal: p.Refusal, Fate: string(p.Fate), Step: string(p.Step)}
	if p.Cause != licence.Unstated {
		v.Cause = p.Cause.String()
	}
	return v
}

func viewAllProposed(all []licence.Proposed) []proposedView {
	views := make([]proposedView, len(all))
	for i, p := range all {
		views[i] = viewProposed(p)
	}
	return views
}

// text is one licence on one line.
func (v proposedView) text() string {
	parts := []string{v.ID, v.CategoryName, v.State, v.Fate, v.Step, v.Cause, v.After, v.Refusal}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "  ")
}

// act is the step for all, or what has happened to the holder.
func (v proposalView) act() string {
	if v.Event != "" {
		return v.Event + " " + licence.HolderEvent(v.Event).NameZH()
	}
	return v.Step + " " + licence.Step(v.Step).NameZH()
}

// state is where the proposal stands, with the Chinese name.
func (v proposalView) state() string {
	if v.State == stateUndecided {
		return stateUndecided + " 待决定"
	}
	return v.State + " " + licence.ProposalState(v.State).NameZH()
}

func (v proposalView) row() []string {
	return []string{v.ID, v.state(), v.act(), fmt.Sprint(v.Count), fmt.Sprintf("%d (%d)", v.Done, v.Refused), v.ProposedBy, v.ApprovedBy, v.Reason}
}

func (v proposalView) print(cmd *cobra.Command, s *settings, o *office.Office) error {
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	var text strings.Builder
	if v.DryRun {
		text.WriteString(dryRunTitle + "\n")
	}
	what := v.act()
	if v.Event == "" {
		what += "  " + v.Cause
	}
	fmt.Fprintf(&text, "%s  %s  %s  %s\n提议 proposed: %s  %s，至 until %s\n", v.ID, v.state(), what, v.Reason, v.ProposedBy, v.ProposedAt, v.Expires)
	if v.ApprovedBy != "" {
		fmt.Fprintf(&text, "批准 approved: %s  %s\n", v.ApprovedBy, v.ApprovedAt)
	}
	fmt.Fprintf(&text, "证照 licences: %d，已处理 done %d，未能处理 refused %d\n", v.Count, v.Done, v.Refused)
	for _, c := range o.Catalogue().Categories() {
		if n := v.ByCategory[c.ID.String()]; n > 0 {
			fmt.Fprintf(&text, "  %s %s  %d\n", c.ID, c.NameZH, n)
		}
	}
	for _, issuer := range slices.Sorted(maps.Keys(v.ByIssuer)) {
		fmt.Fprintf(&text, "  %s  %d\n", issuer, v.ByIssuer[issuer])
	}
	for _, p := range v.Licences {
		fmt.Fprintf(&text, "  %s\n", p.text())
	}
	if len(v.Excluded) > 0 {
		fmt.Fprintf(&text, "不在其内 left out: %d\n", len(v.Excluded))
		for _, p := range v.Excluded {
			fmt.Fprintf(&text, "  %s\n", p.text())
		}
	}
	if v.Digest != "" {
		fmt.Fprintf(&text, "清单摘要 digest: %s\n", v.Digest)
	}
	if v.State == string(licence.ProposalOpen) && !v.DryRun {
		fmt.Fprintf(&text, "须由另一名经办人批准 another officer approves it: elicence licence mass approve %s --digest %s\n", v.ID, v.Digest)
	}
	_, err := fmt.Fprint(cmd.OutOrStdout(), text.String())
	return err
}

// selectionFlags say which licences are meant.
type selectionFlags struct {
	categories, between, holder, file string
	issuers                           []string
}

func (f *selectionFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.categories, "category", "", "only of these categories, `NNN,…`")
	flags.StringSliceVar(&f.issuers, "issuer", nil, "only of the authorities with these credit `CODE,…`s")
	flags.StringVar(&f.between, "issued-between", "", "only issued on the days `FROM..UNTIL`; either may be left out")
	flags.StringVar(&f.holder, "holder", "", "only of this holder, `TYPE:NUMBER`, such as 001:91340100…; - reads it from standard input")
	flags.StringVar(&f.file, "file", "", "only those whose identifiers stand in this `FILE`, one a line")
}

func (f *selectionFlags) parse(cmd *cobra.Command, s *settings) (office.Selection, error) {
	q := office.Selection{Issuers: f.issuers}
	var err error
	if q.Categories, err = parseCategories(f.categories); err != nil {
		return q, fmt.Errorf("--category: %w", err)
	}
	if f.between != "" {
		from, until, found := strings.Cut(f.between, "..")
		if !found {
			return q, fmt.Errorf("--issued-between: %q is not FROM..UNTIL", f.between)
		}
		if q.IssuedFrom, err = parseBound(from); err == nil {
			q.IssuedUntil, err = parseBound(until)
		}
		if err != nil {
			return q, fmt.Errorf("--issued-between: %w", err)
		}
	}
	if f.holder != "" {
		if q.HolderType, q.Holder, err = parseHolder(cmd, "--holder", f.holder); err != nil {
			return q, err
		}
	}
	if f.file != "" {
		q.Identifiers, err = s.readIdentifiers(cmd, f.file)
	}
	return q, err
}

// parseBound reads a day that may be left out.
func parseBound(text string) (*civil.Day, error) {
	if text == "" {
		return nil, nil
	}
	day, err := civil.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is %w", text, err)
	}
	return &day, nil
}

// parseHolder reads TYPE:NUMBER, from standard input for "-": what stands on a command
// line is seen by whoever lists the machine's processes. A number that nobody can have is a
// slip, and "has no such licence" would be said of somebody else.
func parseHolder(cmd *cobra.Command, flag, text string) (licence.IDType, string, error) {
	if text == "-" {
		line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		if line == "" {
			return "", "", fmt.Errorf("%s: reading standard input: %w", flag, err)
		}
		text = strings.TrimSpace(line)
	}
	t, number, found := strings.Cut(text, ":")
	if !found || number == "" || licence.IDType(t).NameZH() == "" {
		return "", "", fmt.Errorf("%s: must be TYPE:NUMBER with a type of GB/T 36903, such as 111 or 001", flag)
	}
	if err := licence.IDType(t).Check(number); err != nil {
		return "", "", fmt.Errorf("%s: %w", flag, err)
	}
	return licence.IDType(t), number, nil
}

// readIdentifiers reads a list of identifiers. Empty lines and those that begin with #
// are passed over; every line that is none is named.
func (s *settings) readIdentifiers(cmd *cobra.Command, path string) ([]licence.Identifier, error) {
	content, err := s.readInput("--file", path, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	var all []licence.Identifier
	var faults []error
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		typed, err := licence.ReadIdentifier(line)
		if err == nil && typed.Unchecked {
			err = fmt.Errorf("the check character is missing or wrong: %w", licence.ErrBadIdentifier)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("--file: %s line %d: %w", path, i+1, err))
			continue
		}
		all = append(all, typed.Identifier)
	}
	if len(faults) == 0 && len(all) == 0 {
		return nil, fmt.Errorf("--file: %s: %w", path, office.ErrSelection)
	}
	return all, errors.Join(faults...)
}

func newMassPropose(s *settings, step licence.Step, short string) *cobra.Command {
	var selection selectionFlags
	var reason, cause string
	var dryRun bool
	cmd := &cobra.Command{
		Use: string(step) + " [--category NNN,…] [--issuer CODE,…] [--issued-between FROM..UNTIL] [--holder TYPE:NUMBER] [--file IDS.txt] --reason TEXT [--cause NAME] [--dry-run]", Short: short, Args: cobra.NoArgs,
		Long: "Prints who is affected and the digest of exactly that list. Nothing happens to any licence before another officer approves it\nwith that digest (mass approve). A proposal lives for seven days.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := office.MassRequest{Step: step, Reason: reason, DryRun: dryRun}
			var err error
			if q.Cause, err = licence.ParseCause(cause, step); err != nil {
				return fmt.Errorf("--cause: %w", err)
			}
			if q.Selection, err = selection.parse(cmd, s); err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				preview, err := o.ProposeMass(cmd.Context(), s.actor, q)
				if err != nil {
					return err
				}
				v := viewProposal(preview.Proposal)
				v.DryRun, v.Excluded = dryRun, viewAllProposed(preview.Excluded)
				for _, id := range preview.Identifiers {
					v.Licences = append(v.Licences, proposedView{ID: id.String()})
				}
				return v.print(cmd, s, o)
			})
		},
	}
	selection.add(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, in `WORDS`; kept with every licence")
	cmd.Flags().StringVar(&cause, "cause", "", "why, as one of a list, by `NAME`: "+causeNames(step))
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print who would be affected, and store nothing")
	return cmd
}

func newMassList(s *settings) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "列出提议 list the proposals, the newest first", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return s.with(func(o *office.Office) error {
			all, err := o.MassProposals(cmd.Context())
			if err != nil {
				return err
			}
			var views []proposalView
			for _, p := range all {
				views = append(views, viewProposal(p))
			}
			return list(cmd, s, views, proposalView.row)
		})
	}}
}

// onProposal makes a command that takes the name of a proposal.
func onProposal(s *settings, use, short string, do func(*cobra.Command, context.Context, *office.Office, licence.ProposalID) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: arguments("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		id, err := licence.ParseProposalID(args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		return s.with(func(o *office.Office) error { return do(cmd, cmd.Context(), o, id) })
	}}
}

func newMassShow(s *settings) *cobra.Command {
	return onProposal(s, "show ID", "显示提议 show a proposal with its licences", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.ProposalID) error {
		p, err := o.MassProposal(ctx, id)
		if err != nil {
			return err
		}
		all, err := o.MassLicences(ctx, id, 0, p.Count)
		if err != nil {
			return err
		}
		v := viewProposal(p)
		v.Licences = viewAllProposed(all)
		for i, l := range all {
			if p.ApprovedBy != "" && i < p.Done && l.Fate == catalogue.FateTransfer && l.Refusal == "" {
				next := l.Identifier
				next.Version++
				v.Licences[i].After = next.String()
			}
		}
		return v.print(cmd, s, o)
	})
}

func newMassApprove(s *settings) *cobra.Command {
	var digest string
	var dryRun bool
	cmd := onProposal(s, "approve ID --digest HEX [--dry-run]", "批准并执行 approve a proposal as a second officer, and carry it out", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.ProposalID) error {
		sum, err := parseDigest("--digest", digest)
		if err != nil {
			return err
		}
		if dryRun {
			p, refused, err := o.TryMass(ctx, s.actor, id, sum)
			if err != nil {
				return err
			}
			return printRun(cmd, s, o, p, refused, true)
		}
		if _, err := o.ApproveMass(ctx, s.actor, id, sum); err != nil {
			return err
		}
		return runMass(cmd, ctx, s, o, id)
	})
	cmd.Long = "Give the digest that the proposal was printed with: you approve exactly that list. If the machine stops half way, mass run goes on."
	cmd.Flags().StringVar(&digest, "digest", "", "`HEX` digest of what you approve")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

// parseDigest reads 32 bytes in hexadecimal.
func parseDigest(flag, text string) ([32]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		return [32]byte{}, fmt.Errorf("%s: must be 64 hexadecimal digits", flag)
	}
	return [32]byte(b), nil
}

func newMassRun(s *settings) *cobra.Command {
	var dryRun bool
	cmd := onProposal(s, "run ID [--dry-run]", "继续执行 go on with an approved proposal that was cut off", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.ProposalID) error {
		if !dryRun {
			return runMass(cmd, ctx, s, o, id)
		}
		p, refused, err := o.TryRun(ctx, s.actor, id)
		if err != nil {
			return err
		}
		return printRun(cmd, s, o, p, refused, true)
	})
	cmd.Long = "What was approved about a holder is carried out within seven days of it; then it lapses, and is proposed anew."
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

func newMassCancel(s *settings) *cobra.Command {
	var dryRun bool
	cmd := onProposal(s, "cancel ID [--dry-run]", "取消 end a proposal; what was done of it stays", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.ProposalID) error {
		cancel := o.CancelMass
		if dryRun {
			cancel = o.TryCancel
		}
		p, err := cancel(ctx, s.actor, id)
		if err != nil {
			return err
		}
		v := viewProposal(p)
		v.DryRun = dryRun
		return v.print(cmd, s, o)
	})
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

// runMass carries a proposal out and prints how it has ended.
func runMass(cmd *cobra.Command, ctx context.Context, s *settings, o *office.Office, id licence.ProposalID) error {
	p, err := o.RunMass(ctx, s.actor, id, office.MassRun{Progress: func(p licence.Proposal) {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "elicence: %d / %d\n", p.Done, p.Count)
	}})
	if err != nil {
		return err
	}
	refused, err := o.MassRefusals(ctx, p)
	if err != nil {
		return err
	}
	return printRun(cmd, s, o, p, refused, false)
}

// printRun prints a proposal that was carried out, with what was refused of it.
func printRun(cmd *cobra.Command, s *settings, o *office.Office, p licence.Proposal, refused []licence.Proposed, dryRun bool) error {
	v := viewProposal(p)
	v.Licences, v.DryRun = viewAllProposed(refused), dryRun
	return v.print(cmd, s, o)
}
