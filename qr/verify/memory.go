package verify

import (
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
)

// Showing is one live presentation of a licence, a code of kind 2 or 3, without saying
// whose: everything in it is a digest.
type Showing struct {
	// Key is what may be shown once: a device in a second, or one code of kind 3.
	Key [16]byte
	// Code stands for the very bytes of the code.
	Code [16]byte
	// At is when the code says that it was made.
	At time.Time
}

// Replays remembers what was shown. Seen reports whether it was shown before, and
// remembers it; now is the terminal's own clock. [Memory] is one; a terminal that keeps it
// on a disk wraps it.
type Replays interface {
	Seen(s Showing, now time.Time) bool
}

// showingOf names what a holder's device presents.
func showingOf(device *qr.DeviceKey, p *qr.Presentation, code []byte) Showing {
	point := device.Point()
	named := append([]byte("elicence/shown/2"), point[:]...)
	named = binary.BigEndian.AppendUint64(named, uint64(p.At.Unix()))
	return Showing{Key: digest(named), Code: digest(code), At: p.At}
}

// showingOfService names a code of kind 3, which nobody but the service can vary.
func showingOfService(s *qr.Shown, code []byte) Showing {
	named := append([]byte("elicence/shown/3"), code...)
	return Showing{Key: digest(named), Code: digest(code), At: s.SignedAt}
}

func digest(b []byte) [16]byte {
	sum := sm3.Sum(b)
	return [16]byte(sum[:])
}

// MemorySpan is how long a showing is remembered after it was made: two of the
// longest windows that a category can have.
const MemorySpan = 2 * trust.MaxWindow

// DoubleRead is within how long after its last reading the same code, byte for byte,
// gets the same answer again: scanners deliver a code twice, or over and over while
// it is held before them, and that is no replay.
const DoubleRead = 3 * time.Second

// Memory is a bounded memory of showings. It holds those made within [MemorySpan],
// at most as many as it has room for. When it is full the one that was made first makes
// room, and from then on whatever was made no later than that one counts as shown
// before: a full memory refuses some that are good, who are told to refresh their code,
// and lets nothing in twice. The same holds for what grew too old, so that a clock set
// ahead and back again forgets nothing. It is safe for concurrent use.
type Memory struct {
	lock  sync.Mutex // guards all below
	room  int
	floor time.Time // what was made at or before counts as shown
	shown map[[16]byte]*remembered
	queue madeFirst // all of shown
}

// remembered is a showing in a memory.
type remembered struct {
	Showing
	read time.Time // when its bytes were last read
}

// NewMemory returns an empty memory with room for a number of showings.
func NewMemory(room int) *Memory {
	return &Memory{room: max(room, 1), shown: make(map[[16]byte]*remembered)}
}

// Seen implements [Replays].
func (m *Memory) Seen(s Showing, now time.Time) bool {
	m.lock.Lock()
	defer m.lock.Unlock()
	if old, ok := m.shown[s.Key]; ok {
		since := now.Sub(old.read)
		if old.Code != s.Code || since < 0 || since > DoubleRead {
			return true
		}
		old.read = now
		return false
	}
	for len(m.queue) > 0 && now.Sub(m.queue[0].At) > MemorySpan {
		m.forgetFirst()
	}
	full := len(m.queue) >= m.room
	if !s.At.After(m.floor) || full && !s.At.After(m.queue[0].At) {
		return true
	}
	if full {
		m.forgetFirst()
	}
	m.add(&remembered{s, now})
	return false
}

// ForgetBefore counts everything made at or before a time as shown: for a terminal
// that has lost its memory and does not know what it has seen.
func (m *Memory) ForgetBefore(t time.Time) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if t.After(m.floor) {
		m.floor = t.UTC().Truncate(time.Second)
	}
	for len(m.queue) > 0 && !m.queue[0].At.After(m.floor) {
		m.forgetFirst()
	}
}

// Len returns how many showings are remembered.
func (m *Memory) Len() int {
	m.lock.Lock()
	defer m.lock.Unlock()
	return len(m.queue)
}

func (m *Memory) add(r *remembered) {
	m.shown[r.Key] = r
	heap.Push(&m.queue, r)
}

func (m *Memory) forgetFirst() {
	r := heap.Pop(&m.queue).(*remembered)
	delete(m.shown, r.Key)
	if r.At.After(m.floor) {
		m.floor = r.At
	}
}

// madeFirst is a heap of showings, the one that was made first on top.
type madeFirst []*remembered

func (q madeFirst) Len() int           { return len(q) }
func (q madeFirst) Less(i, j int) bool { return q[i].At.Before(q[j].At) }
func (q madeFirst) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *madeFirst) Push(r any)        { *q = append(*q, r.(*remembered)) }
func (q *madeFirst) Pop() any {
	last := len(*q) - 1
	r := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return r
}

// A snapshot is a head, the floor, the showings by age, and SM3 of all that. Times are
// 8 bytes, UTC seconds.
const (
	snapshotHead  = "elicence/shown/1\n"
	snapshotEntry = 16 + 16 + 8 + 8
)

// ErrSnapshot says that bytes are not a whole snapshot of a memory.
var ErrSnapshot = errors.New("not a whole snapshot of what was shown")

// Snapshot returns the memory as bytes, for [Restore]. They tell nothing of anybody
// to who does not know a device's key already.
func (m *Memory) Snapshot() []byte {
	m.lock.Lock()
	defer m.lock.Unlock()
	all := slices.SortedFunc(slices.Values(m.queue), func(a, b *remembered) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return bytes.Compare(a.Key[:], b.Key[:])
	})
	out := make([]byte, 0, len(snapshotHead)+8+len(all)*snapshotEntry+sm3.Size)
	out = append(out, snapshotHead...)
	out = binary.BigEndian.AppendUint64(out, uint64(m.floor.Unix()))
	for _, r := range all {
		out = append(append(out, r.Key[:]...), r.Code[:]...)
		out = binary.BigEndian.AppendUint64(out, uint64(r.At.Unix()))
		out = binary.BigEndian.AppendUint64(out, uint64(r.read.Unix()))
	}
	sum := sm3.Sum(out)
	return append(out, sum[:]...)
}

// Restore returns a memory with room for a number of showings from its snapshot. Where
// there is room for fewer than the snapshot has, the oldest are forgotten as in a full
// memory. The error wraps [ErrSnapshot]; see [Memory.ForgetBefore] for what to do then.
func Restore(snapshot []byte, room int) (*Memory, error) {
	body := len(snapshot) - sm3.Size
	if body < len(snapshotHead)+8 || (body-len(snapshotHead)-8)%snapshotEntry != 0 || string(snapshot[:len(snapshotHead)]) != snapshotHead {
		return nil, fmt.Errorf("%d bytes: %w", len(snapshot), ErrSnapshot)
	}
	if sm3.Sum(snapshot[:body]) != [sm3.Size]byte(snapshot[body:]) {
		return nil, fmt.Errorf("its digest is wrong: %w", ErrSnapshot)
	}
	seconds := func(b []byte) time.Time { return time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC() }
	m := NewMemory(room)
	b := snapshot[len(snapshotHead):body]
	m.floor, b = seconds(b), b[8:]
	for ; len(b) > 0; b = b[snapshotEntry:] {
		r := &remembered{Showing{Key: [16]byte(b), Code: [16]byte(b[16:]), At: seconds(b[32:])}, seconds(b[40:])}
		if _, twice := m.shown[r.Key]; twice {
			return nil, fmt.Errorf("a showing stands twice: %w", ErrSnapshot)
		}
		m.add(r)
	}
	for len(m.queue) > m.room {
		m.forgetFirst()
	}
	return m, nil
}
