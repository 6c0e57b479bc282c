package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// repairFinding and lostSignature are what the command prints in JSON.
type repairFinding struct {
	Offset int64  `json:"offset"`
	Object int    `json:"object"` // 0 for none
	What   string `json:"what"`
}

type lostSignature struct {
	Field string  `json:"field"`
	Name  string  `json:"name"`
	Time  *string `json:"time"` // as it claimed; null where it said nothing
}

func newDocumentRepair(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "repair IN.pdf OUT.pdf",
		Short: "修复 write a damaged PDF anew from the objects that are found in it",
		Long: "Looks for the objects of a PDF whose cross-reference data are damaged and writes those that the document reaches into a new\n" +
			"file. What was wrong is listed. Signatures are taken out and listed, with what showed them on the pages: nobody who signed the\n" +
			"damaged file has signed the new one.\n" +
			"A file that can be read as it is stays as it is, and an encrypted one must be decrypted first. Look at the result before it is\n" +
			"sealed: what was lost in the damage stays lost.",
		Args: arguments("IN.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.another("the document that is written", args[0], args[1]); err != nil {
				return err
			}
			repaired, err := repairFile(args[0])
			if err != nil {
				return err
			}
			if err := durable.WriteFrom(args[1], repaired, 0o644); err != nil {
				return err
			}
			if s.json {
				return printRepairJSON(cmd.OutOrStdout(), args[1], repaired)
			}
			return printRepair(cmd.OutOrStdout(), repaired)
		},
	}
}

func repairFile(path string) (*pdf.Repaired, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = bilingual.New("不是文件", "is not a file")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	repaired, err := pdf.Repair(f, info.Size())
	if isDamaged(err) { // not wrapped: nobody is told to repair it
		return nil, fmt.Errorf("%s: %v", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return repaired, nil
}

func printRepairJSON(out io.Writer, file string, r *pdf.Repaired) error {
	findings, lost := make([]repairFinding, 0, len(r.Findings)), make([]lostSignature, 0, len(r.Signatures))
	for _, f := range r.Findings {
		findings = append(findings, repairFinding(f))
	}
	for _, l := range r.Signatures {
		view := lostSignature{Field: l.Field, Name: l.Name}
		if !l.Time.IsZero() {
			at := l.Time.Format(time.RFC3339)
			view.Time = &at
		}
		lost = append(lost, view)
	}
	return printJSON(out, map[string]any{"file": file, "objects": r.Objects, "findings": findings, "signatures": lost})
}

func printRepair(out io.Writer, r *pdf.Repaired) error {
	_, err := fmt.Fprintf(out, "已修复，共 %d 个对象。这是另一份文件，请核对内容后再盖章。\nRepaired, %d objects. It is another document: check what it says before it is sealed.\n", r.Objects, r.Objects)
	for _, f := range r.Findings {
		if err == nil {
			_, err = fmt.Fprintf(out, "  第 %d 字节 byte %d  %s\n", f.Offset, f.Offset, aboutObject(f))
		}
	}
	for _, l := range r.Signatures {
		if err == nil {
			_, err = fmt.Fprintf(out, "  签名已失效并移除 signature taken out, it no longer means anything: %s  %s\n", l.Field, l.Name)
		}
	}
	return err
}

func aboutObject(f syntax.Finding) string {
	if f.Object == 0 {
		return f.What
	}
	return fmt.Sprintf("对象 object %d: %s", f.Object, f.What)
}

// isDamaged reports that a document must be repaired before anything can be done with it.
func isDamaged(err error) bool {
	var damaged *syntax.DamagedError
	return errors.As(err, &damaged)
}
