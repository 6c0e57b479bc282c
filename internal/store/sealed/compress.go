package sealed

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/elicence/elicence/licence"
)

// Licences are short and alike: by itself a signed form of 550 bytes packs to 520, with
// what the forms of its category have in common known beforehand to 290. The texts that
// are known beforehand are a dictionary, made from the catalogue's examples with
// everything varied that differs between licences (see dictionary_test.go).
//
// S2 packs with a dictionary a licence in some microseconds; zstd packs them no
// smaller, and takes as long as signing.
//
// Packed texts begin with the number of their dictionary. Those of before there was one
// are zstd frames, and begin with that format's magic number.

// licences1 is dictionary 1. It must never change: another one gets another number.
//
//go:embed licences1.s2dict
var licences1 []byte

// How packed texts begin.
const (
	packedPlain     = 0 // as it is: packing made it no smaller
	packedLicences1 = 1
	packedZstd      = 0x28 // the first byte of a frame
)

// packer makes texts smaller.
type packer struct {
	licences *s2.Dict
	frames   *zstd.Decoder
}

func newPacker() (*packer, error) {
	p := &packer{licences: s2.NewDict(licences1)}
	if p.licences == nil {
		return nil, errors.New("preparing compression: the dictionary is damaged")
	}
	var err error
	if p.frames, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(licence.MaxSignedSize)); err != nil {
		return nil, fmt.Errorf("preparing decompression: %w", err)
	}
	return p, nil
}

// pack makes a text smaller where that is possible. What it returns lies in the memory that
// it is given if there is enough of it.
func (p *packer) pack(room, plain []byte) []byte {
	most := 1 + s2.MaxEncodedLen(len(plain))
	packed := slices.Grow(room[:0], most)[:most]
	packed[0] = packedLicences1
	block := p.licences.Encode(packed[1:], plain)
	if len(block) >= len(plain) {
		return append(append(packed[:0], packedPlain), plain...)
	}
	return packed[:1+len(block)]
}

// unpack returns what was packed.
func (p *packer) unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, errors.New("the packed text is empty")
	}
	switch packed[0] {
	case packedPlain:
		return packed[1:], nil
	case packedLicences1:
		n, err := s2.DecodedLen(packed[1:])
		if err != nil {
			return nil, err
		}
		if n > licence.MaxSignedSize {
			return nil, fmt.Errorf("the text has %d bytes, at most %d are allowed", n, licence.MaxSignedSize)
		}
		return p.licences.Decode(make([]byte, n), packed[1:])
	case packedZstd:
		return p.frames.DecodeAll(packed, nil)
	default:
		return nil, fmt.Errorf("the text is packed in a way %d that this program does not know", packed[0])
	}
}
