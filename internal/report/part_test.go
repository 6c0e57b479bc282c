package report

import (
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/inspect"
)

// TestPartWords: what of a seal is seen is said as people say it of slices.
func TestPartWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part   inspect.PartFinding
		zh, en string
	}{
		{inspect.PartFinding{Right: 1, Bottom: 1}, "整枚印章", "the whole seal"},
		{inspect.PartFinding{Left: 0.001, Right: 0.999, Bottom: 1}, "整枚印章", "the whole seal"},
		{inspect.PartFinding{Right: 0.3333, Bottom: 1}, "部分印章（左 1/3）", "a part of it (left 1/3)"},
		{inspect.PartFinding{Left: 0.667, Right: 1, Bottom: 1}, "部分印章（右 1/3）", "a part of it (right 1/3)"},
		{inspect.PartFinding{Left: 0.2, Right: 0.4, Bottom: 1}, "部分印章（自左第 2 份，共 5 份）", "a part of it (2 of 5 from the left)"},
		{inspect.PartFinding{Left: 0.49, Right: 0.5, Bottom: 1}, "部分印章（自左第 50 份，共 100 份）", "a part of it (50 of 100 from the left)"},
		{inspect.PartFinding{Right: 1, Top: 0.5, Bottom: 1}, "部分印章（下 1/2）", "a part of it (bottom 1/2)"},
		{inspect.PartFinding{Right: 0.7, Bottom: 1}, "部分印章（左 70 %）", "a part of it (left 70 %)"},
		{inspect.PartFinding{Left: 0.1, Right: 0.7, Bottom: 1}, "部分印章（自左 10 % 至 70 %）", "a part of it (10 % to 70 % from the left)"},
		{inspect.PartFinding{Right: 0.5, Bottom: 0.25}, "部分印章（左 1/2，其上 1/4）", "a part of it (left 1/2, of that top 1/4)"},
		{inspect.PartFinding{}, "部分印章（左 0 %，其上 0 %）", "a part of it (left 0 %, of that top 0 %)"},
	} {
		if w := partWords(tt.part); w.ZH != tt.zh || w.EN != tt.en {
			t.Errorf("%+v: %q, %q, want %q, %q", tt.part, w.ZH, w.EN, tt.zh, tt.en)
		}
	}
}

// TestPlaceFacts: each place of a seal is listed with what is seen there, as many as anybody
// reads.
func TestPlaceFacts(t *testing.T) {
	t.Parallel()
	third := inspect.PartFinding{Right: 1.0 / 3, Bottom: 1}
	places := []inspect.SeenFinding{
		{Page: 1, PlaceFinding: inspect.PlaceFinding{X: 196, Y: 100, Width: 14, Height: 42}, Part: &third}, {Page: 2},
	}
	facts := placeFacts(places)
	if len(facts) != 1 || facts[0].Value != "第 1 页，196.0, 100.0; 14.0 × 42.0 mm，部分印章（左 1/3）  page 1, a part of it (left 1/3)" {
		t.Errorf("facts %+v", facts)
	}
	var many []inspect.SeenFinding
	for range maxPlaces + 5 {
		many = append(many, places[0])
	}
	if facts = placeFacts(many); len(facts) != maxPlaces+1 || !strings.Contains(facts[maxPlaces].Value, "5 more") {
		t.Errorf("of many: %d facts, the last %+v", len(facts), facts[len(facts)-1])
	}
}
