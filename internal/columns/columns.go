// Package columns aligns text in a terminal's columns, of which a Chinese
// character takes two.
package columns

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// terminal counts ambiguous characters as narrow whatever the locale says, so that
// output is the same everywhere.
var terminal = runewidth.Condition{}

// Fit fills a text with spaces up to a number of columns, and cuts what is longer.
func Fit(s string, columns int) string {
	return terminal.FillRight(terminal.Truncate(s, columns, "…"), columns)
}

// Write writes rows with two spaces between columns as wide as their widest cell.
func Write(w io.Writer, rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], terminal.StringWidth(cell))
		}
	}
	out := bufio.NewWriter(w)
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(terminal.FillRight(cell, widths[i]+2))
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
	return out.Flush()
}
