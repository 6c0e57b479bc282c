package exchange

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
)

// Row is one application of a file, not yet read.
type Row struct {
	Line int // on which it begins, from 1
	// Read returns the application; see [licence.InvalidError] for what is wrong with its
	// form. It may be called by any goroutine.
	Read func() (*licence.Application, error)
}

// Defaults stand for columns that a table does not have.
type Defaults struct {
	Issuer string
	IDType string
}

// maxRow bounds one row of a table or one line of JSON, in bytes: what one application may
// have. A quote that is never closed would else take the whole file for one value.
const maxRow = licence.MaxApplicationSize

// ErrTooLong says that a row has more than [licence.MaxApplicationSize] bytes.
var ErrTooLong = fmt.Errorf("has more than %d bytes: is a quote left open?", maxRow)

// CSV reads the rows of a table (RFC 4180, in UTF-8) whose first row names its columns. An
// error of the sequence ends it; what is wrong with one row is told by its Read.
func CSV(text io.Reader, c *catalogue.Category, d Defaults) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		bounded := &bounded{r: text}
		r := csv.NewReader(bounded)
		bounded.next()
		names, err := r.Read()
		if err != nil {
			yield(Row{}, fmt.Errorf("line 1: %w", headerError(err)))
			return
		}
		columns, err := readHeader(names, c)
		if err != nil {
			yield(Row{}, fmt.Errorf("line 1: %w", err))
			return
		}
		r.FieldsPerRecord = -1 // counted below: a row with another count is one fault
		for last := 1; ; {
			bounded.next()
			values, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			var broken *csv.ParseError
			if err != nil && !errors.As(err, &broken) {
				yield(Row{}, fmt.Errorf("behind line %d: %w", last, err))
				return
			}
			if broken == nil && blank(values) {
				continue // as spreadsheets leave them
			}
			var row Row
			if broken != nil {
				row = Row{broken.StartLine, func() (*licence.Application, error) { return nil, fault("引号不成对", "%s", describe(broken.Err)) }}
			} else {
				row.Line, _ = r.FieldPos(0)
				row.Read = func() (*licence.Application, error) { return application(columns, values, d) }
			}
			last = row.Line
			if !yield(row, nil) {
				return
			}
		}
	}
}

func headerError(err error) error {
	var broken *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the file is empty: %w", ErrHeader)
	case errors.As(err, &broken):
		return fmt.Errorf("%w: %w", broken.Err, ErrHeader)
	default:
		return err
	}
}

// describe rewords what is wrong with the quotes of a row.
func describe(err error) string {
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return `has a quote in a value that does not begin with one: put the value in quotes, and write each of its own twice`
	case errors.Is(err, csv.ErrQuote):
		return `has a quoted value that does not end with its second quote`
	default:
		return err.Error()
	}
}

func blank(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) != "" })
}

func fault(zh, format string, args ...any) *licence.InvalidError {
	return &licence.InvalidError{Faults: []licence.Fault{{Reason: fmt.Errorf(format, args...).Error(), ReasonZH: zh}}}
}

// application makes an application of a row.
func application(columns []column, values []string, d Defaults) (*licence.Application, error) {
	if len(values) != len(columns) {
		return nil, fault("列数与表头不同", "has %d values, the header has %d", len(values), len(columns))
	}
	a := &licence.Application{Issuer: d.Issuer, Fields: make(map[string]licence.ApplicationValue)}
	a.Holder.IDType = d.IDType
	var faults []licence.Fault
	for i, col := range columns {
		value, err := clean(values[i])
		if err == nil && col.isDate() {
			value = dashes(value)
		}
		if err != nil {
			faults = append(faults, licence.Fault{Field: col.fault(), Reason: err.Error(), ReasonZH: "被电子表格改写，请将该列设为文本后重填"})
			continue
		}
		if value == "" {
			continue
		}
		switch col.common {
		case columnIssuer:
			a.Issuer = value
		case columnNumber:
			a.Number = value
		case columnHolder:
			a.Holder.Name = value
		case columnIDType:
			a.Holder.IDType = idType(value)
		case columnIDNumber:
			a.Holder.IDNumber = value
		case columnIssueDate:
			a.IssueDate = value
		case columnValidFrom:
			a.ValidFrom = value
		case columnValidUntil:
			a.ValidUntil = value
		default:
			v := licence.ApplicationValue{Text: value}
			if col.field.Type == catalogue.Image {
				v = licence.ApplicationValue{File: value}
			}
			a.Fields[col.field.Code] = v
		}
	}
	if len(faults) > 0 {
		return a, &licence.InvalidError{Faults: faults}
	}
	return a, nil
}

// What spreadsheets make of long numbers, and what people put before them against it.
var (
	scientific = regexp.MustCompile(`^-?[0-9](\.[0-9]+)?[eE]\+[0-9]+$`)
	quotedText = regexp.MustCompile(`^="([0-9A-Za-z-]*)"$`)
	forcedText = regexp.MustCompile(`^'([0-9A-Za-z-]+)$`)
	slashes    = regexp.MustCompile(`^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})$`)
)

// clean takes a value out of what a spreadsheet has put around it.
func clean(value string) (string, error) {
	value = strings.TrimSpace(value)
	if m := quotedText.FindStringSubmatch(value); m != nil {
		return m[1], nil
	}
	if m := forcedText.FindStringSubmatch(value); m != nil {
		return m[1], nil
	}
	switch {
	case scientific.MatchString(value):
		return "", errors.New("is a long number that the spreadsheet has shortened; its last digits are lost: make the column text and write it again")
	case strings.HasPrefix(value, "="), strings.HasPrefix(value, "'"):
		return "", errors.New("begins with = or ', as a formula or a forced text of a spreadsheet")
	case strings.HasPrefix(value, "#") && (strings.HasSuffix(value, "!") || strings.HasSuffix(value, "?") || strings.Trim(value, "#") == "" || value == "#N/A"):
		return "", errors.New("is a spreadsheet's mark of an error")
	}
	return value, nil
}

// dashes writes a day as 2024/1/31, as spreadsheets do, with dashes.
func dashes(value string) string {
	m := slashes.FindStringSubmatch(value)
	if m == nil {
		return value
	}
	return fmt.Sprintf("%s-%02s-%02s", m[1], m[2], m[3])
}

// idType takes a type of document by its code or by its name in GB/T 36903.
func idType(value string) string {
	if t, ok := licence.IDTypeNamed(value); ok {
		return string(t)
	}
	return value
}

// bounded ends a row that has too many bytes. Between two rows next is called.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) next() { b.left = maxRow }

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the row %w", ErrTooLong)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
