package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/ca/ceremony"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
)

// crossing is what `ca cross` is asked for.
type crossing struct {
	certificate, sm3, out string
	permit, exclude       []string
	permitDNS, excludeDNS []string
	pathLen, lifeDays     int
}

func newCACross(s *settings) *cobra.Command {
	var f offlineFlags
	var c crossing
	cmd := &cobra.Command{
		Use:   "cross --certificate FILE --sm3 HEX --permit NAME… --offline-passphrase-file FILE [-o FILE]",
		Short: "交叉认证 recognise another province's root within names",
		Long: "Issues a cross-certificate for another root, whose SM3 was compared with its owner's by another way, and which is recognised for\n" +
			"the permitted names only: --permit \"C=CN,ST=浙江省\" for what a subject must begin with, --permit-dns for host names. It is revoked\n" +
			"like any other: elicence ca revoke SERIAL, then elicence ca crl --root.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cross, err := c.read()
			if err != nil {
				return err
			}
			return s.withOffline(f, func(o *office.Office, offline *keystore.Store) error {
				issued, err := o.CrossCertify(cmd.Context(), s.actor, offline, cross, time.Duration(c.lifeDays)*24*time.Hour)
				if err != nil {
					return err
				}
				if c.out != "" {
					if err := durable.WriteFile(c.out, issued.PEM(), 0o644); err != nil {
						return fmt.Errorf("-o: %w", err)
					}
				}
				return printIssued(cmd, s, o, office.IssuedCertificates{Certificate: issued}, c.out)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&c.certificate, "certificate", "", "`FILE` with the other root's certificate, PEM")
	flags.StringVar(&c.sm3, "sm3", "", "`HEX` of its SM3 as reviewed; spaces between groups do not matter")
	flags.StringArrayVar(&c.permit, "permit", nil, "`NAME` that subjects must begin with, as C=CN,ST=浙江省; may be repeated")
	flags.StringArrayVar(&c.exclude, "exclude", nil, "`NAME` that subjects must not begin with; may be repeated")
	flags.StringArrayVar(&c.permitDNS, "permit-dns", nil, "`HOST` below which names are permitted; may be repeated")
	flags.StringArrayVar(&c.excludeDNS, "exclude-dns", nil, "`HOST` below which names are not permitted; may be repeated")
	flags.IntVar(&c.pathLen, "path-length", 1, "`NUMBER` of authorities that may follow below the other root")
	flags.IntVar(&c.lifeDays, "life-days", 0, "`NUMBER` of days; without: the profile's life")
	flags.StringVarP(&c.out, "out", "o", "", "`FILE` for the certificate; without: standard output")
	f.add(cmd)
	return cmd
}

// read reads the other root and the names for which it shall be recognised.
func (c crossing) read() (ca.Cross, error) {
	cross := ca.Cross{PathLen: c.pathLen}
	if c.sm3 == "" {
		return cross, bilingual.New("须用 --sm3 给出证书的 SM3，由其所有者另行告知", "--sm3: must be the SM3 of the certificate, as its owner has told it by another way")
	}
	b, err := os.ReadFile(c.certificate)
	if err != nil {
		return cross, fmt.Errorf("--certificate: %w", err)
	}
	if cross.Root, err = cert.ParsePEM(b); err != nil {
		return cross, fmt.Errorf("--certificate: %s: %w", c.certificate, err)
	}
	if err := ceremony.CheckFingerprint(cross.Root, c.sm3); err != nil {
		return cross, fmt.Errorf("--sm3: %w", err)
	}
	r := ceremony.Recognition{}
	if r.Permit, err = parseNames("--permit", c.permit); err != nil {
		return cross, err
	}
	if r.Exclude, err = parseNames("--exclude", c.exclude); err != nil {
		return cross, err
	}
	if cross.Constraints, err = r.Constraints(); err != nil {
		return cross, err
	}
	cross.Constraints.PermittedDNS, cross.Constraints.ExcludedDNS = c.permitDNS, c.excludeDNS
	return cross, nil
}

func parseNames(flag string, texts []string) ([]cert.Name, error) {
	var all []cert.Name
	for _, text := range texts {
		name, err := cert.ParseName(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		all = append(all, name)
	}
	return all, nil
}
