package status

import (
	"fmt"
	"slices"
)

// A file codes the places of all its lists as one stream of ascending positions, so
// that a list costs nothing of its own. Only lists that the file has something to say
// of have positions; each has as many as the windows that were opened in it.

const (
	windowSize  = 4096
	listWindows = ListSize / windowSize
)

// run is a run of lists whose numbers follow one another and that have equally many
// windows.
type run struct {
	_       struct{} `cbor:",toarray"`
	First   uint64   // list
	Count   uint64
	Windows uint64 // of 4,096 indices, each list
}

// span is the positions of one list.
type span struct {
	list       uint32
	start, end uint32 // positions; the end is exclusive
	set        *Set   // where a reader puts what it finds
	named      bool   // a plane of the file has an index of this list
}

// runsOf describes the lists of ascending places, of which none is above its list's
// windows.
func runsOf(lists []uint32, windows func(list uint32) uint64) []run {
	var runs []run
	for _, list := range lists {
		n := windows(list)
		if len(runs) > 0 {
			last := &runs[len(runs)-1]
			if last.First+last.Count == uint64(list) && last.Windows == n {
				last.Count++
				continue
			}
		}
		runs = append(runs, run{First: uint64(list), Count: 1, Windows: n})
	}
	return runs
}

// spansOf lays out the lists of a file. There is one accepted way to write runs: they
// ascend, and none could be joined with the next.
func spansOf(runs []run) ([]span, error) {
	bad := func(i int) error {
		return fmt.Errorf("run %d of lists: empty, not in order, or too long: %w", i, ErrMalformed)
	}
	lists := uint64(0)
	for i, r := range runs {
		if r.Count < 1 || r.Count > MaxLists || r.Windows < 1 || r.Windows > listWindows || r.First+r.Count > 1<<32 || r.First >= 1<<32 {
			return nil, bad(i)
		}
		if i > 0 {
			before := runs[i-1]
			end := before.First + before.Count
			if r.First < end || r.First == end && r.Windows == before.Windows {
				return nil, bad(i)
			}
		}
		if lists += r.Count; lists > MaxLists {
			return nil, bad(i)
		}
	}
	spans := make([]span, 0, lists)
	at := uint32(0)
	for _, r := range runs {
		for i := range r.Count {
			end := at + uint32(r.Windows)*windowSize
			spans = append(spans, span{list: uint32(r.First + i), start: at, end: end})
			at = end
		}
	}
	return spans, nil
}

// size is the number of positions.
func size(spans []span) uint64 {
	if len(spans) == 0 {
		return 0
	}
	return uint64(spans[len(spans)-1].end)
}

// positions turns ascending places into positions.
func positions(places []Place, spans []span) []uint32 {
	found := make([]uint32, len(places))
	at := 0
	for i, p := range places {
		for spans[at].list != p.list() {
			at++
		}
		found[i] = spans[at].start + p.index()
	}
	return found
}

// listsOf returns the lists of places, ascending.
func listsOf(places ...[]Place) []uint32 {
	var lists []uint32
	for _, some := range places {
		last := -1
		for _, p := range some {
			if int(p.list()) != last {
				last = int(p.list())
				lists = append(lists, p.list())
			}
		}
	}
	slices.Sort(lists)
	return slices.Compact(lists)
}
