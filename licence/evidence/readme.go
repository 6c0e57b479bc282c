package evidence

import (
	"bytes"
	_ "embed"
	"fmt"

	template "github.com/DataDog/datadog-agent/pkg/template/text"
)

// ReadmeName is the name of the explanation for people.
const ReadmeName = "README.txt"

//go:embed readme.txt
var readmeText string

// Facts are what the explanation says of the licence, in words.
type Facts struct {
	CategoryZH, CategoryEN, Number, Identifier, Holder, Issuer string
	IssueDay, FirstDay, LastDayZH, LastDayEN, StateZH, StateEN string
	Since, MadeAt                                              string // RFC 3339
	RootSM3                                                    string // of the first root file in the bundle
}

// Readme writes the explanation, Chinese first.
func Readme(f Facts) ([]byte, error) {
	t, err := template.New(ReadmeName).Parse(readmeText)
	if err != nil {
		return nil, fmt.Errorf("explanation of an evidence bundle: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, f); err != nil {
		return nil, fmt.Errorf("explanation of an evidence bundle: %w", err)
	}
	return out.Bytes(), nil
}
