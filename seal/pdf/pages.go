package pdf

import (
	"fmt"
	"slices"
)

// maxTree bounds the depth of page, name and field trees.
const maxTree = 64

// A leaf is a page of the page tree.
type leaf struct {
	ref    ref
	annots ref // the page's /Annots where that is an indirect object
}

// NumPages walks the page tree (ISO 32000-1, 7.7.3) and returns its number of
// pages.
func (d *Document) NumPages() (int, error) {
	d.worked = 0
	leaves, err := d.pages()
	return len(leaves), err
}

func (d *Document) pages() ([]leaf, error) {
	if d.leaves == nil {
		leaves, err := d.now.pages()
		if err != nil {
			return nil, err
		}
		d.leaves = leaves
	}
	return d.leaves, nil
}

// pages walks the whole tree and checks it: every node typed, every /Parent
// and /Count right, no node met twice. A reader that trusts /Count and one
// that counts must see the same page 3; only behind the last page may pages be announced
// that do not exist. A file may have no pages at all.
func (v view) pages() ([]leaf, error) {
	catalog, err := v.catalog()
	if err != nil {
		return nil, err
	}
	root, ok := catalog.val.(*dict).lookup("Pages").(ref)
	if !ok {
		return nil, damagedAt(catalog.at, "the catalog's /Pages is not a reference")
	}
	w := &pageWalk{view: v, skimmed: skimmed{keys: []name{"Type", "Parent", "Kids", "Count", "Annots"}}}
	if err := w.node(root, ref{}, 0); err != nil {
		return nil, err
	}
	if w.surplus != nil && w.surplusAt < len(w.leaves) {
		return nil, w.surplus
	}
	if w.leaves == nil {
		w.leaves = []leaf{}
	}
	return w.leaves, nil
}

type pageWalk struct {
	view    view
	skimmed skimmed // the node at hand, by what is looked at
	seen    objectSet
	leaves  []leaf
	path    []ref // from the root to the node at hand, without it
	crooked int   // how many nodes of the path name another /Parent

	// surplus is the fault of a node that counts pages which do not exist, surplusAt how many
	// pages came up to its end. Behind the last page that misleads nobody.
	surplus   error
	surplusAt int
}

func (w *pageWalk) node(r, parent ref, depth int) error {
	if depth > maxTree {
		return fmt.Errorf("%w: a page tree more than %d deep", ErrTooComplex, maxTree)
	}
	var o *object
	var err error
	if depth == 0 { // whoever looks for what pages inherit reads it whole
		o, err = w.view.load(r)
	} else {
		o, err = w.view.skim(r, &w.skimmed)
	}
	if err != nil {
		return err
	}
	if o == nil {
		return damagedAt(w.view.sections[0].at, "object %d of the page tree is missing", r.num)
	}
	node, ok := o.val.(*dict)
	if !ok {
		return damagedAt(o.at, "object %d of the page tree is not a dictionary", r.num)
	}
	if !w.seen.add(r.num) {
		return damagedAt(o.at, "object %d occurs twice in the page tree", r.num)
	}
	crooked := w.crooked
	if up := node.lookup("Parent"); parent != (ref{}) && up != parent {
		w.crooked++
	}
	if err := w.typed(o, r, node, depth); err != nil {
		return err
	}
	w.crooked = crooked
	return nil
}

// typed takes a node for what its /Type says: a page, or one with others below it.
func (w *pageWalk) typed(o *object, r ref, node *dict, depth int) error {
	kind, err := w.view.get(node, "Type")
	if err != nil {
		return err
	}
	switch kind {
	case name("Page"):
		annots, _ := node.lookup("Annots").(ref)
		w.leaves = append(w.leaves, leaf{ref: r, annots: annots})
		return w.straight(o)
	case name("Pages"):
		w.path = append(w.path, r)
		err := w.kids(o.at, r, node, depth)
		w.path = w.path[:len(w.path)-1]
		return err
	}
	return damagedAt(o.at, "object %d of the page tree is neither /Page nor /Pages", r.num)
}

// straight checks a page to which the tree leads over a node that names another /Parent than
// the node that lists it: what it inherits must be the same for a reader that came down the
// tree and for one that goes up by /Parent (ISO 32000-1, 7.7.3.4).
func (w *pageWalk) straight(o *object) error {
	if w.crooked == 0 {
		return nil
	}
	page, err := w.view.dict(o.ref)
	if err != nil {
		return err
	}
	for _, key := range []name{"Resources", "MediaBox", "CropBox", "Rotate"} {
		down, err := w.view.get(page, key)
		for i := len(w.path) - 1; i >= 0 && down == nil && err == nil; i-- {
			var node *dict
			if node, err = w.view.dict(w.path[i]); err == nil {
				down, err = w.view.get(node, key)
			}
		}
		if err != nil {
			return err
		}
		up, err := w.view.inherited(page, key)
		if err != nil {
			return err
		}
		if !equal(down, up) {
			return damagedAt(o.at, "object %d of the page tree names another /Parent than the node that lists it, and inherits another /%s from it", o.ref.num, key)
		}
	}
	return nil
}

// kids walks what is below a node, which is no longer at hand behind the first of them.
func (w *pageWalk) kids(at int64, r ref, node *dict, depth int) error {
	before := len(w.leaves)
	kids, err := w.view.array(node.lookup("Kids"))
	if err != nil {
		return err
	}
	if kids == nil {
		return damagedAt(at, "the page tree node %d has no /Kids", r.num)
	}
	count, err := w.view.get(node, "Count")
	if err != nil {
		return err
	}
	w.leaves = slices.Grow(w.leaves, len(kids))
	for _, kid := range kids {
		k, ok := kid.(ref)
		if !ok {
			return damagedAt(at, "a kid of the page tree node %d is not a reference", r.num)
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
	differs := damagedAt(at, "the page tree node %d holds %d pages, but its /Count differs", r.num, held)
	if !ok || n < held || w.surplus != nil && w.surplusAt < len(w.leaves) {
		return differs
	}
	w.surplus, w.surplusAt = differs, len(w.leaves)
	return nil
}

// inherited resolves a page attribute, looking upward where the page itself
// has none (ISO 32000-1, 7.7.3.4).
func (v view) inherited(page *dict, key name) (value, error) {
	for range maxTree + 2 {
		val, err := v.get(page, key)
		if err != nil || val != nil {
			return val, err
		}
		if page, err = v.dict(page.lookup("Parent")); err != nil || page == nil {
			return nil, err
		}
	}
	return nil, nil
}
