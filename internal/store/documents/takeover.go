package documents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sync/errgroup"
)

// TakenOver is what [Store.TakeOver] has done.
type TakenOver struct {
	Documents  int // encrypted again, each under a key of its own
	Unreadable int // damaged, which stay as they are
	Kept       int // under the shared key, which the bucket or folder does not let go
}

// takenTogether is how many documents are taken over at a time: each waits for the disk or
// for the bucket.
const takenTogether = 8

// TakeOver encrypts every document under a shared key again, under a key of its own, reads it
// back, and only then removes the object of before. It works beside readers and writers, and
// what was cut off goes on with the next call.
func (s *Store) TakeOver(ctx context.Context) (TakenOver, error) {
	var done TakenOver
	var mu sync.Mutex // of done
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(takenTogether)
	var listing error
	for name, err := range s.Names(gctx) {
		if err != nil {
			listing = err
			break
		}
		if name.own {
			continue
		}
		group.Go(func() error {
			one, err := s.takeOver(gctx, name)
			if err != nil {
				return fmt.Errorf("document %s: %w", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			done.Documents += one.Documents
			done.Unreadable += one.Unreadable
			done.Kept += one.Kept
			return nil
		})
	}
	// The first failure ends the listing too: it is the one to tell.
	if err := group.Wait(); err != nil {
		return done, err
	}
	return done, listing
}

func (s *Store) takeOver(ctx context.Context, before Name) (TakenOver, error) {
	data, err := s.get(ctx, before, before.id)
	switch {
	case errors.Is(err, ErrNotFound): // another process was first
		return TakenOver{}, nil
	case errors.Is(err, ErrDamaged):
		return TakenOver{Unreadable: 1}, nil
	case err != nil:
		return TakenOver{}, err
	}
	if err := s.Put(ctx, data); err != nil {
		return TakenOver{}, err
	}
	if _, err := s.get(ctx, s.own(before.id), before.id); err != nil {
		return TakenOver{}, fmt.Errorf("encrypted again: %w", err)
	}
	err = s.at.remove(ctx, before.String())
	switch {
	case errors.Is(err, fs.ErrPermission):
		return TakenOver{Documents: 1, Kept: 1}, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return TakenOver{}, err
	}
	return TakenOver{Documents: 1}, nil
}
