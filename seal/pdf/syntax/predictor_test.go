package syntax

import (
	"bytes"
	"testing"
)

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
		v := View{File: &File{}}
		got, err := v.unpredict(in, DictOf("Predictor", int64(12), "Columns", int64(4)), 0)
		if err != nil || !bytes.Equal(got, bytes.Join(rows, nil)) {
			t.Errorf("method %d: %v, %v; want %v", method, got, err, rows)
		}
	}
	v := View{File: &File{}}
	got, err := v.unpredict([]byte{1, 2, 3, 250, 1, 1, 1, 1}, DictOf("Predictor", int64(2), "Columns", int64(2), "Colors", int64(2)), 0)
	if want := []byte{1, 2, 4, 252, 1, 1, 2, 2}; err != nil || !bytes.Equal(got, want) {
		t.Errorf("predictor 2: %v, %v; want %v", got, err, want)
	}
	huge := DictOf("Predictor", int64(12), "Columns", int64(1_000_000), "Colors", int64(1_000_000), "BitsPerComponent", int64(1_000_000))
	if got, err := v.unpredict(nil, huge, 0); err != nil || len(got) > 0 {
		t.Errorf("no data in rows of any size: %v, %v", got, err)
	}
	for _, bad := range []*Dict{
		DictOf("Predictor", int64(2), "BitsPerComponent", int64(4)), DictOf("Predictor", int64(2), "Columns", int64(3)), DictOf("Predictor", int64(3)), DictOf("Predictor", int64(12), "Columns", int64(5)),
		DictOf("Predictor", int64(12), "Columns", int64(-1)), DictOf("Predictor", int64(12), "Columns", int64(1<<40)),
		DictOf("Predictor", Name("x")),
	} {
		if _, err := v.unpredict(make([]byte, 10), bad, 0); err == nil {
			t.Errorf("%s was accepted", AppendValue(nil, bad))
		}
	}
	if _, err := v.unpredict([]byte{9, 1}, DictOf("Predictor", int64(12), "Columns", int64(1)), 0); err == nil {
		t.Error("the unknown filter 9 was accepted")
	}
}
