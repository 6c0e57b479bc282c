package pdf

import (
	"slices"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// A tagged file says of everything on its pages what it is, for those who hear it read
// (ISO 32000-1, 14.8; PDF/UA asks for it, ISO 14289-1, 7.18). What a stamp adds is entered
// as well, each mark as an element of its own behind the file's.
//
// A file whose structure tree cannot be added to is not made worse than it is: its marks
// stay untagged.
type tags struct {
	inc     *syntax.Increment
	rootRef syntax.Ref
	root    *syntax.Dict
	tree    *syntax.Dict // the parent tree
	treeRef syntax.Ref   // zero: it is direct in the root
	words   string

	elements []syntax.Ref // one for each mark
	first    int64        // the key of the first
}

// tags returns nil where the file is not tagged.
func (p *preparation) tags() (*tags, error) {
	v := p.doc.now
	t := &tags{inc: p.inc, words: p.stamp.Name}
	if t.words == "" {
		t.words = p.name
	}
	catalog, err := v.Catalog()
	if err != nil {
		return nil, err
	}
	d := catalog.Val.(*syntax.Dict)
	info, err := v.Dict(d.Lookup("MarkInfo"))
	if err != nil || info == nil {
		return nil, err
	}
	if marked, err := v.Get(info, "Marked"); err != nil || marked != true {
		return nil, err
	}
	var isRef bool
	if t.rootRef, isRef = d.Lookup("StructTreeRoot").(syntax.Ref); !isRef {
		return nil, nil
	}
	if t.root, err = v.Dict(t.rootRef); err != nil || t.root == nil {
		return nil, err
	}
	t.treeRef, _ = t.root.Lookup("ParentTree").(syntax.Ref)
	if t.tree, err = v.Dict(t.root.Lookup("ParentTree")); err != nil {
		return nil, err
	}
	if t.tree == nil {
		t.tree, t.treeRef = syntax.DictOf("Nums", syntax.Array{}), syntax.Ref{}
	}
	if t.first, err = v.nextParent(t.root, t.tree); err != nil || t.first < 0 {
		return nil, err
	}
	return t, nil
}

// maxParents leaves room for the marks of a stamp below the largest whole number.
const maxParents = 1<<31 - 1 - 1<<20

// maxTreeDepth is more than any number tree has.
const maxTreeDepth = 16

// nextParent is the first free key behind all of a parent tree, or -1 where that cannot
// be told.
func (v view) nextParent(root, tree *syntax.Dict) (int64, error) {
	next, err := v.Get(root, "ParentTreeNextKey")
	if err != nil {
		return -1, err
	}
	free, _ := next.(int64)
	node := tree
	for range maxTreeDepth {
		kids, err := v.Array(node.Lookup("Kids"))
		if err != nil {
			return -1, err
		}
		if len(kids) == 0 {
			nums, err := v.Array(node.Lookup("Nums"))
			if err != nil || len(nums)%2 != 0 {
				return -1, err
			}
			if len(nums) > 0 {
				last, ok := nums[len(nums)-2].(int64)
				if !ok {
					return -1, nil
				}
				free = max(free, last+1)
			}
			if free < 0 || free > maxParents {
				return -1, nil
			}
			return free, nil
		}
		if node, err = v.Dict(kids[len(kids)-1]); err != nil || node == nil {
			return -1, err
		}
	}
	return -1, nil
}

// mark enters an annotation r of a page, and returns it as it is to be written.
func (t *tags) mark(r syntax.Ref, a *syntax.Dict, page syntax.Ref) *syntax.Dict {
	if t == nil {
		return a
	}
	kind := syntax.Name("Annot")
	if a.Lookup("Subtype") == syntax.Name("Widget") {
		kind, a = "Form", a.With("TU", syntax.TextString(t.words))
	} else {
		a = a.With("Contents", syntax.TextString(t.words))
	}
	element := t.inc.Fresh()
	t.inc.Put(element, syntax.DictOf("Type", syntax.Name("StructElem"), "S", kind, "P", t.rootRef, "Pg", page, "Alt", syntax.TextString(t.words),
		"K", syntax.DictOf("Type", syntax.Name("OBJR"), "Pg", page, "Obj", r)))
	t.elements = append(t.elements, element)
	return a.With("StructParent", t.first+int64(len(t.elements)-1))
}

// write enters the elements into the structure tree and the parent tree.
func (t *tags) write(v view) error {
	if t == nil || len(t.elements) == 0 {
		return nil
	}
	kids, err := v.StructureKids(t.root)
	if err != nil {
		return err
	}
	for _, e := range t.elements {
		kids = append(kids, e)
	}
	var numbers syntax.Array
	for i, e := range t.elements {
		numbers = append(numbers, t.first+int64(i), e)
	}
	root := t.root.With("K", kids).With("ParentTreeNextKey", t.first+int64(len(t.elements)))
	tree, err := t.grown(v, numbers)
	if err != nil {
		return err
	}
	if t.treeRef == (syntax.Ref{}) {
		root = root.With("ParentTree", tree)
	} else {
		t.inc.Put(t.treeRef, tree)
	}
	t.inc.Put(t.rootRef, root)
	return nil
}

// grown is the parent tree with more entries behind those it has.
func (t *tags) grown(v view, numbers syntax.Array) (*syntax.Dict, error) {
	kids, err := v.Array(t.tree.Lookup("Kids"))
	if err != nil {
		return nil, err
	}
	if len(kids) == 0 {
		nums, err := v.Array(t.tree.Lookup("Nums"))
		if err != nil {
			return nil, err
		}
		return t.tree.With("Nums", append(slices.Clone(nums), numbers...)), nil
	}
	kid := t.inc.Fresh()
	t.inc.Put(kid, syntax.DictOf("Limits", syntax.Array{numbers[0], numbers[len(numbers)-2]}, "Nums", numbers))
	return t.tree.With("Kids", append(slices.Clone(kids), kid)), nil
}
