package structure

import (
	"slices"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// StructureKids is the /K of a structure tree's root as an array.
func (v View) StructureKids(root *syntax.Dict) (syntax.Array, error) {
	k := root.Lookup("K")
	list, err := v.Resolve(k)
	if err != nil {
		return nil, err
	}
	switch list := list.(type) {
	case syntax.Array:
		return slices.Clone(list), nil
	case nil:
		return nil, nil
	default:
		return syntax.Array{k}, nil
	}
}
