package render

import "testing"

// TestCodeOnPaper: the dark part of every symbol is 35 mm wide, and no module is below 0.4 mm.
func TestCodeOnPaper(t *testing.T) {
	t.Parallel()
	for n := 29; n <= maxModules; n += 4 {
		l := layout{modules: make([][]bool, n)}
		module := l.codeSize() / float64(n)
		if dark := module * float64(n-8); dark < 35-1e-9 || module < 0.4-1e-9 {
			t.Errorf("%d modules: %.2f mm wide, a module %.3f mm", n, dark, module)
		}
	}
	// The code of a copy is far above version 12, which has 65 modules.
	if dark := CodeRoom * 65 / 73; dark < 35 {
		t.Errorf("on a copy: %.2f mm wide", dark)
	}
}
