package detcbor

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestAppend: what is written item by item is what the library writes.
func TestAppend(t *testing.T) {
	t.Parallel()
	is := func(what string, got []byte, v any) {
		t.Helper()
		want, err := Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", what, got, want)
		}
	}
	for _, n := range []uint64{0, 1, 23, 24, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxUint64} {
		is("unsigned", AppendUint(nil, n), n)
		is("positive", AppendInt(nil, int64(n>>1)), int64(n>>1))
		is("negative", AppendInt(nil, -int64(n>>1)-1), -int64(n>>1)-1)
	}
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536} {
		is("bytes", AppendBytes(nil, make([]byte, n)), make([]byte, n))
		text := strings.Repeat("字", n)
		is("text", AppendText(nil, text), text)
	}
	for _, n := range []int{0, 1, 23, 24, 300} {
		array, numbers := AppendArray(nil, n), make([]uint64, n)
		pairs, m := AppendMap(nil, n), make(map[string]uint64)
		var keys []string
		for i := range n {
			numbers[i] = uint64(i * i)
			array = AppendUint(array, numbers[i])
			key := strings.Repeat("k", i%30) + string(rune('a'+i/30))
			keys = append(keys, key)
			m[key] = uint64(i)
		}
		slices.SortFunc(keys, CompareText)
		for _, key := range keys {
			pairs = AppendUint(AppendText(pairs, key), m[key])
		}
		is("array", array, numbers)
		is("map", pairs, m)
	}
}
