package bolt

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"

	"go.etcd.io/bbolt"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/qr/status"
)

// windowSize is how many indices of a status list are opened at once. The
// candidates of a draw are at least as many while the list has room, so that an
// index does not tell the order of issue.
const (
	windowSize  = 4096
	windowBytes = windowSize / 8
	windows     = status.ListSize / windowSize
)

// allotter draws the indices of one status list. Its state is what the store
// holds plus the reservations that are under way; a reservation that never gets
// stored is forgotten at the next start, and nothing was signed away with it.
type allotter struct {
	opened int // windows; at least as many as are stored as opened
	taken  [windows][windowBytes]byte
	free   [windows]int
	total  int // free indices in opened windows
}

// loadAllotter reads the windows of a list out of which indices were given.
func loadAllotter(tx *bbolt.Tx, list uint32) *allotter {
	a := new(allotter)
	for k := range prefixed(tx.Bucket(buckets.windows), listKey(list)) {
		a.opened = int(binary.BigEndian.Uint16(k)) + 1
	}
	for w := range a.opened {
		copy(a.taken[w][:], tx.Bucket(buckets.windows).Get(windowKey(list, w)))
		a.free[w] = windowSize
		for _, b := range a.taken[w] {
			a.free[w] -= bits.OnesCount8(b)
		}
		a.total += a.free[w]
	}
	return a
}

func listKey(list uint32) []byte { return binary.BigEndian.AppendUint32(nil, list) }

func windowKey(list uint32, window int) []byte {
	return binary.BigEndian.AppendUint16(listKey(list), uint16(window))
}

// draw takes a free index at random.
func (a *allotter) draw() (uint32, error) {
	for a.total < windowSize && a.opened < windows {
		a.free[a.opened] = windowSize
		a.total += windowSize
		a.opened++
	}
	if a.total == 0 {
		return 0, licence.ErrListFull
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(a.total)))
	if err != nil {
		return 0, fmt.Errorf("drawing randomness: %w", err)
	}
	skip := int(n.Int64())
	for w := range a.opened {
		if skip >= a.free[w] {
			skip -= a.free[w]
			continue
		}
		for i := range windowSize {
			if a.taken[w][i/8]>>(i%8)&1 == 1 {
				continue
			}
			if skip == 0 {
				a.taken[w][i/8] |= 1 << (i % 8)
				a.free[w]--
				a.total--
				return uint32(w*windowSize + i), nil
			}
			skip--
		}
	}
	panic("bolt: the count of free indices is wrong")
}

func (a *allotter) release(index uint32) {
	w, i := index/windowSize, index%windowSize
	if a.taken[w][i/8]>>(i%8)&1 == 1 {
		a.taken[w][i/8] &^= 1 << (i % 8)
		a.free[w]++
		a.total++
	}
}

// allotter returns the allotter of a list. The caller holds mu.
func (s *Store) allotter(list uint32) (*allotter, error) {
	a := s.allotters[list]
	if a != nil {
		return a, nil
	}
	err := s.db.View(func(tx *bbolt.Tx) error {
		a = loadAllotter(tx, list)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading status list %d: %w", list, err)
	}
	s.allotters[list] = a
	return a, nil
}

// ReserveIndex implements [licence.Registry].
func (s *Store) ReserveIndex(_ context.Context, list uint32) (licence.StatusRef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.allotter(list)
	if err != nil {
		return licence.StatusRef{}, err
	}
	index, err := a.draw()
	if err != nil {
		return licence.StatusRef{}, fmt.Errorf("drawing an index of status list %d: %w", list, err)
	}
	return licence.StatusRef{List: list, Index: index}, nil
}

// ListRoom implements [licence.Registry].
func (s *Store) ListRoom(_ context.Context, list uint32) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.allotter(list)
	if err != nil {
		return 0, err
	}
	return a.total + (windows-a.opened)*windowSize, nil
}

// ReleaseIndex implements [licence.Registry].
func (s *Store) ReleaseIndex(ref licence.StatusRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.allotters[ref.List]; a != nil {
		a.release(ref.Index)
	}
}

// storeIndex records, in the transaction of an issue, that an index was given out, and
// raises the list's high mark to the end of the window behind its own. That one is opened
// next: what is given out before the next publication is known to terminals at once, and
// only then is a phone of use at the counter where it was bound.
func storeIndex(tx *bbolt.Tx, ref licence.StatusRef) error {
	if ref.Index >= status.ListSize {
		return fmt.Errorf("index %d is beyond status list %d", ref.Index, ref.List)
	}
	window, i := int(ref.Index/windowSize), ref.Index%windowSize
	taken := make([]byte, windowBytes)
	key := windowKey(ref.List, window)
	copy(taken, tx.Bucket(buckets.windows).Get(key))
	if taken[i/8]>>(i%8)&1 == 1 {
		return fmt.Errorf("index %d of status list %d was given out before", ref.Index, ref.List)
	}
	taken[i/8] |= 1 << (i % 8)
	if err := tx.Bucket(buckets.windows).Put(key, taken); err != nil {
		return err
	}
	lists := tx.Bucket(buckets.lists)
	if end := uint64(min(window+2, windows)) * windowSize; end > getUint(lists, listKey(ref.List)) {
		return putUint(lists, listKey(ref.List), end)
	}
	return nil
}

// The planes of a status list.
const (
	planeRevoked   = 0
	planeSuspended = 1
)

// setPlane sets or clears the bit of one index in a plane.
func setPlane(tx *bbolt.Tx, ref licence.StatusRef, plane byte, on bool) error {
	key := append(listKey(ref.List), plane)
	key = binary.BigEndian.AppendUint16(key, uint16(ref.Index/windowSize))
	bits := make([]byte, windowBytes)
	copy(bits, tx.Bucket(buckets.planes).Get(key))
	i := ref.Index % windowSize
	if on {
		bits[i/8] |= 1 << (i % 8)
	} else {
		bits[i/8] &^= 1 << (i % 8)
	}
	return tx.Bucket(buckets.planes).Put(key, bits)
}

// StatusSets returns the present state of every status list, in the order of
// their numbers.
func (s *Store) StatusSets(_ context.Context) ([]*status.Set, error) {
	var sets []*status.Set
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(buckets.lists).ForEach(func(k, v []byte) error {
			set := &status.Set{List: binary.BigEndian.Uint32(k), High: uint32(binary.BigEndian.Uint64(v))}
			for plane, into := range map[byte]*status.Plane{planeRevoked: &set.Revoked, planeSuspended: &set.Suspended} {
				prefix := append(listKey(set.List), plane)
				c := tx.Bucket(buckets.planes).Cursor()
				for k, v := c.Seek(prefix); len(k) == len(prefix)+2 && string(k[:len(prefix)]) == string(prefix); k, v = c.Next() {
					window := binary.BigEndian.Uint16(k[len(prefix):])
					copy(into[int(window)*windowBytes:], v)
				}
			}
			sets = append(sets, set)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the status lists: %w", err)
	}
	return sets, nil
}
