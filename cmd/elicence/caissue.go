package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

func newCAIssue(s *settings) *cobra.Command {
	var profile, csr, subject, out string
	var r office.CertificateRequest
	cmd := &cobra.Command{
		Use:   "issue --profile NAME --csr FILE [--ca NAME] [--subject NAME] [--uscc CODE] [--pair -o FILE]",
		Short: "签发 a certificate for somebody else's key",
		Long: "Issues a certificate for the key of a PKCS #10 request (SM2 with SM3, user ID 1234567812345678), in PEM. Who asks must have been\n" +
			"identified before. --pair adds an encryption certificate with a key that is made here and handed out sealed to the signing key,\n" +
			"as a CSRResponse (GM/T 0092) in DER; no copy of the key is kept.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if r.Request, err = s.readRequest("--csr", csr, cmd.InOrStdin()); err != nil {
				return err
			}
			r.Profile = ca.ProfileName(profile)
			if subject != "" {
				name, err := cert.ParseName(subject)
				if err != nil {
					return fmt.Errorf("--subject: %w", err)
				}
				r.Subject = &name
			}
			if r.Pair && out == "" {
				return bilingual.New("用了 --pair 须用 -o 指明应答存入的文件", "--pair: name the file for the answer with -o")
			}
			return s.with(func(o *office.Office) error {
				issued, err := o.IssueCertificate(cmd.Context(), s.actor, r)
				if err != nil {
					return err
				}
				return printIssued(cmd, s, o, issued, out)
			})
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "`NAME` of the profile: see elicence ca profiles")
	cmd.Flags().StringVar(&csr, "csr", "", "`FILE` with the request, PEM or DER; - is standard input")
	cmd.Flags().StringVar(&r.Authority, "ca", "", "`NAME` of the authority: issuers, seals, persons, services; without: the profile's")
	cmd.Flags().StringVar(&subject, "subject", "", "subject in place of the request's, as `C=CN,O=…,CN=…`")
	cmd.Flags().StringVar(&r.OrganizationCode, "uscc", "", "unified social credit `CODE` of the organisation")
	cmd.Flags().BoolVar(&r.Pair, "pair", false, "an encryption certificate besides")
	cmd.Flags().StringVarP(&out, "out", "o", "", "`FILE` for the certificate, or for the answer of a pair; without: standard output")
	return cmd
}

func newCARenew(s *settings) *cobra.Command {
	var csr, out string
	cmd := &cobra.Command{
		Use:   "renew SERIAL [--csr FILE] [-o FILE]",
		Short: "续期 the successor of a certificate; with --csr for a new key",
		Long: "Issues the successor of a certificate. The old one stays valid until it ends or is revoked. A seal whose certificate was\n" +
			"renewed is made anew by elicence seal renew.",
		Args: arguments("SERIAL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			serial, err := cert.ParseSerial(args[0])
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			var rekey *cert.Request
			if csr != "" {
				if rekey, err = s.readRequest("--csr", csr, cmd.InOrStdin()); err != nil {
					return err
				}
			}
			return s.with(func(o *office.Office) error {
				issued, err := o.RenewCertificate(cmd.Context(), s.actor, serial, rekey)
				if err != nil {
					return err
				}
				return printIssued(cmd, s, o, issued, out)
			})
		},
	}
	cmd.Flags().StringVar(&csr, "csr", "", "`FILE` with a request by the new key")
	cmd.Flags().StringVarP(&out, "out", "o", "", "`FILE` for the certificate; without: standard output")
	return cmd
}

// readRequest reads a certificate request, in PEM or DER.
func (s *settings) readRequest(flag, path string, stdin io.Reader) (*cert.Request, error) {
	b, err := s.readInput(flag, path, stdin)
	if err != nil {
		return nil, err
	}
	parse := cert.ParseRequestPEM
	if len(b) > 0 && b[0] == 0x30 {
		parse = cert.ParseRequest
	}
	r, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", flag, path, err)
	}
	return r, nil
}

// printIssued writes what a request led to: the certificate in PEM, or the answer for a
// pair.
func printIssued(cmd *cobra.Command, s *settings, o *office.Office, issued office.IssuedCertificates, out string) error {
	content := issued.Certificate.PEM()
	if issued.Pair != nil {
		var err error
		if content, err = issued.Pair.Response(); err != nil {
			return err
		}
	}
	if out != "" {
		if err := s.writeFile(out, content); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	switch serial, ok := cert.SerialOf(issued.Certificate.SerialNumber()); {
	case (s.json || out != "") && ok:
		c, err := o.Certificate(cmd.Context(), serial)
		if err != nil {
			return err
		}
		return printCertificate(cmd, s, c)
	default:
		_, err := cmd.OutOrStdout().Write(content)
		return err
	}
}
