package detcbor

import "encoding/binary"

// What is written by the thousand is written item by item, without reflection. Whoever does
// so puts the keys of a map in their order and counts its pairs: nothing here looks back,
// and a test compares the result with [Marshal].

// Major types (RFC 8949, 3.1).
const (
	majorUint  = 0 << 5
	majorInt   = 1 << 5
	majorBytes = 2 << 5
	majorText  = 3 << 5
	majorArray = 4 << 5
	majorMap   = 5 << 5
)

// appendHead appends a major type and its argument in the shortest form.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, major|27), n)
	}
}

// AppendUint appends an unsigned integer.
func AppendUint(dst []byte, n uint64) []byte { return appendHead(dst, majorUint, n) }

// AppendInt appends an integer.
func AppendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendHead(dst, majorInt, ^uint64(n)) //nolint:gosec // −1 − n
	}
	return appendHead(dst, majorUint, uint64(n))
}

// AppendBytes appends a byte string.
func AppendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}

// AppendText appends a text, which the caller knows to be valid UTF-8.
func AppendText[T ~string | ~[]byte](dst []byte, s T) []byte {
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}

// AppendArray begins an array of n items, which follow.
func AppendArray(dst []byte, n int) []byte { return appendHead(dst, majorArray, uint64(n)) } //nolint:gosec // a length

// AppendMap begins a map of n pairs, which follow in the order of their keys' encodings.
func AppendMap(dst []byte, n int) []byte { return appendHead(dst, majorMap, uint64(n)) } //nolint:gosec // a length

// CompareText orders texts as the keys of a map: a shorter one comes before a longer one,
// because its encoding does.
func CompareText(a, b string) int {
	switch {
	case len(a) != len(b):
		return len(a) - len(b)
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}
