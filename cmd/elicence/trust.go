package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
)

func newTrust(s *settings) *cobra.Command {
	var out string
	export := &cobra.Command{
		Use: "export --out DIR", Short: "导出 the files that a scanner caches", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return errors.New("--out: must name a folder")
			}
			return s.with(func(o *office.Office) error {
				if err := o.ExportTrust(cmd.Context(), s.actor, out); err != nil {
					return fmt.Errorf("--out: %w", err)
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]string{"out": out})
				}
				return nil
			})
		},
	}
	export.Flags().StringVar(&out, "out", "", "`DIR` for the files; one that holds other things is refused")
	return group("trust", "信任文件 what scanners cache", export, newTrustRecognise(s), newTrustRecognised(s), newTrustCarry(s), newTrustWithdraw(s))
}
