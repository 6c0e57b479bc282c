package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

func newKeyRotate(s *settings) *cobra.Command {
	var notice string
	var f offlineFlags
	cmd := &cobra.Command{
		Use:   "rotate NAME [--notice 72h] [--offline DIR --offline-passphrase-file FILE]",
		Short: "轮换密钥 a new key in the place of one that the service signs with",
		Long: "NAME is code (document codes), checkpoint (the audit log), maker (seals), tsa (time stamps), ocsp-issuers, ocsp-seals,\n" +
			"ocsp-persons, ocsp-services (OCSP responders), token-status-es256 (status list tokens for third parties, whose JWK Set announces\n" +
			"and keeps it), an issuing authority's unified social credit code, or\n" +
			"trust, catalogue, status, time (trust files; these need the offline keys), or root: the offline key that signs the roots of the\n" +
			"trust files. What the old key signed stays valid. With --notice the new key is announced in the trust list now and used after\n" +
			"that time: terminals know it before they meet it.",
		Args: arguments("NAME"),
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
						return bilingual.New("信任文件的根自行公告，不用 --notice", "--notice: the root of the trust files announces itself and takes none")
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
	Certificate string  `json:"certificate"` // serial number of the newest; empty: the key has none
	NotAfter    string  `json:"not_after"`   // of that
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
		v := generationView{ID: g.Name, Purpose: string(g.Purpose), InUse: g.InUse}
		if g.Certificate != nil {
			v.Certificate, v.NotAfter = g.Certificate.Serial(), g.Certificate.NotAfter().Format(time.RFC3339)
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
		Args: arguments("NAME"),
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
