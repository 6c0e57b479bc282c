package office

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/elicence/elicence/pki/ocsp"
)

// Where several nodes share the records, a revocation may come to another one than the
// one that is asked. Answers that were made ahead are given only by a node that has
// followed the changes of the others lately; otherwise they are signed, from the records.

// followedLately is how long what was made ahead counts after the changes were followed.
const followedLately = 10 * time.Second

// following is what a node knows of the changes of certificates' status.
type following struct {
	mu       sync.Mutex
	sequence uint64    // of the last change that is known; guarded by mu
	at       time.Time // when it was asked for; guarded by mu
}

func (f *following) known() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sequence
}

func (f *following) set(sequence uint64, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sequence, f.at = sequence, at
}

func (f *following) lately(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return now.Sub(f.at) < followedLately
}

// followedShelf is a shelf that is empty for whoever asks while changes are not followed.
type followedShelf struct {
	ocsp.Shelf
	lately func() bool
}

// Find implements [ocsp.Shelf].
func (s followedShelf) Find(ctx context.Context, id []byte) (ocsp.Ready, bool, error) {
	if !s.lately() {
		return ocsp.Ready{}, false, nil
	}
	return s.Shelf.Find(ctx, id)
}

// Shared reports whether other nodes may have the records open.
func (o *Office) Shared() bool { return o.folder.Shared }

// FollowOthers does what other nodes that share the records make necessary: it destroys the record keys of what they
// have erased, takes over what they have changed in the catalogue, and takes away the OCSP answers that they have made
// untrue. Whoever serves shared records does this every few seconds.
func (o *Office) FollowOthers(ctx context.Context) error {
	return errors.Join(o.store.FollowDestroyed(ctx), o.categories.Follow(ctx), o.followStatusChanges(ctx))
}

func (o *Office) followStatusChanges(ctx context.Context) error {
	o.answering.mu.Lock()
	r := o.answering.responder
	o.answering.mu.Unlock()
	if r == nil {
		return nil // nobody has asked yet, and nothing was made ahead
	}
	at := o.now()
	sequence, err := o.store.StatusSequence(ctx)
	if err != nil {
		return fmt.Errorf("following the status of certificates: %w", err)
	}
	if known := o.following.known(); sequence != known {
		if err := o.followFrom(ctx, r, known); err != nil {
			return fmt.Errorf("following the status of certificates: %w", err)
		}
	}
	o.following.set(sequence, at)
	return nil
}

func (o *Office) followFrom(ctx context.Context, r *ocsp.Responder, known uint64) error {
	issuers, err := o.StatusAuthorities(ctx)
	if err != nil {
		return err
	}
	for _, a := range issuers {
		point := a.Certificate().Key.Point()
		if !r.Answers(point) {
			continue
		}
		// Collected first: making an answer anew asks the store.
		var serials [][]byte
		for changed, err := range o.store.StatusChanges(ctx, point, known) {
			if err != nil {
				return err
			}
			serials = append(serials, changed.Serial[:])
		}
		for _, serial := range serials {
			if err := r.Changed(ctx, point, serial); err != nil {
				return err
			}
		}
	}
	return nil
}
