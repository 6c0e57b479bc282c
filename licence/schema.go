package licence

import (
	"maps"
	"slices"

	"github.com/elicence/elicence/internal/cleantext"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/licence/catalogue"
)

// Schema describes an [Application] in a category as JSON Schema (draft 2020-12), for
// whoever builds a form or checks a file before it is sent. It says no less than
// [Validate] as far as JSON Schema can say it: check digits, the validity by a holder's
// age, and that a field agrees with the common part it repeats, are for Validate alone.
type Schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`       // Chinese
	Description string             `json:"description,omitempty"` // English
	Type        any                `json:"type,omitempty"`        // a name or several
	Const       string             `json:"const,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Format      string             `json:"format,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	MinLength   int                `json:"minLength,omitempty"` // characters
	MaxLength   int                `json:"maxLength,omitempty"`
	Encoding    string             `json:"contentEncoding,omitempty"`
	Examples    []string           `json:"examples,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	MaxItems    int                `json:"maxItems,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Closed      *bool              `json:"additionalProperties,omitempty"` // false: no other names
	OneOf       []*Schema          `json:"oneOf,omitempty"`
	AllOf       []*Schema          `json:"allOf,omitempty"`
	If          *Schema            `json:"if,omitempty"`
	Then        *Schema            `json:"then,omitempty"`
}

// SchemaOf returns the schema of a category's applications.
func SchemaOf(c *catalogue.Category) *Schema {
	number := line(maxNumber)
	number.Title, number.Description, number.Examples = "证照编号："+c.NumberRuleZH, "number of the licence", []string{c.NumberExample}
	if c.NumberPublished {
		number.Pattern = c.NumberPattern
	}
	fields := object()
	for _, f := range c.Fields {
		fields.Properties[f.Code] = fieldSchema(f)
		if f.Required && f.MapsTo == catalogue.MapsNothing {
			fields.Required = append(fields.Required, f.Code)
		}
	}
	s := object("number", "issue_date", "fields")
	s.Dialect, s.ID = "https://json-schema.org/draft/2020-12/schema", "urn:elicence:category:"+c.ID.String()
	s.Title, s.Description = c.NameZH, c.NameEN
	s.Properties = map[string]*Schema{
		"issuer":      {Type: "string", Pattern: idcode.USCCPattern, Title: "发证机关统一社会信用代码", Description: "credit code of the issuing authority; may be left out where one authority issues the category"},
		"number":      number,
		"holder":      holderSchema(c),
		"holders":     {Type: "array", Items: holderSchema(c), MinItems: 1, MaxItems: 1, Title: "持证主体", Description: "the holders, in place of holder"},
		"issue_date":  day("颁发日期", "day of issue"),
		"valid_from":  day("有效期起始日期", "first day; the day of issue if left out"),
		"valid_until": {Title: "有效期截止日期", Description: "last day, or long-term; by the category's rule if left out", OneOf: []*Schema{day("", ""), {Enum: []string{"long-term", longTermZH}}}},
		"fields":      fields,
	}
	if c.Life.SeveralHolders {
		s.Properties["holders"].MaxItems = maxHolders
	}
	s.OneOf = []*Schema{{Required: []string{"holder"}}, {Required: []string{"holders"}}}
	return s
}

// object returns the schema of an object that has no other properties than are given.
func object(required ...string) *Schema {
	return &Schema{Type: "object", Properties: make(map[string]*Schema), Required: required, Closed: new(bool)}
}

// line returns the schema of one line of text.
func line(limit int) *Schema {
	return &Schema{Type: "string", MinLength: 1, MaxLength: limit, Pattern: cleantext.LinePattern}
}

func day(title, description string) *Schema {
	return &Schema{Type: "string", Format: "date", Title: title, Description: description}
}

func holderSchema(c *catalogue.Category) *Schema {
	idType := &Schema{Type: "string", Title: "持证主体代码类型", Description: "kind of the holder's document (GB/T 36903-2018, annex A)"}
	anyKind := slices.Contains(c.Holders, catalogue.OtherHolder)
	for _, t := range slices.Sorted(maps.Keys(idTypes)) {
		if anyKind || slices.Contains(c.Holders, t.holderKind()) {
			idType.Enum = append(idType.Enum, string(t))
		}
	}
	name := line(maxHolder)
	name.Title, name.Description = "持证主体", "name of the holder"
	h := object("name", "id_type", "id_number")
	h.Title, h.Description = "持证主体", "the holder"
	h.Properties["name"], h.Properties["id_type"] = name, idType
	h.Properties["id_number"] = &Schema{Type: "string", Title: "持证主体代码", Description: "number of that document", Pattern: documentNumber.String()}
	for _, t := range []struct {
		code    IDType
		pattern string
	}{{IDTypeUSCC, idcode.USCCPattern}, {IDTypeCitizenNumber, idcode.CitizenNumberPattern}} {
		if slices.Contains(idType.Enum, string(t.code)) {
			h.AllOf = append(h.AllOf, &Schema{
				If:   &Schema{Properties: map[string]*Schema{"id_type": {Const: string(t.code)}}},
				Then: &Schema{Properties: map[string]*Schema{"id_number": {Pattern: t.pattern}}},
			})
		}
	}
	return h
}

func fieldSchema(f catalogue.Field) *Schema {
	s := &Schema{Type: "string", MinLength: 1, MaxLength: f.MaxLen, Pattern: f.Pattern()}
	switch f.Type {
	case catalogue.Date:
		s.Format = "date"
	case catalogue.Integer, catalogue.Decimal, catalogue.Money:
		s.Type = []string{"string", "number"}
	case catalogue.Enum:
		s = &Schema{Type: "string", Enum: f.Enum}
	case catalogue.Image:
		file := object("file")
		file.Properties["file"] = &Schema{Type: "string", MinLength: 1, Description: "path of a file; on the command line only"}
		s = &Schema{OneOf: []*Schema{{Type: "string", Encoding: "base64", MinLength: 1, MaxLength: (f.MaxLen + 2) / 3 * 4}, file}}
	}
	s.Title, s.Description = f.NameZH, f.NameEN
	if f.Type != catalogue.Image {
		s.Examples = []string{f.Example}
	}
	return s
}
