package pdf

import (
	"slices"
	"testing"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// taggedVictim is a tagged page: 5 is the root of its structure, 6 its document element,
// 7 the parent tree.
var taggedVictim = sample{pages: 1, catalog: "/MarkInfo<</Marked true>>/StructTreeRoot 5 0 R", objects: []string{
	"<</Type/StructTreeRoot/K 6 0 R/ParentTree 7 0 R/ParentTreeNextKey 1>>",
	"<</Type/StructElem/S/Document/P 5 0 R/Alt(an agreement)>>",
	"<</Nums[0[6 0 R]]>>",
}}

// What an increment adds to the tags is what came with it, and nothing that somebody who
// hears the page read could take for more.
func TestTagsOfIncrements(t *testing.T) {
	t.Parallel()
	sealed := stamped(t, taggedVictim.bytes(), at(1, 40, 40, 42))
	of := func(a attacker, shown syntax.Ref, more string) syntax.Ref {
		return a.made("<</Type/StructElem/S/Annot/P 5 0 R/K<</Type/OBJR/Obj " + refText(shown) + ">>" + more + ">>")
	}
	const comment = "<</Type/Annot/Subtype/Text/Rect[0 0 9 9]>>"
	element := func(a attacker, more string) syntax.Ref {
		shown := a.made(comment)
		a.add(8, "Annots", shown)
		return of(a, shown, more)
	}
	// entered writes a new element into both trees, as a sound increment does.
	entered := func(a attacker, r syntax.Ref) {
		tags := a.dict(5)
		kids, err := a.doc.now.StructureKids(tags)
		if err != nil {
			t.Fatal(err)
		}
		a.set(5, "K", append(kids, r))
		a.add(7, "Nums", int64(9), r)
	}
	for name, tt := range map[string]struct {
		change func(attacker)
		sound  bool
	}{
		"an annotation's element": {func(a attacker) { entered(a, element(a, "")) }, true},
		"an element of what is on no page": {func(a attacker) {
			entered(a, of(a, a.made(comment), "/Alt(10,000,000)"))
		}, false},
		"an element with a text in place of what it shows": {func(a attacker) { entered(a, element(a, "/ActualText(10,000,000)")) }, false},
		"an element that holds content of the page":        {func(a attacker) { entered(a, a.made("<</Type/StructElem/S/P/P 5 0 R/K 0>>")) }, false},
		"an element of an older annotation": {func(a attacker) {
			entered(a, a.made("<</Type/StructElem/S/Annot/P 5 0 R/K<</Type/OBJR/Obj 3 0 R>>>>"))
		}, false},
		"an older object for an element":   {func(a attacker) { a.add(5, "K", syntax.Ref{Num: 3}) }, false},
		"another description":              {func(a attacker) { a.set(6, "Alt", syntax.TextString("a receipt")) }, false},
		"an element taken away":            {func(a attacker) { a.set(5, "K", syntax.Array{}) }, false},
		"roles that change what tags mean": {func(a attacker) { a.set(5, "RoleMap", syntax.DictOf("Document", syntax.Name("Artifact"))) }, false},
		"another parent":                   {func(a attacker) { a.set(7, "Nums", syntax.Array{int64(0), syntax.Array{syntax.Ref{Num: 5}}}) }, false},
		"a parent that is no new element":  {func(a attacker) { a.add(7, "Nums", int64(9), syntax.Ref{Num: 6}) }, false},
		"another parent tree":              {func(a attacker) { a.set(5, "ParentTree", a.made("<</Nums[0[6 0 R]]>>")) }, false},
		"leaves of older objects":          {func(a attacker) { a.set(7, "Kids", syntax.Array{syntax.Ref{Num: 7}}) }, false},
		"another tree":                     {func(a attacker) { a.set(1, "StructTreeRoot", a.made("<</Type/StructTreeRoot/K[]>>")) }, false},
		"no tree":                          {func(a attacker) { a.unset(1, "StructTreeRoot") }, false},
	} {
		got := signatures(t, updated(t, sealed, tt.change))[0]
		if len(got.Faults) > 0 {
			t.Errorf("%s: %v", name, got.Faults)
		}
		broken := slices.ContainsFunc(got.Changes, func(c revision.Change) bool { return c.Kind == revision.Modified })
		if broken == tt.sound {
			t.Errorf("%s: changes %v", name, got.Changes)
		}
	}

	// A second and a third seal, each with several marks, leave the first as it is.
	again := stamped(t, sealed, at(1, 120, 40, 42))
	straddle := at(1, 40, 200, 42)
	straddle.Marks = append(straddle.Marks, at(1, 120, 200, 30).Marks...)
	for _, s := range signatures(t, stamped(t, again, straddle)) {
		if slices.ContainsFunc(s.Changes, func(c revision.Change) bool { return c.Kind != revision.SignatureAdded }) || len(s.Faults) > 0 {
			t.Errorf("%s: changes %v, faults %v", s.Field, s.Changes, s.Faults)
		}
	}
}

// TestTagsOfTimeStamps: what the tags say of a time stamp is its name, as nobody answers for more.
func TestTagsOfTimeStamps(t *testing.T) {
	t.Parallel()
	sealed := stamped(t, taggedVictim.bytes(), at(1, 40, 40, 42))
	stamper := newStamper(t)
	for alt, sound := range map[string]bool{"": true, "/Alt(time)": true, "/Alt(approved by the ministry)": false} {
		file := stamper.onto(t, sealed, func(a attacker) {
			v := a.madeStamp("/Type/DocTimeStamp", SubFilterStamp)
			w := a.made("<</Type/Annot/Subtype/Widget/FT/Sig/T(time)/F 132/Rect[0 0 0 0]/P 8 0 R/StructParent 9/V " + refText(v) + ">>")
			catalog := a.dict(1)
			fields := catalog.Lookup("AcroForm").(syntax.Ref)
			a.add(fields.Num, "Fields", w)
			a.add(8, "Annots", w)
			element := a.made("<</Type/StructElem/S/Form/P 5 0 R/K<</Type/OBJR/Obj " + refText(w) + ">>" + alt + ">>")
			kids, err := a.doc.now.StructureKids(a.dict(5))
			if err != nil {
				t.Fatal(err)
			}
			a.set(5, "K", append(kids, element))
			a.add(7, "Nums", int64(9), element)
		})
		got := signatures(t, file)[0]
		if broken := slices.ContainsFunc(got.Changes, func(c revision.Change) bool { return c.Kind == revision.Modified }); broken == sound || len(got.Changes) == 0 || len(got.Faults) > 0 {
			t.Errorf("%q: changes %v, faults %v", alt, got.Changes, got.Faults)
		}
	}
}

func refText(r syntax.Ref) string { return string(syntax.AppendValue(nil, r)) }
