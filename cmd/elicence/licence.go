package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/disclose"
)

func newLicence(s *settings) *cobra.Command {
	return group("licence", "证照 licences", atDesk(s,
		newIssue(s), goesOn(newImport(s), nothingTwice), newLicenceExport(s), newShow(s), newLicenceList(s), newCode(s), newPDF(s), newCopy(s), newEvidence(s), newAsk(s), newErase(s), newErasures(s), newRetention(s),
		newPresent(s), newBind(s), newDevices(s), newUnbind(s),
		newStep(s, licence.Suspend, "暂扣 suspend a licence"), newStep(s, licence.Resume, "恢复 resume a suspended licence"),
		newStep(s, licence.Revoke, "注销、撤销或吊销 revoke a licence for ever"),
		newReissue(s), newRenew(s), newCorrect(s),
		newStep(s, licence.Publish, "提前发布 publish a licence that waits in its undo window"), newStep(s, licence.Withdraw, "撤回 take back a licence that is not published yet"),
		newMass(s), newChanges(s), newCount(s))...)
}

// licenceView is a licence as it is printed.
type licenceView struct {
	ID           string            `json:"id"`
	Category     string            `json:"category"`
	CategoryName string            `json:"category_name"`
	Number       string            `json:"number"`
	Version      int               `json:"version"`
	State        string            `json:"state"`
	StateName    string            `json:"state_name"`
	Cause        string            `json:"cause,omitempty"`
	CauseName    string            `json:"cause_name,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	Since        string            `json:"since"`
	Publication  string            `json:"publication,omitempty"` // when a pending one is published by itself
	Issuer       string            `json:"issuer"`
	IssuerName   string            `json:"issuer_name"`
	Holder       holderView        `json:"holder"`            // of several the first
	Holders      []holderView      `json:"holders,omitempty"` // where there are several
	IssueDate    string            `json:"issue_date"`
	ValidFrom    string            `json:"valid_from"`
	ValidUntil   *string           `json:"valid_until"` // null: long-term
	Fields       map[string]string `json:"fields"`
	StatusList   uint32            `json:"status_list"`
	StatusIndex  uint32            `json:"status_index"`
	Revision     uint64            `json:"revision"`
	Versions     []versionView     `json:"versions,omitempty"` // of the same licence, where there are several
	DryRun       bool              `json:"dry_run,omitempty"`  // nothing of this was stored
}

type holderView struct {
	Name     string `json:"name"`
	IDType   string `json:"id_type"`
	IDNumber string `json:"id_number"`
}

func viewLicence(c *catalogue.Catalogue, r licence.Record) licenceView {
	l := r.Licence
	h := l.Holders[0]
	v := licenceView{
		ID: l.Identifier.String(), Category: l.Category.String(), Number: l.Number, Version: l.Identifier.Version,
		State: r.State.String(), StateName: r.State.NameZH(), Reason: r.Reason,
		Since: r.Since.Format(time.RFC3339), Issuer: l.Identifier.Issuer, IssuerName: l.IssuerName,
		Holder:    holderView{h.Name, string(h.IDType), h.IDNumber},
		IssueDate: l.IssueDay.String(), ValidFrom: l.FirstDay.String(), Fields: make(map[string]string),
		StatusList: l.Status.List, StatusIndex: l.Status.Index, Revision: r.Revision,
	}
	if l.LastDay != nil {
		until := l.LastDay.String()
		v.ValidUntil = &until
	}
	if r.Cause != licence.Unstated {
		v.Cause, v.CauseName = r.Cause.String(), r.Cause.NameZH()
		if r.State == licence.Revoked {
			v.StateName = r.Cause.EndZH()
		}
	}
	if r.State == licence.Pending {
		v.Publication = r.Publication.Format(time.RFC3339)
	}
	if len(l.Holders) > 1 {
		for _, h := range l.Holders {
			v.Holders = append(v.Holders, holderView{h.Name, string(h.IDType), h.IDNumber})
		}
	}
	category, ok := c.Version(l.Category, l.Schema)
	if !ok {
		return v
	}
	v.CategoryName = category.NameZH
	for _, f := range category.Fields {
		if value, present := l.Fields[f.Code]; present {
			v.Fields[f.Code] = value.Shown(f)
		}
	}
	return v
}

func (v licenceView) row() []string {
	return []string{v.ID, v.Category, v.CategoryName, v.Number, v.State, v.Holder.Name}
}

func newIssue(s *settings) *cobra.Command {
	var category, file, requestID string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "issue --category NNN --file F.json [--request-id ID] [--dry-run]",
		Short: "签发 issue a licence",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id, err := catalogue.ParseID(category)
			if err != nil {
				return fmt.Errorf("--category: %w", err)
			}
			application, readFile, err := s.readApplication(cmd, file)
			if err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				r, err := o.Issue(cmd.Context(), s.actor, id, application, office.IssueOptions{RequestID: requestID, ReadFile: readFile, DryRun: dryRun})
				if err != nil {
					return err
				}
				return printAct(cmd, s, o, r, dryRun)
			})
		},
	}
	cmd.Flags().StringVar(&category, "category", "", "three-digit `NUMBER` of the category")
	cmd.Flags().StringVar(&file, "file", "", "`FILE` with the application in JSON; - is standard input")
	cmd.Flags().StringVar(&requestID, "request-id", "", "your own `ID` of the application: the same again gives the first result")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

// readApplication reads an application and says where its pictures are: beside it.
func (s *settings) readApplication(cmd *cobra.Command, file string) (*licence.Application, func(string) ([]byte, error), error) {
	content, err := s.readInput("--file", file, cmd.InOrStdin())
	if err != nil {
		return nil, nil, err
	}
	application, err := licence.ParseApplication(content)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	return application, s.besideFile(file), nil
}

// printAct prints what an act has made of a licence, or would.
func printAct(cmd *cobra.Command, s *settings, o *office.Office, r licence.Record, dryRun bool) error {
	v := viewLicence(o.Catalogue(), r)
	v.DryRun = dryRun
	return v.print(cmd, s)
}

func (v licenceView) print(cmd *cobra.Command, s *settings) error {
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	until := "长期 long-term"
	if v.ValidUntil != nil {
		until = *v.ValidUntil
	}
	var text strings.Builder
	if v.DryRun {
		text.WriteString(dryRunTitle + "\n")
	}
	fmt.Fprintf(&text, "%s\n%s %s  %s\n", v.ID, v.Category, v.CategoryName, v.Number)
	holders := v.Holders
	if len(holders) == 0 {
		holders = []holderView{v.Holder}
	}
	for _, h := range holders {
		fmt.Fprintf(&text, "%s  %s\n", h.Name, h.IDNumber)
	}
	fmt.Fprintf(&text, "%s 至 %s\n%s %s", v.ValidFrom, until, v.State, v.StateName)
	for _, more := range []string{v.Publication, v.CauseName, v.Reason} {
		if more != "" {
			text.WriteString("  " + more)
		}
	}
	text.WriteString("\n")
	if len(v.Versions) > 0 {
		text.WriteString("版本 versions:\n")
		for _, other := range v.Versions {
			fmt.Fprintf(&text, "  %s  %s  %s  %s\n", other.ID, other.State, other.Since, other.Reason)
		}
	}
	_, err := io.WriteString(cmd.OutOrStdout(), text.String())
	return err
}

// onLicence makes a command that takes the identifier of one licence.
func onLicence(s *settings, use, short string, do func(*cobra.Command, context.Context, *office.Office, licence.Identifier) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: arguments("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		id, err := typedIdentifier(cmd, args[0])
		if err != nil {
			return err
		}
		return s.with(func(o *office.Office) error { return do(cmd, cmd.Context(), o, id) })
	}}
}

// typedIdentifier reads an identifier as somebody has typed it. What is odd about it is
// told, and whether a slip in it would have been found: who reads a licence sees which
// one it is, who changes one does not.
func typedIdentifier(cmd *cobra.Command, text string) (licence.Identifier, error) {
	typed, err := licence.ReadIdentifier(text)
	if err != nil {
		return licence.Identifier{}, fmt.Errorf("%s: %w", text, err)
	}
	for _, d := range typed.Deviations {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "elicence: warning: %s: %s\n", text, d)
	}
	if typed.Unchecked && !readsOnly(cmd) {
		return licence.Identifier{}, fmt.Errorf("%s: %s needs the check character: %w", text, cmd.Name(), licence.ErrBadIdentifier)
	}
	return typed.Identifier, nil
}

// readsOnly reports whether a command changes nothing.
func readsOnly(cmd *cobra.Command) bool {
	return slices.Contains([]string{"show", "code", "pdf", "present", "devices"}, cmd.Name())
}

func newLicenceList(s *settings) *cobra.Command {
	var after uint64
	var limit int
	cmd := &cobra.Command{Use: "list", Short: "列出 list licences, the oldest change first", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if limit < 1 || limit > 10000 {
			return fmt.Errorf("--limit: %d is not 1 to 10000", limit)
		}
		return s.with(func(o *office.Office) error {
			records, err := o.Licences(cmd.Context(), s.actor, after, limit)
			if err != nil {
				return err
			}
			var views []licenceView
			for _, r := range records {
				views = append(views, viewLicence(o.Catalogue(), r))
			}
			return list(cmd, s, views, licenceView.row)
		})
	}}
	cmd.Flags().Uint64Var(&after, "after", 0, "only changes after this `REVISION`")
	cmd.Flags().IntVar(&limit, "limit", 1000, "at most so many")
	return cmd
}

// Sizes of a code's pictures.
const (
	pngScale = 6  // pixels a module
	svgWidth = 40 // millimetres
)

func newCode(s *settings) *cobra.Command {
	var name string
	var draw drawing
	cmd := onLicence(s, "code ID [--profile NAME] [--png F] [--svg F]", "核验码 print a licence's code", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
		profile, err := disclose.ParseProfile(name)
		if err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
		r, err := o.Licence(ctx, s.actor, id)
		if err != nil {
			return err
		}
		code, err := o.CodeOf(ctx, s.actor, r, profile)
		if err != nil {
			return err
		}
		symbol, err := code.Paper()
		if err != nil {
			return err
		}
		if err := draw.write(s, symbol); err != nil {
			return err
		}
		if s.json {
			return printJSON(cmd.OutOrStdout(), map[string]any{
				"id": id.String(), "profile": profile, "code": code.Digits, "address": code.Address, "cut": code.Cut,
			})
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), code.Digits)
		return err
	})
	cmd.Long = "A code is signed when it is first asked for. A reprint is the same code, digit by digit, until its signature ends."
	cmd.Flags().StringVar(&name, "profile", string(disclose.Full), "how much the code tells: full, masked or minimal, by `NAME`")
	draw.add(cmd, "paper")
	return cmd
}

func newPDF(s *settings) *cobra.Command {
	var out string
	cmd := onLicence(s, "pdf ID -o F", "版式文件 the sealed PDF of a licence", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
		if out == "" {
			return fmt.Errorf("-o: must name a file")
		}
		r, err := o.Licence(ctx, s.actor, id)
		if err != nil {
			return err
		}
		sealed, err := o.PDF(ctx, s.actor, r)
		if err != nil {
			return err
		}
		if err := s.writeFile(out, sealed); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
		if s.json {
			return printJSON(cmd.OutOrStdout(), map[string]any{"id": id.String(), "file": out, "bytes": len(sealed)})
		}
		return nil
	})
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write")
	return cmd
}
