package main

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/seal/pdf"
	"github.com/elicence/elicence/seal/pdf/syntax"
	"github.com/elicence/elicence/seal/placement"
)

func newDocument(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "document", Short: "文档 documents"}
	cmd.AddCommand(newDocumentArchive(s))
	cmd.AddCommand(atDesk(s, newDocumentPrepare(s), newDocumentComplete(s))...)
	cmd.AddCommand(newDocumentRepair(s))
	return cmd
}

func newDocumentArchive(s *settings) *cobra.Command {
	var l leveling
	var opens password
	var due, renew bool
	var within string
	cmd := &cobra.Command{
		Use:   "archive [--level b-lta] IN.pdf OUT.pdf | --due|--renew [--within 90d] DIR",
		Short: "归档 keep a signed document verifiable",
		Long: "Adds to a document that is in order what its verification will need in later years: certificates, OCSP answers and, with\n" +
			"b-lta, a time stamp over the whole. Earlier signatures stay valid. Done again before the certificate of the last time stamp's\n" +
			"authority ends, it renews the proof.\n\n" +
			"With --due it lists the PDF files of a folder whose proof ends soon, or that have none or are not in order, and with --renew it\n" +
			"renews them in their place, as serve --archive does every day. Exit 1: some are due or not in order.",
		Args: func(cmd *cobra.Command, args []string) error {
			if due || renew {
				return arguments("DIR")(cmd, args)
			}
			return arguments("IN.pdf", "OUT.pdf")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if due && renew {
				return bilingual.New("--due 与 --renew 只能给一个", "--due and --renew: either one")
			}
			level, err := l.use(s)
			if err != nil {
				return err
			}
			if due || renew {
				return archiveFolder(cmd, s, args[0], within, renew)
			}
			if level != office.LevelLT && level != office.LevelLTA {
				return fmt.Errorf("--level: %s adds nothing to a document that is signed", level)
			}
			if err := s.another("the document that is written", args[0], args[1]); err != nil {
				return err
			}
			doc, closeFile, err := s.openPDF(args[0], opens)
			if err != nil {
				return err
			}
			defer closeFile()
			return s.with(func(o *office.Office) error {
				kept, err := o.Preserve(cmd.Context(), s.actor, doc, level)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				if err := s.files.WriteFrom(args[1], kept, 0o644); err != nil {
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
	opens.flags(cmd)
	cmd.Flags().BoolVar(&due, "due", false, "lists what of a folder must be renewed")
	cmd.Flags().BoolVar(&renew, "renew", false, "renews what of a folder must be")
	cmd.Flags().StringVar(&within, "within", archiveWithin, "with --due or --renew: so many `DAYS` before the end of a proof")
	// A folder is locked while its documents are exchanged.
	return atDeskUnless(s, func() bool { return due || renew }, cmd)
}

// maxChainFile bounds a file of certificates.
const maxChainFile = 256 << 10

func newDocumentPrepare(s *settings) *cobra.Command {
	var chain, message string
	var where placing
	var opens password
	e := office.External{}
	cmd := &cobra.Command{
		Use:   "prepare --certificate CHAIN.pem [--message F] [--page N] [--at X,Y] [--reason WORDS] IN.pdf WAITING.pdf",
		Short: "准备签名 prepare a signature that a key elsewhere makes",
		Long: "Writes the document with room for a signature, and prints what is to be signed: the SM3 of what the signature covers, and the\n" +
			"message (DER) that the signer's key signs, SM2 with SM3 under the default user ID. document complete places the signature.",
		Args: arguments("IN.pdf", "WAITING.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if where.straddle != "" || where.keyword != (placement.Keyword{}) {
				return bilingual.New("个人签名用 --page、--at、--corner 定位", "a person's signature has a place on a page: --page, --at, --corner")
			}
			r := office.StampRequest{}
			err := where.place(&r)
			if err != nil {
				return err
			}
			e.Place = r.Place
			if e.Chain, err = s.readChain(chain); err != nil {
				return err
			}
			if err := s.another("the document that is written", args[0], args[1]); err != nil {
				return err
			}
			doc, closeFile, err := s.openPDF(args[0], opens)
			if err != nil {
				return err
			}
			defer closeFile()
			return s.with(func(o *office.Office) error {
				prepared, signed, err := o.PrepareExternal(doc, e)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				if message != "" {
					if err := s.files.WriteFrom(message, bytes.NewReader(signed), 0o600); err != nil {
						return err
					}
				}
				if err := s.files.WriteFrom(args[1], waiting{prepared}, 0o600); err != nil {
					return err
				}
				digest := prepared.Digest()
				return printJSON(cmd.OutOrStdout(), map[string]any{
					"field": prepared.Field(), "file": args[1], "byte_range": prepared.ByteRange(), "sm3": hex.EncodeToString(digest[:]), "message": hex.EncodeToString(signed),
				})
			})
		},
	}
	where.flags(cmd)
	opens.flags(cmd)
	cmd.Flags().StringVar(&chain, "certificate", "", "`FILE` with the signer's certificate in PEM, then those of its authorities")
	cmd.Flags().StringVar(&message, "message", "", "also writes the message to `FILE`")
	cmd.Flags().StringVar(&e.Reason, "reason", "", "why, in `WORDS`; stands in the signature")
	return cmd
}

// waiting writes a prepared file before its signature is there.
type waiting struct{ *pdf.Prepared }

// WriteTo implements io.WriterTo.
func (w waiting) WriteTo(out io.Writer) (int64, error) { return w.WriteUnsigned(out) }

func newDocumentComplete(s *settings) *cobra.Command {
	var chain, signature string
	var opens password
	cmd := &cobra.Command{
		Use:   "complete --certificate CHAIN.pem --signature F WAITING.pdf OUT.pdf",
		Short: "完成签名 place a signature that was made elsewhere",
		Long: "Places the signature, ASN.1 or 64 bytes, into a document that document prepare wrote. It must be the certificate's over that very\n" +
			"document.",
		Args: arguments("WAITING.pdf", "OUT.pdf"),
		RunE: func(cmd *cobra.Command, args []string) error {
			certificates, err := s.readChain(chain)
			if err != nil {
				return err
			}
			sig, err := s.readSignature(signature)
			if err != nil {
				return err
			}
			if err := s.another("the document that is written", args[0], args[1]); err != nil {
				return err
			}
			file, err := s.openFile(args[0])
			if err != nil {
				return err
			}
			defer file.close()
			var prepared *pdf.Prepared
			err = opens.open(s, func(a syntax.Access) error {
				prepared, err = pdf.ResumeWith(file, file.size, a)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return s.with(func(o *office.Office) error {
				report, err := o.CompleteExternal(cmd.Context(), prepared, certificates, sig)
				if err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
				if err := s.files.WriteFrom(args[1], prepared, 0o644); err != nil {
					return err
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{"field": prepared.Field(), "file": args[1], "trusted": report.Valid()})
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&chain, "certificate", "", "`FILE` with the signer's certificate in PEM, then those of its authorities")
	cmd.Flags().StringVar(&signature, "signature", "", "`FILE` with the signature")
	opens.flags(cmd)
	return cmd
}

// readChain reads certificates in PEM, the signer's first.
func (s *settings) readChain(file string) ([]*cert.Certificate, error) {
	if file == "" {
		return nil, bilingual.New("须用 --certificate 指明签名人证书的文件", "--certificate: must name a file with the signer's certificate")
	}
	content, err := s.readLimited(file, maxChainFile)
	if err != nil {
		return nil, fmt.Errorf("--certificate: %w", err)
	}
	var chain []*cert.Certificate
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := cert.Parse(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("--certificate: %s, block %d: %w", file, len(chain)+1, errors.Join(err, cert.ErrBadCertificate))
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("--certificate: %s has no certificate in PEM", file)
	}
	return chain, nil
}

// readSignature reads a signature as ASN.1 or as 64 bytes r ‖ s.
func (s *settings) readSignature(file string) (pki.Signature, error) {
	if file == "" {
		return pki.Signature{}, bilingual.New("须用 --signature 指明文件", "--signature: must name a file")
	}
	content, err := s.readLimited(file, 1<<10)
	if err != nil {
		return pki.Signature{}, fmt.Errorf("--signature: %w", err)
	}
	if sig, err := pki.ParseSignature(content); err == nil {
		return sig, nil
	}
	sig, err := pki.ParseSignatureDER(content)
	if err != nil {
		return sig, fmt.Errorf("--signature: %s: %w", file, err)
	}
	return sig, nil
}
