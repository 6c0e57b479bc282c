package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
)

func newTrust(s *settings) *cobra.Command {
	var out, tokens string
	export := &cobra.Command{
		Use: "export --out DIR", Short: "导出 the files that a scanner caches, or the status lists for others", Args: cobra.NoArgs,
		Long: "With --token-status-list, every status list as a token of the IETF Token Status List (N.jwt, N.cwt) for programs that know nothing\n" +
			"of ours, signed with ES256 by the key of jwks.json. The running service has the same under /token-status/.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" && tokens == "" {
				return bilingual.New("须用 --out 或 --token-status-list 指明目录", "--out: must name a folder, or --token-status-list one")
			}
			return s.with(func(o *office.Office) error {
				written := make(map[string]string)
				for _, e := range []struct {
					flag, dir string
					export    func(ctx context.Context, actor string, to durable.Files, dir string) error
				}{{"out", out, o.ExportTrustTo}, {"token-status-list", tokens, o.ExportTokenStatus}} {
					if e.dir == "" {
						continue
					}
					if err := e.export(cmd.Context(), s.actor, s.files, e.dir); err != nil {
						return fmt.Errorf("--%s: %w", e.flag, err)
					}
					written[strings.ReplaceAll(e.flag, "-", "_")] = e.dir
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), written)
				}
				return nil
			})
		},
	}
	export.Flags().StringVar(&out, "out", "", "`DIR` for the files; one that holds other things is refused")
	export.Flags().StringVar(&tokens, "token-status-list", "", "`DIR` for the status lists as tokens; one that holds other things is refused")
	atDesk(s, export)
	return group("trust", "信任文件 what scanners cache", export, newTrustRecognise(s), newTrustRecognised(s), newTrustCarry(s), newTrustWithdraw(s))
}
