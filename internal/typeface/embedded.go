package typeface

import (
	_ "embed" // the two faces
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed fonts/NotoSerifSC-SemiBold.ttf.zst
var songFile []byte

//go:embed fonts/LXGWWenKai-Regular.ttf.zst
var kaiFile []byte

// maxFaceBytes bounds what a compressed face may unfold to.
const maxFaceBytes = 32 << 20

var (
	song = sync.OnceValue(func() *Face { return unfold("NotoSerifSC-SemiBold", songFile) })
	kai  = sync.OnceValue(func() *Face { return unfold("LXGWWenKai-Regular", kaiFile) })
)

// Song returns the face for titles, labels and seals (宋体): Noto Serif SC
// SemiBold. The first call unfolds and parses 15 MB; it is safe to call from
// many goroutines.
func Song() *Face { return song() }

// Kai returns the face for values that are filled in (楷体): LXGW WenKai Regular.
// The first call unfolds and parses 16 MB; it is safe to call from many
// goroutines.
func Kai() *Face { return kai() }

// unfold panics where the file is broken: it is part of the program, and a
// program with a damaged part must not go on.
func unfold(name string, compressed []byte) *Face {
	reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFaceBytes))
	if err != nil {
		panic(fmt.Sprintf("typeface: open the embedded face %s: %v", name, err))
	}
	defer reader.Close()
	data, err := reader.DecodeAll(compressed, nil)
	if err != nil {
		panic(fmt.Sprintf("typeface: unfold the embedded face %s: %v", name, err))
	}
	face, err := Parse(name, data)
	if err != nil {
		panic(fmt.Sprintf("typeface: %v", err))
	}
	return face
}
