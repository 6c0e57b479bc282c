package strictjson_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/strictjson"
)

type value struct {
	Number string            `json:"number"`
	Fields map[string]string `json:"fields"`
	All    []value           `json:"all"`
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	for text, fault := range map[string]string{
		`{"number":"1","fields":{"a":"x","b":"y"},"all":[{"number":"1"},{"number":"1"}]}`: "",
		` {} `:                         "",
		`{"number":"1","number":"1"}`:  `the name "number" stands twice`,
		`{"number":"1","Number":"2"}`:  `the name "Number" stands twice`,
		`{"fields":{"a":"x","a":"y"}}`: `the name "a" stands twice`,
		`{"all":[{"number":"1","all":[{"number":"1","number":"2"}]}]}`: `the name "number" stands twice`,
		`{"name":"1"}`:                `unknown field "name"`,
		`{"number":1}`:                "number is of the wrong JSON type: number",
		`[]`:                          "it is of the wrong JSON type: array",
		`{"number":"1"}{}`:            "something follows",
		`{"number":"1"} x`:            "something follows",
		`{"number":"\xc4\xe3"}`:       "not in UTF-8",
		`{"number":"1"`:               "ends before the JSON value does",
		`{"number":"1`:                "ends before the JSON value does",
		`{"all":[`:                    "ends before the JSON value does",
		``:                            "it is empty",
		" \n":                         "it is empty",
		strings.Repeat(`{"all":[`, 5): "nested more than 8 deep",
	} {
		text = strings.ReplaceAll(strings.ReplaceAll(text, `\xc4`, "\xc4"), `\xe3`, "\xe3")
		var v value
		err := strictjson.Unmarshal([]byte(text), &v)
		if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v, want %q", text, err, fault)
		}
	}
}

// FuzzUnmarshal: what is taken encoding/json reads to the same value, and what is written
// of it is taken again.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"number":"1","fields":{"a":"x"},"all":[{}]}`))
	f.Add([]byte(`{"number":"1","NUMBER":"2"}`))
	f.Add([]byte(`[[[[[[[[[[`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, plain, again value
		if strictjson.Unmarshal(b, &v) != nil {
			return
		}
		if err := json.Unmarshal(b, &plain); err != nil || !reflect.DeepEqual(v, plain) {
			t.Errorf("%q: %+v, %+v, %v", b, v, plain, err)
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictjson.Unmarshal(written, &again); err != nil {
			t.Errorf("%q is written as %q: %v", b, written, err)
		}
	})
}
