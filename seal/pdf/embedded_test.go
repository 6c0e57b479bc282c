package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"strings"
	"testing"
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
		{"unknown filter", []string{fmt.Sprintf(spec, 7), "null", "<</Filter/LZWDecode/Length 1>>\nstream\nx\nendstream"}, "LZWDecode", false},
		{"two filters", []string{fmt.Sprintf(spec, 7), "null", "<</Filter[/FlateDecode/FlateDecode]/Length 1>>\nstream\nx\nendstream"}, "more than one filter", false},
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
			var damaged *DamagedError
			if tc.complex && !errors.Is(err, ErrTooComplex) || !tc.complex && (!errors.As(err, &damaged) || !strings.Contains(damaged.What, tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestPredictors reads a cross-reference stream behind every PNG predictor.
func TestPredictors(t *testing.T) {
	t.Parallel()
	rows := [][]byte{{1, 2, 3, 250}, {9, 0, 7, 251}, {200, 100, 50, 25}}
	for method := byte(0); method <= 4; method++ {
		var in []byte
		before := make([]byte, 4)
		for _, row := range rows {
			in = append(in, method)
			for i, c := range row {
				left, corner := byte(0), byte(0)
				if i > 0 {
					left, corner = row[i-1], before[i-1]
				}
				switch method {
				case 1:
					c -= left
				case 2:
					c -= before[i]
				case 3:
					c -= byte((int(left) + int(before[i])) / 2)
				case 4:
					c -= paeth(int(left), int(before[i]), int(corner))
				}
				in = append(in, c)
			}
			before = row
		}
		v := view{doc: &Document{}}
		got, err := v.unpredict(in, dictOf("Predictor", int64(12), "Columns", int64(4)), 0)
		if err != nil || !bytes.Equal(got, bytes.Join(rows, nil)) {
			t.Errorf("method %d: %v, %v; want %v", method, got, err, rows)
		}
	}
	v := view{doc: &Document{}}
	for _, bad := range []*dict{
		dictOf("Predictor", int64(2)), dictOf("Predictor", int64(12), "Columns", int64(5)),
		dictOf("Predictor", int64(12), "Columns", int64(-1)), dictOf("Predictor", int64(12), "Columns", int64(1<<40)),
		dictOf("Predictor", name("x")),
	} {
		if _, err := v.unpredict(make([]byte, 10), bad, 0); err == nil {
			t.Errorf("%s was accepted", appendValue(nil, bad))
		}
	}
	if _, err := v.unpredict([]byte{9, 1}, dictOf("Predictor", int64(12), "Columns", int64(1)), 0); err == nil {
		t.Error("the unknown filter 9 was accepted")
	}
}
