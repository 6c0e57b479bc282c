package status

import (
	"encoding/binary"
	"math/bits"
)

// maxK is the largest Rice parameter: one index of 2^30.
const maxK = 30

// appendRice appends the Rice coding of ascending positions, padded with zeros to
// whole bytes.
func appendRice(dst []byte, positions []uint32, k uint64) []byte {
	w := bitWriter{out: dst}
	next := uint32(0)
	for _, i := range positions {
		gap := uint64(i - next)
		quotient := gap >> k
		for ; quotient >= 32; quotient -= 32 {
			w.put(1<<32-1, 32)
		}
		w.put((1<<quotient-1)<<1, int(quotient)+1)
		w.put(gap&(1<<k-1), int(k))
		next = i + 1
	}
	return w.finish()
}

// bestK is the exact parameter for geometrically distributed gaps:
// round(log2(ln 2 · size/count)), 0 where more than half are set.
func bestK(count int, size uint64) uint64 {
	if count == 0 {
		return 0
	}
	// ln 2 ≈ 45426/65536
	mean := size * 45426 / 65536 / uint64(count)
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

// decodeRice calls put with the positions, which are below a size. It returns what
// is wrong, or nothing. The one accepted coding is what appendRice writes: no bits
// are left over and none of the padding is set.
func decodeRice(coded []byte, count, k, size uint64, put func(uint32)) string {
	// With eight more bytes a whole word can be read at every position. They
	// read as zeros, so a value that runs over the end is seen by its position.
	padded := append(coded[:len(coded):len(coded)], make([]byte, 8)...)
	total := 8 * uint64(len(coded))
	position, next := uint64(0), uint64(0)
	for range count {
		word := peek(padded, position)
		ones := uint64(bits.LeadingZeros64(^word))
		quotient := uint64(0)
		for ones > 56 { // the zero that ends them is not in this word
			quotient += 56
			position += 56
			if position >= total {
				return "ends early"
			}
			word = peek(padded, position)
			ones = uint64(bits.LeadingZeros64(^word))
		}
		quotient += ones
		position += ones + 1
		if ones+1+k > 57 && position < total {
			word = peek(padded, position)
		} else {
			word <<= ones + 1
		}
		position += k
		if position > total {
			return "ends early"
		}
		at := next + quotient<<k + word>>(64-k)
		if at >= size {
			return "an index is beyond the lists"
		}
		put(uint32(at))
		next = at + 1
	}
	if (position+7)/8 != uint64(len(coded)) || peek(padded, position) != 0 {
		return "unused bits at the end"
	}
	return ""
}

// peek returns the bits from a position on, most significant first: at least
// 57 of them, then zeros.
func peek(padded []byte, position uint64) uint64 {
	return binary.BigEndian.Uint64(padded[position/8:]) << (position % 8)
}

type bitWriter struct {
	out     []byte
	pending uint64 // the last n bits are not yet in out
	n       int    // below 8 between calls
}

// put appends the last n bits of v, at most 33; the others must be zero.
func (w *bitWriter) put(v uint64, n int) {
	w.pending = w.pending<<n | v
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.pending>>(w.n-8)))
	}
}

func (w *bitWriter) finish() []byte {
	if w.n > 0 {
		w.put(0, 8-w.n)
	}
	return w.out
}
