package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/amended"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

func newCategory(s *settings) *cobra.Command {
	changes := atDesk(s, newCategoryChange(s, "add", "增加类别 add a category", false), newCategoryChange(s, "change", "变更类别 give a category a new schema", true))
	return group("category", "证照类别 the licence categories", append(changes,
		categoryCommand(s, "list", "列出全部类别 list all categories", cobra.NoArgs, func(c *catalogue.Catalogue, _ []string) ([]*catalogue.Category, error) {
			return c.Categories(), nil
		}),
		categoryCommand(s, "search WORD", "查找类别 find categories by name", arguments("WORD"), func(c *catalogue.Catalogue, args []string) ([]*catalogue.Category, error) {
			return c.Search(args[0]), nil
		}),
		newCategoryShow(s),
		newCategorySchema(s))...)
}

func categoryCommand(s *settings, use, short string, args cobra.PositionalArgs, find func(*catalogue.Catalogue, []string) ([]*catalogue.Category, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		c, err := amended.ReadFolder(s.data)
		if err != nil {
			return err
		}
		found, err := find(c, args)
		if err != nil {
			return err
		}
		var views []office.CategoryView
		for _, category := range found {
			views = append(views, office.ViewCategory(category))
		}
		return list(cmd, s, views, func(v office.CategoryView) []string {
			return []string{v.ID, v.Name, v.Kind, v.Level, v.Validity, v.NameEN}
		})
	}}
}

// fieldView is a field of a category as it is printed.
type fieldView struct {
	Code      string   `json:"code"`
	Name      string   `json:"name"`
	NameEN    string   `json:"name_en"`
	Type      string   `json:"type"`
	Required  bool     `json:"required"`
	MaxLength int      `json:"max_length,omitempty"`
	Enum      []string `json:"enum,omitempty"`
	InCode    bool     `json:"in_code"`
	Sensitive bool     `json:"sensitive"`
	Example   string   `json:"example"`
	MapsTo    string   `json:"maps_to,omitempty"`
}

func newCategoryShow(s *settings) *cobra.Command {
	return &cobra.Command{Use: "show NNN", Short: "显示一个类别及其字段 one category with its fields", Args: arguments("NNN"), RunE: func(cmd *cobra.Command, args []string) error {
		category, err := oneCategory(s, args[0])
		if err != nil {
			return err
		}
		var fields []fieldView
		for _, f := range category.Fields {
			fields = append(fields, fieldView{
				Code: f.Code, Name: f.NameZH, NameEN: f.NameEN, Type: string(f.Type), Required: f.Required, MaxLength: f.MaxLen, Enum: f.Enum,
				InCode: f.QR, Sensitive: f.Sensitive, Example: f.Example, MapsTo: string(f.MapsTo),
			})
		}
		retention := viewRetention(category)
		if s.json {
			return printJSON(cmd.OutOrStdout(), struct {
				office.CategoryView
				Schema     int           `json:"schema"`
				Aliases    []string      `json:"aliases"`
				Agency     string        `json:"agency"`
				NumberRule string        `json:"number_rule"`
				Example    string        `json:"number_example"`
				Source     string        `json:"source"`
				Retention  retentionView `json:"retention"`
				FieldList  []fieldView   `json:"field_list"`
			}{office.ViewCategory(category), category.Schema, category.AliasesZH, category.AgencyZH, category.NumberRuleZH, category.NumberExample, category.Source, retention, fields})
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n%s  %s  %s  %s\n编号 number: %s, 例如 e.g. %s\n保管 kept: %s, %s\n", category.ID, category.NameZH, category.NameEN,
			category.Kind, category.AgencyZH, category.Level, category.Validity, category.NumberRuleZH, category.NumberExample, retention.period(), retention.Basis)
		if err != nil {
			return err
		}
		return list(cmd, s, fields, fieldView.row)
	}}
}

// catalogue returns the catalogue of the data folder without opening it.
func (s *settings) catalogue() (*catalogue.Catalogue, error) {
	if s.served != nil {
		return s.served.Catalogue(), nil
	}
	return amended.ReadFolder(s.data)
}

// oneCategory returns the category with a three-digit number.
func oneCategory(s *settings, number string) (*catalogue.Category, error) {
	id, err := catalogue.ParseID(number)
	if err != nil {
		return nil, err
	}
	c, err := s.catalogue()
	if err != nil {
		return nil, err
	}
	category, ok := c.Category(id)
	if !ok {
		return nil, fmt.Errorf("category %s: %w", id, catalogue.ErrNoCategory)
	}
	return category, nil
}

func newCategorySchema(s *settings) *cobra.Command {
	return &cobra.Command{Use: "schema NNN", Short: "申请数据的 JSON Schema the JSON Schema of what licence issue takes", Args: arguments("NNN"), RunE: func(cmd *cobra.Command, args []string) error {
		category, err := oneCategory(s, args[0])
		if err != nil {
			return err
		}
		return printJSON(cmd.OutOrStdout(), licence.SchemaOf(category))
	}}
}

func (f fieldView) row() []string {
	required := ""
	if f.Required {
		required = "必填 required"
	}
	limit := strings.Join(f.Enum, "|")
	if f.MaxLength > 0 {
		limit = "≤ " + strconv.Itoa(f.MaxLength)
	}
	return []string{f.Code, f.Name, f.Type, required, limit, f.Example}
}

// newCategoryChange makes the commands that change the catalogue: of categories that are
// known, or of new ones.
func newCategoryChange(s *settings, use, short string, known bool) *cobra.Command {
	var file string
	var dryRun bool
	cmd := &cobra.Command{
		Use: use + " --file F.json [--dry-run]", Short: short, Args: cobra.NoArgs,
		Long: "Reads {\"category\": {column: value, …}, \"fields\": [{column: value, …}, …]} with the columns of the embedded catalogue, checks the\n" +
			"whole, and keeps it in the store and DATA/catalogue. It is in force at once, for all nodes of a service; terminals know it after\n" +
			"the next publication. Licences that were issued before keep their schema and stay readable.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := s.readInput("--file", file, cmd.InOrStdin())
			if err != nil {
				return err
			}
			change, err := catalogue.ParseChange(b)
			if err != nil {
				return inFile(file, err)
			}
			return s.with(func(o *office.Office) error {
				changed, err := o.ChangeCatalogue(cmd.Context(), s.actor, amended.Change{Change: change, New: !known, DryRun: dryRun})
				if err != nil {
					return inFile(file, err)
				}
				category, ok := changed.Category(change.About()[0])
				if !ok {
					return fmt.Errorf("%s: %w", file, catalogue.ErrNoCategory)
				}
				if s.json {
					v := map[string]any{"id": category.ID.String(), "name": category.NameZH, "schema": category.Schema}
					if dryRun {
						v["dry_run"] = true
					}
					return printJSON(cmd.OutOrStdout(), v)
				}
				if dryRun {
					if _, err := fmt.Fprintln(cmd.OutOrStdout(), dryRunTitle); err != nil {
						return err
					}
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s  schema %d\n", category.ID, category.NameZH, category.Schema)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "`FILE` in JSON; - is standard input")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, dryRunHelp)
	return cmd
}

// inFile says of every fault in a change of the catalogue in which file it is.
func inFile(file string, err error) error {
	var faulty *catalogue.FaultyError
	if !errors.As(err, &faulty) {
		return fmt.Errorf("%s: %w", file, err)
	}
	all := make([]error, len(faulty.Faults))
	for i, fault := range faulty.Faults {
		all[i] = bilingual.Wrap(bilingual.TextZH(catalogue.ErrFaulty), fmt.Errorf("%s: %w", file, fault))
	}
	return errors.Join(all...)
}
