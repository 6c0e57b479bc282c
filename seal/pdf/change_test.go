package pdf

import (
	"reflect"
	"testing"

	"github.com/elicence/elicence/seal/pdf/revision"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// TestChangeData: what a change is about is told apart from its words.
func TestChangeData(t *testing.T) {
	t.Parallel()
	signed := stamped(t, described(t), at(1, 120, 200, 42))
	loan, gift := "Loan", "Gift"
	for _, tt := range []struct {
		name   string
		change func(attacker)
		want   revision.Change
	}{
		{"a page is turned", func(a attacker) { a.set(10, "Rotate", int64(90)) }, revision.Change{Kind: revision.Modified, Code: revision.ChangePageEntry, Object: 10, Page: 1, Name: "Rotate"}},
		{"what it is drawn with", func(a attacker) {
			a.Begin(syntax.Ref{Num: 4})
			a.Out = append(a.Out, "<</Length 3>>\nstream\n0 g\nendstream"...)
			a.End()
		}, revision.Change{Kind: revision.Modified, Code: revision.ChangePageEntry, Object: 4, Page: 1, Name: "Resources"}},
		{"the title", func(a attacker) { a.set(6, "Title", syntax.String(gift)) }, revision.Change{Kind: revision.MetadataChanged, Code: revision.ChangeInformation, Entries: []revision.EntryChange{{Name: "Title", Old: &loan, New: &gift}}}},
		{"no title", func(a attacker) { a.unset(6, "Title") }, revision.Change{Kind: revision.MetadataChanged, Code: revision.ChangeInformation, Entries: []revision.EntryChange{{Name: "Title", Old: &loan}}}},
		{"how it opens", func(a attacker) { a.set(1, "PageMode", syntax.Name("FullScreen")) }, revision.Change{Kind: revision.Modified, Code: revision.ChangeCatalogEntry, Object: 1, Name: "PageMode"}},
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
