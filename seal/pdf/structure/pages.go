package structure

import (
	"fmt"
	"slices"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// MaxTree bounds the depth of page, name and field trees.
const MaxTree = 64

// A Leaf is a page of the page tree.
type Leaf struct {
	Ref    syntax.Ref
	Annots syntax.Ref // the page's /Annots where that is an indirect object
}

// Pages walks the whole tree and checks it: every node typed, every /Parent and /Count right, no node met twice. A
// reader that trusts /Count and one that counts must see the same page 3; only behind the last page may pages be
// announced that do not exist. A file may have no pages at all.
func (v View) Pages() ([]Leaf, error) {
	catalog, err := v.Catalog()
	if err != nil {
		return nil, err
	}
	root, ok := catalog.Val.(*syntax.Dict).Lookup("Pages").(syntax.Ref)
	if !ok {
		return nil, syntax.DamagedAt(catalog.At, "the catalog's /Pages is not a reference")
	}
	w := &pageWalk{view: v, skimmed: syntax.Skimmed{Keys: []syntax.Name{"Type", "Parent", "Kids", "Count", "Annots"}}}
	if err := w.node(root, syntax.Ref{}, 0); err != nil {
		return nil, err
	}
	if w.surplus != nil && w.surplusAt < len(w.leaves) {
		return nil, w.surplus
	}
	if w.leaves == nil {
		w.leaves = []Leaf{}
	}
	return w.leaves, nil
}

type pageWalk struct {
	view    View
	skimmed syntax.Skimmed // the node at hand, by what is looked at
	seen    objectSet
	leaves  []Leaf
	path    []syntax.Ref // from the root to the node at hand, without it
	crooked int          // how many nodes of the path name another /Parent

	// surplus is the fault of a node that counts pages which do not exist, surplusAt how many
	// pages came up to its end. Behind the last page that misleads nobody.
	surplus   error
	surplusAt int
}

func (w *pageWalk) node(r, parent syntax.Ref, depth int) error {
	if depth > MaxTree {
		return fmt.Errorf("%w: a page tree more than %d deep", syntax.ErrTooComplex, MaxTree)
	}
	var o *syntax.Object
	var err error
	if depth == 0 { // whoever looks for what pages inherit reads it whole
		o, err = w.view.Load(r)
	} else {
		o, err = w.view.Skim(r, &w.skimmed)
	}
	if err != nil {
		return err
	}
	if o == nil {
		return syntax.DamagedAt(w.view.XrefOffset(), "object %d of the page tree is missing", r.Num)
	}
	node, ok := o.Val.(*syntax.Dict)
	if !ok {
		return syntax.DamagedAt(o.At, "object %d of the page tree is not a dictionary", r.Num)
	}
	if !w.seen.add(r.Num) {
		return syntax.DamagedAt(o.At, "object %d occurs twice in the page tree", r.Num)
	}
	crooked := w.crooked
	if up := node.Lookup("Parent"); parent != (syntax.Ref{}) && up != parent {
		w.crooked++
	}
	if err := w.typed(o, r, node, depth); err != nil {
		return err
	}
	w.crooked = crooked
	return nil
}

// typed takes a node for what its /Type says: a page, or one with others below it.
func (w *pageWalk) typed(o *syntax.Object, r syntax.Ref, node *syntax.Dict, depth int) error {
	kind, err := w.view.Get(node, "Type")
	if err != nil {
		return err
	}
	switch kind {
	case syntax.Name("Page"):
		annots, _ := node.Lookup("Annots").(syntax.Ref)
		w.leaves = append(w.leaves, Leaf{Ref: r, Annots: annots})
		return w.straight(o)
	case syntax.Name("Pages"):
		w.path = append(w.path, r)
		err := w.kids(o.At, r, node, depth)
		w.path = w.path[:len(w.path)-1]
		return err
	}
	return syntax.DamagedAt(o.At, "object %d of the page tree is neither /Page nor /Pages", r.Num)
}

// straight checks a page to which the tree leads over a node that names another /Parent than
// the node that lists it: what it inherits must be the same for a reader that came down the
// tree and for one that goes up by /Parent (ISO 32000-1, 7.7.3.4).
func (w *pageWalk) straight(o *syntax.Object) error {
	if w.crooked == 0 {
		return nil
	}
	page, err := w.view.Dict(o.Ref)
	if err != nil {
		return err
	}
	for _, key := range []syntax.Name{"Resources", "MediaBox", "CropBox", "Rotate"} {
		down, err := w.view.Get(page, key)
		for i := len(w.path) - 1; i >= 0 && down == nil && err == nil; i-- {
			var node *syntax.Dict
			if node, err = w.view.Dict(w.path[i]); err == nil {
				down, err = w.view.Get(node, key)
			}
		}
		if err != nil {
			return err
		}
		up, err := w.view.Inherited(page, key)
		if err != nil {
			return err
		}
		if !syntax.Equal(down, up) {
			return syntax.DamagedAt(o.At, "object %d of the page tree names another /Parent than the node that lists it, and inherits another /%s from it", o.Ref.Num, key)
		}
	}
	return nil
}

// kids walks what is below a node, which is no longer at hand behind the first of them.
func (w *pageWalk) kids(at int64, r syntax.Ref, node *syntax.Dict, depth int) error {
	before := len(w.leaves)
	kids, err := w.view.Array(node.Lookup("Kids"))
	if err != nil {
		return err
	}
	if kids == nil {
		return syntax.DamagedAt(at, "the page tree node %d has no /Kids", r.Num)
	}
	count, err := w.view.Get(node, "Count")
	if err != nil {
		return err
	}
	w.leaves = slices.Grow(w.leaves, len(kids))
	for _, kid := range kids {
		k, ok := kid.(syntax.Ref)
		if !ok {
			return syntax.DamagedAt(at, "a kid of the page tree node %d is not a reference", r.Num)
		}
		if err := w.node(k, r, depth+1); err != nil {
			return err
		}
	}
	held := int64(len(w.leaves) - before)
	n, ok := count.(int64)
	if ok && n == held {
		return nil
	}
	differs := syntax.DamagedAt(at, "the page tree node %d holds %d pages, but its /Count differs", r.Num, held)
	if !ok || n < held || w.surplus != nil && w.surplusAt < len(w.leaves) {
		return differs
	}
	w.surplus, w.surplusAt = differs, len(w.leaves)
	return nil
}

// Inherited resolves a page attribute, looking upward where the page itself
// has none (ISO 32000-1, 7.7.3.4).
func (v View) Inherited(page *syntax.Dict, key syntax.Name) (syntax.Value, error) {
	for range MaxTree + 2 {
		val, err := v.Get(page, key)
		if err != nil || val != nil {
			return val, err
		}
		if page, err = v.Dict(page.Lookup("Parent")); err != nil || page == nil {
			return nil, err
		}
	}
	return nil, nil
}

// An objectSet is a set of object numbers, a bit for each.
type objectSet []uint64

// add puts a number into the set and reports that it was not there.
func (s *objectSet) add(num uint32) bool {
	const bits = 64
	if more := int(num/bits) + 1 - len(*s); more > 0 {
		*s = append(*s, make([]uint64, more)...)
	}
	word, bit := &(*s)[num/bits], uint64(1)<<(num%bits)
	there := *word&bit != 0
	*word |= bit
	return !there
}
