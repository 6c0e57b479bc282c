package catalogue

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/idcode"
)

var (
	//go:embed categories.csv
	categoriesCSV []byte
	//go:embed fields.csv
	fieldsCSV []byte
)

// ErrFaulty is wrapped by every error of [Load] and [Parse].
var ErrFaulty = bilingual.New("类别定义有误", "faulty catalogue")

// ErrNoCategory: the catalogue has no such category.
var ErrNoCategory = bilingual.New("没有该证照类别", "no such category")

// FaultyError lists every fault of a catalogue, or of a change of one. It is [ErrFaulty].
type FaultyError struct {
	Faults []error // each with its place
}

// Error implements error.
func (e *FaultyError) Error() string {
	return ErrFaulty.Error() + ": " + errors.Join(e.Faults...).Error()
}

// Is reports whether another error is [ErrFaulty].
func (e *FaultyError) Is(other error) bool { return other == ErrFaulty }

// Limits of one catalogue file, far above the real one (135 KiB): a file over
// them is refused before it is parsed.
const (
	maxFileSize   = 16 << 20
	maxCategories = 999
)

// Load reads the embedded catalogue and brings changes upon it, in order.
func Load(changes ...Change) (*Catalogue, error) {
	c, err := embedded()
	for i := 0; err == nil && i < len(changes); i++ {
		if c, err = c.With(changes[i]); err != nil {
			err = fmt.Errorf("change %d: %w", i+1, err)
		}
	}
	return c, err
}

// Parse reads a catalogue from its two CSV files (UTF-8, header row). All
// faults are reported at once, each with its file and line; the error wraps
// [ErrFaulty].
func Parse(categories, fields io.Reader) (*Catalogue, error) {
	return (&Catalogue{}).parse(files{categories: categories, fields: fields})
}

// embedded reads the embedded files.
func embedded() (*Catalogue, error) {
	return (&Catalogue{}).parse(files{
		categories: bytes.NewReader(categoriesCSV), fields: bytes.NewReader(fieldsCSV), life: embeddedLife(), retention: bytes.NewReader(retentionCSV),
	})
}

// files are what a catalogue is read from; what is nil says nothing.
type files struct {
	categories, fields, life, retention io.Reader
	json                                bool // faults are named by their places in the JSON of a change
}

// parse brings the rows of files upon a catalogue.
func (c *Catalogue) parse(f files) (*Catalogue, error) {
	p := &parser{json: f.json, categories: slices.Clone(c.categories), names: make(map[string]ID), rewritten: make(map[ID]bool)}
	for _, known := range c.categories {
		p.codes = append(p.codes, known.Code)
	}
	p.readCategories(f.categories)
	p.readFields(f.fields)
	if f.life != nil {
		p.readLife(f.life)
	}
	if f.retention != nil {
		p.readRetention(f.retention)
	}
	p.checkWhole()
	if len(p.faults) > 0 {
		return nil, &FaultyError{p.faults}
	}
	earlier := maps.Clone(c.earlier)
	if earlier == nil {
		earlier = make(map[ID][]*Category)
	}
	for id := range p.rewritten {
		if before, ok := c.Category(id); ok {
			earlier[id] = append(slices.Clip(earlier[id]), before)
		}
	}
	return &Catalogue{categories: p.categories, earlier: earlier, names: prepare(p.categories)}, nil
}

// parser gathers categories and faults. Every check adds its fault and goes on.
type parser struct {
	json       bool
	categories []*Category
	rewritten  map[ID]bool   // that the files have a row of
	names      map[string]ID // names, short names and aliases
	codes      []string      // by id, from 1
	faults     []error
}

func (p *parser) fault(place, format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf("%s: %w", place, fmt.Errorf(format, args...)))
}

// place names a row, from 0, of a file for whoever has to mend it.
func (p *parser) place(file string, line, row int) string {
	if p.json {
		return jsonPlace(file, row)
	}
	return fmt.Sprintf("%s line %d", file, line)
}

// rows calls each with every row of a CSV file as a map from column to value, which is
// the next row's as well, and its place.
func (p *parser) rows(file string, r io.Reader, header []string, each func(place string, row map[string]string)) {
	data, err := io.ReadAll(io.LimitReader(r, maxFileSize+1))
	if err != nil {
		p.fault(file, "reading: %w", err)
		return
	}
	if len(data) > maxFileSize {
		p.fault(file, "larger than %d bytes", maxFileSize)
		return
	}
	if !utf8.Valid(data) {
		p.fault(file, "not valid UTF-8")
		return
	}
	c := csv.NewReader(bytes.NewReader(data))
	c.ReuseRecord = true
	got, err := c.Read()
	if err != nil || !slices.Equal(got, header) {
		p.fault(p.place(file, 1, 0), "header row is not %s", strings.Join(header, ","))
		return
	}
	row := make(map[string]string, len(header))
	for n := 0; ; n++ {
		values, err := c.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var broken *csv.ParseError
		switch {
		case errors.As(err, &broken): // there may be no row to ask for its line
			p.fault(p.place(file, broken.Line, n), "%w", broken.Err)
			return
		case err != nil:
			p.fault(file, "reading: %w", err)
			return
		}
		line, _ := c.FieldPos(0)
		for i, name := range header {
			row[name] = values[i]
		}
		each(p.place(file, line, n), row)
	}
}

const (
	categoriesFile = "categories.csv"
	fieldsFile     = "fields.csv"
)

var categoryHeader = []string{"id", "code", "code_source", "name_zh", "name_en", "short_name_zh", "aliases_zh",
	"holder_type", "holder_also", "defining_agency_zh", "defining_agency_uscc", "uscc_source", "issuing_level",
	"domain", "domain_en", "validity", "kind", "assurance", "renewals", "number_rule", "number_regex",
	"number_example", "number_rule_basis", "source"}

var kinds = []string{"证件", "执照", "许可证", "资格证书", "资质证书", "登记证书", "证明文件", "批文批复", "鉴定报告"}

func (p *parser) readCategories(r io.Reader) {
	p.rows(categoriesFile, r, categoryHeader, func(place string, row map[string]string) {
		fault := func(format string, args ...any) { p.fault(place, format, args...) }
		id, err := ParseID(row["id"])
		if err != nil {
			fault("%w", err)
			return
		}
		if int(id) > len(p.categories)+1 || id > maxCategories || p.rewritten[id] {
			fault("id %s, want %s: ids run from 001 without a gap, each once", id, ID(len(p.categories)+1))
			return
		}
		schema, before := 1, &Category{Retention: defaultRetention()}
		if int(id) <= len(p.categories) {
			before = p.categories[id-1]
			if schema = before.Schema + 1; row["code"] != before.Code {
				fault("code %q, was %q: identifiers hold it, so it stays", row["code"], before.Code)
			}
			p.codes[id-1] = ""
		} else {
			p.categories, p.codes = append(p.categories, nil), append(p.codes, "")
		}
		p.rewritten[id] = true
		c := &Category{
			ID: id, Schema: schema, Life: before.Life, Retention: before.Retention, Code: row["code"], NameZH: row["name_zh"], NameEN: row["name_en"], ShortNameZH: row["short_name_zh"],
			AliasesZH: splitList(row["aliases_zh"]), AgencyZH: row["defining_agency_zh"], AgencyUSCC: row["defining_agency_uscc"],
			DomainZH: row["domain"], DomainEN: row["domain_en"], NumberRuleZH: row["number_rule"],
			NumberExample: row["number_example"], Source: row["source"],
		}
		p.categories[id-1] = c
		for _, column := range []string{"name_zh", "name_en", "short_name_zh", "defining_agency_zh", "domain", "domain_en", "number_rule", "source"} {
			if row[column] == "" {
				fault("%s is empty", column)
			}
		}
		oneOf := func(column string, list ...string) string {
			if !slices.Contains(list, row[column]) {
				fault("%s %q is not one of %s", column, row[column], strings.Join(list, ", "))
			}
			return row[column]
		}
		c.CodeOfficial = oneOf("code_source", "official", "derived") == "official"
		oneOf("uscc_source", "official", "derived")
		c.Level = Level(oneOf("issuing_level", "national", "province", "city", "county"))
		c.Kind = oneOf("kind", kinds...)
		c.Assurance = Assurance(oneOf("assurance", "A", "B", "C"))
		c.Renewals = oneOf("renewals", "yes", "no") == "yes"
		c.NumberPublished = oneOf("number_rule_basis", "published", "typical") == "published"
		c.Holders = append(c.Holders, HolderKind(oneOf("holder_type", "natural_person", "legal_person", "other")))
		for _, also := range splitList(row["holder_also"]) {
			kind := HolderKind(also)
			if (kind != NaturalPerson && kind != LegalPerson) || slices.Contains(c.Holders, kind) {
				fault("holder_also %q is not a further kind of holder", also)
			}
			c.Holders = append(c.Holders, kind)
		}
		if err := idcode.CheckUSCC(c.AgencyUSCC); err != nil {
			fault("defining_agency_uscc: %w", err)
		}
		if len(c.Code) != 21 || !strings.HasPrefix(c.Code, c.AgencyUSCC) || slices.Contains(p.codes, c.Code) {
			fault("code %q is not the agency's 18 characters and 3 of its own, used once", c.Code)
		}
		p.codes[id-1] = c.Code
		if c.Validity, err = parseValidity(row["validity"]); err != nil {
			fault("validity %w", err)
		}
		p.readNumberRule(c, row["number_regex"], fault)
		for _, name := range c.namesZH() {
			if other, taken := p.names[name]; taken && other != id {
				fault("name %q already belongs to category %s", name, other)
			}
			p.names[name] = id
		}
	})
}

// namesZH returns every Chinese name of a category.
func (c *Category) namesZH() []string {
	return append([]string{c.NameZH, c.ShortNameZH}, c.AliasesZH...)
}

func (p *parser) readNumberRule(c *Category, pattern string, fault func(string, ...any)) {
	re, err := regexp.Compile(pattern)
	switch {
	case err != nil:
		fault("number_regex: %w", err)
	case !strings.HasPrefix(pattern, "^") || !strings.HasSuffix(pattern, "$"):
		fault("number_regex is not anchored at both ends")
	case !re.MatchString(c.NumberExample):
		fault("number_example does not match number_regex")
	}
	// It takes far more memory than its text, and few categories are met in one run.
	c.NumberPattern, c.numberForm = pattern, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ";")
}

var fieldHeader = []string{"id", "seq", "field_code", "name_zh", "name_en", "type", "required",
	"max_len_or_enum", "qr", "sensitive", "example", "maps_to"}

var fieldCodeForm = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,63}$`)

func (p *parser) readFields(r io.Reader) {
	p.rows(fieldsFile, r, fieldHeader, func(place string, row map[string]string) {
		fault := func(format string, args ...any) { p.fault(place, format, args...) }
		id, err := ParseID(row["id"])
		if err != nil || !p.rewritten[id] {
			if p.json {
				return // it has its number from the category, whose fault it is
			}
			fault("id %q is not a category of %s", row["id"], categoriesFile)
			return
		}
		c := p.categories[id-1]
		f := Field{Code: row["field_code"], NameZH: row["name_zh"], NameEN: row["name_en"], Example: row["example"]}
		if f.Seq, err = strconv.Atoi(row["seq"]); err != nil || f.Seq != len(c.Fields)+1 {
			fault("seq %q, want %d: fields run from 1 without a gap", row["seq"], len(c.Fields)+1)
		}
		// To some who read JSON names that differ in their case alone are the same.
		taken := slices.ContainsFunc(c.Fields, func(other Field) bool { return strings.EqualFold(other.Code, f.Code) })
		if taken || !fieldCodeForm.MatchString(f.Code) {
			fault("field_code %q is not a new name in category %s", f.Code, id)
		}
		if f.NameZH == "" || f.NameEN == "" {
			fault("name_zh or name_en is empty")
		}
		oneOf := func(column string, list ...string) string {
			if !slices.Contains(list, row[column]) {
				fault("%s %q is not one of %s", column, row[column], strings.Join(list, ", "))
			}
			return row[column]
		}
		f.Type = Type(oneOf("type", "string", "text", "date", "integer", "decimal", "money", "enum", "region", "id_number", "uscc", "image"))
		f.Required = oneOf("required", "yes", "no") == "yes"
		f.QR = oneOf("qr", "yes", "no") == "yes"
		f.Sensitive = oneOf("sensitive", "yes", "no") == "yes"
		f.MapsTo = Mapping(oneOf("maps_to", "", "holder_name", "holder_id", "issuer", "issue_date", "valid_from", "valid_to"))
		if f.Type == Enum {
			f.Enum = strings.Split(row["max_len_or_enum"], "|")
			if slices.Contains(f.Enum, "") || len(slices.Compact(slices.Sorted(slices.Values(f.Enum)))) != len(f.Enum) {
				fault("max_len_or_enum holds an empty or repeated value")
			}
		} else if f.MaxLen, err = strconv.Atoi(row["max_len_or_enum"]); err != nil || f.MaxLen < 1 {
			fault("max_len_or_enum %q is not a length", row["max_len_or_enum"])
		}
		if f.QR && (f.Sensitive || f.Type == Text || f.Type == Image || f.Type == IDNumber) {
			fault("field %s may not be in the code: it is sensitive, text, an image or a citizen number", f.Code)
		}
		if f.Type != Image {
			if err := f.Check(f.Example); err != nil {
				fault("example %w", err)
			}
		}
		c.Fields = append(c.Fields, f)
	})
}

// checkNames refuses that a rewritten category has taken a name of one that was not.
func (p *parser) checkNames(c *Category) {
	for _, name := range c.namesZH() {
		if other, taken := p.names[name]; taken {
			p.faults = append(p.faults, fmt.Errorf("category %s: name %q already belongs to category %s", other, name, c.ID))
		}
	}
}

// checkWhole checks what needs all rows.
func (p *parser) checkWhole() {
	if len(p.categories) == 0 {
		p.faults = append(p.faults, errors.New("no category"))
	}
	for _, c := range p.categories {
		if !p.rewritten[c.ID] {
			p.checkNames(c)
			continue
		}
		qr := c.QRFields()
		if len(qr) < 1 || len(qr) > 4 {
			p.faults = append(p.faults, fmt.Errorf("category %s: %d fields are in the code, want 1 to 4", c.ID, len(qr)))
		}
		length := 0
		for _, f := range qr {
			longest := f.MaxLen
			for _, v := range f.Enum {
				longest = max(longest, utf8.RuneCountInString(v))
			}
			length += longest
		}
		if length > 280 {
			p.faults = append(p.faults, fmt.Errorf("category %s: the fields in the code may reach %d characters, want at most 280", c.ID, length))
		}
	}
}
