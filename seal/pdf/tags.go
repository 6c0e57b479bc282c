package pdf

import "slices"

// A tagged file says of everything on its pages what it is, for those who hear it read
// (ISO 32000-1, 14.8; PDF/UA asks for it, ISO 14289-1, 7.18). What a stamp adds is entered
// as well, each mark as an element of its own behind the file's.
//
// A file whose structure tree cannot be added to is not made worse than it is: its marks
// stay untagged.
type tags struct {
	inc     *increment
	rootRef ref
	root    *dict
	tree    *dict // the parent tree
	treeRef ref   // zero: it is direct in the root
	words   string

	elements []ref // one for each mark
	first    int64 // the key of the first
}

// tags returns nil where the file is not tagged.
func (p *preparation) tags() (*tags, error) {
	v := p.doc.now
	t := &tags{inc: p.inc, words: p.stamp.Name}
	if t.words == "" {
		t.words = p.name
	}
	catalog, err := v.catalog()
	if err != nil {
		return nil, err
	}
	d := catalog.val.(*dict)
	info, err := v.dict(d.lookup("MarkInfo"))
	if err != nil || info == nil {
		return nil, err
	}
	if marked, err := v.get(info, "Marked"); err != nil || marked != true {
		return nil, err
	}
	var isRef bool
	if t.rootRef, isRef = d.lookup("StructTreeRoot").(ref); !isRef {
		return nil, nil
	}
	if t.root, err = v.dict(t.rootRef); err != nil || t.root == nil {
		return nil, err
	}
	t.treeRef, _ = t.root.lookup("ParentTree").(ref)
	if t.tree, err = v.dict(t.root.lookup("ParentTree")); err != nil {
		return nil, err
	}
	if t.tree == nil {
		t.tree, t.treeRef = dictOf("Nums", array{}), ref{}
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
func (v view) nextParent(root, tree *dict) (int64, error) {
	next, err := v.get(root, "ParentTreeNextKey")
	if err != nil {
		return -1, err
	}
	free, _ := next.(int64)
	node := tree
	for range maxTreeDepth {
		kids, err := v.array(node.lookup("Kids"))
		if err != nil {
			return -1, err
		}
		if len(kids) == 0 {
			nums, err := v.array(node.lookup("Nums"))
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
		if node, err = v.dict(kids[len(kids)-1]); err != nil || node == nil {
			return -1, err
		}
	}
	return -1, nil
}

// mark enters an annotation r of a page, and returns it as it is to be written.
func (t *tags) mark(r ref, a *dict, page ref) *dict {
	if t == nil {
		return a
	}
	kind := name("Annot")
	if a.lookup("Subtype") == name("Widget") {
		kind, a = "Form", a.with("TU", textString(t.words))
	} else {
		a = a.with("Contents", textString(t.words))
	}
	element := t.inc.fresh()
	t.inc.put(element, dictOf("Type", name("StructElem"), "S", kind, "P", t.rootRef, "Pg", page, "Alt", textString(t.words),
		"K", dictOf("Type", name("OBJR"), "Pg", page, "Obj", r)))
	t.elements = append(t.elements, element)
	return a.with("StructParent", t.first+int64(len(t.elements)-1))
}

// write enters the elements into the structure tree and the parent tree.
func (t *tags) write(v view) error {
	if t == nil || len(t.elements) == 0 {
		return nil
	}
	kids, err := v.structureKids(t.root)
	if err != nil {
		return err
	}
	for _, e := range t.elements {
		kids = append(kids, e)
	}
	var numbers array
	for i, e := range t.elements {
		numbers = append(numbers, t.first+int64(i), e)
	}
	root := t.root.with("K", kids).with("ParentTreeNextKey", t.first+int64(len(t.elements)))
	tree, err := t.grown(v, numbers)
	if err != nil {
		return err
	}
	if t.treeRef == (ref{}) {
		root = root.with("ParentTree", tree)
	} else {
		t.inc.put(t.treeRef, tree)
	}
	t.inc.put(t.rootRef, root)
	return nil
}

// grown is the parent tree with more entries behind those it has.
func (t *tags) grown(v view, numbers array) (*dict, error) {
	kids, err := v.array(t.tree.lookup("Kids"))
	if err != nil {
		return nil, err
	}
	if len(kids) == 0 {
		nums, err := v.array(t.tree.lookup("Nums"))
		if err != nil {
			return nil, err
		}
		return t.tree.with("Nums", append(slices.Clone(nums), numbers...)), nil
	}
	kid := t.inc.fresh()
	t.inc.put(kid, dictOf("Limits", array{numbers[0], numbers[len(numbers)-2]}, "Nums", numbers))
	return t.tree.with("Kids", append(slices.Clone(kids), kid)), nil
}

// structureKids is the /K of a structure tree's root as an array.
func (v view) structureKids(root *dict) (array, error) {
	k := root.lookup("K")
	list, err := v.resolve(k)
	if err != nil {
		return nil, err
	}
	switch list := list.(type) {
	case array:
		return slices.Clone(list), nil
	case nil:
		return nil, nil
	default:
		return array{k}, nil
	}
}
