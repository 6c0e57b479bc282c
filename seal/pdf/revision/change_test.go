package revision

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"slices"
	"strconv"
	"testing"
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
