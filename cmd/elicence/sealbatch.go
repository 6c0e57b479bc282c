package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/seal/pdf"
)

// errSomeFailed is returned by a batch of which each file said by itself what is wrong.
var errSomeFailed = bilingual.New("有文件未盖章", "not all documents are sealed")

// batched is what became of one document.
type batched struct {
	ID    string `json:"id"` // the document
	File  string `json:"file"`
	Field string `json:"field"`
	State string `json:"state"` // one of those below
	Cause string `json:"cause"` // names the document

	say string // the cause as people are told of it
}

// because takes over why a document was not sealed.
func (b *batched) because(err error) { b.Cause, b.say = err.Error(), bilingual.Text(inChinese(err)) }

// What becomes of a document.
const (
	batchSealed  = "sealed"
	batchThere   = "there already"
	batchFailure = "failed"
)

// stateText is the state for people.
func (b batched) stateText() string {
	zh := map[string]string{batchSealed: "已盖章", batchThere: "已有", batchFailure: "未盖章"}[b.State]
	return zh + " " + b.State
}

func newSealBatch(s *settings) *cobra.Command {
	var r office.StampRequest
	var where placing
	var long leveling
	var profile profiling
	var out string
	var opens password
	cmd := &cobra.Command{
		Use:   "batch --seal ID --out DIR [--profile ses|cades] [--level LEVEL] [--page PAGES] [--at X,Y] [--keyword WORDS] [--straddle EDGE] IN.pdf…",
		Short: "批量盖章 put a seal on many PDFs",
		Long: "Seals every document and writes it under its name into a folder. A document that is there already is left alone, so that a batch\n" +
			"that was cut off goes on with those that are not. A use of the seal is recorded before its document is written: where that fails, the\n" +
			"next run seals the document anew, which is another use. One that cannot be sealed is named, and the others are sealed.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.SealID == "" {
				return bilingual.New("须用 --seal 给出印章编码", "--seal: must be the code of a seal")
			}
			if err := where.place(&r); err != nil {
				return err
			}
			level, err := long.use(s)
			if err != nil {
				return err
			}
			r.TimeStamp = level != office.LevelB
			if r.Profile, err = profile.use(); err != nil {
				return err
			}
			if err := s.batchNames(out, args); err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				record, err := o.Seal(cmd.Context(), r.SealID)
				if err != nil {
					return err
				}
				if err := record.Rules.CheckPurpose(r.Reason); err != nil { // said once, not for every document
					return fmt.Errorf("seal %s: %w", r.SealID, err)
				}
				bar := progressbar.NewOptions(len(args), progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetDescription("盖章 sealing"),
					progressbar.OptionShowCount(), progressbar.OptionSetVisibility(s.screen()))
				results := make([]batched, len(args))
				documents := make([]office.BatchDocument, len(args))
				var unwritten atomic.Pointer[batched]
				for i, in := range args {
					results[i] = batched{ID: in, File: filepath.Join(out, filepath.Base(in))}
					documents[i] = s.batchDocument(o, level, opens, &results[i], &unwritten)
				}
				failed := false
				if s.served == nil { // a service has others to think of
					defer collectLess()()
				}
				err = o.StampBatch(cmd.Context(), s.actor, r, documents, func(i int, field string, err error) {
					b := &results[i]
					switch {
					case err == nil:
						b.State, b.Field = batchSealed, field
					case errors.Is(err, errThere):
						b.State = batchThere
					default:
						failed = true
						b.State = batchFailure
						if b.Cause == "" {
							b.because(fmt.Errorf("%s: %w", b.ID, err))
						}
						_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "elicence: %s\n", quiet(b.say)) // it is among the results too
					}
					_ = bar.Add(1) // a bar that cannot be drawn stops nothing
				})
				if err != nil {
					return err
				}
				if err := listBatch(cmd, s, results); err != nil {
					return err
				}
				if failed {
					return errSomeFailed
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&r.SealID, "seal", "", "`CODE` of the seal")
	where.flags(cmd)
	long.flags(cmd, string(office.LevelB))
	profile.flags(cmd)
	opens.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`DIR` for the sealed documents")
	uponOwn(cmd, &r)
	cmd.Flags().StringVar(&r.Reason, "reason", "", "why, in `WORDS`; stands in the signatures and beside the audit log; the owner may demand it (seal limit --purpose required)")
	return cmd
}

// batchNames refuses a batch in which two documents would have one name, or one would be
// written over itself.
func (s *settings) batchNames(out string, files []string) error {
	info, err := s.files.Stat(out)
	if out == "" || err != nil || !info.IsDir() {
		return fmt.Errorf("--out: %q is not a folder", out)
	}
	seen := make(map[string]string)
	for _, f := range files {
		name := filepath.Base(f)
		if other, ok := seen[name]; ok {
			return fmt.Errorf("%s and %s have one name, and would be one file in %s", other, f, out)
		}
		seen[name] = f
		same, err := s.files.Same(f, filepath.Join(out, name))
		if err != nil {
			return err
		}
		if same {
			return fmt.Errorf("%s: --out must be another folder than the document's", f)
		}
	}
	return nil
}

// errThere says that a sealed document is there already.
var errThere = bilingual.New("已存在，不会覆盖", "is there already")

// errNotBegun says that a document would be sealed for a folder that takes no more.
var errNotBegun = bilingual.New("前面的文件无法写入，此文件未盖章", "not begun, as an earlier one could not be written")

// batchDocument is one document of a batch, unless it is there already. What goes wrong with
// a file is its cause. None is begun behind one that could not be written: a use would be
// recorded for each, and the disk be as full for the next.
func (s *settings) batchDocument(o *office.Office, level office.Level, opens password, b *batched, unwritten *atomic.Pointer[batched]) office.BatchDocument {
	closeFile := func() {}
	names := func(err error) error {
		if err != nil {
			b.because(err)
		}
		return err
	}
	return office.BatchDocument{
		Open: func() (*pdf.Document, error) {
			switch _, err := s.files.Lstat(b.File); {
			case err == nil:
				return nil, errThere
			case !errors.Is(err, fs.ErrNotExist):
				return nil, names(err) // before a use is recorded for what cannot be written
			}
			if full := unwritten.Load(); full != nil {
				return nil, fmt.Errorf("%s: %w", full.File, errNotBegun)
			}
			doc, closes, err := s.openPDF(b.ID, opens)
			if err == nil {
				closeFile = closes
			}
			return doc, names(err)
		},
		Release: func(ctx context.Context, sealed *pdf.Prepared) error {
			kept, err := preserve(ctx, o, s.actor, sealed, level)
			if err != nil {
				return err
			}
			err = s.files.WriteFrom(b.File, kept, 0o644)
			if err != nil && !errors.Is(err, fs.ErrExist) {
				unwritten.CompareAndSwap(nil, b)
			}
			return names(err)
		},
		Close: func() { closeFile() },
	}
}

func listBatch(cmd *cobra.Command, s *settings, done []batched) error {
	if s.json {
		return printJSON(cmd.OutOrStdout(), done)
	}
	for _, b := range done {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\t%s\n", b.ID, b.stateText(), b.File); err != nil {
			return err
		}
	}
	return nil
}

func newSealDigest(s *settings) *cobra.Command {
	var d office.SealDigest
	var digest, byteRange, out string
	var long leveling
	cmd := &cobra.Command{
		Use:   "digest --seal ID --sm3 HEX --byte-range 0,A,B,C [--level b-t] -o F",
		Short: "摘要签章 seal a document of which only the digest is shown",
		Long: "Makes the seal signature (SES_Signature, DER) of a document that stays with its owner, who puts it into /Contents. Whoever asks\n" +
			"answers for the digest: it is in the audit log.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level, err := long.use(s)
			if err != nil {
				return err
			}
			if level != office.LevelB && level != office.LevelT {
				return fmt.Errorf("--level: %s needs the document", level)
			}
			d.TimeStamp = level == office.LevelT
			b, err := hex.DecodeString(digest)
			if err != nil || len(b) != len(d.SM3) {
				return fmt.Errorf("--sm3: %q is not 64 hexadecimal digits", digest)
			}
			d.SM3 = [32]byte(b)
			if d.ByteRange, err = parseByteRange(byteRange); err != nil {
				return err
			}
			if out == "" {
				return bilingual.New("须用 -o 指明存入的文件", "-o: must name a file")
			}
			return s.with(func(o *office.Office) error {
				contents, err := o.StampDigest(cmd.Context(), s.actor, d)
				if err != nil {
					return err
				}
				if err := s.files.CreateFile(out, contents, 0o644); err != nil || !s.json {
					return err
				}
				return printJSON(cmd.OutOrStdout(), map[string]any{"id": d.SealID, "file": out, "bytes": len(contents)})
			})
		},
	}
	cmd.Flags().StringVar(&d.SealID, "seal", "", "`CODE` of the seal")
	cmd.Flags().StringVar(&digest, "sm3", "", "SM3 of what the signature covers, in `HEX`")
	cmd.Flags().StringVar(&byteRange, "byte-range", "", "the /ByteRange, as `0,A,B,C`")
	cmd.Flags().StringVar(&d.Reason, "reason", "", "why, in `WORDS`; for the audit log; the owner may demand it (seal limit --purpose required)")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` for the signature")
	long.flags(cmd, string(office.LevelB))
	return cmd
}

func parseByteRange(text string) ([4]int64, error) {
	var r [4]int64
	parts := strings.Split(text, ",")
	if len(parts) != len(r) {
		return r, fmt.Errorf("--byte-range: %q is not four numbers", text)
	}
	for i, p := range parts {
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil || n < 0 {
			return r, fmt.Errorf("--byte-range: %q is not four numbers", text)
		}
		r[i] = n
	}
	return r, nil
}
