package typeface

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
)

// TestPieces reads the embedded files in their pieces and across them, by many at once.
func TestPieces(t *testing.T) {
	t.Parallel()
	for name, compressed := range map[string][]byte{"NotoSerifSC-SemiBold": songFile, "LXGWWenKai-Regular": kaiFile} {
		p, err := openPieces(name, compressed)
		if err != nil {
			t.Fatal(err)
		}
		want := unfoldedFile(t, name)
		if p.size() != len(want) {
			t.Fatalf("%s has %d bytes, want %d", name, p.size(), len(want))
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for _, at := range [][2]int{
					{0, 12}, {0, p.each}, {p.each - 1, p.each + 1}, {p.each, p.each}, {p.each, 3*p.each + 7},
					{len(want) - 5, len(want)}, {len(want), len(want)}, {0, len(want)},
				} {
					if got := p.slice(at[0], at[1]); !bytes.Equal(got, want[at[0]:at[1]]) {
						t.Errorf("%s: bytes %d to %d differ", name, at[0], at[1])
					}
				}
			})
		}
		all.Wait()
	}
}

// TestFaceUnfoldsWhatIsAskedFor: a few characters leave most of the file as it is.
func TestFaceUnfoldsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	p, err := openPieces("LXGWWenKai-Regular", kaiFile)
	if err != nil {
		t.Fatal(err)
	}
	face, err := parse(p.name, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range "欧阳明" {
		g, _ := face.Glyph(r)
		if outline, err := face.Outline(g); err != nil || len(outline) == 0 {
			t.Errorf("%c: %d segments, %v", r, len(outline), err)
		}
	}
	open := 0
	for i := range p.open {
		if p.open[i].Load() != nil {
			open++
		}
	}
	if most := len(p.open) / 5; open > most {
		t.Errorf("three characters unfold %d pieces of %d, at most %d are wanted", open, len(p.open), most)
	}
}

func TestPiecesRefused(t *testing.T) {
	t.Parallel()
	end := len(kaiFile) - tableFooter
	table := end - tableEntry*int(binary.LittleEndian.Uint32(kaiFile[end:]))
	for name, change := range map[string]func([]byte) []byte{
		"nothing":                 func([]byte) []byte { return nil },
		"cut":                     func(b []byte) []byte { return b[:len(b)-1] },
		"something before":        func(b []byte) []byte { return append([]byte{0}, b...) },
		"no pieces":               func(b []byte) []byte { clear(b[end : end+4]); return b },
		"more pieces":             func(b []byte) []byte { b[end+3] = 0xFF; return b },
		"checksums":               func(b []byte) []byte { b[end+4] = 0x80; return b },
		"not the table":           func(b []byte) []byte { b[table-8]++; return b },
		"the table's length":      func(b []byte) []byte { b[table-4]++; return b },
		"a piece longer":          func(b []byte) []byte { b[table]++; return b },
		"a piece without content": func(b []byte) []byte { clear(b[table+4 : table+8]); return b },
		"a small piece between":   func(b []byte) []byte { b[table+tableEntry+6]--; return b },
		"a piece too large":       func(b []byte) []byte { b[table+7] = 1; return b },
	} {
		if _, err := openPieces(name, change(bytes.Clone(kaiFile))); !errors.Is(err, errPieces) {
			t.Errorf("%s: %v, want %v", name, err, errPieces)
		}
	}
}

// TestDamagedPieceIsNotPassedOver: each piece has a checksum.
func TestDamagedPieceIsNotPassedOver(t *testing.T) {
	t.Parallel()
	damaged := bytes.Clone(kaiFile)
	p, err := openPieces("damaged", damaged)
	if err != nil {
		t.Fatal(err)
	}
	p.packed[3][len(p.packed[3])/2]++
	defer func() {
		if recover() == nil {
			t.Error("a damaged piece was unfolded")
		}
	}()
	p.piece(3)
}
