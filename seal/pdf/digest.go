package pdf

import (
	"encoding"
	"fmt"
	"hash"
	"io"

	"github.com/emmansun/gmsm/sm3"
)

// hashed returns SM3 after the whole file.
func (d *Document) hashed() (hash.Hash, error) {
	if d.prefix == nil {
		h := sm3.New()
		if err := d.hashInto(h, 0, d.src.size); err != nil {
			return nil, err
		}
		state, err := saved(h)
		if err != nil {
			return nil, err
		}
		d.prefix = state
	}
	return restored(d.prefix)
}

// hashInto feeds the bytes [from, to) of the file to h, a chunk at a time.
func (d *Document) hashInto(h hash.Hash, from, to int64) error {
	buf := make([]byte, max(1, min(to-from, 64<<10)))
	n, err := io.CopyBuffer(h, io.NewSectionReader(d.src.r, from, to-from), buf)
	if err != nil {
		return fmt.Errorf("hashing bytes %d to %d: %w", from, to, err)
	}
	if n != to-from {
		return fmt.Errorf("hashing bytes %d to %d: %w", from, to, io.ErrUnexpectedEOF)
	}
	return nil
}

// saved and restored copy the state of a hash in the middle of its work.

func saved(h hash.Hash) ([]byte, error) {
	m, ok := h.(encoding.BinaryMarshaler)
	if !ok {
		return nil, fmt.Errorf("the SM3 implementation cannot save its state")
	}
	return m.MarshalBinary()
}

func restored(state []byte) (hash.Hash, error) {
	h := sm3.New()
	u, ok := h.(encoding.BinaryUnmarshaler)
	if !ok {
		return nil, fmt.Errorf("the SM3 implementation cannot restore its state")
	}
	return h, u.UnmarshalBinary(state)
}
