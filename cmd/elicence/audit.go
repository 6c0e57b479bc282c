package main

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/audit"
)

func newAudit(s *settings) *cobra.Command {
	verify := &cobra.Command{
		Use: "verify", Short: "核对 recompute the whole log", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				size, root, err := o.VerifyLog(cmd.Context())
				if err != nil {
					return err
				}
				if s.json {
					return printJSON(cmd.OutOrStdout(), map[string]any{"size": size, "root": hex.EncodeToString(root)})
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d 条记录，完整无误 entries, whole\nroot SM3 %x\n", size, root)
				return err
			})
		},
	}
	show := &cobra.Command{
		Use: "show", Short: "显示 show the entries", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(o *office.Office) error {
				var views []entryView
				err := o.Log(cmd.Context(), func(index uint64, e audit.Entry) error {
					views = append(views, entryView{
						ID: index, Time: e.At().Format(time.RFC3339), Actor: e.Actor, Act: string(e.Act), Subject: e.Subject, Digest: hex.EncodeToString(e.Digest),
					})
					return nil
				})
				if err != nil {
					return err
				}
				return list(cmd, s, views, func(v entryView) []string {
					return []string{fmt.Sprint(v.ID), v.Time, v.Actor, v.Act, v.Subject}
				})
			})
		},
	}
	return group("audit", "审计日志 the audit log", verify, show)
}

// entryView is an entry as it is printed.
type entryView struct {
	ID      uint64 `json:"id"`
	Time    string `json:"time"`
	Actor   string `json:"actor"`
	Act     string `json:"act"`
	Subject string `json:"subject"`
	Digest  string `json:"digest"`
}
