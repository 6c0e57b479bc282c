package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence/catalogue"
)

func newCategory(s *settings) *cobra.Command {
	return group("category", "证照类别 the licence categories",
		categoryCommand(s, "list", "列出全部类别 list all categories", cobra.NoArgs, func(c *catalogue.Catalogue, _ []string) ([]*catalogue.Category, error) {
			return c.Categories(), nil
		}),
		categoryCommand(s, "search WORD", "查找类别 find categories by name", arguments("WORD"), func(c *catalogue.Catalogue, args []string) ([]*catalogue.Category, error) {
			return c.Search(args[0]), nil
		}),
		newCategoryShow(s))
}

// categoryView is a category as it is printed in lists.
type categoryView struct {
	ID        string `json:"id"`
	Code      string `json:"code"`
	Name      string `json:"name"`
	NameEN    string `json:"name_en"`
	Kind      string `json:"kind"`
	Level     string `json:"level"`
	Validity  string `json:"validity"`
	Assurance string `json:"assurance"`
	Fields    int    `json:"fields"`
}

func viewCategory(c *catalogue.Category) categoryView {
	return categoryView{
		ID: c.ID.String(), Code: c.Code, Name: c.NameZH, NameEN: c.NameEN, Kind: c.Kind, Level: string(c.Level),
		Validity: c.Validity.String(), Assurance: string(c.Assurance), Fields: len(c.Fields),
	}
}

func categoryCommand(s *settings, use, short string, args cobra.PositionalArgs, find func(*catalogue.Catalogue, []string) ([]*catalogue.Category, error)) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		c, err := catalogue.Load()
		if err != nil {
			return err
		}
		found, err := find(c, args)
		if err != nil {
			return err
		}
		var views []categoryView
		for _, category := range found {
			views = append(views, viewCategory(category))
		}
		return list(cmd, s, views, func(v categoryView) []string { return []string{v.ID, v.Name, v.Kind, v.Level, v.Validity, v.NameEN} })
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
		id, err := catalogue.ParseID(args[0])
		if err != nil {
			return err
		}
		c, err := catalogue.Load()
		if err != nil {
			return err
		}
		category, ok := c.Category(id)
		if !ok {
			return fmt.Errorf("category %s: %w", id, office.ErrNoCategory)
		}
		var fields []fieldView
		for _, f := range category.Fields {
			fields = append(fields, fieldView{
				Code: f.Code, Name: f.NameZH, NameEN: f.NameEN, Type: string(f.Type), Required: f.Required, MaxLength: f.MaxLen, Enum: f.Enum,
				InCode: f.QR, Sensitive: f.Sensitive, Example: f.Example, MapsTo: string(f.MapsTo),
			})
		}
		if s.json {
			return printJSON(cmd.OutOrStdout(), struct {
				categoryView
				Aliases    []string    `json:"aliases"`
				Agency     string      `json:"agency"`
				NumberRule string      `json:"number_rule"`
				Example    string      `json:"number_example"`
				Source     string      `json:"source"`
				FieldList  []fieldView `json:"field_list"`
			}{viewCategory(category), category.AliasesZH, category.AgencyZH, category.NumberRuleZH, category.NumberExample, category.Source, fields})
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s %s\n%s  %s  %s  %s\n编号 number: %s, 例如 e.g. %s\n", category.ID, category.NameZH, category.NameEN,
			category.Kind, category.AgencyZH, category.Level, category.Validity, category.NumberRuleZH, category.NumberExample)
		if err != nil {
			return err
		}
		return list(cmd, s, fields, fieldView.row)
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
