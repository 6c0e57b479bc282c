package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/qr/trust"
)

// domainView is a recognised domain as it is printed.
type domainView struct {
	ID         string   `json:"id"` // SM3 of the root file
	Name       string   `json:"name"`
	Region     string   `json:"region"`
	Regions    []string `json:"regions"`
	Categories []string `json:"categories"`
}

func viewDomain(d trust.RecognisedDomain) domainView {
	v := domainView{ID: hex.EncodeToString(d.RootSM3[:]), Name: d.Domain.Name, Region: d.Domain.Region, Regions: d.Regions}
	for _, id := range d.Categories {
		v.Categories = append(v.Categories, catalogue.ID(id).String())
	}
	return v
}

func (v domainView) row() []string {
	return []string{v.ID, v.Region, v.Name, strings.Join(v.Regions, ","), fmt.Sprintf("%d categories", len(v.Categories))}
}

func printDomain(cmd *cobra.Command, s *settings, d trust.RecognisedDomain) error {
	v := viewDomain(d)
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(v.row(), "  "))
	return err
}

// parseCategories reads NNN,NNN,….
func parseCategories(text string) ([]catalogue.ID, error) {
	var all []catalogue.ID
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		id, err := catalogue.ParseID(part)
		if err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, nil
}

func newTrustRecognise(s *settings) *cobra.Command {
	var regions, categories string
	cmd := &cobra.Command{
		Use:   "recognise N.root --region DIGITS,… --category NNN,…",
		Short: "互认 take licences of another province; compare the printed SM3 with what the other side says",
		Args:  arguments("N.root"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseCategories(categories)
			if err != nil {
				return fmt.Errorf("--category: %w", err)
			}
			if regions == "" || len(ids) == 0 {
				return bilingual.New("须用 --region 与 --category 说明互认的范围", "--region and --category: say what is recognised")
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			if info.Size() > trust.MaxSize(trust.RoleRoot) {
				return fmt.Errorf("%s has %d bytes and is no root", args[0], info.Size())
			}
			root, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				d, err := o.RecogniseDomain(cmd.Context(), s.actor, root, strings.Split(regions, ","), ids)
				if err != nil {
					return err
				}
				return printDomain(cmd, s, d)
			})
		},
	}
	cmd.Flags().StringVar(&regions, "region", "", "`DIGITS,…` of its issuers, six digits each (GB/T 2260); 330000 is a whole province")
	cmd.Flags().StringVar(&categories, "category", "", "`NNN,…` that count here")
	return cmd
}

func newTrustRecognised(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "recognised", Short: "列出互认 list the recognised domains", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				all, err := o.RecognisedDomains(cmd.Context())
				if err != nil {
					return err
				}
				var views []domainView
				for _, d := range all {
					views = append(views, viewDomain(d))
				}
				return list(cmd, s, views, domainView.row)
			})
		},
	}
}

func newTrustCarry(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "carry DIR", Short: "带上互认方文件 give terminals a recognised domain's files with ours", Args: arguments("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(func(o *office.Office) error {
				d, err := o.CarryDomain(cmd.Context(), s.actor, os.DirFS(args[0]))
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				return printDomain(cmd, s, d)
			})
		},
	}
}

func newTrustWithdraw(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "withdraw SM3", Short: "撤回互认 end the recognition of a domain, by the SM3 of its root", Args: arguments("SM3"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := trust.ParsePin(args[0])
			if err != nil {
				return fmt.Errorf("%q %w", args[0], err)
			}
			return s.with(func(o *office.Office) error { return o.WithdrawDomain(cmd.Context(), s.actor, *root) })
		},
	}
}
