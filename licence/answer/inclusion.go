package answer

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/elicence/elicence/licence/catalogue"
)

//go:embed inclusions.csv
var inclusionsCSV []byte

// Inclusions say which value of a field includes which others by law. It is immutable.
type Inclusions struct {
	included map[inclusion][]string
}

type inclusion struct {
	category catalogue.ID
	field    string
	value    string
}

// LoadInclusions reads the embedded table. A test holds it against the embedded catalogue;
// of categories that were changed since it may name values that are gone.
func LoadInclusions() (*Inclusions, error) {
	rows, err := csv.NewReader(bytes.NewReader(inclusionsCSV)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("inclusions.csv: %w", err)
	}
	i := &Inclusions{included: make(map[inclusion][]string)}
	for n, row := range rows[1:] {
		id, err := catalogue.ParseID(row[0])
		if err != nil {
			return nil, fmt.Errorf("inclusions.csv line %d: %w", n+2, err)
		}
		i.included[inclusion{id, row[1], row[2]}] = strings.Split(row[3], "|")
	}
	return i, nil
}

// Include reports whether a value of a field is another one or includes it.
func (i *Inclusions) Include(category catalogue.ID, field, value, other string) bool {
	return value == other || slices.Contains(i.included[inclusion{category, field, value}], other)
}
