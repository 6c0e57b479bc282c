package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/seal/pdf"
)

// leveling is how long a signature is to be verifiable, and whose word on the clock
// counts for the time stamps that it takes.
type leveling struct {
	level string
	clock clockFlag
}

func (l *leveling) flags(cmd *cobra.Command, level string) {
	cmd.Flags().StringVar(&l.level, "level", level, "`LEVEL` of the signature: "+strings.Join(levelNames(), ", "))
	l.clock.add(cmd)
}

func levelNames() []string {
	var names []string
	for _, l := range office.Levels() {
		names = append(names, string(l))
	}
	return names
}

// use checks the flags and settles the clock before the data folder is opened.
func (l *leveling) use(s *settings) (office.Level, error) {
	if !slices.Contains(levelNames(), l.level) {
		return "", fmt.Errorf("--level: %q is none of %s", l.level, strings.Join(levelNames(), ", "))
	}
	return office.Level(l.level), l.clock.set(s)
}

// preserve raises a sealed document to a level.
func preserve(ctx context.Context, o *office.Office, actor string, sealed *pdf.Prepared, level office.Level) (*pdf.Prepared, error) {
	if level != office.LevelLT && level != office.LevelLTA {
		return sealed, nil
	}
	doc, err := sealed.Document()
	if err != nil {
		return nil, err
	}
	return o.Preserve(ctx, actor, doc, level)
}

// parseLock reads what a seal locks: all, or the names of fields; behind "not", all
// others.
func parseLock(text string) (*pdf.Lock, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no lock is no error
	}
	if text == "all" {
		return &pdf.Lock{Action: pdf.LockAll}, nil
	}
	lock := &pdf.Lock{Action: pdf.LockInclude}
	names, except := strings.CutPrefix(text, "not:")
	if except {
		lock.Action = pdf.LockExclude
	}
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return nil, fmt.Errorf("--lock: %q names an empty field", text)
		}
		lock.Fields = append(lock.Fields, name)
	}
	return lock, nil
}

// lockable refuses a lock that names fields which the document does not have: a name that is
// mistyped would protect nothing.
func lockable(doc *pdf.Document, lock *pdf.Lock) error {
	if lock == nil {
		return nil
	}
	for _, name := range lock.Fields {
		exists, err := doc.HasFields(name)
		if err != nil {
			return err
		}
		if !exists {
			return fmt.Errorf("--lock: the document has no field %q", name)
		}
	}
	return nil
}
