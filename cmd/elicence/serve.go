package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/office"
)

func newServe(s *settings) *cobra.Command {
	var listen, metricsListen string
	cmd := &cobra.Command{
		Use:   "serve --data DIR [--listen ADDRESS] [--metrics-listen ADDRESS]",
		Short: "提供服务 serve HTTP",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			metrics := api.NewMetrics()
			s.observe = metrics.Observe
			return s.with(func(o *office.Office) error {
				server, err := api.New(o, api.Options{
					Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Metrics: metrics, MetricsListen: metricsListen,
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
	cmd.Flags().StringVar(&metricsListen, "metrics-listen", "", "`ADDRESS` of /metrics for the operator's monitoring; empty: none")
	return cmd
}
