package licence_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// compile has another implementation read the schema of a category; it checks it
// against the schema of schemas.
func compile(t *testing.T, c *catalogue.Category) *jsonschema.Schema {
	t.Helper()
	b, err := json.Marshal(licence.SchemaOf(c))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("category.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("category.json")
	if err != nil {
		t.Fatalf("category %s: %v", c.ID, err)
	}
	return compiled
}

func validates(t *testing.T, s *jsonschema.Schema, application string) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(application))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

func sampleJSON(t *testing.T, c *catalogue.Category, pictures sample.Pictures) string {
	t.Helper()
	today, err := civil.Parse("2026-01-15")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(sample.Application(c, pictures, today))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSchemaOfEveryCategory(t *testing.T) {
	t.Parallel()
	all, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := sample.Draw()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all.Categories() {
		compiled, application := compile(t, c), sampleJSON(t, c, pictures)
		if err := validates(t, compiled, application); err != nil {
			t.Errorf("category %s: its own example: %v", c.ID, err)
		}
		// Every required field is one without which neither lets an application pass.
		for _, f := range c.Fields {
			if !f.Required || f.MapsTo != catalogue.MapsNothing {
				continue
			}
			a, err := licence.ParseApplication([]byte(application))
			if err != nil {
				t.Fatal(err)
			}
			delete(a.Fields, f.Code)
			b, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			if err := validates(t, compiled, string(b)); err == nil {
				t.Errorf("category %s: the schema passes an application without %s", c.ID, f.Code)
			}
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	all, err := catalogue.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := all.Category(4)
	compiled := compile(t, c)
	pictures, err := sample.Draw()
	if err != nil {
		t.Fatal(err)
	}
	good := sampleJSON(t, c, pictures)
	authority := &licence.Authority{Categories: []catalogue.ID{4}}
	a, err := licence.ParseApplication([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := licence.Validate(a, c, authority, nil); err != nil {
		t.Fatalf("the example: %v", err)
	}
	tests := map[string][2]string{
		"number of another form":    {`"number":"` + c.NumberExample + `"`, `"number":"A1"`},
		"no such day":               {`"issue_date":"2025-12-16"`, `"issue_date":"2025-02-30"`},
		"organisation as a driver":  {`"id_type":"111"`, `"id_type":"001"`},
		"short citizen number":      {`"id_number":"340199190001010012"`, `"id_number":"34019919000101001"`},
		"unknown name":              {`"number":`, `"nummer":1,"number":`},
		"unknown field":             {`"fields":{`, `"fields":{"colour":"red",`},
		"two lines":                 {`"name":"`, `"name":"a\nb`},
		"long-term by another word": {`"number":`, `"valid_until":"for ever","number":`},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		from, to := tests[name][0], tests[name][1]
		if !strings.Contains(good, from) {
			t.Fatalf("%s: the example has no %s", name, from)
		}
		wrong := strings.Replace(good, from, to, 1)
		if err := validates(t, compiled, wrong); err == nil {
			t.Errorf("%s: the schema passes it", name)
		}
		// What the schema refuses, Validate refuses too.
		a, err := licence.ParseApplication([]byte(wrong))
		if err != nil {
			continue
		}
		if _, err := licence.Validate(a, c, authority, nil); err == nil {
			t.Errorf("%s: Validate passes it", name)
		}
	}
}
