package catalogue

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/elicence/elicence/internal/bilingual"
)

// ID is the number of a category: 1…195 in the embedded catalogue. It is
// written with three digits, "001".
type ID uint16

// String returns the three-digit form.
func (id ID) String() string { return fmt.Sprintf("%03d", uint16(id)) }

// ParseID reads the three-digit form and nothing else.
func ParseID(s string) (ID, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || len(s) != 3 || n == 0 {
		return 0, bilingual.Wrap("证照类别应为三位数字，如 001", fmt.Errorf("category %q is not a three-digit number such as 001", s))
	}
	return ID(n), nil
}

// HolderKind says what may hold a licence.
type HolderKind string

// The kinds of holder. OtherHolder is a vehicle, ship, machine, product or
// station; its owner is named by the category's further kinds.
const (
	NaturalPerson HolderKind = "natural_person"
	LegalPerson   HolderKind = "legal_person"
	OtherHolder   HolderKind = "other"
)

// Level is the usual level of the issuing authority.
type Level string

// The issuing levels.
const (
	National Level = "national"
	Province Level = "province"
	City     Level = "city"
	County   Level = "county"
)

// Levels lists the issuing levels from the top.
func Levels() []Level { return []Level{National, Province, City, County} }

// Assurance is our grading of what a licence is about: A identity, family,
// health, social benefit, property, tax; B personal professional or restricted
// business; C public by law.
type Assurance string

// The grades.
const (
	AssuranceA Assurance = "A"
	AssuranceB Assurance = "B"
	AssuranceC Assurance = "C"
)

// Category is one kind of licence.
type Category struct {
	ID            ID
	Schema        int    // from 1; a change of the category is a new number
	Code          string // 21 characters, GB/T 36904-2018
	CodeOfficial  bool   // seen in use, not derived by us
	NameZH        string
	NameEN        string
	ShortNameZH   string
	AliasesZH     []string
	Holders       []HolderKind // the usual kind first
	AgencyZH      string       // who defines the licence
	AgencyUSCC    string
	Level         Level
	DomainZH      string
	DomainEN      string
	Validity      Validity
	Kind          string // one of nine: 证件, 执照, 许可证, …
	Assurance     Assurance
	Renewals      bool // a periodic check applies
	Life          Life
	NumberRuleZH  string
	NumberPattern string // a regular expression, anchored at both ends
	NumberExample string
	// NumberPublished: the pattern is believed to be a uniform national format,
	// and a number that does not match is refused. Otherwise the pattern is only
	// typical and real numbers may differ.
	NumberPublished bool
	Source          string
	Fields          []Field
	Retention       Retention

	numberForm func() *regexp.Regexp // NumberPattern
}

// MatchesNumber reports whether a number has the form of [Category.NumberPattern].
func (c *Category) MatchesNumber(number string) bool { return c.numberForm().MatchString(number) }

// QRFields returns the fields that a code carries, in catalogue order.
func (c *Category) QRFields() []Field {
	var fields []Field
	for _, f := range c.Fields {
		if f.QR {
			fields = append(fields, f)
		}
	}
	return fields
}

// Renewable reports whether licences of the category are renewed: they are checked
// periodically, or end by themselves.
func (c *Category) Renewable() bool { return c.Renewals || c.Validity.Limited() }

// Field returns the field with the given code.
func (c *Category) Field(code string) (Field, bool) {
	for i := range c.Fields {
		if c.Fields[i].Code == code {
			return c.Fields[i], true
		}
	}
	return Field{}, false
}

// Catalogue is a validated set of categories, each as it is now and as it was. It is
// immutable.
type Catalogue struct {
	categories []*Category        // by id, from 1
	earlier    map[ID][]*Category // by schema, from 1
	names      func() [][]name    // of each category, for Search
}

// Categories returns all categories in the order of their ids. The caller must
// not change them.
func (c *Catalogue) Categories() []*Category { return c.categories }

// Category returns the category with the given id as it is now: what is issued today.
func (c *Catalogue) Category(id ID) (*Category, bool) {
	if id < 1 || int(id) > len(c.categories) {
		return nil, false
	}
	return c.categories[id-1], true
}

// Version returns a category under a schema number: what a licence was issued by.
func (c *Catalogue) Version(id ID, schema int) (*Category, bool) {
	now, ok := c.Category(id)
	switch {
	case !ok || schema < 1:
		return nil, false
	case schema == now.Schema:
		return now, true
	case schema > len(c.earlier[id]):
		return nil, false
	default:
		return c.earlier[id][schema-1], true
	}
}

// Versions returns every category under every schema number, by id and then schema.
func (c *Catalogue) Versions() []*Category {
	var all []*Category
	for _, now := range c.categories {
		all = append(append(all, c.earlier[now.ID]...), now)
	}
	return all
}
