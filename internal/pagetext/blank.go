package pagetext

import (
	"context"
	"fmt"
	"image"
	"io"
	"math"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// A Blank says which parts of a page show nothing but its ground: no text, no picture, no
// annotation, no seal. It is what PDFium draws, looked at coarsely.
type Blank struct {
	perMM         float64
	width, height int
	taken         []int32 // how many of the pixels above and to the left are not ground
}

// How finely a page is drawn.
const (
	pixelsPerMM = 2.0
	maxPixels   = 3000 // of a side
)

// Blank draws a page, of a size in millimetres as its reader sees it, and says where it is
// empty.
func (f *Finder) Blank(ctx context.Context, file io.ReaderAt, size int64, page int, width, height float64) (*Blank, error) {
	if !(width > 0 && height > 0) {
		return nil, fmt.Errorf("page %d has no size", page)
	}
	var b *Blank
	err := f.read(file, size, func(reader pdfium.Pdfium, doc references.FPDF_DOCUMENT) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		scale := min(pixelsPerMM, maxPixels/max(width, height))
		drawn, err := reader.RenderPageInPixels(&requests.RenderPageInPixels{
			Page:  requests.Page{ByIndex: &requests.PageByIndex{Document: doc, Index: page - 1}},
			Width: int(math.Ceil(width * scale)), Height: int(math.Ceil(height * scale)), RenderFlags: enums.FPDF_RENDER_FLAG_ANNOT,
		})
		if err != nil {
			return fmt.Errorf("drawing page %d: %w", page, err)
		}
		defer drawn.Cleanup()
		b = blankOf(drawn.Result.Image, width)
		return nil
	})
	return b, err
}

// blankOf finds the ground of a drawn page, its most frequent colour, and what differs from it.
func blankOf(picture *image.RGBA, width float64) *Blank {
	bounds := picture.Bounds()
	b := &Blank{perMM: float64(bounds.Dx()) / width, width: bounds.Dx(), height: bounds.Dy()}
	b.taken = make([]int32, (b.width+1)*(b.height+1))
	const coarse = 3 // bits of a colour that make no difference: scanned paper is not even
	shade := func(x, y int) [3]int {
		at := picture.PixOffset(bounds.Min.X+x, bounds.Min.Y+y)
		return [3]int{int(picture.Pix[at]), int(picture.Pix[at+1]), int(picture.Pix[at+2])}
	}
	counts := make(map[[3]int]int)
	var ground [3]int
	for y := range b.height {
		for x := range b.width {
			c := shade(x, y)
			bucket := [3]int{c[0] >> coarse, c[1] >> coarse, c[2] >> coarse}
			if counts[bucket]++; counts[bucket] > counts[ground] {
				ground = bucket
			}
		}
	}
	for y := range b.height {
		row := int32(0)
		for x := range b.width {
			c := shade(x, y)
			const off = 28 // of 255
			for i := range c {
				if middle := ground[i]<<coarse + 1<<coarse/2; max(c[i]-middle, middle-c[i]) > off {
					row++
					break
				}
			}
			at := (y+1)*(b.width+1) + x + 1
			b.taken[at] = b.taken[at-b.width-1] + row
		}
	}
	return b
}

// Empty reports whether a rectangle, in millimetres from the page's top left corner, lies on
// the page and shows nothing but its ground.
func (b *Blank) Empty(x, y, width, height float64) bool {
	x0, y0 := int(math.Floor(x*b.perMM)), int(math.Floor(y*b.perMM))
	x1, y1 := int(math.Ceil((x+width)*b.perMM)), int(math.Ceil((y+height)*b.perMM))
	if x0 < 0 || y0 < 0 || x1 > b.width || y1 > b.height || x1 <= x0 || y1 <= y0 {
		return false
	}
	stride := b.width + 1
	return b.taken[y1*stride+x1]-b.taken[y0*stride+x1]-b.taken[y1*stride+x0]+b.taken[y0*stride+x0] == 0
}
