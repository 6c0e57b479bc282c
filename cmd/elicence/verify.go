package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	docreport "github.com/elicence/elicence/internal/report"
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// What is verified from standard input is read into memory: in bytes, and less of it where
// the memory is that of a service.
const (
	maxInput       = 512 << 20
	maxServedInput = 64 << 20
)

func newVerify(s *settings) *cobra.Command {
	var dir, pin, out, code string
	var witnessKeys, proofs []string
	var subject about
	var opens password
	cmd := &cobra.Command{
		Use:   "verify [--trust DIR [--root-sm3 HEX]] [--report F.html|F.pdf] [--code CODE] [--proof F]… FILE|CODE",
		Short: "核验 verify a PDF or OFD document, an evidence bundle, a signed answer, a picture of a code, or a code",
		Long: "Verifies a PDF or OFD document, an evidence bundle, a signed answer, a picture of a code, the text of a code in a file, or a\n" +
			"code given as it is, without a network. Without --trust the data folder's own trust files are used. An evidence bundle brings its\n" +
			"own trust files: it needs only --root-sm3, or a folder whose first root is one of its own. --report writes what was found of a\n" +
			"document as a page for people, with every step and certificate for experts.",
		Args: arguments("FILE|CODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out != "" {
				if err := s.reportable(out); err != nil {
					return err
				}
			}
			var found inspect.Inspection
			var file *verified
			commitment, err := subject.commitment(cmd)
			if err != nil {
				return err
			}
			if pin != "" && dir == "" && isEvidence(args[0]) {
				found, err = inspectEvidence(cmd.Context(), args[0], pin, witnessKeys)
				return s.answer(cmd, found, err)
			}
			err = s.withInspector(cmd, dir, pin, func(i *inspect.Inspector) error {
				i, err := s.withProofs(i, proofs)
				if err != nil {
					return err
				}
				return opens.open(s, func(a syntax.Access) error {
					i := i.Opening(a)
					found, file, err = s.inspect(cmd.Context(), i, args[0], cmd.InOrStdin(), commitment)
					if err == nil && len(proofs) > 0 && found.Input != inspect.InputPDF {
						err = fmt.Errorf("--proof: %s is not a PDF", args[0])
					}
					if err != nil || code == "" {
						return err
					}
					if found.Input != inspect.InputPDF {
						return fmt.Errorf("--code: %s is not a PDF", args[0])
					}
					found, err = i.Original(cmd.Context(), code, file, file.size)
					return err
				})
			})
			if file != nil {
				defer file.close()
			}
			switch {
			case err != nil || out == "":
			case found.Document == nil && code == "": // with a code it is a PDF that was not what the code is for
				err = fmt.Errorf("--report: is for documents, this is a %s", found.Input)
			default:
				err = s.writeReport(out, args[0], file, found)
			}
			return s.answer(cmd, found, err)
		},
	}
	cmd.Flags().StringVar(&out, "report", "", "writes a report of a document to `FILE`, .html or .pdf")
	cmd.Flags().StringVar(&code, "code", "", "the document `CODE` on a paper print: is the PDF the original, and what happened to it since")
	cmd.Flags().StringArrayVar(&proofs, "proof", nil, "a proof of the audit log, in a `FILE` of seal proof, that a seal of a PDF was used by then; may be repeated")
	cmd.Flags().StringVar(&dir, "trust", "", "`DIR` with the trust files")
	cmd.Flags().StringVar(&pin, "root-sm3", "", "SM3 of a root file that must be in that folder, in `HEX`")
	opens.flags(cmd)
	subject.flags(cmd)
	cmd.Flags().StringArrayVar(&witnessKeys, "witness-key", nil, "public point of a witness of an evidence bundle, in a `FILE|HEX`; may be repeated")
	// With trust files, or a bundle's own, it needs no data folder.
	return atDeskUnless(s, func() bool { return dir != "" || pin != "" }, cmd)
}

// withProofs adds proofs of the audit log to what is known.
func (s *settings) withProofs(i *inspect.Inspector, files []string) (*inspect.Inspector, error) {
	if len(files) == 0 {
		return i, nil
	}
	content := make([][]byte, len(files))
	for n, file := range files {
		var err error
		if content[n], err = s.readLimited(file, audit.MaxProofSize); err != nil {
			return nil, fmt.Errorf("--proof: %w", err)
		}
	}
	with, err := i.WithProofs(content...)
	if err != nil {
		return nil, fmt.Errorf("--proof: %w", err)
	}
	return with, nil
}

// answer prints what was found; an error is why nothing was.
func (s *settings) answer(cmd *cobra.Command, found inspect.Inspection, err error) error {
	if err != nil {
		return err
	}
	if s.json {
		err = printJSON(cmd.OutOrStdout(), found)
	} else {
		err = printInspection(cmd.OutOrStdout(), found)
	}
	if err == nil && !found.Accepted() {
		return errNotValid
	}
	return err
}

// withInspector loads trust files from a folder, or those of the data folder, which is
// open while f runs.
func (s *settings) withInspector(cmd *cobra.Command, dir, pin string, f func(*inspect.Inspector) error) error {
	options := trust.Options{Second: second.Opinion{}, Now: time.Now}
	if pin != "" {
		if dir == "" {
			return bilingual.New("--root-sm3 须与 --trust 一起用", "--root-sm3: goes with --trust")
		}
		var err error
		if options.Pin, err = trust.ParsePin(pin); err != nil {
			return fmt.Errorf("--root-sm3: %w", err)
		}
	}
	if dir != "" {
		i, err := inspect.New(os.DirFS(dir), options)
		if err != nil {
			return fmt.Errorf("--trust: %s: %w", dir, err)
		}
		return f(i)
	}
	return s.with(func(o *office.Office) error {
		i, err := o.Inspector(cmd.Context(), second.Opinion{})
		if err != nil {
			return err
		}
		return f(i)
	})
}

// verified is what was verified: a file, which is read as it is needed, or what is in
// memory.
type verified struct {
	io.ReaderAt
	size  int64
	close func()
}

func inMemory(content []byte) *verified {
	return &verified{bytes.NewReader(content), int64(len(content)), func() {}}
}

// openFile opens a file that is only read.
func (s *settings) openFile(path string) (*verified, error) {
	f, err := s.files.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	v := &verified{ReaderAt: desk.ReadAhead(f), close: func() { _ = f.Close() }} // it was only read
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = bilingual.New("是目录，不是文件", "is a folder")
	case !info.Mode().IsRegular():
		err = bilingual.New("不是文件", "is not a file")
	}
	if err != nil {
		v.close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	v.size = info.Size()
	return v, nil
}

// inspect verifies an argument: a file if there is one with this name, standard
// input for -, else a code. It returns the file too, open, nil for a code.
func (s *settings) inspect(ctx context.Context, i *inspect.Inspector, what string, stdin io.Reader, about *answer.Commitment) (inspect.Inspection, *verified, error) {
	if about != nil {
		signed, err := s.readLimited(what, answer.MaxSize)
		if err != nil {
			return inspect.Inspection{}, nil, err
		}
		return i.Answer(signed, about), inMemory(signed), nil
	}
	var file *verified
	if what == "-" {
		limit := maxInput
		if s.served != nil {
			limit = maxServedInput
		}
		content, err := io.ReadAll(io.LimitReader(stdin, int64(limit)+1))
		if err == nil && len(content) > limit {
			err = fmt.Errorf("more than %d bytes; name a file instead", limit)
		}
		if err != nil {
			return inspect.Inspection{}, nil, fmt.Errorf("reading standard input: %w", err)
		}
		file = inMemory(content)
	} else {
		var err error
		if file, err = s.openFile(what); err != nil {
			if noSuchFile(err) && inspect.LooksLikeCode(what) {
				return i.Code(what), nil, nil
			}
			return inspect.Inspection{}, nil, err
		}
	}
	found, err := i.ReaderAt(ctx, file, file.size)
	if err != nil {
		file.close()
		return found, nil, fmt.Errorf("%s: %w", what, err)
	}
	return found, file, nil
}

// reportable refuses a report that could not be written, before anything is verified.
func (s *settings) reportable(file string) error {
	if ext := strings.ToLower(filepath.Ext(file)); ext != ".html" && ext != ".pdf" {
		return fmt.Errorf("--report: %s ends neither in .html nor in .pdf", file)
	}
	if _, err := s.files.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--report: %s exists already", file)
	}
	return nil
}

// writeReport writes what was found of a document for people.
func (s *settings) writeReport(file, name string, content *verified, found inspect.Inspection) error {
	digest := sm3.New()
	if _, err := io.Copy(digest, io.NewSectionReader(content, 0, content.size)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r := docreport.Report{File: filepath.Base(name), Size: content.size, SM3: hex.EncodeToString(digest.Sum(nil)), At: time.Now(), Inspection: found}
	write := r.HTML
	if strings.EqualFold(filepath.Ext(file), ".pdf") {
		write = r.PDF
	}
	page, err := write()
	if err != nil {
		return err
	}
	if err := s.files.CreateFile(file, page, 0o600); err != nil {
		return fmt.Errorf("--report: %w", err)
	}
	return nil
}

// noSuchFile reports that no file can have the name: most codes have more digits
// than a file name may have characters.
func noSuchFile(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG)
}

// printInspection prints the answer in words, Chinese first.
func printInspection(out io.Writer, found inspect.Inspection) error {
	w := found.Verdict.Wording()
	causeZH, cause := docreport.Cause(found)
	lines := []string{
		fmt.Sprintf("%s %s  %s", w.Symbol, w.ZH, w.EN),
		"  " + causeZH + "  " + cause,
		"  " + found.NextZH + "  " + found.NextEN,
	}
	if a := found.Answer; a != nil {
		// The verdict is on the signature; what people look at first is the answer.
		lines[0] = "签名 signature: " + lines[0] + "　答复 answer: " + a.Answer
		lines = append(lines, "  问题 question "+a.Question, "  日期 day "+a.Day, "  截至 as of "+a.AsOf+"  "+a.Service)
	}
	if found.Code != nil {
		for _, said := range found.Code.Says() {
			lines = append(lines, "  "+said)
		}
	}
	if d := found.Document; d != nil {
		for _, line := range docreport.Lines(d) {
			lines = append(lines, "  "+line)
		}
		for _, p := range d.Proofs {
			if p.Counts {
				lines = append(lines, fmt.Sprintf("  日志证明 log proof  %d  不晚于 by %s  ✓", p.ID, p.ProvenAt))
			} else {
				lines = append(lines, fmt.Sprintf("  日志证明 log proof  %d  不作数 does not count: %s", p.ID, p.Cause))
			}
		}
		for _, line := range docreport.SinceLines(d) {
			lines = append(lines, "  "+line)
		}
		if l := d.Licence; l != nil {
			until := "长期 long-term"
			if l.ValidUntil != nil {
				until = *l.ValidUntil
			}
			lines = append(lines, fmt.Sprintf("  %s %s  %s  %s", l.Category, l.CategoryName, l.Number, l.Holder), fmt.Sprintf("  %s  %s 至 %s", l.Issuer, l.ValidFrom, until))
		}
		if c := d.Copy; c != nil {
			lines = append(lines, fmt.Sprintf("  加注件 copy %s", c.Number), "  仅供 for "+c.Recipient, "  用于 purpose "+c.Purpose, "  有效期至 until "+c.Until)
		}
	}
	if found.Evidence != nil {
		lines = append(lines, evidenceLines(found.Evidence)...)
	}
	for i, line := range lines {
		lines[i] = docreport.OneLine(line)
	}
	_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}
