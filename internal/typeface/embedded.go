package typeface

import (
	_ "embed" // the two faces
	"fmt"
	"sync"
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
// SemiBold. The first call unfolds the tables, and each glyph that is asked for
// 128 KiB of the file, once; it is safe to call from many goroutines.
func Song() *Face { return song() }

// Kai returns the face for values that are filled in (楷体): LXGW WenKai Regular. It is
// unfolded as [Song] is.
func Kai() *Face { return kai() }

// unfold panics where the file is broken, as [pieces] does.
func unfold(name string, compressed []byte) *Face {
	font, err := openPieces(name, compressed)
	if err != nil {
		panic(fmt.Sprintf("typeface: open the embedded face %s: %v", name, err))
	}
	face, err := parse(name, font)
	if err != nil {
		panic(fmt.Sprintf("typeface: %v", err))
	}
	return face
}
