package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/oid"
)

func newServe(s *settings) *cobra.Command {
	var listen, ocspListen, metricsListen string
	var kept archiving
	var proxies []string
	var clock clockFlag
	var ocspMiB uint
	cmd := &cobra.Command{
		Use:   "serve --data DIR [--listen ADDRESS] [--ocsp-listen ADDRESS] [--ocsp-memory MIB] [--metrics-listen ADDRESS] [--proxy NETWORK,…] [--clock-error TIME] [--tsa-policy OID] [--archive DIR [--archive-within 90d]]",
		Short: "提供服务 serve HTTP",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			networks, err := parseNetworks("--proxy", proxies)
			if err != nil {
				return err
			}
			metrics := api.NewMetrics()
			s.observe = metrics.Observe
			if err := clock.set(s); err != nil {
				return err
			}
			if ocspMiB < 1 || ocspMiB > 1<<20 {
				return bilingual.New("--ocsp-memory 须在 1 至 1048576 MiB 之间", "--ocsp-memory: must be 1 to 1048576 MiB")
			}
			s.ocspMemory = int64(ocspMiB) << 20
			if s.tsaPolicy != "" {
				if _, err := oid.Parse(s.tsaPolicy); err != nil {
					return fmt.Errorf("--tsa-policy: %w", err)
				}
			}
			within, err := kept.period()
			if err != nil {
				return err
			}
			return s.with(func(o *office.Office) error {
				var archive *office.Archive
				if kept.dir != "" {
					if archive, err = o.Archive(kept.dir, within); err != nil {
						return fmt.Errorf("--archive: %w", err)
					}
				}
				server, err := api.New(o, api.Options{
					Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Metrics: metrics, OCSPListen: ocspListen, MetricsListen: metricsListen,
					Desk: filepath.Join(s.data, api.DeskSocket), Proxies: networks,
					Command: s.carryOut(o),
					Archive: archive,
				})
				if err != nil {
					return err
				}
				return server.Run(cmd.Context(), listen, func(addr string) error {
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "http://%s/verify\n", addr)
					return err
				})
			})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on")
	cmd.Flags().StringVar(&ocspListen, "ocsp-listen", "", "`ADDRESS` of a listener for /ocsp alone, behind a responder's host name of its own; empty: only the main one")
	cmd.Flags().UintVar(&ocspMiB, "ocsp-memory", 512, "`MIB` of memory for OCSP answers that are made ahead: about 600 certificates each")
	cmd.Flags().StringVar(&metricsListen, "metrics-listen", "", "`ADDRESS` of /metrics for the operator's monitoring; empty: none")
	cmd.Flags().StringSliceVar(&proxies, "proxy", nil, "`NETWORK`s of proxies whose word on a caller's address counts, as 10.1.2.0/24; a proxy on this machine always is one")
	clock.add(cmd)
	cmd.Flags().StringVar(&kept.dir, "archive", "", "`DIR` of signed PDF files that are kept verifiable, see document archive --renew; empty: none")
	cmd.Flags().StringVar(&kept.within, "archive-within", archiveWithin, "`DAYS` before the end of its proof that a document of the archive is renewed")
	cmd.Flags().StringVar(&s.tsaPolicy, "tsa-policy", "", "`OID` of the policy of time stamps, in place of that of init --tsa-policy")
	return cmd
}

// parseNetworks reads networks as 10.1.2.0/24.
func parseNetworks(flag string, texts []string) ([]netip.Prefix, error) {
	networks := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		var err error
		if networks[i], err = netip.ParsePrefix(text); err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
	}
	return networks, nil
}
