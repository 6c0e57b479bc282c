package cleantext_test

import (
	"testing"

	"github.com/elicence/elicence/internal/cleantext"
)

func TestAlike(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"王样例", "王样例", true},
		{"王样例", "王 样例", true},
		{"王样例", "\u3000王样例 ", true},
		{"王样例", "王样\u200b例", true},
		{"王样例", "王样\ufe00例", true},
		{"wang", "Wang", true},
		{"wang", "ｗａｎｇ", true},
		{"é", "e\u0301", true},
		{"STRASSE", "straße", true},
		{"样1", "样①", true},
		{"", " ", true},
		{"王样例", "王样利", false},
		{"wang1", "wang2", false},
		{"wang", "", false},
	} {
		if cleantext.Alike(test.a, test.b) != test.want || cleantext.Alike(test.b, test.a) != test.want {
			t.Errorf("%q and %q: want %t", test.a, test.b, test.want)
		}
	}
}
