package render

import (
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/goldentest"
)

func TestGolden(t *testing.T) {
	t.Parallel()
	sheets := samples(t)
	for name, sheet := range map[string]Sheet{"business-licence": sheets[65], "driving-licence": sheets[3]} {
		goldentest.Compare(t, mustPage(t, sheet).PDF, 1, filepath.Join("testdata", name+".png"))
	}
}
