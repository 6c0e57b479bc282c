package pdf

import "errors"

var errNotDER = errors.New("the signature is not one DER value")

// unpadded cuts the zero bytes that fill up /Contents behind the signature.
// Anything else behind it is refused: those bytes are not signed, and two
// programs may disagree on where the signature ends.
func unpadded(contents []byte) ([]byte, error) {
	n, err := valueLength(contents)
	if err != nil {
		return nil, err
	}
	for _, c := range contents[n:] {
		if c != 0 {
			return nil, errors.New("bytes that are not zero follow the signature's DER value")
		}
	}
	return contents[:n], nil
}

// valueLength returns the length of the BER value at the start of b. Real
// files hold values of indefinite length (ITU-T X.690, 8.1.3.6), whose end is
// only found by going through what is inside.
func valueLength(b []byte) (int, error) {
	const sequence = 0x30
	if len(b) < 2 || b[0] != sequence {
		return 0, errNotDER
	}
	open := 0 // values of indefinite length around the position
	for pos := 0; ; {
		header, length, indefinite, ok := berHeader(b[pos:])
		if !ok {
			return 0, errNotDER
		}
		endOfContents := b[pos] == 0 && header == 2 && length == 0 && open > 0
		pos += header
		switch {
		case endOfContents:
			open--
		case indefinite:
			open++
		default:
			pos += length
		}
		if open == 0 {
			return pos, nil
		}
	}
}

// berHeader reads a tag of one byte and a length of up to four.
func berHeader(b []byte) (int, int, bool, bool) {
	if len(b) < 2 || b[0]&0x1F == 0x1F {
		return 0, 0, false, false
	}
	short := b[1]
	if short < 0x80 {
		return 2, int(short), false, 2+int(short) <= len(b)
	}
	if short == 0x80 {
		return 2, 0, true, b[0]&0x20 != 0
	}
	n := int(short & 0x7F)
	if n > 4 || len(b) < 2+n {
		return 0, 0, false, false
	}
	length := 0
	for _, c := range b[2 : 2+n] {
		length = length<<8 | int(c)
	}
	return 2 + n, length, false, length <= len(b)-2-n
}
