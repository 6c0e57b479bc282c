package exchange

import (
	"fmt"
	"strings"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/licence/catalogue"
)

// The columns of the common part of a licence, in the order in which they are written.
const (
	columnIssuer     = "issuer"
	columnNumber     = "number"
	columnHolder     = "holder_name"
	columnIDType     = "holder_id_type"
	columnIDNumber   = "holder_id_number"
	columnIssueDate  = "issue_date"
	columnValidFrom  = "valid_from"
	columnValidUntil = "valid_until"
)

// commonNames are what else a column of the common part may be called: in Chinese, and by
// the short names of GB/T 36903-2018.
var commonNames = map[string]string{
	"发证机关统一社会信用代码": columnIssuer, "证照颁发机构代码": columnIssuer, "ZZBFJGDM": columnIssuer,
	"证照编号": columnNumber, "ZZBH": columnNumber,
	"持证主体": columnHolder, "CZZT": columnHolder,
	"持证主体代码类型": columnIDType, "持证主体代码类型代码": columnIDType, "CZZTDMLX": columnIDType, "CZZTDMLXDM": columnIDType,
	"持证主体代码": columnIDNumber, "CZZTDM": columnIDNumber,
	"颁发日期": columnIssueDate, "证照颁发日期": columnIssueDate, "ZZBFRQ": columnIssueDate,
	"有效期起始日期": columnValidFrom, "证照有效期起始日期": columnValidFrom, "ZZYXQQSRQ": columnValidFrom,
	"有效期截止日期": columnValidUntil, "证照有效期截止日期": columnValidUntil, "ZZYXQJZRQ": columnValidUntil,
}

// mapped names the column of the common part that a field repeats; a licence's issuer is
// repeated by its name, which is no column.
var mapped = map[catalogue.Mapping]string{
	catalogue.MapsHolderName: columnHolder, catalogue.MapsHolderID: columnIDNumber,
	catalogue.MapsIssueDate: columnIssueDate, catalogue.MapsValidFrom: columnValidFrom, catalogue.MapsValidTo: columnValidUntil,
}

// faultNames are the columns of the common part as faults name them.
var faultNames = map[string]string{
	columnHolder: "holder.name", columnIDType: "holder.id_type", columnIDNumber: "holder.id_number",
}

// column is what a column of a table holds: a part of the common part, or a field.
type column struct {
	common string // empty: it is a field
	field  catalogue.Field
}

// fault is how a fault of the column is named, as in [licence.Fault].
func (c column) fault() string {
	if c.common == "" {
		return "fields." + c.field.Code
	}
	if name, ok := faultNames[c.common]; ok {
		return name
	}
	return c.common
}

// isDate reports whether the column holds days.
func (c column) isDate() bool {
	switch c.common {
	case columnIssueDate, columnValidFrom, columnValidUntil:
		return true
	default:
		return c.common == "" && c.field.Type == catalogue.Date
	}
}

// ErrHeader says that the first row of a table does not name columns of the category.
var ErrHeader = bilingual.New("表头不是该类证照的字段", "not a header of this category")

// readHeader finds what each column holds.
func readHeader(names []string, c *catalogue.Category) ([]column, error) {
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t；，") {
		return nil, fmt.Errorf("the columns are not divided by commas: %w", ErrHeader)
	}
	columns := make([]column, len(names))
	have := make(map[string]string) // what a column holds → how it is called
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, fmt.Errorf("column %d has no name: %w", i+1, ErrHeader)
		}
		found, ok := findColumn(name, c)
		if !ok {
			return nil, fmt.Errorf("%q is no column of category %s %s: %w", name, c.ID, c.NameZH, ErrHeader)
		}
		if first, taken := have[found.fault()]; taken {
			return nil, fmt.Errorf("columns %q and %q are the same: %w", first, name, ErrHeader)
		}
		have[found.fault()] = name
		columns[i] = found
	}
	// A field that repeats the common part stands for it where nothing else does.
	for i, col := range columns {
		if common := mapped[col.field.MapsTo]; col.common == "" && common != "" {
			stand := column{common: common, field: col.field}
			if _, taken := have[stand.fault()]; !taken {
				columns[i] = stand
				have[stand.fault()] = names[i]
			}
		}
	}
	for _, required := range []string{columnNumber, columnHolder, columnIDNumber, columnIssueDate} {
		if _, ok := have[column{common: required}.fault()]; !ok {
			return nil, fmt.Errorf("column %s is missing: %w", columnNames(required), ErrHeader)
		}
	}
	return columns, nil
}

// findColumn finds a column by its name: codes before Chinese names, and the category's
// own fields before the common part.
func findColumn(name string, c *catalogue.Category) (column, bool) {
	if f, ok := c.Field(name); ok {
		return column{field: f}, true
	}
	switch name {
	case columnIssuer, columnNumber, columnHolder, columnIDType, columnIDNumber, columnIssueDate, columnValidFrom, columnValidUntil:
		return column{common: name}, true
	}
	for _, f := range c.Fields {
		if f.NameZH == name {
			return column{field: f}, true
		}
	}
	common, ok := commonNames[name]
	return column{common: common}, ok
}

// columnNames is how a missing column of the common part may be called.
func columnNames(common string) string {
	chinese := map[string]string{
		columnNumber: "证照编号", columnHolder: "持证主体", columnIDType: "持证主体代码类型", columnIDNumber: "持证主体代码", columnIssueDate: "颁发日期",
	}
	return chinese[common] + " " + common
}
