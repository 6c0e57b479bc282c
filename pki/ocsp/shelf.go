package ocsp

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Ready is a response that was made ahead.
type Ready struct {
	ID         []byte // DER of the CertID, the key under which it is found
	DER        []byte
	ETag       string // as in [Answer]
	ThisUpdate time.Time
	NextUpdate time.Time
}

// Shelf keeps responses that were made ahead. What outlives a restart must be told
// of every revocation since with [Responder.Changed] before anything is served.
type Shelf interface {
	// Find returns the response for a CertID, if there is one. The caller does not
	// change it.
	Find(ctx context.Context, id []byte) (Ready, bool, error)
	// Put stores responses, each in place of the one before. Where there is no
	// room for all, it returns [ErrShelfFull] and may have stored some.
	Put(ctx context.Context, ready ...Ready) error
	// Remove takes the response for a CertID away.
	Remove(ctx context.Context, id []byte) error
	// Prune takes away what has ended by a time.
	Prune(ctx context.Context, at time.Time) error
}

// ErrShelfFull says that there is no room for more responses. Those that are
// missing are signed on demand.
var ErrShelfFull = errors.New("no room for more OCSP responses")

// overhead is about what a response costs beside its bytes.
const overhead = 224

// MemoryShelf is a [Shelf] in memory with a bound. A response with its responder's
// certificate takes about a kilobyte.
type MemoryShelf struct {
	limit int64

	mu    sync.RWMutex
	used  int64
	ready map[string]Ready
}

var _ Shelf = (*MemoryShelf)(nil)

// NewMemoryShelf returns a shelf that holds at most so many bytes.
func NewMemoryShelf(limit int64) *MemoryShelf {
	return &MemoryShelf{limit: limit, ready: make(map[string]Ready)}
}

func (r *Ready) size() int64 { return int64(2*len(r.ID) + len(r.DER) + overhead) }

// Find implements [Shelf].
func (s *MemoryShelf) Find(_ context.Context, id []byte) (Ready, bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, found := s.ready[string(id)]
	return r, found, nil
}

// Put implements [Shelf].
func (s *MemoryShelf) Put(_ context.Context, ready ...Ready) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range ready {
		before, found := s.ready[string(r.ID)]
		used := s.used + r.size()
		if found {
			used -= before.size()
		}
		if used > s.limit {
			return ErrShelfFull
		}
		s.ready[string(r.ID)], s.used = r, used
	}
	return nil
}

// Remove implements [Shelf].
func (s *MemoryShelf) Remove(_ context.Context, id []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(string(id))
	return nil
}

func (s *MemoryShelf) remove(id string) {
	if r, found := s.ready[id]; found {
		s.used -= r.size()
		delete(s.ready, id)
	}
}

// Prune implements [Shelf].
func (s *MemoryShelf) Prune(_ context.Context, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.ready {
		if !at.Before(r.NextUpdate) {
			s.remove(id)
		}
	}
	return nil
}

// Len returns the number of responses.
func (s *MemoryShelf) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.ready)
}
