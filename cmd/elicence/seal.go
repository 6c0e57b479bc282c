package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

func newSeal(s *settings) *cobra.Command {
	commands := atDesk(s, newSealMake(s), newSealPreview(s), newSealApprove(s), newSealRenew(s), newSealList(s), newSealShow(s), newSealSuspend(s), newSealResume(s), newSealRevoke(s),
		newSealKeeper(s), newSealLimit(s), newSealStamp(s), goesOn(newSealBatch(s), usesTwice), newSealDigest(s), newSealProof(s))
	return group("seal", "电子印章 electronic seals", commands...)
}

// sealView is a seal as it is printed.
type sealView struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Class      string   `json:"class"` // legal-name, internal-body, branch, special-purpose or personal-name
	Owner      string   `json:"owner"`
	OwnerName  string   `json:"owner_name"`
	WidthMM    float64  `json:"width_mm"`
	HeightMM   float64  `json:"height_mm"`
	State      string   `json:"state"` // applied, approved, suspended or revoked
	StateName  string   `json:"state_name"`
	AppliedBy  string   `json:"applied_by"`
	AppliedAt  string   `json:"applied_at"`
	ApprovedBy *string  `json:"approved_by"`
	ApprovedAt *string  `json:"approved_at"`
	ValidUntil *string  `json:"valid_until"` // when its certificate ends; null: not made yet
	Since      *string  `json:"since"`       // of suspended, revoked and resumed
	Reason     *string  `json:"reason"`
	Keepers    []string `json:"keepers"`
	Uses       uint64   `json:"uses"`
	MaxUses    *uint64  `json:"max_uses"`
	Hours      *string  `json:"hours"`   // 08:00-18:00, UTC+8
	Earlier    int      `json:"earlier"` // how often it was made anew

	PurposeRequired bool `json:"purpose_required"` // every use says for what
}

func viewSeal(r seal.Record) (sealView, error) {
	v := sealView{
		ID: r.ID, Name: r.Name, Class: string(r.Classified()), Owner: r.OwnerUSCC, OwnerName: r.OwnerName,
		WidthMM: r.Design.WidthMM, HeightMM: r.Design.HeightMM, State: string(r.State()), StateName: r.State().NameZH(), AppliedBy: r.AppliedBy, AppliedAt: r.AppliedAt.Format(time.RFC3339),
		Keepers: append([]string{}, r.Rules.Keepers...), Uses: r.Uses, Earlier: len(r.Earlier),
		PurposeRequired: r.Rules.PurposeRequired,
	}
	if r.Made() {
		at := r.ApprovedAt.Format(time.RFC3339)
		v.ApprovedBy, v.ApprovedAt = &r.ApprovedBy, &at
		ends, err := r.ValidUntil()
		if err != nil {
			return v, err
		}
		until := ends.Format(time.RFC3339)
		v.ValidUntil = &until
	}
	if !r.Since.IsZero() {
		at := r.Since.Format(time.RFC3339)
		v.Since, v.Reason = &at, &r.Why
	}
	if r.Rules.MaxUses > 0 {
		v.MaxUses = &r.Rules.MaxUses
	}
	if hours := r.Rules.Hours(); hours != "" {
		v.Hours = &hours
	}
	return v, nil
}

func (v sealView) row() []string {
	return []string{v.ID, v.Name, v.OwnerName, seal.Class(v.Class).Chinese(), v.stateText(), v.AppliedBy}
}

// stateText is the state for people.
func (v sealView) stateText() string { return v.StateName + " " + v.State }

func printSeal(cmd *cobra.Command, s *settings, r seal.Record) error {
	v, err := viewSeal(r)
	if err != nil {
		return err
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), strings.Join(v.row(), "  "))
	return err
}

func newSealMake(s *settings) *cobra.Command {
	var n office.NewSeal
	var d sealDesign
	var representative, class string
	cmd := &cobra.Command{
		Use:   "make --owner USCC --text TEXT [--kind KIND] | --kind set --representative NAME | --kind picture --picture FILE --width MM --text NAME",
		Short: "申请制章 apply for a seal; another person approves it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.kind == "set" {
				if class != "" {
					return bilingual.New("一套五枚印章各有其类，不用 --class", "--class: the five seals of a set have their own")
				}
				if slices.ContainsFunc(designFlags(), cmd.Flags().Changed) {
					return bilingual.New("一套五枚印章的式样由 --owner-name 与 --representative 决定", "--kind set: the five seals have their designs, by --owner-name and --representative")
				}
				return applySealSet(cmd, s, n, representative)
			}
			if representative != "" {
				return bilingual.New("--representative 须与 --kind set 一起用", "--representative: goes with --kind set")
			}
			var err error
			if class != "" {
				if n.Class, err = seal.ParseClass(class); err != nil {
					return fmt.Errorf("--%w", err)
				}
			}
			if n.Design, err = d.spec(s, n.OwnerUSCC); err != nil {
				return err
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
	cmd.Flags().StringVar(&class, "class", "", "what it stands for: legal-name, internal-body, branch, special-purpose, personal-name; without: what its design shows")
	cmd.Flags().StringVar(&representative, "representative", "", "`NAME` of the legal representative, for a set")
	d.flags(cmd, "; set: a company's five at once")
	return cmd
}

// applySealSet applies for a company's five seals.
func applySealSet(cmd *cobra.Command, s *settings, n office.NewSeal, representative string) error {
	if representative == "" {
		return bilingual.New("一套印章须用 --representative 给出法定代表人", "--representative: must name the legal representative for a set")
	}
	return s.with(func(o *office.Office) error {
		records, err := o.ApplySealSet(cmd.Context(), s.actor, n, representative)
		if err != nil {
			return err
		}
		return listSeals(cmd, s, records)
	})
}

func listSeals(cmd *cobra.Command, s *settings, records []seal.Record) error {
	var views []sealView
	for _, r := range records {
		v, err := viewSeal(r)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	return list(cmd, s, views, sealView.row)
}

func newSealApprove(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "approve ID…", Short: "批准制章 approve and make seals", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(func(o *office.Office) error {
				var made []seal.Record
				for _, id := range args {
					r, err := o.ApproveSeal(cmd.Context(), s.actor, id)
					if err != nil {
						// Those before it are made, and are shown.
						return errors.Join(err, listSeals(cmd, s, made))
					}
					made = append(made, r)
				}
				if len(made) == 1 {
					return printSeal(cmd, s, made[0])
				}
				return listSeals(cmd, s, made)
			})
		},
	}
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
				return errors.Join(listSeals(cmd, s, renewed), err)
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
			return listSeals(cmd, s, all)
		})
	}}
}

func newSealStamp(s *settings) *cobra.Command {
	var r office.StampRequest
	var where placing
	var long leveling
	var profile profiling
	var lock, code string
	var opens password
	cmd := &cobra.Command{
		Use:   "stamp --seal ID [--profile ses|cades] [--level LEVEL] [--certify N] [--lock FIELDS] [--page PAGES] [--at X,Y] [--keyword WORDS] [--straddle EDGE] [--field NAME] [--number TEXT [--code-at X,Y]] IN.pdf OUT.pdf",
		Short: "盖章 put a seal on a PDF",
		Long: "Puts a seal on a PDF by an incremental update: earlier signatures stay valid. --at is the middle of the seal in millimetres\n" +
			"from a corner of the page; --keyword puts it at words such as （盖章）. --straddle cuts the seal over an edge of all pages (骑缝章). --number prints a document code,\n" +
			"by which a paper print is checked against the electronic original, beside the seal where the page is empty; --code-at says where it goes instead.\n" +
			"--level b-t adds a time stamp, b-lt and b-lta also what a verifier will need when the certificates have ended. --profile cades writes CMS with\n" +
			"the seal inside, for verifiers that know no seals; without it GB/T 38540. --certify 1, 2 or 3 says what may follow:\n" +
			"nothing, filling in and signing, or annotations too; what was filled in counts for elicence once it is signed, annotations never. --lock says which form fields may not change: all, names, or not:names for all others.",
		Args: arguments("IN.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.SealID == "" {
				return bilingual.New("须用 --seal 给出印章编码", "--seal: must be the code of a seal")
			}
			if err := s.another("the sealed document", args[0], args[1]); err != nil {
				return err
			}
			if err := where.place(&r); err != nil {
				return err
			}
			if err := codeAt(&r, code); err != nil {
				return err
			}
			for _, f := range []string{"certify", "opacity"} { // 0 stands for neither of them
				if flag := cmd.Flags().Lookup(f); flag.Changed && flag.Value.String() == "0" {
					return fmt.Errorf("--%s: 0 is out of range", f)
				}
			}
			level, err := long.use(s)
			if err != nil {
				return err
			}
			if r.Lock, err = parseLock(lock); err != nil {
				return err
			}
			r.TimeStamp = level != office.LevelB
			if r.Profile, err = profile.use(); err != nil {
				return err
			}
			doc, closeFile, err := s.openPDF(args[0], opens)
			if err != nil {
				return err
			}
			defer closeFile()
			if err := lockable(doc, r.Lock); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return s.with(func(o *office.Office) error {
				sealed, err := o.Stamp(cmd.Context(), s.actor, doc, r)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				kept, err := preserve(cmd.Context(), o, s.actor, sealed, level)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				if err := s.files.WriteFrom(args[1], kept, 0o644); err != nil {
					return err
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{"id": r.SealID, "field": sealed.Field(), "file": args[1], "level": level, "profile": r.Profile})
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&r.SealID, "seal", "", "`CODE` of the seal")
	where.flags(cmd)
	long.flags(cmd, string(office.LevelB))
	profile.flags(cmd)
	cmd.Flags().IntVar(&r.Certify, "certify", 0, "`N`: certify the document, so that 1 nothing, 2 filling in and signing, 3 annotations too may follow")
	cmd.Flags().StringVar(&lock, "lock", "", "`FIELDS` of the form that may not change any more: all, NAME,… or not:NAME,…")
	cmd.Flags().BoolVar(&r.WithoutXFA, "without-xfa", false, "take the XFA form out of a file that has one beside its pages, so that the pages are what counts")
	opens.flags(cmd)
	cmd.Flags().StringVar(&r.Field, "field", "", "`NAME` of the signature field")
	cmd.Flags().Float64Var(&r.Opacity, "opacity", 0, "how strongly the seal shows, above 0 and at most 1; without: 0.9")
	cmd.Flags().BoolVar(&r.Opaque, "opaque", false, "no transparency, as PDF/A-1 wants it; without: in files that say they are PDF/A-1")
	uponOwn(cmd, &r)
	cmd.Flags().StringVar(&r.Reason, "reason", "", "why, in `WORDS`; stands in the signature and beside the audit log; the owner may demand it (seal limit --purpose required)")
	cmd.Flags().StringVar(&r.Number, "number", "", "document `NUMBER`: print a document code beside the seal, where the page shows nothing")
	cmd.Flags().StringVar(&code, "code-at", "", "`X,Y` of the code's top left corner in mm from that of the seal's page, whatever it covers there")
	return cmd
}

// another refuses to write what was made of a document over it.
func (s *settings) another(made, in, out string) error {
	same, err := s.files.Same(in, out)
	if err == nil && same {
		err = fmt.Errorf("%s: %s must be another file", out, made)
	}
	return err
}

// openPDF opens a PDF that is read as it is needed.
func (s *settings) openPDF(path string, p password) (*pdf.Document, func(), error) {
	file, err := s.openFile(path)
	if err != nil {
		return nil, nil, err
	}
	var doc *pdf.Document
	err = p.open(s, func(a syntax.Access) error {
		doc, err = pdf.OpenWith(file, file.size, a)
		return err
	})
	if err != nil {
		file.close()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return doc, file.close, nil
}
