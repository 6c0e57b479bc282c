package pdf

import (
	"bytes"
	"compress/lzw"
	"compress/zlib"
	"encoding/ascii85"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

func TestEmbeddedFiles(t *testing.T) {
	t.Parallel()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write([]byte("the signed form"))
	_ = w.Close()
	stream := func(entries, data string) string {
		return fmt.Sprintf("<</Type/EmbeddedFile%s/Length %d>>\nstream\n%s\nendstream", entries, len(data), data)
	}
	file := sample{
		catalog: "/Names<</EmbeddedFiles<</Kids[5 0 R]>>>>/AF[6 0 R 9 0 R 11 0 R]",
		objects: []string{
			"<</Limits[(a)(b)]/Names[(a) 6 0 R (b) 7 0 R]>>",
			"<</Type/Filespec/F(licence.cbor)/UF<FEFF8BC1716700000020>/AFRelationship/Source/EF<</F 8 0 R>>>>",
			"<</Type/Filespec/F(plain.txt)/EF<</F 10 0 R>>>>",
			stream("/Subtype/application#2Fcbor/Filter/FlateDecode", z.String()),
			"<</Type/Filespec/F(only associated)/AFRelationship/Data/EF<</UF 10 0 R>>>>",
			stream("", "plain"),
			"<</Type/Filespec/F(elsewhere.pdf)>>",
		},
	}.bytes()
	file = bytes.Replace(file, []byte("FEFF8BC1716700000020"), []byte("FEFF8BC17167002E0063"), 1)
	got, err := open(t, file).EmbeddedFiles()
	if err != nil {
		t.Fatal(err)
	}
	want := []EmbeddedFile{
		{"证照.c", "application/cbor", "Source", []byte("the signed form")},
		{"plain.txt", "", "", []byte("plain")},
		{"only associated", "", "Data", []byte("plain")},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d files, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i].Name != want[i].Name || got[i].MediaType != want[i].MediaType || got[i].Relationship != want[i].Relationship || !bytes.Equal(got[i].Data, want[i].Data) {
			t.Errorf("file %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestEmbeddedFilesRefused(t *testing.T) {
	t.Parallel()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(make([]byte, maxEmbedded/2+1))
	_ = w.Close()
	spec := "<</Type/Filespec/F(x)/EF<</F %d 0 R>>>>"
	for _, tc := range []struct {
		name    string
		objects []string
		want    string
		complex bool
	}{
		{"two that are too large together", []string{fmt.Sprintf(spec, 7), fmt.Sprintf(spec, 7),
			fmt.Sprintf("<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", z.Len(), z.String())}, "", true},
		{"unknown filter", []string{fmt.Sprintf(spec, 7), "null", "<</Filter/JBIG2Decode/Length 1>>\nstream\nx\nendstream"}, "JBIG2Decode", false},
		{"five filters", []string{fmt.Sprintf(spec, 7), "null", "<</Filter[/AHx/AHx/AHx/AHx/AHx]/Length 1>>\nstream\nx\nendstream"}, "more than 4 filters", false},
		{"predictor in between", []string{fmt.Sprintf(spec, 7), "null", "<</Filter[/Fl/AHx]/DecodeParms[<</Predictor 12>>null]/Length 1>>\nstream\nx\nendstream"}, "before the stream's last", false},
		{"filter no name", []string{fmt.Sprintf(spec, 7), "null", "<</Filter[7]/Length 1>>\nstream\nx\nendstream"}, "filter 7", false},
		{"not deflated", []string{fmt.Sprintf(spec, 7), "null", "<</Filter/FlateDecode/Length 1>>\nstream\nx\nendstream"}, "cannot be inflated", false},
		{"in another file", []string{fmt.Sprintf(spec, 7), "null", "<</F(x)/Length 1>>\nstream\nx\nendstream"}, "another file", false},
		{"no length", []string{fmt.Sprintf(spec, 7), "null", "<<>>\nstream\nx\nendstream"}, "no /Length", false},
		{"length too long", []string{fmt.Sprintf(spec, 7), "null", "<</Length 3>>\nstream\nx\nendstream"}, "endstream", false},
		{"length beyond the end", []string{fmt.Sprintf(spec, 7), "null", "<</Length 99999>>\nstream\nx\nendstream"}, "out of the file", false},
		{"no stream", []string{fmt.Sprintf(spec, 7), "null", "[]"}, "no contents", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := sample{catalog: "/AF[5 0 R 6 0 R]", objects: tc.objects}.bytes()
			_, err := open(t, file).EmbeddedFiles()
			var damaged *syntax.DamagedError
			if tc.complex && !errors.Is(err, syntax.ErrTooComplex) || !tc.complex && (!errors.As(err, &damaged) || !strings.Contains(damaged.What, tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestFilters decodes what every filter made of the same data, alone and in chains.
func TestFilters(t *testing.T) {
	t.Parallel()
	want := []byte("Some text, some text,\x00\x00\x00\x00 some text.!")
	deflated := func(data []byte) []byte {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		_, _ = w.Write(data)
		_ = w.Close()
		return z.Bytes()
	}
	hexed := func(data []byte) []byte { return fmt.Appendf(nil, "% X>", data) }
	eightyFive := func(data []byte) []byte {
		out := make([]byte, ascii85.MaxEncodedLen(len(data)))
		return append(out[:ascii85.Encode(out, data)], " ~>"...)
	}
	var early bytes.Buffer
	w := lzw.NewWriter(&early, lzw.MSB, 8) // short enough for the width of codes never to change
	_, _ = w.Write(want)
	_ = w.Close()
	bomb := deflated(deflated(make([]byte, 64<<20)))
	for _, tc := range []struct {
		filter string
		data   []byte
		want   []byte
	}{
		{"/FlateDecode", deflated(want), want},
		{"/Fl", deflated(want), want},
		{"[/FlateDecode]", deflated(want), want},
		{"/ASCIIHexDecode", hexed(want), want},
		{"/AHx", []byte("4 1 4>"), []byte("A@")},
		{"/ASCII85Decode", eightyFive(want), want},
		{"[/A85/Fl]", eightyFive(deflated(want)), want},
		{"[/ASCIIHexDecode/ASCII85Decode/FlateDecode]", hexed(eightyFive(deflated(want))), want},
		{"/LZWDecode", early.Bytes(), want},
		{"/LZWDecode/DecodeParms<</EarlyChange 0>>", early.Bytes(), want},
		{"[/Fl/Fl]", bomb, nil},
	} {
		object := fmt.Sprintf("<</Filter%s/Length %d>>\nstream\n%s\nendstream", tc.filter, len(tc.data), tc.data)
		d := open(t, sample{objects: []string{object}}.bytes())
		o, err := d.now.Load(syntax.Ref{Num: firstExtra})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := d.now.Decode(o.Val.(*syntax.Stream), 1<<20)
		if tc.want == nil {
			if !errors.Is(err, syntax.ErrTooComplex) {
				t.Errorf("%s of a bomb: %v, want ErrTooComplex", tc.filter, err)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, tc.want) {
			t.Errorf("%s: %q, %v; want %q", tc.filter, got, err, tc.want)
		}
	}
}
