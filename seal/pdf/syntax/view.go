package syntax

import "iter"

// A View is the file as its newest revision, or an earlier one, shows it.
type View struct {
	File     *File
	sections []*section // newest first
	limit    int64      // where the file ended then
}

// From returns the file as it was before its i newest cross-reference sections were written. It ended at the limit, an
// offset, or before.
func (v View) From(i int, limit int64) View {
	return View{File: v.File, sections: v.sections[i:], limit: limit}
}

// Trailer returns the trailer dictionary of the view's newest section.
func (v View) Trailer() *Dict { return v.sections[0].trailer }

// Catalog returns the document catalog, a dictionary (ISO 32000-1, 7.7.2).
func (v View) Catalog() (*Object, error) {
	root, ok := v.Trailer().Lookup("Root").(Ref)
	if !ok {
		return nil, DamagedAt(v.sections[0].at, "the trailer has no /Root")
	}
	o, err := v.Load(root)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, DamagedAt(v.sections[0].at, "the catalog, object %d, is missing", root.Num)
	}
	d, ok := o.Val.(*Dict)
	if !ok {
		return nil, DamagedAt(o.At, "object %d is not a catalog", root.Num)
	}
	// The trailer alone says which object is the catalog, so a /Type that is missing or
	// misspelt deceives nobody as long as there are pages.
	if _, pages := d.Lookup("Pages").(Ref); d.Lookup("Type") != Name("Catalog") && !pages {
		return nil, DamagedAt(o.At, "object %d is not a catalog", root.Num)
	}
	return o, nil
}

func (v View) locate(num uint32) (location, bool) {
	if len(v.sections) == 0 {
		return location{}, false
	}
	loc, ok := v.sections[0].lookup(num)
	if !ok && len(v.sections) > 1 {
		loc = v.older(num)
	}
	return loc, loc.kind != free
}

// older searches the sections behind the first. Neighbouring revisions are
// often asked about the same objects, so the second may know already.
func (v View) older(num uint32) location {
	first := v.sections[0]
	if loc, ok := first.below[num]; ok {
		return loc
	}
	var loc location
	for i, s := range v.sections[1:] {
		var ok bool
		if loc, ok = s.lookup(num); ok {
			break
		}
		if loc, ok = s.below[num]; ok {
			break
		}
		v.File.worked += int64(2 * i)
	}
	if first.below == nil {
		first.below = make(map[uint32]location)
	}
	first.below[num] = loc
	return loc
}

// Generation returns the generation of the object that has the number, and whether it is in use.
func (v View) Generation(num uint32) (uint16, bool) {
	loc, used := v.locate(num)
	return loc.generation(), used
}

// Sections returns the number of cross-reference sections. Each revision has one, the first of a linearized file two.
func (v View) Sections() int { return len(v.sections) }

// XrefOffset returns where the newest section begins: the place of damage that is at no object's.
func (v View) XrefOffset() int64 { return v.sections[0].at }

// Hybrid reports that the newest section is a table for old readers with a stream for new ones beside it (7.5.8.4).
func (v View) Hybrid() bool { return v.sections[0].hidden != nil }

// Within reports that all cross-reference data of the view lie before an offset.
func (v View) Within(end int64) bool {
	for _, s := range v.sections {
		if s.end > end {
			return false
		}
	}
	return true
}

// Follows reports that the newest section of a view lies behind all that an older one shows.
func (v View) Follows(old View) bool {
	older, newer := old.sections[0], v.sections[0]
	return newer.at >= older.end && (newer.at >= old.limit || old.limit >= v.limit)
}

// Added lists the objects of the newest section whose numbers an older view does not use.
func (v View) Added(old View) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for _, run := range v.sections[0].runs {
			for i, loc := range run.locs {
				num := run.first + uint32(i) //nolint:gosec // an object number
				if _, used := old.locate(num); used || loc.kind == free {
					continue
				}
				if !yield(Ref{Num: num, Gen: loc.generation()}) {
					return
				}
			}
		}
	}
}

// Forget gives back what the view remembers of where older sections have objects.
func (v View) Forget() { v.sections[0].below = nil }
