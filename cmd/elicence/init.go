package main

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/emmansun/gmsm/sm3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

func newInit(s *settings) *cobra.Command {
	var c office.Config
	var rootPassphraseFile, rootTokenFile, rootShares string
	var gmOnly bool
	cmd := &cobra.Command{
		Use:   "init --data DIR",
		Short: "新建数据目录 root, authorities, service keys, store, first trust files",
		Long: "Makes a new data folder and never overwrites one. Without --passphrase-file the key-encryption key lies in the file kek\n" +
			"beside the keys; without --root-passphrase-file a passphrase for the offline keys is drawn and written beside them.\n" +
			"With --token a PKCS#11 token wraps the key-encryption key, and where the token has SM2, signing keys live in it;\n" +
			"--root-token is the same for the offline keys. --root-shares splits what opens those among several people.\n" +
			"Move the folder DATA/offline off the machine in all cases, and each share to its keeper.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			options := office.CreateOptions{Config: c, Actor: s.actor, GMOnly: gmOnly}
			var err error
			if s.passphraseFile != "" {
				if options.Passphrase, err = readPassphrase("--passphrase-file", s.passphraseFile); err != nil {
					return err
				}
			}
			if rootPassphraseFile != "" {
				if options.RootPassphrase, err = readPassphrase("--root-passphrase-file", rootPassphraseFile); err != nil {
					return err
				}
			}
			if err := s.initTokens(&options, rootTokenFile); err != nil {
				return err
			}
			if options.RootShares, err = parseShares("--root-shares", rootShares); err != nil {
				return err
			}
			o, err := office.Create(cmd.Context(), s.data, options)
			if err != nil {
				return err
			}
			root, err := o.TrustFile(cmd.Context(), "1.root")
			if closing := o.Close(); err == nil {
				err = closing
			}
			if err != nil {
				return err
			}
			sum := sm3.Sum(root)
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"data": s.data, "root_sm3": hex.EncodeToString(sum[:])})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nroot SM3 %x\n离线密钥在 %s 中，请移出本机 move this folder off the machine\n", s.data, sum, filepath.Join(s.data, "offline"))
			return err
		},
	}
	cmd.Flags().StringVar(&c.Host, "host", "localhost", "host `NAME` in printed codes: https://NAME/v#…")
	cmd.Flags().StringVar(&c.Region, "region", "340000", "six `DIGITS` of the domain's region (GB/T 2260)")
	cmd.Flags().StringVar(&c.Domain, "domain", "安徽省", "`NAME` of the domain")
	cmd.Flags().StringVar(&rootPassphraseFile, "root-passphrase-file", "", "`FILE` whose first line protects the offline keys")
	cmd.Flags().StringVar(&rootTokenFile, "root-token", "", "`FILE` that names the PKCS#11 token for the offline keys")
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
