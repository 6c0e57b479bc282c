package render

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/goldentest"
)

// One licence of each kind, and the two pages of one that does not fit on one.
func TestGolden(t *testing.T) {
	t.Parallel()
	sheets := samples(t)
	for name, category := range map[string]int{
		"driving-licence": 4, "marriage-certificate": 17, "security-guard": 12, "security-service": 13, "no-criminal-record": 11,
		"construction-enterprise": 130, "work-injury": 40, "labour-capacity": 41, "business-licence": 66,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			goldentest.Compare(t, mustPage(t, sheets[category-1]).PDF, 1, filepath.Join("testdata", name+".png"))
		})
	}
	t.Run("continued", func(t *testing.T) {
		t.Parallel()
		long := sheets[65]
		long.Rows = append(long.Rows, Row{"许可项目", "Licensed items", strings.Repeat("食品销售；药品零售；道路货物运输（不含危险货物）；", 90)})
		pdf := mustPage(t, long).PDF
		for page, name := range []string{"continued-1.png", "continued-2.png"} {
			goldentest.Compare(t, pdf, page+1, filepath.Join("testdata", name))
		}
	})
}
