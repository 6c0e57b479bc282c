package cms

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxNesting bounds how deep values in BER lie in each other.
const maxNesting = 32

var errNotBER = errors.New("not one value in BER")

// inDER returns a message in DER. Programs that write while they still hash begin it with
// a length that is not known yet, 30 80 (X.690, 8.1.3.6), and cut the content into pieces
// (8.7.3); that is taken to DER, whose meaning is the same. Whatever begins otherwise is
// returned as it is.
//
// Lengths become definite and as short as may be, and an OCTET STRING in pieces becomes
// one. The rest stays as it was written: a set out of order is not put into order, and
// other strings in pieces, which nobody writes here, are refused.
func inDER(message []byte) ([]byte, error) {
	if len(message) < 2 || message[0] != 0x30 || message[1] != 0x80 {
		return message, nil
	}
	if len(message) > MaxSize {
		return nil, malformed("a message in BER that is too large")
	}
	v, rest, err := readBER(message, 0)
	if err != nil || len(rest) > 0 {
		return nil, malformed(errNotBER.Error())
	}
	return v.der()
}

// berValue is a value with its content in DER.
type berValue struct {
	tag     cbasn1.Tag
	content []byte
}

func (v berValue) der() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(v.content)+6))
	b.AddASN1(v.tag, func(b *cryptobyte.Builder) { b.AddBytes(v.content) })
	return b.Bytes()
}

// readBER reads the value at the start of some bytes, and returns what follows it.
func readBER(in []byte, depth int) (berValue, []byte, error) {
	tag, length, body, err := readBERHeader(in)
	if err != nil || depth > maxNesting {
		return berValue{}, nil, errNotBER
	}
	constructed := tag&classConstructed != 0
	if !constructed {
		if length < 0 {
			return berValue{}, nil, errNotBER
		}
		return berValue{tag, body[:length]}, body[length:], nil
	}
	inside, rest := body, []byte(nil)
	if length >= 0 {
		inside, rest = body[:length], body[length:]
	}
	v := berValue{tag: tag}
	pieces := tag == cbasn1.OCTET_STRING|classConstructed
	if pieces {
		v.tag = cbasn1.OCTET_STRING
	}
	for {
		switch {
		case length < 0 && len(inside) >= 2 && inside[0] == 0 && inside[1] == 0: // end of contents
			return v, inside[2:], nil
		case length >= 0 && len(inside) == 0:
			return v, rest, nil
		}
		var one berValue
		if one, inside, err = readBER(inside, depth+1); err != nil {
			return berValue{}, nil, err
		}
		if pieces {
			if one.tag != cbasn1.OCTET_STRING {
				return berValue{}, nil, errNotBER
			}
			v.content = append(v.content, one.content...)
			continue
		}
		der, err := one.der()
		if err != nil {
			return berValue{}, nil, err
		}
		v.content = append(v.content, der...)
	}
}

// classConstructed is the bit of a tag that says that its content is values.
const classConstructed = 0x20

// readBERHeader reads a tag of one byte and a length, -1 where it is indefinite. A length
// of the first says that as many bytes follow.
func readBERHeader(in []byte) (cbasn1.Tag, int, []byte, error) {
	if len(in) < 2 || in[0] == 0 || in[0]&0x1F == 0x1F {
		return 0, 0, nil, errNotBER
	}
	tag := cbasn1.Tag(in[0])
	if universal := tag&0xC0 == 0; universal && tag&classConstructed != 0 &&
		tag != cbasn1.SEQUENCE && tag != cbasn1.SET && tag != cbasn1.OCTET_STRING|classConstructed {
		return 0, 0, nil, errNotBER
	}
	first, body := in[1], in[2:]
	if first == 0x80 {
		return tag, -1, body, nil
	}
	length := int(first)
	if first > 0x80 {
		n := int(first & 0x7F)
		if n > 4 || n > len(body) {
			return 0, 0, nil, errNotBER
		}
		length = 0
		for _, c := range body[:n] {
			length = length<<8 | int(c)
		}
		body = body[n:]
	}
	if length > len(body) {
		return 0, 0, nil, errNotBER
	}
	return tag, length, body, nil
}
