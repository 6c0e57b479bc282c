package catalogue

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/strictjson"
)

// Change is a change of the catalogue by whoever runs the service: new categories, and
// new schemas of those that there are. Its two files have the form of the embedded ones,
// with the rows of the categories that it is about and no others. The code of a category
// never changes; licences that were issued before keep their schema and stay readable.
// Where a change says nothing of a category's life or retention, they stay as they were.
type Change struct {
	Categories, Fields []byte // CSV
	Life, Retention    []byte // CSV, or nil

	json bool // it was read by [ParseChange], and its faults are named by their places there
}

// Files returns the files of a change by their names, to be read or written.
func (c *Change) Files() map[string]*[]byte {
	return map[string]*[]byte{categoriesFile: &c.Categories, fieldsFile: &c.Fields, lifeFile: &c.Life, retentionFile: &c.Retention}
}

// Optional reports whether a change need not have a file of this name.
func (Change) Optional(name string) bool { return name == lifeFile || name == retentionFile }

// With brings a change upon a catalogue. All faults are reported at once, as by [Parse].
func (c *Catalogue) With(change Change) (*Catalogue, error) {
	f := files{json: change.json, categories: bytes.NewReader(change.Categories), fields: bytes.NewReader(change.Fields)}
	if change.Life != nil {
		f.life = bytes.NewReader(change.Life)
	}
	if change.Retention != nil {
		f.retention = bytes.NewReader(change.Retention)
	}
	changed, err := c.parse(f)
	if err != nil {
		return nil, err
	}
	if len(change.About()) == 0 {
		return nil, fmt.Errorf("no category is in it: %w", ErrFaulty)
	}
	return changed, nil
}

// Digest returns SM3 over the deterministic CBOR of the files; one that is not there is
// empty.
func (c Change) Digest() ([sm3.Size]byte, error) {
	b, err := detcbor.Marshal([][]byte{c.Categories, c.Fields, c.Life, c.Retention})
	return sm3.Sum(b), err
}

// About returns the categories of a change that [Catalogue.With] has taken.
func (c Change) About() []ID {
	r := csv.NewReader(bytes.NewReader(c.Categories))
	var ids []ID
	for {
		row, err := r.Read()
		if err != nil {
			return ids
		}
		if id, err := ParseID(row[0]); err == nil {
			ids = append(ids, id)
		}
	}
}

// maxChange bounds the JSON of a change, in bytes.
const maxChange = 256 << 10

// changeFile is a change of one category in JSON: the columns of the CSV files by name.
// Columns that are left out are empty.
type changeFile struct {
	Category  map[string]string   `json:"category"`
	Fields    []map[string]string `json:"fields"`
	Life      map[string]string   `json:"life"`
	Retention map[string]string   `json:"retention"`
}

// ParseChange reads a change of one category from JSON and checks nothing but its form:
// known columns, each text once. Number and sequence of the fields need not be given.
func ParseChange(b []byte) (Change, error) {
	var file changeFile
	if len(b) > maxChange {
		return Change{}, fmt.Errorf("change of %d bytes, at most %d are read: %w", len(b), maxChange, ErrFaulty)
	}
	if err := strictjson.Unmarshal(b, &file); err != nil {
		return Change{}, fmt.Errorf("reading a change: %w: %w", ErrFaulty, err)
	}
	if file.Category == nil {
		return Change{}, fmt.Errorf("category: is missing: %w", ErrFaulty)
	}
	for _, row := range []map[string]string{file.Life, file.Retention} {
		if row != nil {
			row["id"] = file.Category["id"]
		}
	}
	for i, f := range file.Fields {
		if f == nil {
			return Change{}, fmt.Errorf("fields[%d]: is null: %w", i, ErrFaulty)
		}
		for column, value := range map[string]string{"id": file.Category["id"], "seq": fmt.Sprint(i + 1)} {
			if given, ok := f[column]; ok && given != value {
				return Change{}, fmt.Errorf("fields[%d]: %s is %q, want %q: %w", i, column, given, value, ErrFaulty)
			}
			f[column] = value
		}
	}
	categories, err := writeRows(categoriesFile, categoryHeader, file.Category)
	if err != nil {
		return Change{}, err
	}
	fields, err := writeRows(fieldsFile, fieldHeader, file.Fields...)
	if err != nil {
		return Change{}, err
	}
	change := Change{Categories: categories, Fields: fields, json: true}
	if file.Life != nil {
		if change.Life, err = writeRows(lifeFile, lifeHeader, file.Life); err != nil {
			return Change{}, err
		}
	}
	if file.Retention != nil {
		if change.Retention, err = writeRows(retentionFile, retentionHeader, file.Retention); err != nil {
			return Change{}, err
		}
	}
	return change, nil
}

// jsonPlace names the place in a [changeFile] of a row, from 0, of a file.
func jsonPlace(file string, row int) string {
	switch file {
	case fieldsFile:
		return fmt.Sprintf("fields[%d]", row)
	case categoriesFile:
		return "category"
	default:
		return strings.TrimSuffix(file, ".csv")
	}
}

// writeRows writes rows under the header of a file as CSV.
func writeRows(file string, header []string, rows ...map[string]string) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	all := [][]string{header}
	for i, row := range rows {
		for column := range row {
			if !slices.Contains(header, column) {
				return nil, fmt.Errorf("%s: there is no column %q: %w", jsonPlace(file, i), column, ErrFaulty)
			}
		}
		values := make([]string, len(header))
		for at, column := range header {
			values[at] = row[column]
		}
		all = append(all, values)
	}
	err := w.WriteAll(all)
	return out.Bytes(), err
}
