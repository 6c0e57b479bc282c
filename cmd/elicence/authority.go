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
	commands := atDesk(s, newAuthorityAdd(s), newAuthorityList(s), newAuthorityAllow(s), newAuthorityUndo(s))
	return group("authority", "发证机关 who may issue which licences", append(commands, newAuthorityCompromise(s), newAuthorityReissueCodes(s))...)
}

// authorityView is an authority as it is printed.
type authorityView struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Region     string   `json:"region"`
	Level      string   `json:"level"`
	Categories []string `json:"categories"`
	Lists      []uint32 `json:"lists"`
	// Undo windows in minutes, by category; "" is for all others.
	Undo   map[string]int `json:"undo,omitempty"`
	DryRun bool           `json:"dry_run,omitempty"`
}

func viewAuthority(a licence.Authority) authorityView {
	v := authorityView{ID: a.USCC, Name: a.Name, Region: a.Region, Level: string(a.Level), Lists: a.Lists}
	for _, id := range a.Categories {
		v.Categories = append(v.Categories, id.String())
	}
	for _, w := range a.Undo {
		if v.Undo == nil {
			v.Undo = make(map[string]int)
		}
		name := ""
		if w.Category != 0 {
			name = w.Category.String()
		}
		v.Undo[name] = w.Minutes
	}
	return v
}

func (v authorityView) row() []string {
	return []string{v.ID, v.Name, v.Region, v.Level, strconv.Itoa(len(v.Categories)) + " categories"}
}

// print prints an authority as JSON, or as a line of text.
func (v authorityView) print(cmd *cobra.Command, s *settings, text ...string) error {
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	if v.DryRun {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), dryRunTitle); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(text, "  "))
	return err
}

func newAuthorityAdd(s *settings) *cobra.Command {
	var n office.NewAuthority
	var level, categories string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "add --uscc CODE --name NAME --region DIGITS --level LEVEL [--category NNN,…] [--dry-run]",
		Short: "增加发证机关 add an issuing authority",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n.Level = catalogue.Level(level)
			var err error
			if n.Categories, err = parseCategories(categories); err != nil {
				return fmt.Errorf("--category: %w", err)
			}
			return s.with(func(o *office.Office) error {
				var a licence.Authority
				var err error
				if dryRun {
					a, err = o.TryAuthority(cmd.Context(), n)
				} else {
					a, err = o.AddAuthority(cmd.Context(), s.actor, n)
				}
				if err != nil {
					return err
				}
				v := viewAuthority(a)
				v.DryRun = dryRun
				return v.print(cmd, s, v.row()...)
			})
		},
	}
	cmd.Flags().StringVar(&n.USCC, "uscc", "", "unified social credit `CODE`")
	cmd.Flags().StringVar(&n.Name, "name", "", "`NAME`, as on licences")
	cmd.Flags().StringVar(&n.Region, "region", "", "six `DIGITS` (GB/T 2260)")
	cmd.Flags().StringVar(&level, "level", "", "national, province, city or county")
	cmd.Flags().StringVar(&categories, "category", "", "`NNN,…` that it issues; without: all of its level")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

func newAuthorityAllow(s *settings) *cobra.Command {
	var categories string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "allow CODE --category NNN,… [--dry-run]", Short: "增加发证类别 let an authority issue further categories", Args: arguments("CODE"),
		Long: "It may issue them at once; terminals know it after the next publication. None can be taken away: its licences in force would become\ninvalid at terminals.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseCategories(categories)
			if err != nil {
				return fmt.Errorf("--category: %w", err)
			}
			return s.with(func(o *office.Office) error {
				var a licence.Authority
				var err error
				if dryRun {
					a, err = o.TryCategories(cmd.Context(), args[0], ids...)
				} else {
					a, err = o.AllowCategories(cmd.Context(), s.actor, args[0], ids...)
				}
				if err != nil {
					return err
				}
				v := viewAuthority(a)
				v.DryRun = dryRun
				return v.print(cmd, s, v.row()...)
			})
		},
	}
	cmd.Flags().StringVar(&categories, "category", "", "`NNN,…` that it may issue from now on")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
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

func newAuthorityUndo(s *settings) *cobra.Command {
	var category string
	var dryRun bool
	minutes := -1
	cmd := &cobra.Command{
		Use: "undo CODE --minutes N [--category NNN] [--dry-run]", Short: "发布前等待时间 how long an authority's new licences can be taken back", Args: arguments("CODE"),
		Long: "A licence that is issued waits so long before it is published: it has no code and no PDF and is valid nowhere, and licence correct or\nlicence withdraw takes it back without a trace in the status lists. 0 publishes at once. Without --category: for all categories that\nhave none of their own.",
		RunE: func(cmd *cobra.Command, args []string) error {
			w := licence.UndoWindow{Minutes: minutes}
			if category != "" {
				var err error
				if w.Category, err = catalogue.ParseID(category); err != nil {
					return fmt.Errorf("--category: %w", err)
				}
			}
			return s.with(func(o *office.Office) error {
				var a licence.Authority
				var err error
				if dryRun {
					a, err = o.TryUndo(cmd.Context(), args[0], w)
				} else {
					a, err = o.SetUndo(cmd.Context(), s.actor, args[0], w)
				}
				if err != nil {
					return err
				}
				v := viewAuthority(a)
				v.DryRun = dryRun
				return v.print(cmd, s, a.USCC, category, strconv.Itoa(minutes)+" 分钟 minutes")
			})
		},
	}
	cmd.Flags().IntVar(&minutes, "minutes", -1, "`N` minutes; 0: none")
	cmd.Flags().StringVar(&category, "category", "", "`NNN` that it is for")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}
