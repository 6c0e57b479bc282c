package main

import (
	"encoding/hex"
	"fmt"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"
	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
)

func newInit(s *settings) *cobra.Command {
	var c office.Config
	var rootPassphraseFile string
	cmd := &cobra.Command{
		Use:   "init --data DIR",
		Short: "新建数据目录 root, authorities, service keys, store, first trust files",
		Long: "Makes a new data folder and never overwrites one. Without --passphrase-file the key-encryption key lies in the file kek\n" +
			"beside the keys; without --root-passphrase-file a passphrase for the offline keys is drawn and written beside them.\n" +
			"Move the folder DATA/offline off the machine in both cases.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			options := office.CreateOptions{Config: c, Actor: s.actor}
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
	return cmd
}
