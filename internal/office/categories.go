package office

import "github.com/elicence/elicence/licence/catalogue"

// CategoryView is a category as lists show it.
type CategoryView struct {
	ID        string `json:"id"`
	Code      string `json:"code" doc:"Type code of GB/T 36904-2018, 21 characters"`
	Name      string `json:"name"`
	NameEN    string `json:"name_en"`
	Kind      string `json:"kind"`
	Level     string `json:"level" enum:"national,province,city,county"`
	Validity  string `json:"validity"`
	Assurance string `json:"assurance" enum:"A,B,C"`
	Fields    int    `json:"fields" doc:"How many fields it has beyond the common ones"`
}

// ViewCategory returns the view of a category.
func ViewCategory(c *catalogue.Category) CategoryView {
	return CategoryView{
		ID: c.ID.String(), Code: c.Code, Name: c.NameZH, NameEN: c.NameEN, Kind: c.Kind, Level: string(c.Level),
		Validity: c.Validity.String(), Assurance: string(c.Assurance), Fields: len(c.Fields),
	}
}
