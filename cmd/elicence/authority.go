package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

func newAuthority(s *settings) *cobra.Command {
	return group("authority", "发证机关 who may issue which licences", newAuthorityAdd(s), newAuthorityList(s), newAuthorityCompromise(s), newAuthorityReissueCodes(s))
}

// authorityView is an authority as it is printed.
type authorityView struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Region     string   `json:"region"`
	Level      string   `json:"level"`
	Categories []string `json:"categories"`
	Lists      []uint32 `json:"lists"`
}

func viewAuthority(a licence.Authority) authorityView {
	v := authorityView{ID: a.USCC, Name: a.Name, Region: a.Region, Level: string(a.Level), Lists: a.Lists}
	for _, id := range a.Categories {
		v.Categories = append(v.Categories, id.String())
	}
	return v
}

func (v authorityView) row() []string {
	return []string{v.ID, v.Name, v.Region, v.Level, strconv.Itoa(len(v.Categories)) + " categories"}
}

func newAuthorityAdd(s *settings) *cobra.Command {
	var n office.NewAuthority
	var level, categories string
	cmd := &cobra.Command{
		Use:   "add --uscc CODE --name NAME --region DIGITS --level LEVEL [--category NNN,…]",
		Short: "增加发证机关 add an issuing authority",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n.Level = catalogue.Level(level)
			var err error
			if n.Categories, err = parseCategories(categories); err != nil {
				return fmt.Errorf("--category: %w", err)
			}
			return s.with(func(o *office.Office) error {
				a, err := o.AddAuthority(cmd.Context(), s.actor, n)
				if err != nil {
					return err
				}
				v := viewAuthority(a)
				if s.json {
					return printJSON(cmd.OutOrStdout(), v)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), strings.Join(v.row(), "  "))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&n.USCC, "uscc", "", "unified social credit `CODE`")
	cmd.Flags().StringVar(&n.Name, "name", "", "`NAME`, as on licences")
	cmd.Flags().StringVar(&n.Region, "region", "", "six `DIGITS` (GB/T 2260)")
	cmd.Flags().StringVar(&level, "level", "", "national, province, city or county")
	cmd.Flags().StringVar(&categories, "category", "", "`NNN,…` that it issues; without: all of its level")
	return cmd
}

func newAuthorityList(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "列出发证机关 list the issuing authorities", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				all, err := o.Authorities(cmd.Context())
				if err != nil {
					return err
				}
				var views []authorityView
				for _, a := range all {
					views = append(views, viewAuthority(a))
				}
				return list(cmd, s, views, authorityView.row)
			})
		},
	}
}
