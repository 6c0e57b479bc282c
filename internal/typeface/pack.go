//go:build ignore

// Pack compresses a font file in pieces, for fonts/:
//
//	go run pack.go <NAME.ttf >fonts/NAME.ttf.zst
package main

import (
	"encoding/binary"
	"io"
	"log"
	"os"

	"github.com/klauspost/compress/zstd"
)

// pieceSize is what a piece unfolds to. Half of it would add 3 % to the files; a name of three
// characters unfolds three pieces and those of the tables.
const pieceSize = 128 << 10

func main() {
	log.SetFlags(0)
	file, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatalf("pack: reading the font: %v", err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(true), zstd.WithWindowSize(pieceSize))
	if err != nil {
		log.Fatalf("pack: %v", err)
	}
	var out, table []byte
	n := 0
	for ; len(file) > 0; n++ {
		piece := file[:min(pieceSize, len(file))]
		file = file[len(piece):]
		before := len(out)
		out = encoder.EncodeAll(piece, out)
		table = binary.LittleEndian.AppendUint32(table, uint32(len(out)-before))
		table = binary.LittleEndian.AppendUint32(table, uint32(len(piece)))
	}
	const footer = 9
	out = binary.LittleEndian.AppendUint32(out, 0x184D2A5E) // a frame that decoders skip
	out = binary.LittleEndian.AppendUint32(out, uint32(len(table)+footer))
	out = append(out, table...)
	out = binary.LittleEndian.AppendUint32(out, uint32(n))
	out = append(out, 0) // no checksums: each piece has its own
	out = binary.LittleEndian.AppendUint32(out, 0x8F92EAB1)
	if _, err := os.Stdout.Write(out); err != nil {
		log.Fatalf("pack: writing: %v", err)
	}
}
