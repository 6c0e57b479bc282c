package pdf

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestChangeCodes: the list has every code that there is, each once.
func TestChangeCodes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "change.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []ChangeCode
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		kind, ok := v.Type.(*ast.Ident)
		if !ok || kind.Name != "ChangeCode" {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ChangeCode(text))
		return true
	})
	listed := slices.Sorted(slices.Values(ChangeCodes()))
	slices.Sort(all)
	if !slices.Equal(all, listed) || len(slices.Compact(all)) != len(listed) {
		t.Errorf("codes: %q, listed are %q", all, listed)
	}
}

// TestChangeData: what a change is about is told apart from its words.
func TestChangeData(t *testing.T) {
	t.Parallel()
	signed := stamped(t, described(t), at(1, 120, 200, 42))
	loan, gift := "Loan", "Gift"
	for _, tt := range []struct {
		name   string
		change func(attacker)
		want   Change
	}{
		{"a page is turned", func(a attacker) { a.set(10, "Rotate", int64(90)) }, Change{Kind: Modified, Code: ChangePageEntry, Object: 10, Page: 1, Name: "Rotate"}},
		{"what it is drawn with", func(a attacker) {
			a.Begin(syntax.Ref{Num: 4})
			a.Out = append(a.Out, "<</Length 3>>\nstream\n0 g\nendstream"...)
			a.End()
		}, Change{Kind: Modified, Code: ChangePageEntry, Object: 4, Page: 1, Name: "Resources"}},
		{"the title", func(a attacker) { a.set(6, "Title", syntax.String(gift)) }, Change{Kind: MetadataChanged, Code: ChangeInformation, Entries: []EntryChange{{"Title", &loan, &gift}}}},
		{"no title", func(a attacker) { a.unset(6, "Title") }, Change{Kind: MetadataChanged, Code: ChangeInformation, Entries: []EntryChange{{"Title", &loan, nil}}}},
		{"how it opens", func(a attacker) { a.set(1, "PageMode", syntax.Name("FullScreen")) }, Change{Kind: Modified, Code: ChangeCatalogEntry, Object: 1, Name: "PageMode"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found := signatures(t, updated(t, signed, tt.change))[0].Changes
			if len(found) != 1 {
				t.Fatalf("changes %+v", found)
			}
			got := found[0]
			got.Revision, got.What = 0, ""
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}
