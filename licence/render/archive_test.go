package render

import (
	"testing"

	"github.com/elicence/elicence/internal/tooltest"
)

// By veraPDF a page has all that PDF/A-3b asks for (ISO 19005-3), but for the claim to be
// such a file (6.6.4): the seal that follows is a signature of GB/T 38540 and no PKCS #7
// (6.4.3), so the finished file could not keep it.
func TestPageIsFitForArchives(t *testing.T) {
	t.Parallel()
	args := []string{"3b"}
	sheets := samples(t)
	for _, category := range []int{4, 17, 40, 66} {
		args = append(args, save(t, mustPage(t, sheets[category-1]).PDF))
	}
	for i, failed := range tooltest.Maven(t, "verapdf", args...) {
		if failed != "6.6.4-1" {
			t.Errorf("file %d fails %s, want 6.6.4-1 alone", i, failed)
		}
	}
}
