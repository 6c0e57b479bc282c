package office

import (
	"sync"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/qr/status"
)

// notice tells the publisher that the register has something that terminals cannot know:
// a licence that changed its state, a device that was unbound, or a licence or credential
// whose index is at or above the high mark that they have.
type notice struct {
	told chan struct{} // holds one

	mu    *sync.Mutex
	highs map[uint32]uint32 // that were given out; guarded by mu
}

func newNotice() notice {
	return notice{told: make(chan struct{}, 1), mu: new(sync.Mutex), highs: make(map[uint32]uint32)}
}

func (n notice) tell() {
	select {
	case n.told <- struct{}{}:
	default: // somebody was told and has not looked yet
	}
}

// issued tells of a new index, if that is needed.
func (n notice) issued(ref licence.StatusRef) {
	n.mu.Lock()
	known := ref.Index < n.highs[ref.List]
	n.mu.Unlock()
	if !known {
		n.tell()
	}
}

func (n notice) givenOut(s *status.State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, set := range s.Sets {
		n.highs[set.List] = set.High
	}
}

// Unpublished receives when something has happened that terminals should know of
// before the next time that trust files are due. Whoever receives calls
// [Office.Publish].
func (o *Office) Unpublished() <-chan struct{} { return o.unknown.told }
