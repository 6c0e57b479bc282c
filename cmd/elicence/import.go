package main

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/licence/exchange"
)

// importing is what the flags of licence import say.
type importing struct {
	category string
	format   string
	encoding string
	faults   string
	defaults exchange.Defaults
	batch    int
	dryRun   bool
}

// importView is what an import has done, as it is printed.
type importView struct {
	File         string  `json:"file"`
	SM3          string  `json:"sm3"`
	Category     string  `json:"category"`
	Encoding     string  `json:"encoding"`
	DryRun       bool    `json:"dry_run"`
	Finished     bool    `json:"finished"`
	Before       bool    `json:"finished_before"`
	ResumedAfter int     `json:"resumed_after"` // line; 0: from the beginning
	Last         int     `json:"last_line"`
	Issued       int     `json:"issued"`
	Faulty       int     `json:"faulty"`
	Faults       *string `json:"faults"` // the faults file; null: there is none
	Seconds      float64 `json:"seconds"`
	Rate         float64 `json:"rate"` // lines a second of this run
}

func newImport(s *settings) *cobra.Command {
	var i importing
	cmd := &cobra.Command{
		Use:   "import --category NNN [--dry-run] FILE.csv|FILE.jsonl",
		Short: "批量导入 issue the licences of a file",
		Long: "Issues a licence for every line. Lines with faults become none and go to the faults file; correct them there and import that\n" +
			"as another file. A run that was cut off is continued by the same command, exactly where it stopped.",
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return i.run(cmd, s, args[0]) },
	}
	cmd.Flags().StringVar(&i.category, "category", "", "three-digit `NUMBER` of the category")
	cmd.Flags().StringVar(&i.format, "format", "", "csv or jsonl; without: by the file's `NAME`")
	cmd.Flags().StringVar(&i.encoding, "encoding", string(exchange.Auto), "`NAME` of the encoding: auto, utf-8 or gb18030")
	cmd.Flags().StringVar(&i.faults, "faults", "", "`FILE` for the faults; without: FILE.faults.csv, in a dry run FILE.dry-run.csv")
	cmd.Flags().StringVar(&i.defaults.Issuer, "issuer", "", "credit `CODE` of the issuing authority for lines that name none")
	cmd.Flags().StringVar(&i.defaults.IDType, "holder-type", "", "`CODE` of the holders' documents for lines that name none, as 111 or 001")
	cmd.Flags().IntVar(&i.batch, "batch", office.BulkSize, "so many lines share a transaction: `N`; more are faster and take more memory")
	cmd.Flags().BoolVar(&i.dryRun, "dry-run", false, "check everything, issue nothing")
	return cmd
}

func (i *importing) run(cmd *cobra.Command, s *settings, path string) error {
	category, err := i.check(s, path)
	if err != nil {
		return err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	source, err := exchange.Open(cmd.Context(), path, exchange.Encoding(i.encoding))
	if err != nil {
		return err
	}
	v := importView{File: path, SM3: fmt.Sprintf("%x", source.Digest), Category: category.ID.String(), Encoding: string(source.Encoding), DryRun: i.dryRun}
	progress := newBulkProgress("导入 import", source)
	began := time.Now()
	defer collectLess()()
	err = s.with(func(o *office.Office) error {
		report, err := o.Import(cmd.Context(), s.actor, office.Import{
			Category: category.ID, Path: absolute, Digest: source.Digest, Sense: strings.Join([]string{i.format, i.defaults.Issuer, i.defaults.IDType}, " "),
			Rows:      func() iter.Seq2[office.BulkItem, error] { return i.rows(source, category) },
			Unchanged: source.Unchanged,
			Faults:    func(size int64) (office.FaultLog, error) { return i.openFaults(cmd, size) },
			ReadFile:  besideFile(path),
			Size:      i.batch,
			DryRun:    i.dryRun,
			Progress:  progress.report,
		})
		v.take(report, time.Since(began))
		return err
	})
	progress.end()
	if err := errors.Join(err, source.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if v.Faulty > 0 {
		v.Faults = &i.faults
	}
	if err := v.print(cmd, s); err != nil {
		return err
	}
	if v.Faulty > 0 {
		return errNotValid
	}
	return nil
}

// check completes the flags.
func (i *importing) check(s *settings, path string) (*catalogue.Category, error) {
	category, err := oneCategory(s, i.category)
	if err != nil {
		return nil, fmt.Errorf("--category: %w", err)
	}
	if i.format == "" {
		i.format = strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	}
	if i.format != "csv" && i.format != "jsonl" {
		return nil, fmt.Errorf("%s: is neither .csv nor .jsonl: say which with --format", path)
	}
	switch exchange.Encoding(i.encoding) {
	case exchange.Auto, exchange.UTF8, exchange.GB18030:
	default:
		return nil, fmt.Errorf("--encoding: %q is not auto, utf-8 or gb18030", i.encoding)
	}
	if i.defaults.Issuer != "" {
		if err := idcode.CheckUSCC(i.defaults.Issuer); err != nil {
			return nil, fmt.Errorf("--issuer: %w", err)
		}
	}
	if t := i.defaults.IDType; t != "" && licence.IDType(t).NameZH() == "" {
		return nil, fmt.Errorf("--holder-type: %q is not a code of GB/T 36903", t)
	}
	if i.batch < 1 || i.batch > 1<<16 {
		return nil, fmt.Errorf("--batch: %d is not 1 to %d", i.batch, 1<<16)
	}
	if i.faults == "" {
		i.faults = path + ".faults.csv"
		if i.dryRun {
			i.faults = path + ".dry-run.csv"
		}
	}
	return category, nil
}

// rows are the applications of a file.
func (i *importing) rows(source *exchange.Source, category *catalogue.Category) iter.Seq2[office.BulkItem, error] {
	return func(yield func(office.BulkItem, error) bool) {
		text, err := source.Text()
		if err != nil {
			yield(office.BulkItem{}, err)
			return
		}
		rows := exchange.JSONL(text, i.defaults)
		if i.format == "csv" {
			rows = exchange.CSV(text, category, i.defaults)
		}
		for row, err := range rows {
			if !yield(office.BulkItem{Line: row.Line, Category: category.ID, Read: row.Read}, err) {
				return
			}
		}
	}
}

// openFaults opens the faults file. Faults that are lost are no reason to stop: they do
// not change what was issued.
func (i *importing) openFaults(cmd *cobra.Command, size int64) (office.FaultLog, error) {
	faults, err := exchange.OpenFaults(i.faults, size)
	if errors.Is(err, exchange.ErrFaultsLost) {
		_, err = fmt.Fprintf(cmd.ErrOrStderr(), "elicence: %s: %v; a new one is begun\n", i.faults, err)
	}
	if err != nil {
		return nil, fmt.Errorf("--faults: %w", err)
	}
	return faults, nil
}

// besideFile reads the files that an application names, from the folder of its own file.
func besideFile(path string) func(string) ([]byte, error) {
	folder := filepath.Dir(path)
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		return readLimited(name, maxApplicationFile)
	}
}

func (v *importView) take(r office.ImportReport, took time.Duration) {
	v.Finished, v.Before, v.ResumedAfter, v.Last, v.Issued, v.Faulty = r.Finished, r.Before, r.ResumedAfter, r.Last, r.Issued, r.Faulty
	v.Seconds = took.Seconds()
	if !r.Before {
		v.Rate = float64(r.Done) / took.Seconds()
	}
}

func (v *importView) print(cmd *cobra.Command, s *settings) error {
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	what := "已导入 imported"
	switch {
	case v.DryRun:
		what = "已检查，未签发 checked, nothing issued"
	case v.Before:
		what = "此前已导入完毕 was imported before"
	case v.ResumedAfter > 0:
		what = fmt.Sprintf("自第 %d 行之后续导 resumed behind line %d", v.ResumedAfter, v.ResumedAfter)
	}
	issued := "签发 issued"
	if v.DryRun {
		issued = "可签发 can be issued"
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n%s: %d\n有误 faulty: %d\n", v.File, what, issued, v.Issued, v.Faulty); err != nil {
		return err
	}
	if v.Faults == nil {
		return nil
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", *v.Faults)
	return err
}
