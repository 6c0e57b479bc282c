// Package scan finds QR symbols (ISO/IEC 18004) in pictures in grey and reads them:
// blurred, noisy, turned, seen aslant, stained, with a finder pattern hidden, inverted
// or mirrored. The symbol is located by its finder patterns, fitted by all that its
// version has in common, and sampled by area; gozxing corrects and decodes it.
//
// The work is bounded by the number of pixels, whatever they show. The package needs no
// decoder of picture files, so that a browser can carry it; package qr/picture reads
// files. It does not judge what a symbol says.
package scan

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// MaxPixels bounds a picture that is read.
const MaxPixels = 50_000_000

// Errors that callers decide on.
var (
	// ErrNoCode: no QR symbol was found, or it could not be read.
	ErrNoCode = errors.New("no QR code was found in the picture")
	// ErrSeveralCodes: an answer would be about one of them, and nobody could tell which.
	ErrSeveralCodes = errors.New("more than one QR code is in the picture")
	// ErrLuminance: the size and the bytes do not make a picture.
	ErrLuminance = errors.New("not a picture in grey of acceptable size")
)

// Luminance is a picture in grey.
type Luminance struct {
	Pix           []uint8 // 0 black, 255 white, row by row
	Stride        int     // from a row to the next
	Width, Height int
}

// RGBA makes a picture grey: four bytes a pixel, red, green, blue and opacity, row by
// row, as a browser's canvas has them. Opacity is ignored. The weights are those of
// JPEG (ITU-R BT.601).
func RGBA(pix []uint8, width, height int) Luminance {
	grey := make([]uint8, len(pix)/4)
	for i := range grey {
		p := pix[4*i : 4*i+3]
		grey[i] = uint8((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
	}
	return Luminance{grey, width, width, height}
}

// Read finds the QR symbol in a picture and returns its text. Errors are [ErrNoCode],
// [ErrSeveralCodes] and [ErrLuminance].
//
// Several ways of looking at the picture are tried in turn until one shows a symbol
// that can be read. Other symbols are noticed if the same way shows them.
func Read(img Luminance) (string, error) {
	if err := img.check(); err != nil {
		return "", err
	}
	return read(img, looks(img.Width, img.Height))
}

// Film reads a symbol from what a camera sees, frame by frame. Where there is none, a
// frame costs a fraction of what [Read] costs. The zero value is ready; a film is not
// safe for concurrent use.
type Film struct{ frames int }

// Read is like the function [Read], but of the ways of looking it tries the first and
// one other, which takes turns: the next frame comes soon.
func (f *Film) Read(img Luminance) (string, error) {
	if err := img.check(); err != nil {
		return "", err
	}
	all := looks(img.Width, img.Height)
	other := 1 + f.frames%(len(all)-1)
	f.frames++
	return read(img, []look{all[0], all[other]})
}

// check returns [ErrLuminance] for what is not a picture.
func (img *Luminance) check() error {
	if img.Width < 1 || img.Height < 1 || img.Width > MaxPixels/img.Height || len(img.Pix) < img.Width || img.Stride < img.Width ||
		img.Height > 1 && img.Stride > (len(img.Pix)-img.Width)/(img.Height-1) {
		return fmt.Errorf("%d × %d pixels in %d bytes: %w", img.Width, img.Height, len(img.Pix), ErrLuminance)
	}
	return nil
}

func read(img Luminance, looks []look) (string, error) {
	r := reader{layouts: map[int]*layout{}}
	shrunk := map[int][]uint8{} // the picture at 1/n of its size
	for _, l := range looks {
		w, h := img.Width/l.shrink, img.Height/l.shrink
		if min(w, h) < sizeOf(leastVersion) {
			continue
		}
		if shrunk[l.shrink] == nil {
			shrunk[l.shrink] = shrink(img, l.shrink)
		}
		texts := r.texts(l.plane(shrunk[l.shrink], w, h))
		if len(texts) == 0 {
			continue
		}
		if len(slices.Compact(texts)) > 1 {
			return "", ErrSeveralCodes
		}
		return texts[0], nil
	}
	return "", ErrNoCode
}

// look is a way of looking at a picture.
type look struct {
	shrink int  // the picture at 1/shrink of its size
	smooth bool // each pixel averaged with its neighbours
	sharp  bool // what blur has taken is given back
	invert bool // a light symbol on dark ground
}

// Pixels of a picture that is looked at.
const (
	easyPixels = 2_400_000  // first
	mostPixels = 13_000_000 // after that, if need be
	leastSide  = 100        // when it is made smaller still
)

// looks returns the ways of looking at a picture, in order. In a smaller one larger
// modules are found, and faster.
func looks(width, height int) []look {
	shrink := func(most float64) int {
		return max(int(math.Ceil(math.Sqrt(float64(width)*float64(height)/most))), 1)
	}
	first, finest := shrink(easyPixels), shrink(mostPixels)
	all := []look{{shrink: first}, {shrink: first, sharp: true}, {shrink: first, smooth: true}}
	if finest < first {
		all = append(all, look{shrink: finest})
	}
	for coarse := 2 * first; coarse <= 4*first && min(width, height)/coarse >= leastSide; coarse *= 2 {
		all = append(all, look{shrink: coarse})
	}
	return append(all, look{shrink: first, invert: true})
}

// plane prepares a picture that has been made smaller.
func (l look) plane(pix []uint8, w, h int) *plane {
	if l.smooth || l.sharp || l.invert {
		pix = slices.Clone(pix)
	}
	if l.smooth {
		smooth(pix, w, h)
	}
	if l.sharp {
		sharpen(pix, w, h)
	}
	if l.invert {
		for i, v := range pix {
			pix[i] = 255 - v
		}
	}
	return newPlane(pix, w, h)
}

// shrink averages squares of n × n pixels. The result has no padding.
func shrink(img Luminance, n int) []uint8 {
	w, h := img.Width/n, img.Height/n
	if n == 1 && img.Stride == w {
		return img.Pix[:w*h]
	}
	small := make([]uint8, w*h)
	sums := make([]uint32, w)
	for y := range h {
		clear(sums)
		for j := range n {
			row := img.Pix[(y*n+j)*img.Stride:][:w*n]
			for x := range sums {
				for _, v := range row[x*n : (x+1)*n] {
					sums[x] += uint32(v)
				}
			}
		}
		for x, sum := range sums {
			small[y*w+x] = uint8(sum / uint32(n*n))
		}
	}
	return small
}

// smooth weighs each pixel with its neighbours 1:2:1 in both directions. The border
// stays as it is.
func smooth(pix []uint8, w, h int) {
	if w < 3 || h < 3 {
		return
	}
	across := func(row []uint8, x int) uint32 {
		return uint32(row[x-1]) + 2*uint32(row[x]) + uint32(row[x+1])
	}
	above, here, below := make([]uint32, w), make([]uint32, w), make([]uint32, w)
	for x := 1; x < w-1; x++ {
		above[x], here[x] = across(pix[:w], x), across(pix[w:2*w], x)
	}
	for y := 1; y < h-1; y++ {
		next := pix[(y+1)*w : (y+2)*w]
		for x := 1; x < w-1; x++ {
			below[x] = across(next, x)
			pix[y*w+x] = uint8((above[x] + 2*here[x] + below[x] + 8) / 16)
		}
		above, here, below = here, below, above
	}
}

// sharpen moves each pixel away from the mean of its surroundings, which undoes about
// as much blur as that mean has (σ 1.2 pixels).
func sharpen(pix []uint8, w, h int) {
	blurred := slices.Clone(pix)
	for range 3 {
		smooth(blurred, w, h)
	}
	for i, v := range pix {
		pix[i] = uint8(min(max(3*int(v)-2*int(blurred[i]), 0), 255))
	}
}
