package main

import (
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

func newInit(s *settings) *cobra.Command {
	var c datafolder.Config
	var u unlocking
	var rootShares, offline string
	var gmOnly bool
	cmd := &cobra.Command{
		Use:   "init --data DIR",
		Short: "新建数据目录 root, authorities, service keys, store, first trust files",
		Long: "Makes a new data folder and never overwrites one. Without --passphrase-file the key-encryption key lies in the file kek\n" +
			"beside the keys; without --root-passphrase-file a passphrase for the offline keys is drawn and written beside them.\n" +
			"It is the ceremony of a built-in plan; for one that was reviewed see elicence ca ceremony. The record is in DATA/ceremony.\n" +
			"With --token a PKCS#11 token wraps the key-encryption key, and where the token has SM2, signing keys live in it;\n" +
			"--root-token is the same for the offline keys. --root-shares splits what opens those among several people.\n" +
			"Move the folder of the offline keys off the machine in all cases, and each share to its keeper.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			shares, err := parseShares("--root-shares", rootShares)
			if err != nil {
				return err
			}
			options, err := u.options(s, office.CreateOptions{Config: c, GMOnly: gmOnly, RootShares: shares, Offline: offline})
			if err != nil {
				return err
			}
			v, err := create(cmd.Context(), s.data, options)
			if err != nil {
				return err
			}
			if offline == "" {
				offline = filepath.Join(s.data, "offline")
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"data": v.Data, "root_sm3": v.TrustSM3, "root_certificate_sm3": v.RootSM3})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nroot SM3 %s\n离线密钥在 %s 中，请移出本机 move this folder off the machine\n", s.data, v.TrustSM3, offline)
			return err
		},
	}
	cmd.Flags().StringVar(&c.Host, "host", "localhost", "host `NAME` in printed codes: https://NAME/v#…")
	cmd.Flags().StringVar(&c.Region, "region", "340000", "six `DIGITS` of the domain's region (GB/T 2260)")
	cmd.Flags().StringVar(&c.Domain, "domain", "安徽省", "`NAME` of the domain")
	cmd.Flags().StringVar(&c.TSAPolicy, "tsa-policy", "", "`OID` of the policy of time stamps, that the domain has published; without: "+office.ExampleTSAPolicy+", an example's")
	cmd.Flags().StringVar(&offline, "offline-dir", "", "new `DIR` for the offline keys; without: DATA/offline")
	u.add(cmd)
	cmd.Flags().StringVar(&rootShares, "root-shares", "", "`N-of-M` shares protect the offline keys, such as 2-of-3")
	cmd.Flags().BoolVar(&gmOnly, "gm-only", false, "national algorithms only, and signing keys in tokens only; for good")
	return cmd
}

// initTokens opens the tokens for a new data folder.
func (s *settings) initTokens(o *office.CreateOptions, rootTokenFile string) error {
	service, err := openToken("--token", s.tokenFile)
	if err != nil {
		return err
	}
	o.Devices = service.devices
	if len(o.Passphrase) == 0 {
		if o.Token, err = service.newWrapper(); err != nil {
			return err
		}
	}
	root, err := openToken("--root-token", rootTokenFile)
	if err != nil {
		return err
	}
	o.RootDevices = root.devices
	if len(o.RootPassphrase) == 0 {
		o.RootToken, err = root.newWrapper()
	}
	return err
}

var sharesForm = regexp.MustCompile(`^([0-9]{1,2})-of-([0-9]{1,2})$`)

// parseShares reads N-of-M; an empty text is no shares.
func parseShares(flag, text string) (office.SharePolicy, error) {
	if text == "" {
		return office.SharePolicy{}, nil
	}
	var p office.SharePolicy
	if !sharesForm.MatchString(text) {
		return p, fmt.Errorf("%s: %q is not like 2-of-3", flag, text)
	}
	if _, err := fmt.Sscanf(text, "%d-of-%d", &p.Threshold, &p.Total); err != nil {
		return p, fmt.Errorf("%s: %q is not like 2-of-3", flag, text)
	}
	if p.Threshold < keystore.MinThreshold || p.Threshold > p.Total || p.Total > keystore.MaxShares {
		return p, fmt.Errorf("%s: %s: want at least %d of at most %d", flag, text, keystore.MinThreshold, keystore.MaxShares)
	}
	return p, nil
}
