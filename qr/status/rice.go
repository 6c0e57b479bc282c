package status

import (
	"fmt"
	"math/bits"
)

// rice is a plane, or the change of one, as it travels.
type rice struct {
	_     struct{} `cbor:",toarray"`
	Count uint64   // indices
	K     uint64   // bits of remainder, 0…20
	Bits  []byte   // padded with zeros to whole bytes
}

const maxK = 20

// encodeRice codes ascending indices with the parameter that suits their number.
func encodeRice(indices []uint32) rice {
	r := rice{Count: uint64(len(indices)), K: bestK(len(indices))}
	if len(indices) == 0 {
		return r
	}
	var w bitWriter
	next := uint32(0)
	for _, i := range indices {
		gap := i - next
		for range gap >> r.K {
			w.bit(1)
		}
		w.bit(0)
		for b := int(r.K) - 1; b >= 0; b-- {
			w.bit(byte(gap >> b & 1))
		}
		next = i + 1
	}
	r.Bits = w.out
	return r
}

// bestK is the exact parameter for geometrically distributed gaps:
// round(log2(ln 2 · size/count)), 0 where more than half are set.
func bestK(count int) uint64 {
	if count == 0 {
		return 0
	}
	// ln 2 ≈ 45426/65536
	mean := uint64(ListSize) * 45426 / 65536 / uint64(count)
	if mean == 0 {
		return 0
	}
	k := uint64(bits.Len64(mean)) - 1
	// Round up when mean is nearer to 2^(k+1) on the logarithmic scale: √2.
	if mean*mean >= 2<<(2*k) {
		k++
	}
	return min(k, maxK)
}

// decode puts the indices into a plane that holds none of them. The one
// accepted coding is what encodeRice writes: the same parameter, no unused
// bits set.
func (r rice) decode(plane *Plane) error {
	bad := func(what string) error { return fmt.Errorf("coded plane: %s: %w", what, ErrMalformed) }
	if r.Count > ListSize || r.K != bestK(int(r.Count)) {
		return bad("count or parameter out of range")
	}
	in := bitReader{b: r.Bits}
	next := uint64(0)
	for range r.Count {
		quotient, ok := in.ones()
		if !ok {
			return bad("ends early")
		}
		remainder, ok := in.take(int(r.K))
		if !ok {
			return bad("ends early")
		}
		index := next + uint64(quotient)<<r.K + uint64(remainder)
		if index >= ListSize {
			return bad("an index is beyond the list")
		}
		plane.Set(uint32(index))
		next = index + 1
	}
	if !in.finished() {
		return bad("unused bits at the end")
	}
	return nil
}

type bitWriter struct {
	out []byte
	n   int
}

func (w *bitWriter) bit(b byte) {
	if w.n%8 == 0 {
		w.out = append(w.out, 0)
	}
	w.out[len(w.out)-1] |= b << (7 - w.n%8)
	w.n++
}

type bitReader struct {
	b []byte
	n int // bits read
}

// ones counts ones up to a zero, which it takes as well.
func (r *bitReader) ones() (int, bool) {
	count := 0
	for {
		if r.n >= 8*len(r.b) {
			return 0, false
		}
		// The rest of this byte, shifted to the top and filled up with zeros.
		rest := r.b[r.n/8] << (r.n % 8)
		left := 8 - r.n%8
		ones := min(bits.LeadingZeros8(^rest), left)
		count += ones
		r.n += ones
		if ones < left {
			r.n++
			return count, true
		}
	}
}

func (r *bitReader) take(k int) (uint32, bool) {
	if r.n+k > 8*len(r.b) {
		return 0, false
	}
	var v uint32
	for k > 0 {
		left := 8 - r.n%8
		use := min(left, k)
		chunk := r.b[r.n/8] << (r.n % 8) >> (8 - use)
		v = v<<use | uint32(chunk)
		r.n += use
		k -= use
	}
	return v, true
}

// finished reports whether only zero bits of the last byte are left.
func (r *bitReader) finished() bool {
	if (r.n+7)/8 != len(r.b) {
		return false
	}
	return r.n%8 == 0 || r.b[len(r.b)-1]<<(r.n%8) == 0
}
