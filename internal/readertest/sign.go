package readertest

import (
	"bytes"
	"math/big"

	"github.com/tjfoc/gmsm/sm2"
	"github.com/tjfoc/gmsm/sm3"
	"github.com/ugorji/go/codec"
)

const (
	algorithm = -65537
	userID    = "1234567812345678"
)

// key is a point and its hint.
type key struct {
	public *sm2.PublicKey
	kid    []byte
}

// newKey reads a point of SM2.
func newKey(point []byte) (key, error) {
	all := sm2.P256Sm2()
	x, y, err := decompress(curve{all.Params().P, all.Params().B}, point)
	if err != nil {
		return key{}, err
	}
	// SubjectPublicKeyInfo: id-ecPublicKey, curve 1.2.156.10197.1.301, 04 ‖ x ‖ y.
	spki := []byte("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00\x04")
	spki = append(spki, x.FillBytes(make([]byte, 32))...)
	spki = append(spki, y.FillBytes(make([]byte, 32))...)
	return key{&sm2.PublicKey{Curve: all, X: x, Y: y}, sm3.Sm3Sum(spki)[:8]}, nil
}

func (k key) verify(message, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return sm2.Sm2Verify(k.public, message, []byte(userID), r, s)
}

// structure is the Sig_structure of an array of items (RFC 9052, 4.4).
func structure(items ...any) ([]byte, error) {
	var out []byte
	err := codec.NewEncoderBytes(&out, handle()).Encode(items)
	return out, err
}

// sign1 is a COSE_Sign1.
type sign1 struct{ protected, payload, signature, kid []byte }

func parseSign1(b []byte) (sign1, error) {
	v, err := decode(b)
	if err != nil {
		return sign1{}, err
	}
	items, err := list(v, 4)
	if err != nil {
		return sign1{}, err
	}
	var m sign1
	if m.protected, err = octets(items[0], -1); err != nil {
		return m, err
	}
	if m.kid, err = header(m.protected); err != nil {
		return m, err
	}
	if unprotected, ok := items[1].(map[any]any); !ok || len(unprotected) != 0 {
		return m, errFormat
	}
	if m.payload, err = octets(items[2], -1); err != nil {
		return m, err
	}
	m.signature, err = octets(items[3], 64)
	return m, err
}

// header reads {1: -65537, 4: kid} and returns the kid.
func header(protected []byte) ([]byte, error) {
	v, err := decode(protected)
	if err != nil {
		return nil, err
	}
	f, err := asFields(v, []int64{1, 4}, nil)
	if err != nil || f[1] != int64(algorithm) {
		return nil, errFormat
	}
	return octets(f[4], 8)
}

// signedBy returns the position of the key that signed, −1 if none did, and
// whether any has the hint.
func (m sign1) signedBy(object string, keys []key) (int, bool) {
	message, err := structure("Signature1", m.protected, []byte(object), m.payload)
	if err != nil {
		return -1, false
	}
	hinted := false
	for i, k := range keys {
		if bytes.Equal(k.kid, m.kid) {
			hinted = true
			if k.verify(message, m.signature) {
				return i, true
			}
		}
	}
	return -1, hinted
}

// openSign verifies a COSE_Sign, tag 98, and returns its payload once as many
// distinct keys as the threshold have signed it.
func openSign(b []byte, object string, keys []key, threshold int) ([]byte, error) {
	body, ok := bytes.CutPrefix(b, []byte{0xd8, 98})
	if !ok {
		return nil, errFormat
	}
	v, err := decode(body)
	if err != nil {
		return nil, err
	}
	items, err := list(v, 4)
	if err != nil {
		return nil, err
	}
	protected, err := octets(items[0], 0)
	if err != nil {
		return nil, err
	}
	payload, err := octets(items[2], -1)
	if err != nil {
		return nil, err
	}
	signatures, err := list(items[3], -1)
	if err != nil {
		return nil, err
	}
	signed := make(map[int]bool)
	for _, item := range signatures {
		parts, err := list(item, 3)
		if err != nil {
			return nil, err
		}
		own, err := octets(parts[0], -1)
		if err != nil {
			return nil, err
		}
		kid, err := header(own)
		if err != nil {
			return nil, err
		}
		signature, err := octets(parts[2], 64)
		if err != nil {
			return nil, err
		}
		message, err := structure("Signature", protected, own, []byte(object), payload)
		if err != nil {
			return nil, err
		}
		for i, k := range keys {
			if bytes.Equal(k.kid, kid) && k.verify(message, signature) {
				signed[i] = true
			}
		}
	}
	if len(signed) < threshold {
		return nil, errFormat
	}
	return payload, nil
}
