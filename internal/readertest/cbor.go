package readertest

import (
	"bytes"
	"errors"

	"github.com/ugorji/go/codec"
)

var errFormat = errors.New("not in the format")

func handle() *codec.CborHandle {
	h := new(codec.CborHandle)
	h.Canonical = true
	h.SignedInteger = true
	h.MapType = nil // map[any]any
	return h
}

// decode reads one item: int64, string, []byte, []any, map[any]any, nil and what
// the library makes of the rest. Bytes that the library would write otherwise are
// refused, and so is anything after the item.
func decode(b []byte) (any, error) {
	var v any
	d := codec.NewDecoderBytes(b, handle())
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	var again []byte
	if err := codec.NewEncoderBytes(&again, handle()).Encode(v); err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, errFormat
	}
	return v, nil
}

// fields is a map whose keys are integers.
type fields map[int64]any

// asFields wants a map with all the required keys and none but these and the
// optional ones.
func asFields(v any, required, optional []int64) (fields, error) {
	m, ok := v.(map[any]any)
	if !ok {
		return nil, errFormat
	}
	known := make(map[int64]bool)
	for _, k := range append(append([]int64{}, required...), optional...) {
		known[k] = true
	}
	f := make(fields)
	for k, value := range m {
		n, ok := k.(int64)
		if !ok || !known[n] {
			return nil, errFormat
		}
		f[n] = value
	}
	for _, k := range required {
		if _, ok := f[k]; !ok {
			return nil, errFormat
		}
	}
	return f, nil
}

func integer(v any, least, most int64) (int64, error) {
	n, ok := v.(int64)
	if !ok || n < least || n > most {
		return 0, errFormat
	}
	return n, nil
}

// list wants an array; n is its length, or −1 for any.
func list(v any, n int) ([]any, error) {
	a, ok := v.([]any)
	if !ok || n >= 0 && len(a) != n {
		return nil, errFormat
	}
	return a, nil
}

func octets(v any, n int) ([]byte, error) {
	b, ok := v.([]byte)
	if !ok || n >= 0 && len(b) != n {
		return nil, errFormat
	}
	return b, nil
}
