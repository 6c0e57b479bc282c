package records

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/elicence/elicence/internal/store/kv"

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
	stored [windows][windowBytes]byte // of the taken ones what was read from the store; nobody gives these back
	free   [windows]int
	total  int // free indices in opened windows
}

// load adds the indices of a list that are stored as given out.
func (a *allotter) load(tx kv.Tx, list uint32) error {
	for key, stored := range prefixed(tx.Table(tableWindows), listKey(list)) {
		if len(key) != 2 || int(binary.BigEndian.Uint16(key)) >= windows || len(stored) != windowBytes {
			return errors.New("a window of the list is damaged")
		}
		w := int(binary.BigEndian.Uint16(key))
		a.opened = max(a.opened, w+1)
		for i, b := range stored {
			a.taken[w][i] |= b
			a.stored[w][i] |= b
		}
	}
	a.total = 0
	for w := range a.opened {
		a.free[w] = windowSize
		for _, b := range a.taken[w] {
			a.free[w] -= bits.OnesCount8(b)
		}
		a.total += a.free[w]
	}
	return nil
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
	skip, err := below(a.total)
	if err != nil {
		return 0, err
	}
	for w := range a.opened {
		if skip >= a.free[w] {
			skip -= a.free[w]
			continue
		}
		i := freeBit(&a.taken[w], skip)
		a.taken[w][i/8] |= 1 << (i % 8)
		a.free[w]--
		a.total--
		return uint32(w*windowSize + i), nil
	}
	panic("records: the count of free indices is wrong")
}

// below draws a number from 0 up to n, which is below 2^32.
func below(n int) (int, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("drawing randomness: %w", err)
	}
	// Of 2^64 numbers, fewer than 2^32 make some results likelier: by less than 2^-32.
	high, _ := bits.Mul64(binary.BigEndian.Uint64(b[:]), uint64(n)) //nolint:gosec // not negative
	return int(high), nil                                           //nolint:gosec // below n
}

// freeBit returns the first clear bit of a window after so many others, which it has.
func freeBit(taken *[windowBytes]byte, skip int) int {
	for at := 0; at < windowBytes; at += 8 {
		free := ^binary.LittleEndian.Uint64(taken[at:])
		if n := bits.OnesCount64(free); skip >= n {
			skip -= n
			continue
		}
		for range skip {
			free &= free - 1
		}
		return at*8 + bits.TrailingZeros64(free)
	}
	panic("records: a window has fewer free indices than were counted")
}

func (a *allotter) release(index uint32) {
	w, i := index/windowSize, index%windowSize
	if (a.taken[w][i/8]&^a.stored[w][i/8])>>(i%8)&1 == 1 {
		a.taken[w][i/8] &^= 1 << (i % 8)
		a.free[w]++
		a.total++
	}
}

// allotter returns the allotter of a list. The caller holds mu.
func (s *Store) allotter(ctx context.Context, list uint32) (*allotter, error) {
	a := s.allotters[list]
	if a != nil {
		return a, nil
	}
	a = new(allotter)
	if err := s.read(ctx, a, list); err != nil {
		return nil, err
	}
	s.allotters[list] = a
	return a, nil
}

func (s *Store) read(ctx context.Context, a *allotter, list uint32) error {
	return s.view(ctx, fmt.Sprintf("reading status list %d", list), func(tx kv.Tx) error { return a.load(tx, list) })
}

// retaken returns err. Where it says that another process has given an index out, what
// others have given out since they were read is added to the allotters first, so that
// whoever reserves again gets a free one.
func (s *Store) retaken(ctx context.Context, err error) error {
	if !errors.Is(err, licence.ErrIndexTaken) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for list, a := range s.allotters {
		if failed := s.read(ctx, a, list); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// ReserveIndex implements [licence.Registry].
func (s *Store) ReserveIndex(ctx context.Context, list uint32) (licence.StatusRef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.allotter(ctx, list)
	if err != nil {
		return licence.StatusRef{}, err
	}
	index, err := a.draw()
	if err != nil {
		return licence.StatusRef{}, fmt.Errorf("drawing an index of status list %d: %w", list, err)
	}
	return licence.StatusRef{List: list, Index: index}, nil
}

// ReserveIndices implements [licence.Registry].
func (s *Store) ReserveIndices(ctx context.Context, list uint32, n int) ([]licence.StatusRef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.allotter(ctx, list)
	if err != nil {
		return nil, err
	}
	refs := make([]licence.StatusRef, 0, n)
	for range n {
		index, err := a.draw()
		if err != nil {
			for _, ref := range refs {
				a.release(ref.Index)
			}
			return nil, fmt.Errorf("drawing %d indices of status list %d: %w", n, list, err)
		}
		refs = append(refs, licence.StatusRef{List: list, Index: index})
	}
	return refs, nil
}

// ListRoom implements [licence.Registry].
func (s *Store) ListRoom(ctx context.Context, list uint32) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.allotter(ctx, list)
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

// indexFree refuses an index that was given out before: the error then wraps
// [licence.ErrIndexTaken].
func indexFree(tx kv.Tx, ref licence.StatusRef) error {
	if err := inList(ref); err != nil {
		return err
	}
	w := windowOf(ref)
	if taken(tx.Table(tableWindows).Get(windowKey(w.list, w.number)), ref) {
		return errTaken(ref)
	}
	return nil
}

// inList refuses an index that no list has.
func inList(ref licence.StatusRef) error {
	if ref.Index >= status.ListSize {
		return fmt.Errorf("index %d is beyond status list %d", ref.Index, ref.List)
	}
	return nil
}

func errTaken(ref licence.StatusRef) error {
	return fmt.Errorf("index %d of status list %d: %w", ref.Index, ref.List, licence.ErrIndexTaken)
}

// taken reports whether an index was given out, by what is stored of its window.
func taken(stored []byte, ref licence.StatusRef) bool {
	i := ref.Index % windowSize
	return len(stored) == windowBytes && stored[i/8]>>(i%8)&1 == 1
}

func take(bits []byte, ref licence.StatusRef) {
	i := ref.Index % windowSize
	bits[i/8] |= 1 << (i % 8)
}

// storeIndex records, in the transaction of what it is for, that an index was given out.
func storeIndex(tx kv.Tx, ref licence.StatusRef) error {
	if err := indexFree(tx, ref); err != nil {
		return err
	}
	w := windowOf(ref)
	bits := make([]byte, windowBytes)
	key := windowKey(w.list, w.number)
	copy(bits, tx.Table(tableWindows).Get(key))
	take(bits, ref)
	if err := tx.Table(tableWindows).Put(key, bits); err != nil {
		return err
	}
	return raiseMark(tx, w)
}

// raiseMark raises a list's high mark to the end of the window behind one of which indices
// are given out. That one is opened next: what is given out before the next publication is
// known to terminals at once, and only then is a phone of use at the counter where it was
// bound.
func raiseMark(tx kv.Tx, w window) error {
	lists := tx.Table(tableLists)
	if end := uint64(min(w.number+2, windows)) * windowSize; end > getUint(lists, listKey(w.list)) { //nolint:gosec // not negative
		return putUint(lists, listKey(w.list), end)
	}
	return nil
}

// The planes of a status list.
const (
	planeRevoked   = 0
	planeSuspended = 1
)

// setPlane sets or clears the bit of one index in a plane.
func setPlane(tx kv.Tx, ref licence.StatusRef, plane byte, on bool) error {
	key := append(listKey(ref.List), plane)
	key = binary.BigEndian.AppendUint16(key, uint16(ref.Index/windowSize))
	bits := make([]byte, windowBytes)
	copy(bits, tx.Table(tablePlanes).Get(key))
	i := ref.Index % windowSize
	if on {
		bits[i/8] |= 1 << (i % 8)
	} else {
		bits[i/8] &^= 1 << (i % 8)
	}
	return tx.Table(tablePlanes).Put(key, bits)
}

// StatusSets returns the present state of every status list, in the order of
// their numbers.
func (s *Store) StatusSets(ctx context.Context) ([]*status.Set, error) {
	var sets []*status.Set
	err := s.db.View(ctx, func(tx kv.Tx) error {
		for k, v := range tx.Table(tableLists).Range(nil, nil) {
			set := &status.Set{List: binary.BigEndian.Uint32(k), High: uint32(binary.BigEndian.Uint64(v))}
			for plane, into := range map[byte]*status.Plane{planeRevoked: &set.Revoked, planeSuspended: &set.Suspended} {
				for window, v := range prefixed(tx.Table(tablePlanes), append(listKey(set.List), plane)) {
					if len(window) != 2 {
						return errors.New("the key of a plane is damaged")
					}
					copy(into[int(binary.BigEndian.Uint16(window))*windowBytes:], v)
				}
			}
			sets = append(sets, set)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the status lists: %w", err)
	}
	return sets, nil
}
