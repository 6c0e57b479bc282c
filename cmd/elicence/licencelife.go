package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// What a dry run is called.
const (
	dryRunHelp  = "answer as if it were done, and store nothing"
	dryRunTitle = "试运行，未保存 dry run, nothing is stored"
)

// lifeFlags are those of acts in a licence's life.
type lifeFlags struct {
	reason, cause string
	ifRevision    uint64
	dryRun        bool
}

func (f *lifeFlags) add(cmd *cobra.Command, step licence.Step) {
	flags := cmd.Flags()
	flags.StringVar(&f.reason, "reason", "", "why, in `WORDS`; kept with the licence")
	flags.StringVar(&f.cause, "cause", "", "why, as one of a list, by `NAME`: "+causeNames(step))
	flags.Uint64Var(&f.ifRevision, "if-revision", 0, "only if the licence is at this `REVISION`, as show --json tells it")
	flags.BoolVar(&f.dryRun, "dry-run", false, dryRunHelp)
}

// causeNames lists the causes of a step for a flag's help.
func causeNames(step licence.Step) string {
	var names []string
	for _, c := range licence.CausesOf(step) {
		names = append(names, c.String()+" "+c.NameZH())
	}
	return strings.Join(names, ", ")
}

func (f *lifeFlags) parseCause(step licence.Step) (licence.Cause, error) {
	cause, err := licence.ParseCause(f.cause, step)
	if err != nil {
		return cause, fmt.Errorf("--cause: %w", err)
	}
	return cause, nil
}

func newStep(s *settings, step licence.Step, short string) *cobra.Command {
	var f lifeFlags
	cmd := &cobra.Command{
		Use: string(step) + " ID --reason TEXT [--cause NAME] [--if-revision N] [--dry-run]", Short: short, Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := typedIdentifier(cmd, args[0])
			if err != nil {
				return err
			}
			cause, err := f.parseCause(step)
			if err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				r, err := o.Take(cmd.Context(), s.actor, id, office.StepRequest{Step: step, Cause: cause, Reason: f.reason, IfRevision: f.ifRevision, DryRun: f.dryRun})
				if err != nil {
					return err
				}
				return printAct(cmd, s, o, r, f.dryRun)
			})
		},
	}
	f.add(cmd, step)
	return cmd
}

// versionFlags are those of acts that issue a new version.
type versionFlags struct {
	lifeFlags
	requestID string
}

func (f *versionFlags) add(cmd *cobra.Command, step licence.Step) {
	f.lifeFlags.add(cmd, step)
	cmd.Flags().StringVar(&f.requestID, "request-id", "", "your own `ID` of the application: the same again gives the first result")
}

func (f *versionFlags) newVersion(step licence.Step) (office.NewVersion, error) {
	cause, err := f.parseCause(step)
	return office.NewVersion{Cause: cause, Reason: f.reason, RequestID: f.requestID, IfRevision: f.ifRevision, DryRun: f.dryRun}, err
}

// replacing makes a command that puts the licence of an application in the place of
// one.
func replacing(
	s *settings, use, short, long string, step licence.Step,
	do func(*office.Office, context.Context, licence.Identifier, *licence.Application, office.NewVersion) (licence.Record, error),
) *cobra.Command {
	var f versionFlags
	var file string
	cmd := onLicence(s, use+" ID --file F.json --reason TEXT [--cause NAME] [--if-revision N] [--dry-run]", short, func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
		n, err := f.newVersion(step)
		if err != nil {
			return err
		}
		application, readFile, err := s.readApplication(cmd, file)
		if err != nil {
			return err
		}
		n.ReadFile = readFile
		r, err := do(o, ctx, id, application, n)
		if err != nil {
			return err
		}
		return printAct(cmd, s, o, r, f.dryRun)
	})
	cmd.Long = long
	cmd.Flags().StringVar(&file, "file", "", "`FILE` with the application in JSON; - is standard input")
	f.add(cmd, step)
	return cmd
}

func newReissue(s *settings) *cobra.Command {
	return replacing(s, "reissue", "换发 issue a new version of a licence in force",
		"The new version takes effect at once and the old one ends with it: both or neither. It has the same serial and the next\nversion number. Devices are bound to it again.",
		licence.Supersede,
		func(o *office.Office, ctx context.Context, id licence.Identifier, a *licence.Application, n office.NewVersion) (licence.Record, error) {
			return o.Reissue(ctx, s.actor, id, a, n)
		})
}

func newCorrect(s *settings) *cobra.Command {
	return replacing(s, "correct", "更正 replace a licence that is not published yet",
		"Within the authority's undo window (authority undo) nobody has seen the licence, and no list tells that it was replaced.",
		licence.Withdraw,
		func(o *office.Office, ctx context.Context, id licence.Identifier, a *licence.Application, n office.NewVersion) (licence.Record, error) {
			return o.Correct(ctx, s.actor, id, a, n)
		})
}

func newRenew(s *settings) *cobra.Command {
	var f versionFlags
	var renewal office.Renewal
	var fields []string
	cmd := onLicence(s, "renew ID --until DAY [--field CODE=VALUE]… --reason TEXT [--if-revision N] [--dry-run]", "延续或年检 renew a licence, or record its periodic check",
		func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
			n, err := f.newVersion(licence.Supersede)
			if err != nil {
				return err
			}
			if renewal.Fields, err = parseFields(fields); err != nil {
				return err
			}
			r, err := o.Renew(ctx, s.actor, id, renewal, n)
			if err != nil {
				return err
			}
			return printAct(cmd, s, o, r, f.dryRun)
		})
	cmd.Long = "Issues a new version with all that the old one has but the last day and the fields that are given. Only for categories whose\nlicences end by themselves or are checked periodically (category show)."
	cmd.Flags().StringVar(&renewal.ValidUntil, "until", "", "new last `DAY`, such as 2030-12-31; left out where the licence is long-term")
	cmd.Flags().StringArrayVar(&fields, "field", nil, "a field of the check, `CODE=VALUE`; the value is all behind the first =")
	f.add(cmd, licence.Supersede)
	return cmd
}

// parseFields reads fields as CODE=VALUE, each once.
func parseFields(all []string) (map[string]string, error) {
	fields := make(map[string]string)
	for _, text := range all {
		code, value, found := strings.Cut(text, "=")
		if !found || code == "" {
			return nil, fmt.Errorf("--field: %q is not CODE=VALUE", text)
		}
		if _, twice := fields[code]; twice {
			return nil, fmt.Errorf("--field: %s is given twice", code)
		}
		fields[code] = value
	}
	return fields, nil
}

// versionView is one version of a licence, briefly.
type versionView struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	State   string `json:"state"`
	Since   string `json:"since"`
	Cause   string `json:"cause,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

func viewVersions(all []licence.Record) []versionView {
	views := make([]versionView, len(all))
	for i, r := range all {
		id := r.Licence.Identifier
		views[i] = versionView{ID: id.String(), Version: id.Version, State: r.State.String(), Since: r.Since.Format(time.RFC3339), Reason: r.Reason}
		if r.Cause != licence.Unstated {
			views[i].Cause = r.Cause.String()
		}
	}
	return views
}

func newShow(s *settings) *cobra.Command {
	var view string
	cmd := onLicence(s, "show ID [--view licence|gb36903]", "显示 show a licence with all its versions", func(cmd *cobra.Command, ctx context.Context, o *office.Office, id licence.Identifier) error {
		if view != "licence" && view != "gb36903" {
			return fmt.Errorf("--view: %q is not licence or gb36903", view)
		}
		r, err := o.Licence(ctx, s.actor, id)
		if err != nil {
			return err
		}
		if view == "gb36903" {
			return printMetadata(cmd, s, o, r)
		}
		v := viewLicence(o.Catalogue(), r)
		versions, err := o.Versions(ctx, s.actor, id)
		if err != nil {
			return err
		}
		if len(versions) > 1 {
			v.Versions = viewVersions(versions)
		}
		return v.print(cmd, s)
	})
	cmd.Flags().StringVar(&view, "view", "licence", "`NAME` of the form: licence, or gb36903 for the metadata elements of GB/T 36903")
	return cmd
}

// printMetadata prints a licence in the elements of GB/T 36903.
func printMetadata(cmd *cobra.Command, s *settings, o *office.Office, r licence.Record) error {
	category, ok := o.Catalogue().Version(r.Licence.Category, r.Licence.Schema)
	if !ok {
		return fmt.Errorf("category %s: %w", r.Licence.Category, catalogue.ErrNoCategory)
	}
	elements := licence.Metadata(r.Licence, category)
	if !s.json {
		return list(cmd, s, elements, func(e licence.Element) []string { return []string{e.Code, e.NameZH, e.Value} })
	}
	values := map[string]string{"id": r.Licence.Identifier.String()}
	for _, e := range elements {
		values[e.Code] = e.Value
	}
	return printJSON(cmd.OutOrStdout(), values)
}
