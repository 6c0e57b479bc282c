package svgz_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"github.com/elicence/elicence/seal/svgz"
)

const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="m0 0h1v1z"/></svg>`

func TestExpand(t *testing.T) {
	t.Parallel()
	whole := svgz.Compress([]byte(picture))
	wrong := bytes.Clone(whole)
	wrong[len(wrong)-5] ^= 1 // of the checksum
	for name, c := range map[string]struct {
		picture []byte
		want    string // empty: refused
	}{
		"compressed":      {whole, picture},
		"plain":           {[]byte(picture), picture},
		"cut off":         {whole[:len(whole)-1], ""},
		"two":             {append(bytes.Clone(whole), whole...), ""},
		"something after": {append(bytes.Clone(whole), 0), ""},
		"a checksum":      {wrong, ""},
		"a bomb":          {svgz.Compress(make([]byte, svgz.MaxSize+1)), ""},
		"the largest":     {svgz.Compress(bytes.Repeat([]byte{' '}, svgz.MaxSize)), string(bytes.Repeat([]byte{' '}, svgz.MaxSize))},
		"a head alone":    {[]byte{0x1f, 0x8b}, ""},
	} {
		got, err := svgz.Expand(c.picture)
		if c.want == "" && !errors.Is(err, svgz.ErrFormat) {
			t.Errorf("%s: %d bytes, %v, want %v", name, len(got), err, svgz.ErrFormat)
		}
		if c.want != "" && (err != nil || string(got) != c.want) {
			t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, len(c.want))
		}
	}
}

// FuzzExpand: what is expanded is what any reader of gzip makes of it, and bounded.
func FuzzExpand(f *testing.F) {
	f.Add(svgz.Compress([]byte(picture)))
	f.Add([]byte(picture))
	f.Fuzz(func(t *testing.T, picture []byte) {
		got, err := svgz.Expand(picture)
		if err != nil {
			if !errors.Is(err, svgz.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if bytes.Equal(got, picture) {
			return
		}
		r, err := gzip.NewReader(bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if _, err := want.ReadFrom(r); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%d bytes, gzip reads %d, %v", len(got), want.Len(), err)
		}
		if again, err := svgz.Expand(svgz.Compress(got)); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("compressed again it is %d bytes, %v", len(again), err)
		}
	})
}
