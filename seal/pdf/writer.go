package pdf

import (
	"math"
	"strconv"
)

// decimalReal writes a number with at most four decimals and no exponent,
// which PDF does not know.
func decimalReal(f float64) value {
	var once *values
	return once.decimal(f)
}

// decimal is decimalReal with the values that are made once.
func (k *values) decimal(f float64) value {
	f = math.Round(f*1e4) / 1e4
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return int64(f)
	}
	var room [32]byte
	return k.real(strconv.AppendFloat(room[:0], f, 'f', -1, 64))
}

// appendValue writes a value in PDF syntax. A stream object is written by the
// increment, never inside another value.
func appendValue(out []byte, v value) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(out, v)
	case int64:
		return strconv.AppendInt(out, v, 10)
	case real:
		return append(out, v...)
	case name:
		return appendName(out, v)
	case str:
		return appendString(out, v)
	case *slot:
		v.at = append(v.at, len(out))
		return appendHex(out, str(make([]byte, slotSize)))
	case ref:
		return append(appendNumbers(out, v), " R"...)
	case array:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ' ')
			}
			out = appendValue(out, e)
		}
		return append(out, ']')
	case *dict:
		out = append(out, "<<"...)
		for _, e := range v.entries {
			out = appendName(out, e.key)
			out = append(out, ' ')
			out = appendValue(out, e.val)
		}
		return append(out, ">>"...)
	}
	return append(out, "null"...)
}

// appendNumbers writes the number and the generation of an object.
func appendNumbers(out []byte, r ref) []byte {
	out = append(strconv.AppendUint(out, uint64(r.num), 10), ' ')
	return strconv.AppendUint(out, uint64(r.gen), 10)
}

// padNumber writes the last digits of a number over zeros, of which there should be enough for
// all of them ([maxOffset]).
func padNumber(zeros []byte, n int64) {
	for i := len(zeros) - 1; i >= 0; i-- {
		zeros[i] = byte('0' + n%10)
		n /= 10
	}
}

// A slot is a string that is known only when all around it is written. It notes where.
type slot struct{ at []int }

// slotSize is the length of a slot's string in bytes.
const slotSize = 16

const upperHex = "0123456789ABCDEF"

func appendName(out []byte, n name) []byte {
	out = append(out, '/')
	for i := range len(n) {
		c := n[i]
		if c <= ' ' || c > '~' || c == '#' || isDelimiter(c) {
			out = append(out, '#', upperHex[c>>4], upperHex[c&15])
			continue
		}
		out = append(out, c)
	}
	return out
}

// appendString writes printable ASCII as a literal string and anything else in
// hexadecimal.
func appendString(out []byte, s str) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return appendHex(out, s)
		}
	}
	out = append(out, '(')
	for i := range len(s) {
		if c := s[i]; c == '(' || c == ')' || c == '\\' {
			out = append(out, '\\')
		}
		out = append(out, s[i])
	}
	return append(out, ')')
}

func appendHex(out []byte, s str) []byte {
	out = append(out, '<')
	for i := range len(s) {
		out = append(out, upperHex[s[i]>>4], upperHex[s[i]&15])
	}
	return append(out, '>')
}
