package trust

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
)

// TestGenuine: what is known is found, each at its own index, and nothing else.
func TestGenuine(t *testing.T) {
	t.Parallel()
	key := pkitest.NewKey(t)
	point := pkitest.NewKey(t).Public().Point()
	r := rand.New(rand.NewPCG(1, 8))
	var known []GenuineCredential
	for range 5000 {
		c := GenuineCredential{List: []uint32{1, 7, 1<<32 - 1}[r.IntN(3)], Index: uint32(r.IntN(status.ListSize))}
		for i := range c.Digest {
			c.Digest[i] = byte(r.Uint32())
		}
		known = append(known, c)
		if r.IntN(10) == 0 { // a reprint
			c.Digest[0]++
			known = append(known, c)
		}
	}
	known = append(known, GenuineCredential{List: 1}, GenuineCredential{List: 1, Index: status.ListSize - 1}, known[3])
	signed, err := SignGenuine(point, known, second.Opinion{}, key)
	if err != nil {
		t.Fatal(err)
	}
	role := RoleKeys{Points: []pki.Point{key.Public().Point()}}
	g, err := openGenuine(signed, point, role, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range known {
		if !g.Has(c) {
			t.Fatalf("%v is not found", c)
		}
		for _, other := range []GenuineCredential{{c.List, c.Index ^ 1, c.Digest}, {c.List ^ 2, c.Index, c.Digest}, {c.List, c.Index, GenuineDigest{1}}} {
			if g.Has(other) && !slices.Contains(known, other) {
				t.Errorf("%v is found", other)
			}
		}
	}
	if perEntry := float64(len(signed)) / float64(len(known)); perEntry > 10.5 {
		t.Errorf("%.1f bytes a credential", perEntry)
	}
	if _, err := openGenuine(signed, key.Public().Point(), role, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("of another key: %v, want ErrInvalid", err)
	}
	var again []GenuineCredential
	for i := range maxSameIndex + 1 {
		again = append(again, GenuineCredential{List: 1, Index: 4, Digest: GenuineDigest{byte(i)}})
	}
	if _, err := SignGenuine(point, again, second.Opinion{}, key); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many of one index: %v, want ErrInvalid", err)
	}
	if g, err := SignGenuine(point, nil, second.Opinion{}, key); err != nil || len(g) == 0 {
		t.Errorf("nothing is known: %v", err)
	}
}

func TestGenuineRefuses(t *testing.T) {
	t.Parallel()
	point := pkitest.NewKey(t).Public().Point()
	digests := make([]byte, 24)
	digests[8], digests[16] = 1, 2
	parse := func(lists ...genuineList) error {
		t.Helper()
		payload, err := detcbor.Marshal(genuineFile{Point: point, Lists: lists})
		if err != nil {
			t.Fatal(err)
		}
		_, err = parseGenuine(payload, point)
		return err
	}
	if err := parse(genuineList{List: 1, Gaps: []byte{3, 0, 9}, Digests: digests}); err != nil {
		t.Fatalf("the control: %v", err)
	}
	for name, lists := range map[string][]genuineList{
		"a list of nothing":         {{List: 1}},
		"lists out of order":        {{List: 2, Gaps: []byte{3}, Digests: digests[:8]}, {List: 1, Gaps: []byte{3}, Digests: digests[:8]}},
		"a list twice":              {{List: 2, Gaps: []byte{3}, Digests: digests[:8]}, {List: 2, Gaps: []byte{3}, Digests: digests[:8]}},
		"a list beyond 2^32":        {{List: 1 << 32, Gaps: []byte{3}, Digests: digests[:8]}},
		"a digest cut off":          {{List: 1, Gaps: []byte{3}, Digests: digests[:7]}},
		"fewer indices":             {{List: 1, Gaps: []byte{3, 0}, Digests: digests}},
		"more indices":              {{List: 1, Gaps: []byte{3, 0, 9, 1}, Digests: digests}},
		"an index cut off":          {{List: 1, Gaps: []byte{3, 0, 0x80}, Digests: digests}},
		"an index in a longer form": {{List: 1, Gaps: []byte{0x83, 0, 0, 9}, Digests: digests}},
		"an index beyond the list":  {{List: 1, Gaps: []byte{0x80, 0x80, 0x40}, Digests: digests[:8]}},
		"indices that run over it":  {{List: 1, Gaps: []byte{0xff, 0xff, 0x3f, 1}, Digests: digests[:16]}},
		"a digest twice":            {{List: 1, Gaps: []byte{3, 0}, Digests: make([]byte, 16)}},
	} {
		if err := parse(lists...); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}

func FuzzGenuine(f *testing.F) {
	var point pki.Point
	good, err := detcbor.Marshal(genuineFile{Point: point, Lists: []genuineList{{List: 1, Gaps: []byte{3, 9}, Digests: make([]byte, 16)}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, payload []byte) {
		g, err := parseGenuine(payload, point)
		if err != nil {
			return
		}
		for _, l := range g.lists {
			if !slices.IsSorted(l.indices) || len(l.digests) != 8*len(l.indices) {
				t.Error("indices and digests do not belong together")
			}
		}
	})
}

// BenchmarkGenuine opens what is known of a million credentials, as a terminal does
// after a theft.
func BenchmarkGenuine(b *testing.B) {
	key := pkitest.NewKey(b)
	known := make([]GenuineCredential, 1_000_000)
	r := rand.New(rand.NewPCG(1, 9))
	for i := range known {
		known[i] = GenuineCredential{List: uint32(1 + i/500_000), Index: uint32(i % 500_000 * 2), Digest: GenuineDigest{byte(r.Uint32()), byte(i), byte(i >> 8), byte(i >> 16)}}
	}
	signed, err := SignGenuine(key.Public().Point(), known, second.Opinion{}, key)
	if err != nil {
		b.Fatal(err)
	}
	role := RoleKeys{Points: []pki.Point{key.Public().Point()}}
	for b.Loop() {
		if _, err := openGenuine(signed, key.Public().Point(), role, second.Opinion{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(signed)), "bytes")
}
