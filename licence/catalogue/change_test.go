package catalogue_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/elicence/elicence/licence/catalogue"
)

// changeOf is the JSON of a change of category 001 with replacements.
func changeOf(replacements ...string) []byte {
	return []byte(strings.NewReplacer(replacements...).Replace(`{
  "category": {
    "id": "001", "code": "11100000000013127D001", "code_source": "official", "name_zh": "居民身份证", "name_en": "Resident Identity Card",
    "short_name_zh": "身份证", "holder_type": "natural_person", "defining_agency_zh": "公安部", "defining_agency_uscc": "11100000000013127D",
    "uscc_source": "official", "issuing_level": "county", "domain": "公安", "domain_en": "Public security", "validity": "P10Y", "kind": "证件",
    "assurance": "A", "renewals": "no", "number_rule": "18 位", "number_regex": "^[0-9X]{18}$", "number_example": "340199190001010012",
    "number_rule_basis": "published", "source": "test"
  },
  "fields": [{"field_code": "gender", "name_zh": "性别", "name_en": "Gender", "type": "enum", "required": "yes", "max_len_or_enum": "男|女", "qr": "yes", "sensitive": "no", "example": "男"}]
}`))
}

func parsed(t *testing.T, b []byte) catalogue.Change {
	t.Helper()
	c, err := catalogue.ParseChange(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSchemasStay: every schema of a category stays, and the newest is what is issued.
func TestSchemasStay(t *testing.T) {
	t.Parallel()
	first := parsed(t, changeOf())
	second := parsed(t, changeOf(`"男|女"`, `"男|女|未说明"`, `]
}`, `],
  "life": {"holders": "several", "on_death": "keep", "on_dissolution": "keep", "on_merger": "keep"},
  "retention": {"years": "permanent", "basis": "测试"}
}`))
	c, err := catalogue.Load(first, second)
	if err != nil {
		t.Fatal(err)
	}
	now, _ := c.Category(1)
	if now.Schema != 3 || len(now.Fields) != 1 || len(now.Fields[0].Enum) != 3 || !now.Life.SeveralHolders || !now.Retention.Permanent() {
		t.Errorf("now: schema %d, %+v", now.Schema, now)
	}
	for schema, enum := range map[int]int{2: 2, 3: 3} {
		v, ok := c.Version(1, schema)
		if !ok || v.Schema != schema || len(v.Fields[0].Enum) != enum {
			t.Errorf("schema %d: %+v, %v", schema, v, ok)
		}
	}
	original, ok := c.Version(1, 1)
	if !ok || len(original.Fields) < 2 || original.Retention.Years != 30 {
		t.Errorf("schema 1: %+v, %v", original, ok)
	}
	between, _ := c.Version(1, 2)
	if between.Life != original.Life || between.Retention != original.Retention {
		t.Error("a change that says nothing of life and retention has changed them")
	}
	for _, none := range []struct{ id, schema int }{{1, 0}, {1, 4}, {2, 2}, {999, 1}} {
		if _, ok := c.Version(catalogue.ID(none.id), none.schema); ok { //nolint:gosec // small
			t.Errorf("category %d has a schema %d", none.id, none.schema)
		}
	}
	if n, all := len(c.Versions()), len(c.Categories()); n != all+2 {
		t.Errorf("%d versions of %d categories", n, all)
	}
	a, err := first.Digest()
	b, err2 := second.Digest()
	if err != nil || err2 != nil || a == b {
		t.Error("two changes have one digest")
	}
	if files := slices.Sorted(maps.Keys(first.Files())); len(files) != 4 {
		t.Errorf("files %v", files)
	}
}

func TestRefusedChanges(t *testing.T) {
	t.Parallel()
	base, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		b     []byte
		fault string
	}{
		"another code":          {changeOf("13127D001", "13127D00Z"), "so it stays"},
		"another's name":        {changeOf(`"name_zh": "居民身份证"`, `"name_zh": "营业执照"`), "already belongs to category"},
		"another's code":        {changeOf(`"001"`, `"196"`), "used once"},
		"a gap":                 {changeOf(`"001"`, `"198"`), "want 196"},
		"no fields":             {[]byte(`{"category": {"id": "001", "code": "11100000000013127D001"}, "fields": []}`), "0 fields are in the code"},
		"an unknown column":     {changeOf(`"kind"`, `"kinds"`), `category: there is no column "kinds"`},
		"another's field":       {changeOf(`{"field_code"`, `{"id": "002", "field_code"`), `fields[0]: id is "002"`},
		"a sequence of its own": {changeOf(`{"field_code"`, `{"seq": "2", "field_code"`), `seq is "2"`},
		"a faulty example":      {changeOf(`"example": "男"`, `"example": "无"`), "fields[0]: example is not one of"},
		"retention of a fool":   {changeOf("]\n}", `], "retention": {"years": "0", "basis": "x"}}`), "retention: years \"0\" is neither permanent"},
		"retention by nothing":  {changeOf("]\n}", `], "retention": {"years": "10"}}`), "retention: basis is empty: which rule says so"},
		"life of its own":       {changeOf("]\n}", `], "life": {"holders": "many"}}`), `life: holders "many" is not one`},
		"an empty category":     {[]byte(`{"category": {}}`), `category: category "" is not a three-digit number`},
		"no object":             {[]byte(`[]`), "wrong JSON type"},
		"a null field":          {[]byte(`{"category": {"id": "001"}, "fields": [null]}`), "fields[0]: is null"},
		"nothing":               {[]byte(`{}`), "category: is missing"},
		"a column twice":        {changeOf(`"kind": "证件"`, `"kind": "执照", "kind": "证件"`), `the name "kind" stands twice`},
		"a member twice":        {changeOf(`"fields": [`, `"Category": {"id": "002"}, "fields": [`), `the name "Category" stands twice`},
		"another encoding":      {changeOf("男", "\xc4\xd0"), "not in UTF-8"},
		"fields that differ by case": {changeOf(`"example": "男"}]`, `"example": "男"}, {"field_code": "Gender", "name_zh": "性别", "name_en": "Gender", "type": "string", "required": "no", "max_len_or_enum": "2", "qr": "no", "sensitive": "no", "example": "男"},
			{"field_code": "genDer", "name_zh": "性别", "name_en": "Gender", "type": "string", "required": "no", "max_len_or_enum": "2", "qr": "no", "sensitive": "no", "example": "男"}]`), `field_code "genDer" is not a new name`},
		"something behind": {append(changeOf(), '{'), "something follows"},
	} {
		c, err := catalogue.ParseChange(test.b)
		if err == nil {
			_, err = base.With(c)
		}
		if !errors.Is(err, catalogue.ErrFaulty) || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v, want %q", name, err, test.fault)
		}
	}
}

func FuzzChange(f *testing.F) {
	base, err := catalogue.Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(changeOf())
	f.Add([]byte(`{"category": {"id": "196"}, "fields": [{}], "life": {}, "retention": {}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := catalogue.ParseChange(b)
		if err != nil {
			return
		}
		changed, err := base.With(c)
		if err != nil {
			if !errors.Is(err, catalogue.ErrFaulty) {
				t.Errorf("untyped error: %v", err)
			}
			return
		}
		for _, id := range c.About() {
			if _, ok := changed.Category(id); !ok {
				t.Errorf("category %s was taken and is not there", id)
			}
		}
	})
}
