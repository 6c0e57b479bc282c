package syntax

import (
	"math"
	"strconv"
)

// Decimal writes a number with at most four decimals and no exponent,
// which PDF does not know.
func Decimal(f float64) Value {
	var once *values
	return once.decimal(f)
}

// Decimal is the function of that name with the values that the file's reading keeps, of which each is made once.
func (f *File) Decimal(n float64) Value { return f.src.values.decimal(n) }

// decimal is Decimal with the values that are made once.
func (k *values) decimal(f float64) Value {
	f = math.Round(f*1e4) / 1e4
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return int64(f)
	}
	var room [32]byte
	return k.real(strconv.AppendFloat(room[:0], f, 'f', -1, 64))
}

// AppendValue writes a value in PDF syntax. A stream object is written by the
// increment, never inside another value.
func AppendValue(out []byte, v Value) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(out, v)
	case int64:
		return strconv.AppendInt(out, v, 10)
	case Real:
		return append(out, v...)
	case Name:
		return AppendName(out, v)
	case String:
		return appendString(out, v)
	case *slot:
		v.at = append(v.at, len(out))
		return appendHex(out, String(make([]byte, slotSize)))
	case Ref:
		return append(appendNumbers(out, v), " R"...)
	case Array:
		out = append(out, '[')
		for i, e := range v {
			if i > 0 {
				out = append(out, ' ')
			}
			out = AppendValue(out, e)
		}
		return append(out, ']')
	case *Dict:
		out = append(out, "<<"...)
		for _, e := range v.Entries {
			out = AppendName(out, e.Key)
			out = append(out, ' ')
			out = AppendValue(out, e.Val)
		}
		return append(out, ">>"...)
	}
	return append(out, "null"...)
}

// appendNumbers writes the number and the generation of an object.
func appendNumbers(out []byte, r Ref) []byte {
	out = append(strconv.AppendUint(out, uint64(r.Num), 10), ' ')
	return strconv.AppendUint(out, uint64(r.Gen), 10)
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

// AppendName writes a name, with #xx for what is not printable ASCII.
func AppendName(out []byte, n Name) []byte {
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
func appendString(out []byte, s String) []byte {
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

func appendHex(out []byte, s String) []byte {
	out = append(out, '<')
	for i := range len(s) {
		out = append(out, upperHex[s[i]>>4], upperHex[s[i]&15])
	}
	return append(out, '>')
}

// Quoted is a name as a sentence names it, with its slash. Nobody vouches for it, so it is written
// in ASCII as in a file, and its beginning where it is long.
func (n Name) Quoted() string {
	const most = 60 // bytes
	return string(AppendName(nil, n[:min(len(n), most)]))
}
