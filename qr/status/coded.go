package status

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// coded is a plane, or the change of one, as it travels.
type coded struct {
	_      struct{} `cbor:",toarray"`
	Count  uint64   // indices
	Coding uint64   // 0…20: Rice with this parameter; 32: gaps under zstd
	Bytes  []byte
}

// codingZstd: the same gaps, each in base 128 with the least significant group
// first (as LEB128), in one zstd frame (RFC 8878).
const codingZstd = 32

// encode codes the indices of a plane in both ways and takes the shorter. Rice is
// within a percent of the entropy bound where revocations are strewn at random;
// where they come in batches, a general compressor sees what Rice cannot.
func (p *Plane) encode() (coded, error) {
	indices := p.indices()
	k := bestK(len(indices))
	c := coded{Count: uint64(len(indices)), Coding: k}
	if len(indices) == 0 {
		return c, nil
	}
	c.Bytes = appendRice(nil, indices, k)
	packed, err := packGaps(indices)
	if err != nil {
		return c, err
	}
	if len(packed) < len(c.Bytes) {
		c.Coding, c.Bytes = codingZstd, packed
	}
	return c, nil
}

// decode puts the indices into a plane that holds none of them.
func (c coded) decode(plane *Plane) error {
	bad := func(what string) error { return fmt.Errorf("coded plane: %s: %w", what, ErrMalformed) }
	if c.Count > ListSize {
		return bad("more indices than a list has")
	}
	var what string
	switch {
	case c.Coding == codingZstd && c.Count > 0:
		what = unpackGaps(plane, c.Bytes, c.Count)
	case c.Coding == bestK(int(c.Count)):
		what = decodeRice(plane, c.Bytes, c.Count, c.Coding)
	default:
		what = "its coding is not known, or not that of its count"
	}
	if what != "" {
		return bad(what)
	}
	return nil
}

// packGaps codes ascending indices as gaps in base 128 under zstd.
func packGaps(indices []uint32) ([]byte, error) {
	gaps := make([]byte, 0, 2*len(indices))
	next := uint32(0)
	for _, i := range indices {
		gaps = binary.AppendUvarint(gaps, uint64(i-next))
		next = i + 1
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(ListSize), zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("packing a plane: %w", err)
	}
	return packer.EncodeAll(gaps, nil), nil
}

// unpackGaps is the inverse of packGaps. It returns what is wrong, or nothing.
// Nothing is allocated before the frame has said how much it holds.
func unpackGaps(plane *Plane, packed []byte, count uint64) string {
	size, ok := frameContent(packed)
	// A gap of g (less one) takes at most g + 1 bytes and uses up g + 1 indices.
	if !ok || size < count || size > ListSize {
		return "not one zstd frame that says what it holds, within a list's size"
	}
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(ListSize))
	if err != nil {
		return err.Error()
	}
	defer unpacker.Close()
	gaps, err := unpacker.DecodeAll(packed, make([]byte, 0, size))
	if err != nil || uint64(len(gaps)) != size {
		return "the zstd frame is damaged"
	}
	next := uint64(0)
	for range count {
		gap, n := binary.Uvarint(gaps)
		if n <= 0 || n > 1 && gaps[n-1] == 0 {
			return "a gap is cut off or has more bytes than it needs"
		}
		gaps = gaps[n:]
		if gap >= ListSize-next {
			return "an index is beyond the list"
		}
		plane.Set(uint32(next + gap))
		next += gap + 1
	}
	if len(gaps) != 0 {
		return "more gaps than indices"
	}
	return ""
}

// frameContent returns how many bytes a zstd frame holds: one frame of one
// segment, which always says its size, without dictionary, and nothing after its last
// block, so no checksum either (RFC 8878, 3.1.1).
func frameContent(packed []byte) (uint64, bool) {
	var h zstd.Header
	if err := h.Decode(packed); err != nil {
		return 0, false
	}
	if !h.SingleSegment || h.DictionaryID != 0 {
		return 0, false
	}
	rest := packed[h.HeaderSize:]
	for {
		if len(rest) < 3 {
			return 0, false
		}
		block := uint32(rest[0]) | uint32(rest[1])<<8 | uint32(rest[2])<<16
		last, kind, size := block&1 == 1, block>>1&3, int(block>>3)
		if kind == 1 { // one byte, repeated
			size = 1
		}
		if len(rest) < 3+size {
			return 0, false
		}
		rest = rest[3+size:]
		if last {
			return h.FrameContentSize, len(rest) == 0
		}
	}
}
