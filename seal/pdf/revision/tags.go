package revision

import (
	"slices"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// structure compares the structure trees: an increment may add elements for annotations
// that came with it, behind all that there was, and nothing else.
func (s *step) structure(a, b syntax.Value) error {
	where := catalogEntry("StructTreeRoot")
	before, isRef := a.(syntax.Ref)
	old, new, err := s.dicts(a, b)
	if err != nil {
		return err
	}
	if a != b || !isRef || old == nil || new == nil {
		s.strict.values(a, b, 0, where)
		return nil
	}
	added := make(map[syntax.Ref]bool)
	for _, key := range keys(old, new) {
		was, is := old.Lookup(key), new.Lookup(key)
		switch key {
		case "K":
			if err := s.structureKids(old, new, before.Num, added); err != nil {
				return err
			}
		case "ParentTreeNextKey":
			m, _ := was.(int64)
			if n, ok := is.(int64); !ok || n < m {
				entry := structureEntry(where.what + ", " + key.Quoted())
				s.modified(entry.changed(before.Num), "%s, changed", entry.what)
			}
		case "ParentTree": // below, when it is known what came
		default:
			s.strict.values(was, is, before.Num, structureEntry(where.what+", "+key.Quoted()))
		}
	}
	return s.parentTree(old.Lookup("ParentTree"), new.Lookup("ParentTree"), before.Num, added)
}

// structureEntry is a part of the structure tree.
func structureEntry(what string) *part { return &part{code: ChangeStructureEntry, what: what} }

// structureKids compares the top of the tree and lists the elements that were added.
func (s *step) structureKids(old, new *syntax.Dict, num uint32, added map[syntax.Ref]bool) error {
	was, err := s.old.StructureKids(old)
	if err != nil {
		return err
	}
	is, err := s.new.StructureKids(new)
	if err != nil {
		return err
	}
	if len(is) < len(was) {
		s.modified(Change{Code: ChangeStructureRemoved, Object: int(num)}, "elements were removed from the structure tree")
		return nil
	}
	for i, k := range was {
		s.strict.values(k, is[i], num, structureEntry("the structure tree"))
	}
	for _, k := range is[len(was):] {
		r, ok := k.(syntax.Ref)
		if !ok || !s.fresh(r) {
			s.modified(Change{Code: ChangeStructureAdded, Object: int(num)}, "the structure tree got an older object as a new element")
			return nil
		}
		sound, err := s.newElement(r)
		if err != nil {
			return err
		}
		if !sound {
			s.modified(Change{Code: ChangeStructureAdded, Object: int(r.Num)}, "the structure tree got the element %d, which is not that of a new annotation", r.Num)
			return nil
		}
		added[r] = true
	}
	return nil
}

// newElement reports that an element stands for one annotation that came to a page with it,
// and says nothing else. One of an object that is on no page would be heard by those who have
// the page read to them, and be judged nowhere.
func (s *step) newElement(r syntax.Ref) (bool, error) {
	d, err := s.new.Dict(r)
	if err != nil || d == nil {
		return false, err
	}
	for _, e := range d.Entries {
		if !slices.Contains([]syntax.Name{"Type", "S", "P", "Pg", "Alt", "K"}, e.Key) {
			return false, nil
		}
	}
	content, err := s.new.Dict(d.Lookup("K"))
	if err != nil || content == nil {
		return false, err
	}
	shown, ok := content.Lookup("Obj").(syntax.Ref)
	if stamp, isStamp := s.stamps[shown]; isStamp && d.Lookup("Alt") != nil && !saysStamp(d.Lookup("Alt"), stamp) {
		return false, nil // nobody answers for what else it says
	}
	return ok && content.Lookup("Type") == syntax.Name("OBJR") && s.shown[shown], nil
}

// parentTree compares the parent trees: new entries lead to new elements.
func (s *step) parentTree(a, b syntax.Value, num uint32, added map[syntax.Ref]bool) error {
	where := structureEntry("the structure tree's /ParentTree")
	old, new, err := s.dicts(a, b)
	if err != nil {
		return err
	}
	was, isRef := a.(syntax.Ref)
	if new == nil || old == nil && a != nil || isRef && a != b {
		s.strict.values(a, b, num, where)
		return nil
	}
	if old == nil {
		old = &syntax.Dict{}
	}
	if isRef {
		num = was.Num
	}
	for _, key := range keys(old, new) {
		x, y := old.Lookup(key), new.Lookup(key)
		if key != "Nums" && key != "Kids" {
			s.strict.values(x, y, num, where)
			continue
		}
		before, err := s.old.Array(x)
		if err != nil {
			return err
		}
		after, err := s.new.Array(y)
		if err != nil {
			return err
		}
		if len(after) < len(before) {
			s.modified(where.changed(num), "%s lost entries", where.what)
			return nil
		}
		for i, v := range before {
			s.strict.values(v, after[i], num, where)
		}
		more := after[len(before):]
		if key == "Kids" {
			if more, err = s.newLeaves(more); err != nil {
				return err
			}
		}
		if !leadTo(more, added) {
			s.modified(Change{Code: ChangeStructureAdded, Object: int(num)}, "%s got entries that are not of new annotations", where.what)
		}
	}
	return nil
}

// newLeaves gathers the entries of leaves that were added to a number tree; nil and one
// that leads nowhere where they are not new.
func (s *step) newLeaves(kids syntax.Array) (syntax.Array, error) {
	var all syntax.Array
	for _, k := range kids {
		r, ok := k.(syntax.Ref)
		if !ok || !s.fresh(r) {
			return syntax.Array{nil}, nil
		}
		leaf, err := s.new.Dict(r)
		if err != nil {
			return nil, err
		}
		nums, err := s.new.Array(leaf.Lookup("Nums"))
		if err != nil {
			return nil, err
		}
		if len(nums) == 0 {
			return syntax.Array{nil}, nil
		}
		all = append(all, nums...)
	}
	return all, nil
}

// leadTo reports that entries of a number tree are pairs of a number and one of the
// elements.
func leadTo(entries syntax.Array, elements map[syntax.Ref]bool) bool {
	if len(entries)%2 != 0 {
		return false
	}
	for i := 0; i < len(entries); i += 2 {
		_, isNumber := entries[i].(int64)
		r, isRef := entries[i+1].(syntax.Ref)
		if !isNumber || !isRef || !elements[r] {
			return false
		}
	}
	return true
}
