package syntax

import "testing"

func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   float64
		want string
	}{
		{0, "0"}, {1, "1"}, {-2, "-2"}, {0.5, "0.5"}, {1.0 / 3, "0.3333"}, {119.05511811, "119.0551"},
		{0.00001, "0"}, {-0.00001, "0"}, {1e6, "1000000"}, {123456.78901, "123456.789"},
	} {
		if got := string(AppendValue(nil, Decimal(tc.in))); got != tc.want {
			t.Errorf("%v was written as %s, want %s", tc.in, got, tc.want)
		}
	}
}
