package typeset

import "testing"

func TestAppendNumber(t *testing.T) {
	t.Parallel()
	tests := map[float64]string{
		0: "0 ", 1: "1 ", -1: "-1 ", 0.5: "0.5 ", 0.05: "0.05 ", 0.004: "0 ", -0.004: "0 ", 0.006: "0.01 ",
		12.345: "12.35 ", -0.25: "-0.25 ", 841.8898: "841.89 ", 99.999: "100 ", 100.1: "100.1 ",
	}
	for v, want := range tests {
		if got := string(appendNumber(nil, v)); got != want {
			t.Errorf("appendNumber(%v) = %q, want %q", v, got, want)
		}
	}
}
