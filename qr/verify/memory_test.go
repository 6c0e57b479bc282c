package verify_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/qr/verify"
)

func showing(n int, at time.Time) verify.Showing {
	var s verify.Showing
	binary.BigEndian.PutUint64(s.Key[:], uint64(n))
	binary.BigEndian.PutUint64(s.Code[:], uint64(n))
	s.At = at
	return s
}

// TestFullMemory: a memory that is full refuses some that are good and takes nothing
// twice.
func TestFullMemory(t *testing.T) {
	t.Parallel()
	m := verify.NewMemory(3)
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	for i, step := range []struct {
		n, made, clock int
		seen           bool
	}{
		{1, 10, 10, false},
		{2, 11, 11, false},
		{3, 12, 12, false},
		{4, 9, 20, true},    // older than all, and there is no room
		{5, 13, 20, false},  // the first is forgotten
		{1, 10, 20, true},   // and still counts as shown
		{6, 10, 21, true},   // with all that were made no later
		{7, 100, 21, false}, // ahead of the clock
		{2, 11, 22, true},
		{8, 12, 22, true},
		{3, 12, 22, true},
	} {
		if seen := m.Seen(showing(step.n, at(step.made)), at(step.clock)); seen != step.seen || m.Len() > 3 {
			t.Errorf("step %d: seen %t, want %t; %d remembered", i, seen, step.seen, m.Len())
		}
	}
}

// TestMemoryForgets: what no window reaches any more makes room, and a clock that was
// ahead and is set back brings nothing back.
func TestMemoryForgets(t *testing.T) {
	t.Parallel()
	m := verify.NewMemory(100)
	for i := range 50 {
		if m.Seen(showing(i, now), now) {
			t.Fatalf("showing %d was seen", i)
		}
	}
	later := now.Add(verify.MemorySpan)
	if m.Seen(showing(50, later), later); m.Len() != 51 {
		t.Errorf("%d remembered at the end of the span, want 51", m.Len())
	}
	later = later.Add(time.Second)
	if m.Seen(showing(51, later), later); m.Len() != 2 {
		t.Errorf("%d remembered after the span, want 2", m.Len())
	}
	if !m.Seen(showing(7, now), now.Add(time.Minute)) {
		t.Error("what was forgotten is taken again after the clock was set back")
	}
	m.ForgetBefore(later)
	if m.Len() != 0 || !m.Seen(showing(99, later), later) || m.Seen(showing(99, later.Add(time.Second)), later) {
		t.Error("ForgetBefore does not count all before as shown, or more than that")
	}
}

// TestMemoryAgainstModel compares with a memory that forgets nothing: whatever that has
// seen is never taken.
func TestMemoryAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		m := verify.NewMemory(1 + r.IntN(40))
		clock := now
		taken := make(map[verify.Showing]time.Time)
		fresh := 0
		for range 5000 {
			clock = clock.Add(time.Duration(r.IntN(5)) * time.Second)
			if r.IntN(500) == 0 {
				clock = clock.Add(time.Duration(r.IntN(7200)-3600) * time.Second)
			}
			if r.IntN(100) == 0 {
				restored, err := verify.Restore(m.Snapshot(), 1+r.IntN(40))
				if err != nil {
					t.Fatal(err)
				}
				m = restored
			}
			s := showing(r.IntN(300), clock.Truncate(10*time.Second).Add(time.Duration(r.IntN(181)-90)*time.Second))
			s.Key[15] = byte(s.At.Unix()) // a device in a second
			binary.BigEndian.PutUint32(s.Key[8:], uint32(s.At.Unix()))
			s.Code = s.Key
			seen := m.Seen(s, clock)
			last, before := taken[s]
			if !seen {
				if since := clock.Sub(last); before && (since < 0 || since > verify.DoubleRead) {
					t.Fatalf("seed %d: taken again %s after it was taken", seed, clock.Sub(last))
				}
				taken[s] = clock
				fresh++
			}
		}
		if fresh < 100 {
			t.Errorf("seed %d: only %d are taken: this test shows little", seed, fresh)
		}
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	m := verify.NewMemory(10)
	for i := range 10 {
		m.Seen(showing(i, now.Add(time.Duration(i%3)*time.Second)), now)
	}
	m.Seen(showing(10, now.Add(time.Minute)), now)
	snapshot := m.Snapshot()
	restored, err := verify.Restore(snapshot, 10)
	if err != nil || restored.Len() != m.Len() || !bytes.Equal(restored.Snapshot(), snapshot) {
		t.Fatalf("restored %d of %d, %v", restored.Len(), m.Len(), err)
	}
	later := now.Add(time.Minute)
	for i := range 11 {
		if !restored.Seen(showing(i, now.Add(time.Duration(i%3)*time.Second)), later) {
			t.Errorf("showing %d is taken again after a restart", i)
		}
	}
	small, err := verify.Restore(snapshot, 2)
	if err != nil || small.Len() != 2 || !small.Seen(showing(0, now), later) {
		t.Errorf("in a smaller memory: %v", err)
	}
	for i := range snapshot {
		torn := bytes.Clone(snapshot)
		torn[i] ^= 1
		for _, b := range [][]byte{torn, snapshot[:i]} {
			if _, err := verify.Restore(b, 10); !errors.Is(err, verify.ErrSnapshot) {
				t.Fatalf("byte %d: %v, want ErrSnapshot", i, err)
			}
		}
	}
	body := snapshot[:len(snapshot)-sm3.Size]
	twice := append(bytes.Clone(body), body[len(body)-48:]...)
	sum := sm3.Sum(twice)
	if _, err := verify.Restore(append(twice, sum[:]...), 20); !errors.Is(err, verify.ErrSnapshot) {
		t.Errorf("a showing that stands twice: %v", err)
	}
	empty, err := verify.Restore(verify.NewMemory(3).Snapshot(), 3)
	if err != nil || empty.Len() != 0 || empty.Seen(showing(1, now), now) {
		t.Errorf("an empty memory: %v", err)
	}
}

func FuzzRestore(f *testing.F) {
	m := verify.NewMemory(4)
	for i := range 3 {
		m.Seen(showing(i, now), now)
	}
	snapshot := m.Snapshot()
	f.Add(snapshot[:len(snapshot)-sm3.Size])
	f.Fuzz(func(t *testing.T, body []byte) {
		// With a right digest, which no fuzzer finds.
		sum := sm3.Sum(body)
		b := append(bytes.Clone(body), sum[:]...)
		m, err := verify.Restore(b, 8)
		if err != nil {
			if !errors.Is(err, verify.ErrSnapshot) {
				t.Errorf("error %v does not wrap ErrSnapshot", err)
			}
			return
		}
		if m.Len() > 8 {
			t.Errorf("%d remembered in a memory for 8", m.Len())
		}
		m.Seen(showing(1, now), now)
	})
}

// TestOnceAmongMany: of many scans at the same moment one is the first.
func TestOnceAmongMany(t *testing.T) {
	t.Parallel()
	m := verify.NewMemory(1000)
	for second := range 50 {
		var group sync.WaitGroup
		var taken atomic.Int32
		for i := range 8 {
			s := showing(second, now.Add(time.Duration(second)*time.Second))
			s.Code[15] = byte(i)
			group.Go(func() {
				if !m.Seen(s, now) {
					taken.Add(1)
				}
			})
		}
		group.Wait()
		if taken.Load() != 1 {
			t.Fatalf("%d of eight are taken", taken.Load())
		}
	}
}
