package pdf

import (
	"bytes"
	"compress/zlib"
	"math"
	"slices"
	"sync"
)

// An Appearance is a drawing: vector content in a box (a form XObject, ISO
// 32000-1, 8.10). It is deflated when it is first stamped and the result is
// kept, so whoever stamps a seal often keeps its Appearance; it may be used by
// several goroutines at once and must not be changed after its first use.
type Appearance struct {
	Content []byte     // content stream operators
	BBox    [4]float64 // the drawn area in the content's own units: left, bottom, right, top

	// Multiply darkens what lies below instead of covering it, so that text
	// under a seal stays readable (/BM /Multiply). Opacity is 0 to 1; 0 stands
	// for 1. PDF/A-1 allows neither.
	Multiply bool
	Opacity  float64

	// Resources is the content's resource dictionary in PDF syntax, empty
	// where the content uses none. {0}, {1}, … stand for references to
	// Objects[0], Objects[1], …, for example "<</Font<</F1 {0}>>>>".
	Resources string
	Objects   []*Object

	deflated deflated
	look     lookOnce
}

// An Object is an indirect object that an appearance brings along: a font, its
// descriptor, its program, an image. An object that is used in several places
// of one Stamp, by the same pointer, is written once.
type Object struct {
	// Dict is a dictionary in PDF syntax without /Length. {0}, {1}, … stand
	// for references to Uses[0], Uses[1], …
	Dict string
	Uses []*Object

	// Stream holds a stream's data, nil for a plain dictionary. They are
	// deflated unless Dict names a /Filter that was already applied.
	Stream []byte

	deflated deflated
}

// deflated is the FlateDecode form of some bytes, made once.
type deflated struct {
	once sync.Once
	data []byte
	err  error
}

func (f *deflated) of(data []byte) ([]byte, error) {
	f.once.Do(func() { f.data, f.err = deflate(data) })
	return f.data, f.err
}

// deflate is the FlateDecode form of some bytes.
func deflate(data []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	return out.Bytes(), err
}

func (a *Appearance) check() error {
	for _, n := range [...]float64{a.BBox[0], a.BBox[1], a.BBox[2], a.BBox[3], a.Opacity} {
		if math.IsNaN(n) || math.Abs(n) > 1e6 {
			return refuse("the appearance has a number out of range: %v", n)
		}
	}
	if a.BBox[2]-a.BBox[0] <= 0 || a.BBox[3]-a.BBox[1] <= 0 {
		return refuse("the appearance's box %v is empty", a.BBox)
	}
	if a.Opacity < 0 || a.Opacity > 1 {
		return refuse("the appearance's opacity is %v, not 0 to 1", a.Opacity)
	}
	return nil
}

// blends reports that the appearance needs a transparency group.
func (a *Appearance) blends() bool { return a.Multiply || a.Opacity > 0 && a.Opacity < 1 }

// same reports that two appearances are written as the same object.
func (a *Appearance) same(b *Appearance) bool {
	return a == b || a.BBox == b.BBox && a.blends() == b.blends() && a.Resources == b.Resources &&
		bytes.Equal(a.Content, b.Content) && slices.Equal(a.Objects, b.Objects)
}
