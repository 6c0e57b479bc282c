package status

import "time"

// Step is what a service keeps of a run of publications: the state that it leads from
// and the one that it leads to, with the times when they were given out. What changed
// in it ([Changes]) is kept beside it.
type Step struct {
	_     struct{} `cbor:",toarray"`
	From  uint64   // sequence
	To    uint64
	Since int64 // when From was given out, UTC seconds
	At    int64 // when To was given out
}

const (
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
)

// Spans are the times that deltas reach back: an hour, a day, a week and 30 days. A
// terminal that was away takes the shortest that reaches back to its own state: one
// file, however many states it has missed.
func Spans() []time.Duration { return []time.Duration{time.Hour, day, 7 * day, 30 * day} }

// Base returns the first of the steps, in order, that a delta takes together to reach
// a time back: the last one that begins that long ago, so that whoever was up to date
// within the time is served; the first of all where none does. It is len(steps)
// where there are none.
func Base(steps []Step, span time.Duration, now time.Time) int {
	for i := len(steps) - 1; i > 0; i-- {
		if now.Unix()-steps[i].Since >= int64(span/time.Second) {
			return i
		}
	}
	return 0
}

// Thin says which steps, in order, are to be joined: each group into one. Steps of
// the last hour are kept by the quarter of an hour, of the last day by the hour, older
// ones by the day, and none that no delta reaches back to. So a month takes some sixty
// steps, and a delta reaches back no longer than its span and one of these.
func Thin(steps []Step, now time.Time) [][]Step {
	first := Base(steps, Spans()[len(Spans())-1], now)
	var groups [][]Step
	var last [2]int64
	for _, s := range steps[first:] {
		slot := quarter
		switch age := now.Unix() - s.At; {
		case age >= int64(day/time.Second):
			slot = day
		case age >= int64(time.Hour/time.Second):
			slot = time.Hour
		}
		key := [2]int64{int64(slot), s.At / int64(slot/time.Second)}
		if len(groups) > 0 && key == last {
			groups[len(groups)-1] = append(groups[len(groups)-1], s)
			continue
		}
		groups, last = append(groups, []Step{s}), key
	}
	return groups
}

// Join returns the step that leads from the beginning of the first to the end of the
// last of a group.
func Join(group []Step) Step {
	first, last := group[0], group[len(group)-1]
	return Step{From: first.From, To: last.To, Since: first.Since, At: last.At}
}
