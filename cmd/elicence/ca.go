package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/cert"
)

func newCA(s *settings) *cobra.Command {
	commands := atDesk(s, newCAIssue(s), newCARenew(s), newCARevoke(s), newCAHold(s), newCARelease(s), newCAList(s), newCAShow(s), newCAProfiles(s), newCARoot(s),
		newCAShards(s))
	return group("ca", "证书 the certificate authorities", append(commands, newCARotate(s), newCACross(s), newCACeremony(s), newCACRL(s))...)
}

// certificateView is a certificate as it is printed.
type certificateView struct {
	ID        string  `json:"id"` // serial number, hexadecimal
	Subject   string  `json:"subject"`
	Issuer    string  `json:"issuer"`
	Profile   string  `json:"profile"`
	NotBefore string  `json:"not_before"`
	NotAfter  string  `json:"not_after"`
	Authority bool    `json:"authority"` // may sign certificates
	Status    string  `json:"status"`    // good, held, revoked, or may-exist: intended and never recorded
	Reason    *string `json:"reason"`    // of held and revoked, by RFC 5280
	Since     *string `json:"since"`     // likewise
	InvalidAt *string `json:"invalid_at"`
	PEM       string  `json:"pem"` // empty if never recorded
}

func viewCertificate(c office.CertificateRecord) certificateView {
	v := certificateView{ID: c.Serial.String(), Profile: string(c.Profile), NotAfter: c.NotAfter.Format(time.RFC3339), Status: c.State.String()}
	if c.Certificate != nil {
		v.Subject, v.Issuer, v.Authority = c.Certificate.Subject.String(), c.Certificate.Issuer.String(), c.Certificate.IsCA()
		v.NotBefore, v.PEM = c.Certificate.NotBefore().Format(time.RFC3339), string(c.Certificate.PEM())
	}
	if !c.Revocation.At.IsZero() {
		reason, since := c.Revocation.Reason.String(), c.Revocation.At.Format(time.RFC3339)
		v.Reason, v.Since = &reason, &since
	}
	if !c.Revocation.InvalidAt.IsZero() {
		at := c.Revocation.InvalidAt.Format(time.RFC3339)
		v.InvalidAt = &at
	}
	return v
}

func (v certificateView) row() []string {
	return []string{v.ID, v.Status, v.Profile, v.NotAfter, v.Subject, v.Issuer}
}

func printCertificate(cmd *cobra.Command, s *settings, c office.CertificateRecord) error {
	v := viewCertificate(c)
	if s.json {
		return printJSON(cmd.OutOrStdout(), v)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), strings.Join(v.row(), "  "))
	return err
}

func newCAList(s *settings) *cobra.Command {
	var expiring string
	cmd := &cobra.Command{
		Use: "list [--expiring 30d]", Short: "列出 every certificate; --json has them in PEM", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				var views []certificateView
				add := func(c office.CertificateRecord) error {
					views = append(views, viewCertificate(c))
					return nil
				}
				read := o.Certificates
				if expiring != "" {
					within, err := parseDays("--expiring", expiring)
					if err != nil {
						return err
					}
					read = func(ctx context.Context, f func(office.CertificateRecord) error) error {
						return o.ExpiringCertificates(ctx, within, f)
					}
				}
				if err := read(cmd.Context(), add); err != nil {
					return err
				}
				return list(cmd, s, views, certificateView.row)
			})
		},
	}
	cmd.Flags().StringVar(&expiring, "expiring", "", "only those that end within so many `DAYS`, as 30d, and are not renewed")
	return cmd
}

// parseDays reads a number of days, as 30d, or of hours, as 12h.
func parseDays(flag, text string) (time.Duration, error) {
	days, isDays := strings.CutSuffix(text, "d")
	if n, err := strconv.ParseUint(days, 10, 16); isDays && err == nil {
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: %q is not a time, as 30d or 12h", flag, text)
	}
	return d, nil
}

// withCertificate opens the data folder for an act on one certificate, and prints what
// became of it.
func withCertificate(s *settings, act func(ctx context.Context, o *office.Office, serial cert.Serial) (office.CertificateRecord, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		serial, err := cert.ParseSerial(args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		return s.with(func(o *office.Office) error {
			c, err := act(cmd.Context(), o, serial)
			if err != nil {
				return err
			}
			return printCertificate(cmd, s, c)
		})
	}
}

func newCAShow(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "show SERIAL", Short: "显示 one certificate and its status", Args: arguments("SERIAL"),
		RunE: withCertificate(s, func(ctx context.Context, o *office.Office, serial cert.Serial) (office.CertificateRecord, error) {
			return o.Certificate(ctx, serial)
		}),
	}
}

func newCARevoke(s *settings) *cobra.Command {
	var r office.Revocation
	var reason, invalidAt string
	cmd := &cobra.Command{
		Use:   "revoke SERIAL --reason REASON [--invalid-at TIME] [--note WORDS]",
		Short: "吊销 end a certificate for ever",
		Long: "Ends a certificate for ever, also one that was intended and never recorded. REASON is one of RFC 5280: keyCompromise,\n" +
			"cACompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn or unspecified.",
		Args: arguments("SERIAL"),
		RunE: withCertificate(s, func(ctx context.Context, o *office.Office, serial cert.Serial) (office.CertificateRecord, error) {
			var err error
			if r.Reason, err = cert.ParseReason(reason); err != nil {
				return office.CertificateRecord{}, fmt.Errorf("--reason: %w", err)
			}
			if invalidAt != "" {
				if r.InvalidAt, err = time.Parse(time.RFC3339, invalidAt); err != nil {
					return office.CertificateRecord{}, fmt.Errorf("--invalid-at: %q is not a time as 2026-05-01T12:00:00+08:00", invalidAt)
				}
			}
			return o.RevokeCertificate(ctx, s.actor, serial, r)
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`REASON` of RFC 5280")
	cmd.Flags().StringVar(&invalidAt, "invalid-at", "", "`TIME` when the key was lost, if it is known to be earlier")
	cmd.Flags().StringVar(&r.Note, "note", "", "why, in `WORDS`; kept encrypted")
	return cmd
}

func newCAHold(s *settings) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "hold SERIAL [--note WORDS]", Short: "冻结 suspend a certificate", Args: arguments("SERIAL"),
		RunE: withCertificate(s, func(ctx context.Context, o *office.Office, serial cert.Serial) (office.CertificateRecord, error) {
			return o.HoldCertificate(ctx, s.actor, serial, note)
		}),
	}
	cmd.Flags().StringVar(&note, "note", "", "why, in `WORDS`; kept encrypted")
	return cmd
}

func newCARelease(s *settings) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "release SERIAL [--note WORDS]", Short: "解冻 take a suspension back", Args: arguments("SERIAL"),
		RunE: withCertificate(s, func(ctx context.Context, o *office.Office, serial cert.Serial) (office.CertificateRecord, error) {
			return o.ReleaseCertificate(ctx, s.actor, serial, note)
		}),
	}
	cmd.Flags().StringVar(&note, "note", "", "why, in `WORDS`; kept encrypted")
	return cmd
}

func newCARoot(s *settings) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "root [-o FILE]", Short: "根证书 the root's certificate, in PEM", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				c, err := o.RootCertificate(cmd.Context())
				if err != nil {
					return err
				}
				return printIssued(cmd, s, o, office.IssuedCertificates{Certificate: c}, out)
			})
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "`FILE` for the certificate; without: standard output")
	return withAllRoots(s, cmd)
}

// profileView is a profile as it is printed.
type profileView struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	IssuedBy  string `json:"issued_by"`
	LifeDays  int    `json:"life_days"`
	ByRequest bool   `json:"by_request"` // for keys of others, with --csr
	Pair      string `json:"pair"`       // profile of the encryption certificate beside it
}

func newCAProfiles(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "profiles", Short: "模板 the profiles of certificates, with the changes in DATA/profiles", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				var views []profileView
				for _, name := range o.Profiles().Names() {
					p, err := o.Profiles().Profile(name)
					if err != nil {
						return err
					}
					views = append(views, profileView{string(name), p.Title(), p.IssuedBy(), int(p.Life() / (24 * time.Hour)), p.ByRequest(), string(p.Pair())})
				}
				return list(cmd, s, views, func(v profileView) []string {
					return []string{v.ID, v.IssuedBy, fmt.Sprintf("%d d", v.LifeDays), v.Title}
				})
			})
		},
	}
}

func newCAShards(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "shards NAME COUNT", Short: "分片 spread an authority's CRL over more lists from now on", Args: arguments("NAME", "COUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			count, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil {
				return bilingual.New("COUNT 须为数字", "COUNT: is not a number")
			}
			return s.with(func(o *office.Office) error { return o.SetShards(cmd.Context(), s.actor, args[0], uint32(count)) })
		},
	}
}
