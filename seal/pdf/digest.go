package pdf

import (
	"cmp"
	"encoding"
	"fmt"
	"hash"
	"maps"
	"slices"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

// hashing is what is known of the digests of a file: SM3 is what a seal on a large file
// costs, so no byte is hashed twice that need not be. An increment changes nothing that
// comes before it, so all of this holds for the stamped file too.
type hashing struct {
	states  []hashState           // ascending
	digests map[[4]int64][32]byte // of byte ranges
}

// hashState is the state of SM3 after the first bytes of the file.
type hashState struct {
	after int64
	state []byte
}

func (k hashing) clone() hashing { return hashing{slices.Clone(k.states), maps.Clone(k.digests)} }

// hashed returns SM3 after the whole file.
func (d *Document) hashed() (hash.Hash, error) { return d.hashedTo(d.src.size) }

// hashedTo returns SM3 after the first bytes of the file, and remembers its state.
func (d *Document) hashedTo(end int64) (hash.Hash, error) {
	n, known := slices.BinarySearchFunc(d.known.states, end, func(s hashState, end int64) int { return cmp.Compare(s.after, end) })
	if known {
		return restored(d.known.states[n].state)
	}
	h, from := sm3.New(), int64(0)
	if n > 0 {
		var err error
		if h, err = restored(d.known.states[n-1].state); err != nil {
			return nil, err
		}
		from = d.known.states[n-1].after
	}
	if err := d.hashInto(h, from, end); err != nil {
		return nil, err
	}
	state, err := saved(h)
	if err != nil {
		return nil, err
	}
	d.known.states = slices.Insert(d.known.states, n, hashState{end, state})
	return h, nil
}

// hashInto feeds the bytes [from, to) of the file to h, a chunk at a time.
func (d *Document) hashInto(h hash.Hash, from, to int64) error {
	if at := d.src.tailAt(); from >= at && to <= d.src.size {
		h.Write(d.src.tail[from-at : to-at])
		return nil
	}
	room := rooms.Get().(*[chunkSize]byte) //nolint:errcheck // nothing else is in there
	defer rooms.Put(room)
	for at := from; at < to; {
		piece, err := d.src.readInto(room[:], at, int(min(chunkSize, to-at)))
		if err != nil {
			return fmt.Errorf("hashing bytes %d to %d: %w", from, to, err)
		}
		h.Write(piece)
		at += int64(len(piece))
	}
	return nil
}

// rooms is memory for what is read to be hashed.
var rooms = sync.Pool{New: func() any { return new([chunkSize]byte) }}

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
