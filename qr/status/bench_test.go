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

func snapshots(b *testing.B, sets []*Set) [][]byte {
	b.Helper()
	files := make([][]byte, len(sets))
	for i, s := range sets {
		file, err := s.Snapshot(1)
		if err != nil {
			b.Fatal(err)
		}
		files[i] = file
	}
	return files
}

// BenchmarkProvinceSnapshot writes the snapshots of 130 million indices, 1 %
// revoked, and reports their size beside the entropy bound of what they hold.
func BenchmarkProvinceSnapshot(b *testing.B) {
	sets := province(0.01)
	bound := 0.0
	for _, s := range sets {
		bound += entropy(s.Revoked.Count(), int(s.High)) + entropy(s.Suspended.Count(), int(s.High))
	}
	size := 0
	for b.Loop() {
		size = 0
		for _, file := range snapshots(b, sets) {
			size += len(file)
		}
	}
	b.ReportMetric(float64(size), "bytes")
	b.ReportMetric(float64(size)/bound, "x-entropy")
}

// BenchmarkProvinceDecode reads them: what a terminal does at a start, without
// the set hashes (see BenchmarkProvinceHash).
func BenchmarkProvinceDecode(b *testing.B) {
	files := snapshots(b, province(0.01))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	loaded := make([]*Set, len(files))
	for b.Loop() {
		for i, file := range files {
			s, err := Apply(file, uint32(i+1), nil, 0, 1)
			if err != nil {
				b.Fatal(err)
			}
			loaded[i] = s
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB-held")
	runtime.KeepAlive(loaded)
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

// BenchmarkProvinceDelta writes the changes of a day: 13,000 over all lists.
func BenchmarkProvinceDelta(b *testing.B) {
	before := province(0.01)
	r := rand.New(rand.NewPCG(13, 13))
	after := make([]*Set, len(before))
	for i, s := range before {
		later := *s
		after[i] = &later
	}
	for changes := 0; changes < 13_000; {
		s, i := after[r.IntN(len(after))], uint32(r.IntN(ListSize))
		switch {
		case i >= s.High || s.Revoked.Has(i):
			continue
		case changes%10 == 0:
			s.Suspended.Set(i)
		default:
			s.Revoked.Set(i)
		}
		changes++
	}
	size := 0
	for b.Loop() {
		size = 0
		for i, s := range after {
			file, err := s.Delta(before[i], 1, 2)
			if err != nil {
				b.Fatal(err)
			}
			size += len(file)
		}
	}
	b.ReportMetric(float64(size), "bytes")
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
	s := clustered(22)
	indices := s.Revoked.indices()
	size := 0
	for b.Loop() {
		file, err := s.Snapshot(1)
		if err != nil {
			b.Fatal(err)
		}
		size = len(file)
	}
	b.ReportMetric(float64(size), "bytes")
	b.ReportMetric(float64(len(appendRice(nil, indices, bestK(len(indices))))), "bytes-rice")
}
