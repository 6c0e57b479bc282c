package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/cert"
)

func newCA(s *settings) *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "列出 every certificate that was issued; --json has them in PEM", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				var views []certificateView
				err := o.Certificates(cmd.Context(), func(c *cert.Certificate) error {
					views = append(views, viewCertificate(c))
					return nil
				})
				if err != nil {
					return err
				}
				return list(cmd, s, views, func(v certificateView) []string {
					return []string{v.ID, v.NotAfter, v.Subject, v.Issuer}
				})
			})
		},
	}
	return group("ca", "证书 the certificate authorities", list)
}

// certificateView is a certificate as it is printed.
type certificateView struct {
	ID        string `json:"id"` // serial number, hexadecimal
	Subject   string `json:"subject"`
	Issuer    string `json:"issuer"`
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
	Authority bool   `json:"authority"` // may sign certificates
	PEM       string `json:"pem"`
}

func viewCertificate(c *cert.Certificate) certificateView {
	return certificateView{
		ID: c.Serial(), Subject: c.Subject.String(), Issuer: c.Issuer.String(), Authority: c.IsCA(),
		NotBefore: c.NotBefore().Format(time.RFC3339), NotAfter: c.NotAfter().Format(time.RFC3339), PEM: string(c.PEM()),
	}
}
