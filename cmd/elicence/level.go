package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/durable"
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
func preserve(cmd *cobra.Command, o *office.Office, actor string, sealed *pdf.Prepared, level office.Level) (*pdf.Prepared, error) {
	if level != office.LevelLT && level != office.LevelLTA {
		return sealed, nil
	}
	doc, err := sealed.Document()
	if err != nil {
		return nil, err
	}
	return o.Preserve(cmd.Context(), actor, doc, level)
}

func newDocument(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "document", Short: "文档 documents"}
	cmd.AddCommand(newDocumentArchive(s))
	return cmd
}

func newDocumentArchive(s *settings) *cobra.Command {
	var l leveling
	cmd := &cobra.Command{
		Use:   "archive [--level b-lta] IN.pdf OUT.pdf",
		Short: "归档 keep a signed document verifiable",
		Long: "Adds to a document that is in order what its verification will need in later years: certificates, OCSP answers and, with\n" +
			"b-lta, a time stamp over the whole. Earlier signatures stay valid. Done again before the certificate of the last time stamp's\n" +
			"authority ends, it renews the proof.",
		Args: arguments("IN.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			level, err := l.use(s)
			if err != nil {
				return err
			}
			if level != office.LevelLT && level != office.LevelLTA {
				return fmt.Errorf("--level: %s adds nothing to a document that is signed", level)
			}
			if sameFile(args[0], args[1]) {
				return fmt.Errorf("%s: the document that is written must be another file", args[1])
			}
			doc, closeFile, err := openPDF(args[0])
			if err != nil {
				return err
			}
			defer closeFile()
			return s.with(func(o *office.Office) error {
				kept, err := o.Preserve(cmd.Context(), s.actor, doc, level)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				if err := durable.WriteFrom(args[1], kept, 0o644); err != nil {
					return err
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{"level": level, "file": args[1]})
				}
				return nil
			})
		},
	}
	l.flags(cmd, string(office.LevelLTA))
	return cmd
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
