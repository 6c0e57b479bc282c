package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
	"github.com/elicence/elicence/seal/pdf"
)

func newSeal(s *settings) *cobra.Command {
	return group("seal", "电子印章 electronic seals", newSealMake(s), newSealApprove(s), newSealRenew(s), newSealList(s), newSealStamp(s))
}

// sealView is a seal as it is printed.
type sealView struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	Owner      string  `json:"owner"`
	OwnerName  string  `json:"owner_name"`
	State      string  `json:"state"` // applied or approved
	AppliedBy  string  `json:"applied_by"`
	AppliedAt  string  `json:"applied_at"`
	ApprovedBy *string `json:"approved_by"`
	ApprovedAt *string `json:"approved_at"`
}

func viewSeal(r seal.Record) sealView {
	v := sealView{
		ID: r.ID, Name: r.Name, Owner: r.OwnerUSCC, OwnerName: r.OwnerName, State: "applied", AppliedBy: r.AppliedBy, AppliedAt: r.AppliedAt.Format(time.RFC3339),
	}
	if r.Approved() {
		at := r.ApprovedAt.Format(time.RFC3339)
		v.State, v.ApprovedBy, v.ApprovedAt = "approved", &r.ApprovedBy, &at
	}
	return v
}

func (v sealView) row() []string { return []string{v.ID, v.Name, v.OwnerName, v.State, v.AppliedBy} }

func printSeal(cmd *cobra.Command, s *settings, r seal.Record) error {
	v := viewSeal(r)
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(v.row(), "  "))
	return err
}

// designs are the kinds of seal by name.
var designs = map[string]func(text, code string) impression.Spec{
	"department":     func(text, _ string) impression.Spec { return impression.Government(impression.Department, text) },
	"township":       func(text, _ string) impression.Spec { return impression.Government(impression.Township, text) },
	"company":        func(text, _ string) impression.Spec { return impression.Company(text) },
	"finance":        func(text, _ string) impression.Spec { return impression.Finance(text) },
	"contract":       func(text, _ string) impression.Spec { return impression.Contract(text) },
	"invoice":        impression.Invoice,
	"representative": func(text, _ string) impression.Spec { return impression.Representative(text) },
}

func newSealMake(s *settings) *cobra.Command {
	var n office.NewSeal
	var kind, text, line string
	cmd := &cobra.Command{
		Use:   "make --owner USCC --text TEXT [--kind KIND]",
		Short: "申请制章 apply for a seal; another person approves it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			design, known := designs[kind]
			if !known {
				return fmt.Errorf("--kind: %q is not department, township, company, finance, contract, invoice or representative", kind)
			}
			n.Design = design(text, n.OwnerUSCC)
			if line != "" {
				n.Design.Line = line
			}
			return s.with(func(o *office.Office) error {
				r, err := o.ApplySeal(cmd.Context(), s.actor, n)
				if err != nil {
					return err
				}
				return printSeal(cmd, s, r)
			})
		},
	}
	cmd.Flags().StringVar(&n.OwnerUSCC, "owner", "", "unified social credit `CODE` of the owner")
	cmd.Flags().StringVar(&n.OwnerName, "owner-name", "", "`NAME` of the owner; without: that of the issuing authority")
	cmd.Flags().StringVar(&n.Region, "region", "", "six `DIGITS` that begin the seal's code; without: the domain's")
	cmd.Flags().StringVar(&kind, "kind", "department", "department, township, company, finance, contract, invoice, representative")
	cmd.Flags().StringVar(&text, "text", "", "`TEXT` along the rim")
	cmd.Flags().StringVar(&line, "line", "", "`TEXT` below the star")
	return cmd
}

func newSealApprove(s *settings) *cobra.Command {
	return &cobra.Command{Use: "approve ID", Short: "批准制章 approve and make a seal", Args: arguments("ID"), RunE: func(cmd *cobra.Command, args []string) error {
		return s.with(func(o *office.Office) error {
			r, err := o.ApproveSeal(cmd.Context(), s.actor, args[0])
			if err != nil {
				return err
			}
			return printSeal(cmd, s, r)
		})
	}}
}

func newSealRenew(s *settings) *cobra.Command {
	var within string
	cmd := &cobra.Command{
		Use: "renew [--within 30d]", Short: "印章续期 renew the certificates of seals that run out, and make those seals anew", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			span, err := parseDays("--within", within)
			if err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				renewed, err := o.RenewSeals(cmd.Context(), s.actor, span)
				var views []sealView
				for _, r := range renewed {
					views = append(views, viewSeal(r))
				}
				return errors.Join(list(cmd, s, views, sealView.row), err)
			})
		},
	}
	cmd.Flags().StringVar(&within, "within", "30d", "`TIME` within which a certificate ends, as 30d")
	return cmd
}

func newSealList(s *settings) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "列出印章 list the seals", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return s.with(func(o *office.Office) error {
			all, err := o.Seals(cmd.Context())
			if err != nil {
				return err
			}
			var views []sealView
			for _, r := range all {
				views = append(views, viewSeal(r))
			}
			return list(cmd, s, views, sealView.row)
		})
	}}
}

func newSealStamp(s *settings) *cobra.Command {
	var r office.StampRequest
	var where placing
	cmd := &cobra.Command{
		Use:   "stamp --seal ID [--page PAGES] [--at X,Y] [--keyword WORDS] [--straddle EDGE] [--field NAME] [--number TEXT] IN.pdf OUT.pdf",
		Short: "盖章 put a seal on a PDF",
		Long: "Puts a seal on a PDF by an incremental update: earlier signatures stay valid. --at is the middle of the seal in millimetres\n" +
			"from a corner of the page; --keyword puts it at words such as （盖章）. --straddle cuts the seal over an edge of all pages (骑缝章). --number prints a document code beside\n" +
			"the seal, by which a paper print is checked against the electronic original.",
		Args: arguments("IN.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.SealID == "" {
				return errors.New("--seal: must be the code of a seal")
			}
			if sameFile(args[0], args[1]) {
				return fmt.Errorf("%s: the sealed document must be another file", args[1])
			}
			if err := where.place(&r); err != nil {
				return err
			}
			doc, closeFile, err := openPDF(args[0])
			if err != nil {
				return err
			}
			defer closeFile()
			return s.with(func(o *office.Office) error {
				sealed, err := o.Stamp(cmd.Context(), s.actor, doc, r)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				if err := durable.WriteFrom(args[1], sealed, 0o644); err != nil {
					return err
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{"id": r.SealID, "field": sealed.Field(), "file": args[1]})
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&r.SealID, "seal", "", "`CODE` of the seal")
	where.flags(cmd)
	cmd.Flags().StringVar(&r.Field, "field", "", "`NAME` of the signature field")
	cmd.Flags().StringVar(&r.Reason, "reason", "", "why, in `WORDS`; stands in the signature")
	cmd.Flags().StringVar(&r.Number, "number", "", "document `NUMBER`: print a document code beside the seal")
	return cmd
}

// sameFile reports whether two paths name one file.
func sameFile(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// openPDF opens a PDF that is read as it is needed.
func openPDF(path string) (*pdf.Document, func(), error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	// What was only read may be closed without looking.
	closeFile := func() { _ = f.Close() }
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a file")
	}
	if err != nil {
		closeFile()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	doc, err := pdf.Open(f, info.Size())
	if err != nil {
		closeFile()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return doc, closeFile, nil
}

// placing is what the flags say of where a seal goes.
type placing struct {
	pages, at, corner, straddle string
	keyword                     office.Keyword
	group                       int
	along                       float64
}

func (p *placing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.pages, "page", "", "`PAGES`: numbers and ranges such as 1,3-5,8-, or all, odd, even, last; without: last, for --straddle and --keyword all")
	f.StringVar(&p.at, "at", "", "`X,Y` of the seal's middle in mm from the corner; without: the field's own place, else bottom right")
	f.StringVar(&p.corner, "corner", "", "`CORNER` that --at is measured from: top-left, top-right, bottom-left, bottom-right (default top-left)")
	f.StringVar(&p.keyword.Words, "keyword", "", "put the seal at these `WORDS` of the document")
	f.StringVar(&p.keyword.Hit, "keyword-hit", "", "`NUMBER` of the place, if the words stand there more than once; last, all")
	f.StringVar((*string)(&p.keyword.Side), "keyword-side", "", "`SIDE` of the words: over, before, after (default over)")
	f.StringVar(&p.straddle, "straddle", "", "straddle seal over an `EDGE` of the pages: left, right, top, bottom")
	f.IntVar(&p.group, "straddle-pages", 0, "straddle seal: how many `PAGES` share one seal; without: all")
	f.Float64Var(&p.along, "straddle-at", 0, "straddle seal: `MM` of its middle from the left or top along the edge; without: the middle")
}

// place reads the flags into a request.
func (p *placing) place(r *office.StampRequest) error {
	r.Place = office.Place{Pages: office.Pages(p.pages), Corner: office.Corner(p.corner)}
	if p.keyword != (office.Keyword{}) {
		return p.words(r)
	}
	if p.straddle == "" {
		if p.group != 0 || p.along != 0 {
			return errors.New("--straddle: must name an edge for --straddle-pages and --straddle-at")
		}
		return p.whole(&r.Place)
	}
	if p.at != "" || p.corner != "" {
		return errors.New("--at: a straddle seal has its place at the edge; see --straddle-at")
	}
	if !slices.Contains(office.Edges(), office.Edge(p.straddle)) {
		return fmt.Errorf("--straddle: %q is not left, right, top or bottom", p.straddle)
	}
	r.Straddle = &office.Straddle{Edge: office.Edge(p.straddle), Group: p.group, Along: p.along}
	return nil
}

// words reads the flags for a seal at words.
func (p *placing) words(r *office.StampRequest) error {
	switch {
	case p.keyword.Words == "":
		return errors.New("--keyword: must be given for --keyword-hit and --keyword-side")
	case p.straddle != "" || p.at != "" || p.corner != "":
		return errors.New("--keyword: the words are the place; leave out --at, --corner and --straddle")
	case p.keyword.Side != "" && !slices.Contains(office.Sides(), p.keyword.Side):
		return fmt.Errorf("--keyword-side: %q is not over, before or after", p.keyword.Side)
	}
	r.Keyword = &p.keyword
	return nil
}

// whole reads the flags for a seal that is not cut.
func (p *placing) whole(place *office.Place) error {
	if p.corner != "" && !slices.Contains(office.Corners(), place.Corner) {
		return fmt.Errorf("--corner: %q is not top-left, top-right, bottom-left or bottom-right", p.corner)
	}
	if p.at == "" {
		if p.corner != "" {
			return errors.New("--corner: needs --at")
		}
		return nil
	}
	if place.Corner == "" {
		place.Corner = office.TopLeft
	}
	x, y, found := strings.Cut(p.at, ",")
	var errX, errY error
	place.X, errX = strconv.ParseFloat(x, 64)
	place.Y, errY = strconv.ParseFloat(y, 64)
	if !found || errX != nil || errY != nil {
		return fmt.Errorf("--at: %q is not X,Y in millimetres", p.at)
	}
	return nil
}
