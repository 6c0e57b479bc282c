package status

import (
	"slices"
	"testing"
	"time"
)

// TestHistory publishes every five minutes for forty days and keeps what Thin says.
func TestHistory(t *testing.T) {
	t.Parallel()
	start := time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)
	var steps []Step
	now, most := start, 0
	for i := range 40 * 24 * 12 {
		now = start.Add(time.Duration(i+1) * 5 * time.Minute)
		steps = append(steps, Step{From: uint64(i + 1), To: uint64(i + 2), Since: now.Add(-5 * time.Minute).Unix(), At: now.Unix()})
		var kept []Step
		for _, group := range Thin(steps, now) {
			kept = append(kept, Join(group))
		}
		for j := 1; j < len(kept); j++ {
			if kept[j].From != kept[j-1].To || kept[j].Since != kept[j-1].At {
				t.Fatalf("after %d states: steps %v and %v do not follow one another", i, kept[j-1], kept[j])
			}
		}
		if last := kept[len(kept)-1]; last.To != uint64(i+2) {
			t.Fatalf("the last step leads to %d, want %d", last.To, i+2)
		}
		steps, most = kept, max(most, len(kept))
	}
	if most > 5+25+32 {
		t.Errorf("%d steps are kept, want about sixty", most)
	}
	for i, longer := range []time.Duration{quarter, time.Hour, day, day} {
		span := Spans()[i]
		at := Base(steps, span, now)
		if away := time.Duration(now.Unix()-steps[at].Since) * time.Second; away < span || away > span+longer+5*time.Minute {
			t.Errorf("the delta of %v reaches back %v", span, away)
		}
		if i == 3 && at != 0 {
			t.Errorf("%d steps are kept that no delta reaches back to", at)
		}
	}
}

func TestBase(t *testing.T) {
	t.Parallel()
	now := time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)
	step := func(from uint64, minutes int64) Step {
		return Step{From: from, To: from + 1, Since: now.Unix() - 60*minutes}
	}
	young := []Step{step(1, 40), step(2, 20)}
	month := []Step{step(1, 60*24*31), step(2, 60*24*8), step(3, 60*25), step(4, 61), step(5, 60), step(6, 59)}
	for _, tt := range []struct {
		name  string
		steps []Step
		want  []uint64
	}{
		{"within the hour", young, []uint64{1, 1, 1, 1}},
		{"a month", month, []uint64{5, 3, 2, 1}},
	} {
		var got []uint64
		for _, span := range Spans() {
			got = append(got, tt.steps[Base(tt.steps, span, now)].From)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: bases %d, want %d", tt.name, got, tt.want)
		}
	}
}
