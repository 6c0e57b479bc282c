package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
)

// offlineFlags open the store of the keys that the service does not need.
type offlineFlags struct {
	dir, passphraseFile string
}

func (f *offlineFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "offline", "", "`DIR` of the offline keys; without: DATA/offline")
	cmd.Flags().StringVar(&f.passphraseFile, "offline-passphrase-file", "", "`FILE` whose first line opens them")
}

// given reports whether anything was said about the offline keys.
func (f *offlineFlags) given() bool { return f.dir != "" || f.passphraseFile != "" }

func (f *offlineFlags) open(s *settings) (*keystore.Store, error) {
	dir := f.dir
	if dir == "" {
		dir = filepath.Join(s.data, "offline")
	}
	if f.passphraseFile == "" {
		return nil, errors.New("--offline-passphrase-file: must be the file whose first line opens the offline keys")
	}
	passphrase, err := readPassphrase("--offline-passphrase-file", f.passphraseFile)
	if err != nil {
		return nil, err
	}
	offline, err := office.OpenOffline(dir, passphrase)
	if err != nil {
		return nil, fmt.Errorf("--offline: %w", err)
	}
	return offline, nil
}

func newKeyRotate(s *settings) *cobra.Command {
	var notice string
	var f offlineFlags
	cmd := &cobra.Command{
		Use:   "rotate NAME [--notice 72h] [--offline DIR --offline-passphrase-file FILE]",
		Short: "轮换密钥 a new key in the place of one that the service signs with",
		Long: "NAME is code (document codes), checkpoint (the audit log), maker (seals), an issuing authority's unified social credit code, or\n" +
			"trust, catalogue, status, time (trust files; these need the offline keys), or root: the offline key that signs the roots of the\n" +
			"trust files. What the old key signed stays valid. With --notice the new key is announced in the trust list now and used after\n" +
			"that time: terminals know it before they meet it.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var wait time.Duration
			if notice != "" {
				var err error
				if wait, err = parseDays("--notice", notice); err != nil {
					return err
				}
			}
			return s.with(func(o *office.Office) error {
				var offline *keystore.Store
				if f.given() {
					var err error
					if offline, err = f.open(s); err != nil {
						return err
					}
				}
				if args[0] == rootName {
					if wait != 0 {
						return errors.New("--notice: the root of the trust files announces itself and takes none")
					}
					return rotateTrustRoot(cmd, s, o, offline)
				}
				if err := o.RotateKey(cmd.Context(), s.actor, args[0], wait, offline); err != nil {
					return err
				}
				return printGenerations(cmd, s, o, args[0])
			})
		},
	}
	cmd.Flags().StringVar(&notice, "notice", "", "`TIME` between the announcement of the new key and its use, as 72h or 7d")
	f.add(cmd)
	return cmd
}

func newKeyGenerations(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "generations", Short: "密钥世代 the keys that can be rotated, with those before them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error { return printGenerations(cmd, s, o, "") })
		},
	}
}

// generationView is one key of those that followed one another under a name.
type generationView struct {
	ID          string  `json:"id"`
	Purpose     string  `json:"purpose"`
	InUse       bool    `json:"in_use"`
	From        *string `json:"from"`
	Until       *string `json:"until"`
	Certificate string  `json:"certificate"` // serial number of the newest
	NotAfter    string  `json:"not_after"`
}

func (v generationView) row() []string {
	use := "-"
	if v.InUse {
		use = "in use"
	}
	return []string{v.ID, v.Purpose, use, v.NotAfter, v.Certificate}
}

// printGenerations prints the generations of a key, or of all.
func printGenerations(cmd *cobra.Command, s *settings, o *office.Office, name string) error {
	all, err := o.KeyGenerations(cmd.Context())
	if err != nil {
		return err
	}
	var views []generationView
	for _, g := range all {
		if base, _, _ := strings.Cut(g.Name, "."); name != "" && base != name {
			continue
		}
		v := generationView{
			ID: g.Name, Purpose: string(g.Purpose), InUse: g.InUse, Certificate: g.Certificate.Serial(), NotAfter: g.Certificate.NotAfter().Format(time.RFC3339),
		}
		for into, at := range map[**string]time.Time{&v.From: g.From, &v.Until: g.Until} {
			if !at.IsZero() {
				text := at.Format(time.RFC3339)
				*into = &text
			}
		}
		views = append(views, v)
	}
	return list(cmd, s, views, generationView.row)
}

func newCARotate(s *settings) *cobra.Command {
	var f offlineFlags
	cmd := &cobra.Command{
		Use:   "rotate NAME --offline-passphrase-file FILE [--offline DIR]",
		Short: "轮换证书机构 a new key and certificate for an intermediate authority, or for the root",
		Long: "NAME is issuers, seals, persons or services. The root signs the new certificate, so its key is needed. The old authority issues no\n" +
			"more; what it issued stays valid, and it signs its CRL until its last certificate has ended.\n" +
			"NAME root: a new root key in the offline keys. The two roots certify one another, and the new one certifies the authorities, so that\n" +
			"all is valid for who trusts either. A run that was cut off is finished by running it again.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(func(o *office.Office) error {
				offline, err := f.open(s)
				if err != nil {
					return err
				}
				if args[0] == rootName {
					_, err = o.RotateRoot(cmd.Context(), s.actor, offline)
				} else {
					_, err = o.RotateAuthority(cmd.Context(), s.actor, args[0], offline)
				}
				if err != nil {
					return err
				}
				return printGenerations(cmd, s, o, args[0])
			})
		},
	}
	f.add(cmd)
	return cmd
}

func newCACross(s *settings) *cobra.Command {
	var f offlineFlags
	var root, out string
	var permit, permitDNS, excludeDNS []string
	var pathLen int
	cmd := &cobra.Command{
		Use:   "cross --root FILE --permit NAME… --offline-passphrase-file FILE [-o FILE]",
		Short: "交叉认证 recognise another province's root within names",
		Long: "Issues a cross-certificate for another root, which is recognised for the permitted names only: --permit \"C=CN,ST=浙江省\" for what a\n" +
			"subject must begin with, --permit-dns for host names.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := os.ReadFile(root)
			if err != nil {
				return fmt.Errorf("--root: %w", err)
			}
			cross := ca.Cross{PathLen: pathLen, Constraints: cert.NameConstraints{PermittedDNS: permitDNS, ExcludedDNS: excludeDNS}}
			if cross.Root, err = cert.ParsePEM(b); err != nil {
				return fmt.Errorf("--root: %s: %w", root, err)
			}
			for _, text := range permit {
				name, err := cert.ParseName(text)
				if err != nil {
					return fmt.Errorf("--permit: %w", err)
				}
				der, err := name.DER()
				if err != nil {
					return fmt.Errorf("--permit: %w", err)
				}
				cross.Constraints.PermittedDirectories = append(cross.Constraints.PermittedDirectories, der)
			}
			return s.with(func(o *office.Office) error {
				offline, err := f.open(s)
				if err != nil {
					return err
				}
				c, err := o.CrossCertify(cmd.Context(), s.actor, offline, cross)
				if err != nil {
					return err
				}
				if out != "" {
					if err := durable.WriteFile(out, c.PEM(), 0o644); err != nil {
						return fmt.Errorf("-o: %w", err)
					}
				}
				return printIssued(cmd, s, o, office.IssuedCertificates{Certificate: c}, out)
			})
		},
	}
	cmd.Flags().StringVar(&root, "root", "", "`FILE` with the other root's certificate, PEM")
	cmd.Flags().StringArrayVar(&permit, "permit", nil, "`NAME` that subjects must begin with, as C=CN,ST=浙江省; may be repeated")
	cmd.Flags().StringArrayVar(&permitDNS, "permit-dns", nil, "`HOST` below which names are permitted; may be repeated")
	cmd.Flags().StringArrayVar(&excludeDNS, "exclude-dns", nil, "`HOST` below which names are not permitted; may be repeated")
	cmd.Flags().IntVar(&pathLen, "path-length", 1, "`NUMBER` of authorities that may follow below the other root")
	cmd.Flags().StringVarP(&out, "out", "o", "", "`FILE` for the certificate; without: standard output")
	f.add(cmd)
	return cmd
}
