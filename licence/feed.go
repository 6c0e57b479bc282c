package licence

import (
	"context"
	"time"
)

// Change is a step that was taken.
type Change struct {
	Revision uint64
	Step     Step
	At       time.Time // zero: it was stored before the feed kept times
	Record   Record    // the licence as it stands now
}

// ChangeQuery asks for a page of the feed of changes.
type ChangeQuery struct {
	After uint64   // a cursor; 0: from the beginning
	Limit int      // at most so many changes
	Lists []uint32 // only of licences with their place on these status lists; none: all
}

// ChangePage is a page of the feed.
type ChangePage struct {
	Changes []Change
	// Next is the cursor of the next page. It moves past changes that were not asked for,
	// so that a page may be empty before the end is reached.
	Next uint64
	End  bool // nothing follows yet
}

// Feed tells of every step of every licence once, in the order in which they were
// stored. Whoever keeps the cursor of the last page and asks again loses nothing and
// hears nothing twice.
type Feed interface {
	Changes(ctx context.Context, q ChangeQuery) (ChangePage, error)
}
