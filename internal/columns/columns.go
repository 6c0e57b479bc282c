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

// Width returns how many columns a text takes.
func Width(s string) int { return terminal.StringWidth(s) }

// Wrap breaks a text into lines of at most so many columns: at a space where there is
// one that leaves no more than two thirds of the line empty, else between any two characters.
func Wrap(s string, columns int) []string {
	var lines []string
	columns = max(columns, 2) // the widest character
	for {
		head := terminal.Truncate(s, columns, "")
		if head == s || head == "" {
			return append(lines, s)
		}
		if space := strings.LastIndexByte(head, ' '); 3*space > len(head) && s[len(head)] != ' ' {
			head = head[:space]
		}
		lines = append(lines, strings.TrimRight(head, " "))
		s = strings.TrimLeft(s[len(head):], " ")
	}
}
