// Package docs carries the descriptions of the formats in the program, so that an
// evidence bundle holds them as they were when it was made.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed licence-format.md code-format.md trust-format.md audit-format.md copies.md evidence.md answers.md seen-format.md
var formats embed.FS

// Formats returns the descriptions, Markdown by file name.
func Formats() fs.FS { return formats }
