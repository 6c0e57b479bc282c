package status

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// provinceSize is the number of indices that a province gives out.
const provinceSize = 130_000_000

// province returns lists for 130 million indices of which a share is revoked and
// a tenth of that suspended.
func province(share float64) []*Set {
	sets := make([]*Set, 0, (provinceSize+ListSize-1)/ListSize)
	for left := provinceSize; left > 0; left -= ListSize {
		s := &Set{List: uint32(len(sets) + 1), High: uint32(min(left, ListSize))}
		r := rand.New(rand.NewPCG(uint64(s.List), 130))
		for i := range s.High {
			if f := r.Float64(); f < share {
				s.Revoked.Set(i)
			} else if f < share*1.1 {
				s.Suspended.Set(i)
			}
		}
		sets = append(sets, s)
	}
	return sets
}

// entropy is the least that a random set of n out of size can take, in bytes.
func entropy(n, size int) float64 {
	if n == 0 {
		return 0
	}
	p := float64(n) / float64(size)
	return float64(size) * (-p*math.Log2(p) - (1-p)*math.Log2(1-p)) / 8
}

func snapshot(tb testing.TB, s *State) []byte {
	tb.Helper()
	file, err := s.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// BenchmarkProvinceSnapshot writes the snapshot of 130 million indices, 1 %
// revoked, and reports its size beside the entropy bound of what it holds.
func BenchmarkProvinceSnapshot(b *testing.B) {
	state := &State{Sequence: 1, Sets: province(0.01)}
	revoked, suspended := 0, 0
	for _, s := range state.Sets {
		revoked, suspended = revoked+s.Revoked.Count(), suspended+s.Suspended.Count()
	}
	bound := entropy(revoked, provinceSize) + entropy(suspended, provinceSize)
	size := 0
	for b.Loop() {
		size = len(snapshot(b, state))
	}
	b.ReportMetric(float64(size), "bytes")
	b.ReportMetric(float64(size)/bound, "x-entropy")
}

// empty is the state before the first of the lists of another.
func empty(s *State) *State {
	e := new(State)
	for _, set := range s.Sets {
		e.Sets = append(e.Sets, &Set{List: set.List, High: set.High})
	}
	return e
}

// BenchmarkProvinceDecode reads it: what a terminal does at a start, without
// the set hashes (see BenchmarkProvinceHash).
func BenchmarkProvinceDecode(b *testing.B) {
	state := &State{Sequence: 1, Sets: province(0.01)}
	file := snapshot(b, state)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var loaded *State
	for b.Loop() {
		loaded = empty(state)
		if err := loaded.Apply(file, 0, 1); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20), "MiB-held")
	runtime.KeepAlive(loaded)
	runtime.KeepAlive(state)
}

// BenchmarkProvinceHash hashes the sets, at the speed of SM3.
func BenchmarkProvinceHash(b *testing.B) {
	sets := province(0.01)
	for b.Loop() {
		for _, s := range sets {
			s.Hash()
		}
	}
}

// BenchmarkProvinceDelta writes the changes of a day: 13,000 over all lists, a tenth
// of them suspensions.
func BenchmarkProvinceDelta(b *testing.B) {
	before := &State{Sequence: 1, Sets: province(0.01)}
	r := rand.New(rand.NewPCG(13, 13))
	after := before.Share()
	after.Sequence = 2
	revoked, suspended := 0, 0
	for revoked+suspended < 13_000 {
		s, i := after.Own(uint32(1+r.IntN(len(after.Sets)))), uint32(r.IntN(ListSize))
		switch {
		case i >= s.High || s.Revoked.Has(i):
			continue
		case revoked+suspended < 11_700:
			s.Revoked.Set(i)
			revoked++
		default:
			s.Suspended[i/8] ^= 1 << (i % 8)
			suspended++
		}
	}
	size := 0
	for b.Loop() {
		changes, err := after.Since(before)
		if err != nil {
			b.Fatal(err)
		}
		file, err := after.Delta(changes, 1)
		if err != nil {
			b.Fatal(err)
		}
		size = len(file)
	}
	b.ReportMetric(float64(size), "bytes")
	b.ReportMetric(float64(size)/(entropy(revoked, provinceSize)+entropy(suspended, provinceSize)), "x-entropy")
}

// BenchmarkLookup looks up random indices of random lists: nearly every one is a
// miss of the processor's caches.
func BenchmarkLookup(b *testing.B) {
	sets := province(0.01)
	r := rand.New(rand.NewPCG(1, 1))
	places := make([][2]uint32, 1<<16)
	for i := range places {
		list := r.IntN(len(sets))
		places[i] = [2]uint32{uint32(list), uint32(r.IntN(int(sets[list].High)))}
	}
	found, n := 0, 0
	for b.Loop() {
		p := places[n%len(places)]
		n++
		if s := sets[p[0]]; s.Revoked.Has(p[1]) || s.Suspended.Has(p[1]) {
			found++
		}
	}
	if n > len(places) && found == 0 {
		b.Error("nothing is revoked")
	}
}

// BenchmarkClustered is BenchmarkProvinceSnapshot for a list with batches: the
// case for zstd.
func BenchmarkClustered(b *testing.B) {
	state := &State{Sequence: 1, Sets: []*Set{clustered(22)}}
	indices := indicesOf(&state.Sets[0].Revoked)
	size := 0
	for b.Loop() {
		size = len(snapshot(b, state))
	}
	b.ReportMetric(float64(size), "bytes")
	b.ReportMetric(float64(len(appendRice(nil, indices, bestK(len(indices), ListSize)))), "bytes-rice")
}
