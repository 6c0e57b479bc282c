// Package detcbor reads and writes deterministic CBOR: for given data there is
// exactly one accepted sequence of bytes (RFC 8949, 4.2.1 core deterministic
// encoding).
//
// Decoding refuses duplicate or unknown map keys, indefinite lengths, tags,
// invalid UTF-8, floats in odd sizes, trailing bytes, deep nesting, and, by
// encoding the result again and comparing, anything that is not the
// deterministic form. A caller bounds the input's length before it decodes.
package detcbor

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// ErrNotDeterministic says that bytes decode but are not in the one accepted
// encoding.
var ErrNotDeterministic = errors.New("not in deterministic encoding")

var (
	encMode = must(encOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   8,
		MaxArrayElements:  1 << 20,
		MaxMapPairs:       1 << 16,
	}.DecMode())
)

// encOptions are the core deterministic ones. A nil slice or map is written
// empty, so that null is never accepted in the place of one.
func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	return o
}

func must[T any](v T, err error) T {
	if err != nil {
		panic("detcbor: " + err.Error())
	}
	return v
}

// Marshal encodes v deterministically.
func Marshal(v any) ([]byte, error) {
	b, err := encMode.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding CBOR: %w", err)
	}
	return b, nil
}

// Unmarshal decodes b into v, a pointer, and refuses b unless encoding v again
// gives exactly b.
func Unmarshal(b []byte, v any) error {
	if err := decMode.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decoding CBOR: %w", err)
	}
	again, err := encMode.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding CBOR again: %w", err)
	}
	if !bytes.Equal(b, again) {
		return ErrNotDeterministic
	}
	return nil
}
