package catalogue

import (
	_ "embed"
	"io"
	"strconv"
	"time"
)

//go:embed retention.csv
var retentionCSV []byte

// Retention is how long what a licence says is kept after it has ended.
type Retention struct {
	Years  int    // after the end; 0: for ever
	Basis  string // the rule that says so
	Stated bool   // for the category, by the catalogue or a change of it; otherwise it is the default
}

// Permanent reports whether licences are kept for ever.
func (r Retention) Permanent() bool { return r.Years == 0 }

// Due returns the day from which what ended on a day need not be kept any more.
func (r Retention) Due(end time.Time) time.Time { return end.AddDate(r.Years, 0, 0) }

// defaultRetention is that of a category for which nobody has said another.
func defaultRetention() Retention {
	return Retention{Years: 30, Basis: "缺省值：比照机关文书档案定期 30 年（国家档案局令第 8 号）；各类别的法定期限由运行单位另行设定"}
}

const (
	retentionFile = "retention.csv"
	// maxRetention bounds a period in years; longer is for ever.
	maxRetention = 200
)

var retentionHeader = []string{"id", "years", "basis"}

// readRetention reads the periods of categories. A category without a row has the one
// that it had, or the default.
func (p *parser) readRetention(r io.Reader) {
	seen := make(map[ID]bool)
	p.rows(retentionFile, r, retentionHeader, func(place string, row map[string]string) {
		id, err := ParseID(row["id"])
		if err != nil || !p.rewritten[id] || seen[id] {
			if p.json {
				return // see readFields
			}
			p.fault(place, "id %q is not a category, or stands twice", row["id"])
			return
		}
		seen[id] = true
		years, err := strconv.Atoi(row["years"])
		switch {
		case row["years"] == "permanent":
			years = 0
		case err != nil || years < 1 || years > maxRetention:
			p.fault(place, "years %q is neither permanent nor 1 to %d", row["years"], maxRetention)
		}
		if row["basis"] == "" {
			p.fault(place, "basis is empty: which rule says so?")
		}
		p.categories[id-1].Retention = Retention{Years: years, Basis: row["basis"], Stated: true}
	})
}
