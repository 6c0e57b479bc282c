package typeface

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// A file is a font file to read from.
type file interface {
	size() int
	// slice returns the bytes [from, to), which must lie in the file. Nobody may change them.
	slice(from, to int) []byte
}

// whole is a file in memory.
type whole []byte

func (w whole) size() int                 { return len(w) }
func (w whole) slice(from, to int) []byte { return w[from:to:to] }

// pieces is a compressed file of which each piece can be unfolded without the others: frames of
// Zstandard behind each other, and a table of them at the end, in a frame that other programs
// skip (the seekable format of Zstandard, version 0.1.0). What was unfolded stays. It may
// be used by many goroutines.
type pieces struct {
	name    string
	packed  [][]byte
	each    int // what a piece unfolds to, all but the last
	length  int
	decoder *zstd.Decoder
	open    []atomic.Pointer[[]byte]
}

const (
	tableMagic    = 0x184D2A5E
	seekMagic     = 0x8F92EAB1
	tableFooter   = 9
	tableEntry    = 8
	maxPieceBytes = 1 << 20
)

var errPieces = errors.New("not a file of compressed pieces")

// openPieces reads the table of a compressed file.
func openPieces(name string, compressed []byte) (*pieces, error) {
	end := len(compressed) - tableFooter
	if end < 0 || binary.LittleEndian.Uint32(compressed[end+5:]) != seekMagic || compressed[end+4] != 0 {
		return nil, errPieces
	}
	n := int(binary.LittleEndian.Uint32(compressed[end:]))
	at := end - n*tableEntry
	if n < 1 || n > end/tableEntry || at < 8 || binary.LittleEndian.Uint32(compressed[at-8:]) != tableMagic ||
		int(binary.LittleEndian.Uint32(compressed[at-4:])) != n*tableEntry+tableFooter {
		return nil, errPieces
	}
	p := &pieces{name: name, packed: make([][]byte, n), open: make([]atomic.Pointer[[]byte], n)}
	from := 0
	for i := range p.packed {
		entry := compressed[at+i*tableEntry:]
		packed, unfolded := int(binary.LittleEndian.Uint32(entry)), int(binary.LittleEndian.Uint32(entry[4:]))
		if i == 0 {
			p.each = unfolded
		}
		if packed > at-8-from || unfolded < 1 || unfolded > min(p.each, maxPieceBytes) || i < n-1 && unfolded < p.each {
			return nil, errPieces
		}
		p.packed[i] = compressed[from : from+packed]
		from += packed
		p.length += unfolded
	}
	if from != at-8 || p.length > maxFaceBytes {
		return nil, errPieces
	}
	var err error
	p.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPieceBytes), zstd.WithDecoderLowmem(true))
	return p, err
}

func (p *pieces) size() int { return p.length }

func (p *pieces) slice(from, to int) []byte {
	first := from / p.each
	if from == to {
		return nil
	}
	if last := (to - 1) / p.each; last == first {
		return p.piece(first)[from-first*p.each : to-first*p.each : to-first*p.each]
	}
	out := make([]byte, 0, to-from)
	for from < to {
		i := from / p.each
		end := min(to, (i+1)*p.each)
		out = append(out, p.piece(i)[from-i*p.each:end-i*p.each]...)
		from = end
	}
	return out
}

// piece unfolds a piece, or returns what was unfolded before. It panics where the file is
// broken: it is part of the program, and a program with a damaged part must not go on.
func (p *pieces) piece(i int) []byte {
	if known := p.open[i].Load(); known != nil {
		return *known
	}
	data, err := p.decoder.DecodeAll(p.packed[i], make([]byte, 0, p.each))
	if err == nil && len(data) != min(p.each, p.length-i*p.each) {
		err = errPieces
	}
	if err != nil {
		panic(fmt.Sprintf("typeface: unfold piece %d of the embedded face %s: %v", i, p.name, err))
	}
	p.open[i].CompareAndSwap(nil, &data) // of two that unfold it at once the first stays
	return *p.open[i].Load()
}
