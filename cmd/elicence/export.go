package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/exchange"
)

// Forms of an export.
const (
	formApplications = "applications" // what licence import takes
	formRecords      = "records"      // as licence show --json has them, one a line
	formCatalogue    = "gb36902"
)

// exporting is what the flags of licence export say.
type exporting struct {
	category, issuer, since, state, form, out string
	filter                                    office.LicenceFilter
}

func newLicenceExport(s *settings) *cobra.Command {
	var e exporting
	cmd := &cobra.Command{
		Use:   "export [--category NNN] [--issuer USCC] [--after REVISION] [--since DAY] [--state STATE] [--format FORM] -o FILE",
		Short: "批量导出 write licences of the register to a file",
		Long: "Forms: applications (JSON Lines, what licence import takes; of one category, in force unless --state says otherwise), records\n" +
			"(JSON Lines with state and revision), gb36902 (CSV with the columns of the national catalogue). Each licence is a look, in the\n" +
			"audit log before it is written.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := e.check(s); err != nil {
				return err
			}
			return s.with(func(o *office.Office) error { return e.run(cmd, s, o) })
		},
	}
	cmd.Flags().StringVar(&e.category, "category", "", "only of the category with this three-digit `NUMBER`")
	cmd.Flags().StringVar(&e.issuer, "issuer", "", "only of the issuing authority with this `CODE`")
	cmd.Flags().Uint64Var(&e.filter.After, "after", 0, "only changes after this `REVISION`")
	cmd.Flags().StringVar(&e.since, "since", "", "only changes from this `DAY` on, as 2026-01-31")
	cmd.Flags().StringVar(&e.state, "state", "", "only in this `STATE`, such as active or revoked, or all")
	cmd.Flags().StringVar(&e.form, "format", formApplications, "`FORM`: applications, records or gb36902")
	cmd.Flags().StringVarP(&e.out, "output", "o", "", "`FILE` to write; - is standard output")
	return cmd
}

func (e *exporting) check(s *settings) error {
	if e.out == "" {
		return bilingual.New("须用 -o 指明存入的文件", "-o: must name a file")
	}
	switch e.form {
	case formApplications:
		if e.category == "" {
			return bilingual.New("--format applications 须用 --category 指明一类证照", "--category: must be given for --format applications: a file is imported for one category")
		}
	case formRecords, formCatalogue:
	default:
		return fmt.Errorf("--format: %q is not applications, records or gb36902", e.form)
	}
	if e.category != "" {
		category, err := oneCategory(s, e.category)
		if err != nil {
			return fmt.Errorf("--category: %w", err)
		}
		e.filter.Category = category.ID
	}
	if e.issuer != "" {
		if err := idcode.CheckUSCC(e.issuer); err != nil {
			return fmt.Errorf("--issuer: %w", err)
		}
		e.filter.Issuer = e.issuer
	}
	if e.since != "" {
		day, err := civil.Parse(e.since)
		if err != nil {
			return fmt.Errorf("--since: %w", err)
		}
		e.filter.Since = day.Start()
	}
	return e.checkState()
}

func (e *exporting) checkState() error {
	switch {
	case e.state == "all", e.state == "" && e.form != formApplications:
		return nil
	case e.state == "":
		// What was revoked would come back as in force where it is imported.
		e.filter.States = []licence.State{licence.Active}
		return nil
	}
	for _, state := range licence.States() {
		if e.state == state.String() {
			e.filter.States = []licence.State{state}
			return nil
		}
	}
	return fmt.Errorf("--state: %q is neither a state, such as active or revoked, nor all", e.state)
}

func (e *exporting) run(cmd *cobra.Command, s *settings, o *office.Office) error {
	x := &export{exporting: e, cmd: cmd, actor: s.actor, office: o, told: time.Now()}
	if e.out == "-" {
		_, err := x.WriteTo(cmd.OutOrStdout())
		return err
	}
	if err := s.files.WriteFrom(e.out, x, 0o600); err != nil {
		return fmt.Errorf("-o: %w", err)
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), map[string]any{"file": e.out, "format": e.form, "licences": x.count, "revision": x.revision})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %d 件证照 licences，修订号 revision %d\n", e.out, x.count, x.revision)
	return err
}

// export writes licences as they are read.
type export struct {
	*exporting
	cmd      *cobra.Command
	actor    string
	office   *office.Office
	regions  map[string]string // of the issuers
	count    int
	revision uint64
	told     time.Time
}

// WriteTo implements [io.WriterTo].
func (x *export) WriteTo(w io.Writer) (int64, error) {
	ctx := x.cmd.Context()
	authorities, err := x.office.Authorities(ctx)
	if err != nil {
		return 0, err
	}
	x.regions = make(map[string]string)
	for _, a := range authorities {
		x.regions[a.USCC] = a.Region
	}
	out := bufio.NewWriterSize(w, 256<<10)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	table := exchange.NewCatalogueWriter(out, civil.Of(time.Now()))
	x.revision, err = x.office.ExportLicences(ctx, x.actor, x.filter, func(r licence.Record) error {
		x.tell()
		x.count++
		switch x.form {
		case formRecords:
			return lines.Encode(viewLicence(x.office.Catalogue(), r))
		case formCatalogue:
			category, ok := x.office.Catalogue().Version(r.Licence.Category, r.Licence.Schema)
			if !ok {
				return fmt.Errorf("category %s: %w", r.Licence.Category, catalogue.ErrNoCategory)
			}
			return table.Write(category, x.regions[r.Licence.Identifier.Issuer], r)
		default:
			a, err := x.office.ApplicationOf(ctx, r.Licence)
			if err != nil {
				return err
			}
			return lines.Encode(a)
		}
	})
	if err == nil && x.form == formCatalogue {
		err = table.Flush()
	}
	// What failed in writing is told by Flush a second time.
	if flushErr := out.Flush(); err == nil {
		err = flushErr
	}
	return 0, err
}

// tell says every few seconds how many there are.
func (x *export) tell() {
	if time.Since(x.told) >= progressEvery {
		x.told = time.Now()
		_, _ = fmt.Fprintf(x.cmd.ErrOrStderr(), "导出 export: %d 件 licences\n", x.count)
	}
}
