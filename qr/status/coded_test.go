package status

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/elicence/elicence/internal/tooltest"
)

// naive decodes a coded plane as docs/trust-format.md describes it, one
// character a bit, and shares nothing with the decoder.
func naive(tb testing.TB, count, coding uint64, b []byte) []uint32 {
	tb.Helper()
	var indices []uint32
	if coding == 32 {
		d, err := zstd.NewReader(bytes.NewReader(b))
		if err != nil {
			tb.Fatal(err)
		}
		defer d.Close()
		var gaps bytes.Buffer
		if _, err := d.WriteTo(&gaps); err != nil {
			tb.Fatal(err)
		}
		next := uint32(0)
		for range count {
			gap, shift := uint32(0), 0
			for {
				octet, err := gaps.ReadByte()
				if err != nil {
					tb.Fatal(err)
				}
				gap |= uint32(octet%128) << shift
				shift += 7
				if octet < 128 {
					break
				}
			}
			indices = append(indices, next+gap)
			next += gap + 1
		}
		return indices
	}
	var text strings.Builder
	for _, octet := range b {
		for bit := 7; bit >= 0; bit-- {
			text.WriteByte('0' + octet>>bit&1)
		}
	}
	bits := text.String()
	next := uint32(0)
	for range count {
		ones := strings.IndexByte(bits, '0')
		bits = bits[ones+1:]
		gap := uint32(ones)
		for _, bit := range bits[:coding] {
			gap = gap*2 + uint32(bit-'0')
		}
		bits = bits[coding:]
		indices = append(indices, next+gap)
		next += gap + 1
	}
	return indices
}

// TestNaive: a naive reader finds the same indices in what is written, in both
// codings.
func TestNaive(t *testing.T) {
	t.Parallel()
	all := new(Plane)
	for i := range all {
		all[i] = 0xff
	}
	late := planeOf(ListSize-1, ListSize-2)
	long := new(Plane) // gaps far above what the parameter expects
	for i := range uint32(ListSize / 3) {
		long.Set(ListSize - 1 - i)
	}
	codings := make(map[uint64]bool)
	for name, p := range map[string]*Plane{
		"none": new(Plane), "first": planeOf(0), "last": planeOf(ListSize - 1), "late": late, "all": all, "long": long,
		"1 %": &randomSet(11, 1, 10486, 0).Revoked, "half": &randomSet(12, 1, ListSize/2, 0).Revoked, "clustered": &clustered(13).Revoked,
	} {
		indices := indicesOf(p)
		c, err := encode(indices, ListSize)
		if err != nil {
			t.Fatal(err)
		}
		k := bestK(len(indices), ListSize)
		for _, c := range []coded{c, {Count: c.Count, Coding: k, Bytes: appendRice(nil, indices, k)}} {
			codings[min(c.Coding, 31)] = true
			if got := naive(t, c.Count, c.Coding, c.Bytes); !slices.Equal(got, indices) {
				t.Errorf("%s, coding %d: the naive reader finds %d indices, want %d", name, c.Coding, len(got), len(indices))
			}
			if back, err := decodeList(c); err != nil || back != *p {
				t.Errorf("%s, coding %d: decode does not give the plane back: %v", name, c.Coding, err)
			}
		}
	}
	if !codings[31] || !codings[0] || !codings[6] {
		t.Errorf("codings %v, want zstd, and Rice with parameters 0 and 6 among them", codings)
	}
}

// decodeList decodes the indices of one whole list.
func decodeList(c coded) (Plane, error) {
	var p Plane
	err := c.decode([]span{{list: 1, end: ListSize}}, func(_ *span, index uint32) { p.Set(index) })
	return p, err
}

// TestSmallerWins: batches go under zstd, what is strewn at random under Rice.
func TestSmallerWins(t *testing.T) {
	t.Parallel()
	indices := indicesOf(&clustered(14).Revoked)
	c, err := encode(indices, ListSize)
	if err != nil {
		t.Fatal(err)
	}
	rice := appendRice(nil, indices, bestK(len(indices), ListSize))
	if c.Coding != codingZstd || len(c.Bytes) >= len(rice) {
		t.Errorf("batches: coding %d with %d bytes, Rice takes %d", c.Coding, len(c.Bytes), len(rice))
	}
	if c, err = encode(indicesOf(&randomSet(15, 1, 10486, 0).Revoked), ListSize); err != nil {
		t.Fatal(err)
	}
	if c.Coding != 6 {
		t.Errorf("strewn: coding %d, want Rice with k = 6", c.Coding)
	}
}

// TestZstdProgram: the reference program reads our frames, and we read its.
func TestZstdProgram(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "zstd")
	batches := clustered(23).Revoked
	c, err := encode(indicesOf(&batches), ListSize)
	if err != nil || c.Coding != codingZstd {
		t.Fatalf("coding %d, %v", c.Coding, err)
	}
	dir := t.TempDir()
	ours, plain := filepath.Join(dir, "ours.zst"), filepath.Join(dir, "gaps")
	if err := os.WriteFile(ours, c.Bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	tooltest.Run(t, "zstd", "-q", "-d", ours, "-o", plain)
	theirs := tooltest.Run(t, "zstd", "-q", "-19", "--no-check", "--single-thread", "-c", plain)
	back, err := decodeList(coded{Count: c.Count, Coding: codingZstd, Bytes: []byte(theirs)})
	if err != nil || back != batches {
		t.Errorf("the program's frame of what it unpacked from ours: %v", err)
	}
}

// pack puts gaps that need not make sense into a frame.
func pack(tb testing.TB, gaps []byte, options ...zstd.EOption) []byte {
	tb.Helper()
	e, err := zstd.NewWriter(nil, append([]zstd.EOption{zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1)}, options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return e.EncodeAll(gaps, nil)
}

// bomb is a frame of 1 GiB of zeros in a few bytes: blocks of one repeated byte.
func bomb() []byte {
	frame := binary.LittleEndian.AppendUint32([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}, 1<<30)
	for range 1 << 13 {
		frame = append(frame, 0x02, 0x00, 0x10, 0)
	}
	return append(frame, 1, 0, 0)
}

// TestBombTakesNoRoom: it is refused before anything is allocated for it. The test
// runs alone, as it counts what the whole process allocates.
func TestBombTakesNoRoom(t *testing.T) {
	c := coded{Count: 3, Coding: codingZstd, Bytes: bomb()}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := decodeList(c)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > 1<<20 {
		t.Errorf("decode = %v and allocates %d bytes, want it refused at once", err, used)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := pack(t, []byte{3, 0, 5})
	if _, err := decodeList(coded{Count: 3, Coding: codingZstd, Bytes: good}); err != nil {
		t.Fatalf("the control: %v", err)
	}
	skippable := append([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}, good...)
	liar := slices.Clone(good)
	liar[5]++ // the content size
	rice := func(count uint64, octets ...byte) coded {
		return coded{Count: count, Coding: bestK(int(count), ListSize), Bytes: octets}
	}
	for name, c := range map[string]coded{
		"a count beyond the list":        {Count: ListSize + 1, Coding: codingZstd, Bytes: good},
		"a count of 2^63":                {Count: 1 << 63, Coding: 0},
		"an unknown coding":              {Count: 3, Coding: 33, Bytes: good},
		"another parameter":              {Count: 3, Coding: 17, Bytes: make([]byte, 8)},
		"nothing under zstd":             {Count: 0, Coding: codingZstd, Bytes: pack(t, []byte{})},
		"nothing with bytes":             rice(0, 0),
		"Rice cut off":                   rice(3, 0, 0, 0x60, 0, 0, 0, 2),
		"Rice with a byte more":          rice(3, 0, 0, 0x60, 0, 0, 0, 2, 0x80, 0),
		"Rice with padding set":          rice(3, 0, 0, 0x60, 0, 0, 0, 2, 0x81),
		"Rice beyond the list":           rice(1, 0xf8, 0, 0, 0),
		"Rice of ones only":              rice(1, bytes.Repeat([]byte{0xff}, 4096)...),
		"Rice of no bytes":               rice(3),
		"Rice of far too few bytes":      rice(1000, 0, 0),
		"a frame with a window":          {Count: 3, Coding: codingZstd, Bytes: []byte{0x28, 0xb5, 0x2f, 0xfd, 0x80, 0, 3, 0, 0, 0, 0x19, 0, 0, 3, 0, 5}},
		"a frame with a dictionary":      {Count: 3, Coding: codingZstd, Bytes: []byte{0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 3, 0x19, 0, 0, 3, 0, 5}},
		"no frame":                       {Count: 3, Coding: codingZstd, Bytes: []byte{3, 0, 5}},
		"an empty frame":                 {Count: 3, Coding: codingZstd},
		"a frame cut off":                {Count: 3, Coding: codingZstd, Bytes: good[:len(good)-1]},
		"a frame with a byte more":       {Count: 3, Coding: codingZstd, Bytes: append(slices.Clone(good), 0)},
		"two frames":                     {Count: 3, Coding: codingZstd, Bytes: append(slices.Clone(good), pack(t, []byte{1})...)},
		"a frame and an empty one":       {Count: 3, Coding: codingZstd, Bytes: append(slices.Clone(good), 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0)},
		"a skippable frame":              {Count: 3, Coding: codingZstd, Bytes: skippable},
		"a frame with a checksum":        {Count: 3, Coding: codingZstd, Bytes: pack(t, []byte{3, 0, 5}, zstd.WithEncoderCRC(true))},
		"a frame that lies on its size":  {Count: 3, Coding: codingZstd, Bytes: liar},
		"a frame of a gibibyte":          {Count: 3, Coding: codingZstd, Bytes: bomb()},
		"fewer gaps than indices":        {Count: 4, Coding: codingZstd, Bytes: good},
		"more gaps than indices":         {Count: 2, Coding: codingZstd, Bytes: good},
		"a gap cut off":                  {Count: 1, Coding: codingZstd, Bytes: pack(t, []byte{0x80})},
		"a gap in a longer form":         {Count: 1, Coding: codingZstd, Bytes: pack(t, []byte{0x83, 0})},
		"a gap beyond the list":          {Count: 1, Coding: codingZstd, Bytes: pack(t, []byte{0x80, 0x80, 0x40})},
		"a gap of 2^64":                  {Count: 1, Coding: codingZstd, Bytes: pack(t, append(bytes.Repeat([]byte{0xff}, 9), 1))},
		"gaps that together run over it": {Count: 2, Coding: codingZstd, Bytes: pack(t, []byte{0xff, 0xff, 0x3f, 0})},
	} {
		if _, err := decodeList(c); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: decode = %v, want ErrMalformed", name, err)
		}
	}
}

// FuzzDecode feeds both codings.
func FuzzDecode(f *testing.F) {
	f.Add(uint64(3), uint64(18), []byte{0, 0, 0x60, 0, 0, 0, 2, 0x80})
	f.Add(uint64(3), uint64(codingZstd), pack(f, []byte{3, 0, 5}))
	batches, err := encode(indicesOf(&clustered(16).Revoked), ListSize)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(batches.Count, batches.Coding, batches.Bytes)
	f.Fuzz(func(t *testing.T, count, coding uint64, b []byte) {
		if len(b) > 4*planeBytes {
			return
		}
		p, err := decodeList(coded{Count: count, Coding: coding, Bytes: b})
		if err != nil {
			return
		}
		indices := indicesOf(&p)
		if got := naive(t, count, coding, b); !slices.Equal(got, indices) {
			t.Errorf("the naive reader finds %d indices, want %d", len(got), len(indices))
		}
		if again := appendRice(nil, indices, bestK(len(indices), ListSize)); coding != codingZstd && !bytes.Equal(again, b) {
			t.Error("an accepted Rice coding is not the one coding of its plane")
		}
	})
}

// FuzzApply feeds snapshots and deltas to one state.
func FuzzApply(f *testing.F) {
	before, after := changed(f, 18)
	changes, err := after.Since(before)
	if err != nil {
		f.Fatal(err)
	}
	delta, err := after.Delta(changes, 1)
	if err != nil {
		f.Fatal(err)
	}
	small := &State{Sequence: 3, Sets: []*Set{{List: 2, High: 4096}}}
	small.Sets[0].Revoked.Set(7)
	for _, file := range [][]byte{delta, snapshot(f, after), snapshot(f, small), snapshot(f, &State{Sequence: 3})} {
		f.Add(file)
		f.Add(file[:len(file)-1])
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, from := range []uint64{0, 1} {
			start := empty(before)
			if from > 0 {
				start = before.Share()
			}
			got := start.Share()
			if err := got.Apply(file, from, 3); err != nil {
				continue
			}
			if got.Sequence != 3 {
				t.Errorf("an accepted file leads to %d", got.Sequence)
			}
			if err := got.Follows(start); err != nil {
				t.Errorf("an accepted file: %v", err)
			}
			if from > 0 {
				again := got.Share()
				again.Sequence = 2
				if err := again.Apply(file, from, 3); err != nil || !same(got, again) {
					t.Errorf("a delta applied twice leads elsewhere: %v", err)
				}
			}
			for _, set := range got.Sets {
				set.High = ListSize
			}
			if back := empty(got); back.Apply(snapshot(t, got), 0, 3) != nil || !same(back, got) {
				t.Error("the state of an accepted file does not come back")
			}
		}
	})
}

func same(a, b *State) bool {
	if len(a.Sets) != len(b.Sets) {
		return false
	}
	for i := range a.Sets {
		if *a.Sets[i] != *b.Sets[i] {
			return false
		}
	}
	return true
}

// changed returns a state of three lists, the second of them empty, and a later one.
func changed(tb testing.TB, seed uint64) (*State, *State) {
	tb.Helper()
	before := &State{Sequence: 1, Sets: []*Set{randomSet(seed, 1, 500, 60), {List: 4, High: 4096}, randomSet(seed+1, 9, 300, 20)}}
	after := before.Share()
	after.Sequence = 3
	r := rand.New(rand.NewPCG(seed, 3))
	for range 200 {
		list := []uint32{1, 9}[r.IntN(2)]
		after.Own(list).Revoked.Set(uint32(r.IntN(ListSize)))
		i := uint32(r.IntN(ListSize))
		after.Own(list).Suspended[i/8] ^= 1 << (i % 8)
	}
	for _, i := range indicesOf(&before.Sets[0].Suspended)[:20] {
		after.Own(1).Suspended.Clear(i)
	}
	return before, after
}

// indicesOf returns the indices in a plane, ascending.
func indicesOf(p *Plane) []uint32 {
	var found []uint32
	for i := range uint32(ListSize) {
		if p.Has(i) {
			found = append(found, i)
		}
	}
	return found
}
