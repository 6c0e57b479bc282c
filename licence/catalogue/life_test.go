package catalogue

import (
	"bytes"
	"strings"
	"testing"
)

func TestLife(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, category := range c.Categories() {
		l := category.Life
		if l.OnDeath == "" || l.OnDissolution == "" || l.OnMerger == "" {
			t.Errorf("category %s says nothing of its life", category.ID)
		}
	}
	for _, tt := range []struct {
		id                          ID
		several                     bool
		death, dissolution, merging Fate
	}{
		{4, false, FateEnd, FateKeep, FateKeep},      // a driving licence
		{17, true, FateKeep, FateKeep, FateKeep},     // a marriage certificate
		{87, true, FateAsk, FateAsk, FateAsk},        // real estate
		{66, false, FateAsk, FateEnd, FateEnd},       // a business licence
		{68, false, FateKeep, FateEnd, FateTransfer}, // food production
		{103, false, FateKeep, FateKeep, FateKeep},   // an approval of what was built
	} {
		category, _ := c.Category(tt.id)
		l := category.Life
		if l.SeveralHolders != tt.several || l.Death() != tt.death || l.Dissolution() != tt.dissolution || l.Merger() != tt.merging {
			t.Errorf("category %s: %+v", tt.id, l)
		}
	}
	if l := (Life{}); l.Death() != FateAsk || l.Dissolution() != FateAsk || l.Merger() != FateAsk || l.SeveralHolders {
		t.Errorf("a category without rules: %+v", l)
	}
}

func TestLifeFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, old, new, fault string }{
		{"header", "id,holders", "no,holders", "life.csv line 1: header row"},
		{"no category", "\n195,", "\n196,", `id "196" is not a category`},
		{"twice", "\n195,", "\n194,", `id "194" is not a category, or stands twice`},
		{"holders", "\n001,one", "\n001,many", `holders "many"`},
		{"fate", "\n001,one,end", "\n001,one,burn", `on_death "burn"`},
		{"a transfer to the dead", "\n001,one,end", "\n001,one,transfer", `on_death "transfer"`},
	} {
		broken := strings.Replace(string(lifeCSV), tt.old, tt.new, 1)
		if broken == string(lifeCSV) {
			t.Fatalf("%s: the file does not hold %q", tt.name, tt.old)
		}
		_, err := (&Catalogue{}).parse(files{categories: bytes.NewReader(categoriesCSV), fields: bytes.NewReader(fieldsCSV), life: strings.NewReader(broken)})
		if err == nil || !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.fault)
		}
	}
}
