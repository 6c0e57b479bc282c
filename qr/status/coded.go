package status

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// coded is ascending positions as they travel.
type coded struct {
	_      struct{} `cbor:",toarray"`
	Count  uint64   // positions
	Coding uint64   // 0…30: Rice with this parameter; 32: gaps under zstd
	Bytes  []byte
}

// codingZstd: the same gaps, each in base 128 with the least significant group
// first (as LEB128), in one zstd frame (RFC 8878).
const codingZstd = 32

// shortestFrame bounds what zstd can do: no frame with content is shorter, in bytes.
const shortestFrame = 10

// encodeRice codes positions below a size by Rice, which is within a percent of the
// entropy bound where revocations are strewn at random.
func encodeRice(positions []uint32, size uint64) (coded, error) {
	c := coded{Count: uint64(len(positions)), Coding: bestK(len(positions), size)}
	if len(positions) > 0 {
		c.Bytes = appendRice(nil, positions, c.Coding)
	}
	return c, nil
}

// encode codes positions in both ways and takes the shorter: where they come in batches, a
// general compressor sees what Rice cannot.
func encode(positions []uint32, size uint64) (coded, error) {
	c, err := encodeRice(positions, size)
	if err != nil || len(c.Bytes) <= shortestFrame {
		return c, err
	}
	packed, err := packGaps(positions)
	if err != nil {
		return c, err
	}
	if len(packed) < len(c.Bytes) {
		c.Coding, c.Bytes = codingZstd, packed
	}
	return c, nil
}

// decode calls visit with every index, ascending, and marks the lists that have one.
// The positions are those of the spans.
func (c coded) decode(spans []span, visit func(s *span, index uint32)) error {
	bad := func(what string) error { return fmt.Errorf("coded indices: %s: %w", what, ErrMalformed) }
	all := size(spans)
	if c.Count > all {
		return bad("more than their lists have")
	}
	at := 0
	put := func(position uint32) {
		for position >= spans[at].end {
			at++
		}
		s := &spans[at]
		s.named = true
		visit(s, position-s.start)
	}
	var what string
	switch {
	case c.Coding == codingZstd && c.Count > 0:
		what = unpackGaps(c.Bytes, c.Count, all, put)
	case c.Coding == bestK(int(c.Count), all):
		what = decodeRice(c.Bytes, c.Count, c.Coding, all, put)
	default:
		what = "their coding is not known, or not that of their count"
	}
	if what != "" {
		return bad(what)
	}
	return nil
}

// packGaps codes ascending positions as gaps in base 128 under zstd.
func packGaps(positions []uint32) ([]byte, error) {
	gaps := make([]byte, 0, 2*len(positions))
	next := uint32(0)
	for _, i := range positions {
		gaps = binary.AppendUvarint(gaps, uint64(i-next))
		next = i + 1
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(ListSize), zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("packing indices: %w", err)
	}
	return packer.EncodeAll(gaps, nil), nil
}

// maxGapBytes is how many bytes a gap below 2^30 takes.
const maxGapBytes = 5

// unpackGaps is the inverse of packGaps. It returns what is wrong, or nothing.
// Nothing is allocated before the frame has said how much it holds.
func unpackGaps(packed []byte, count, all uint64, put func(uint32)) string {
	size, ok := frameContent(packed)
	if !ok || size < count || size > maxGapBytes*count || size > MaxFileSize {
		return "not one zstd frame that says what it holds, within what their number takes"
	}
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(MaxFileSize))
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
		if next >= all || gap >= all-next {
			return "an index is beyond the lists"
		}
		put(uint32(next + gap))
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
