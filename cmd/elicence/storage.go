package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/office"
)

func newStorage(s *settings) *cobra.Command {
	return group("storage", "存储 what the records and documents lie in", newStorageCheck(s), newStorageAdopt(s))
}

func newStorageCheck(s *settings) *cobra.Command {
	var deep bool
	cmd := &cobra.Command{
		Use: "check [--deep]", Short: "检查 compare everything that is stored with everything else", Args: cobra.NoArgs,
		Long: "Checks the store's file page by page, records against indexes, counts and status lists, the whole audit log, that the documents'\n" +
			"place honours write-once, how much of the disk is free and how long an fsync takes. With --deep every licence is decrypted\n" +
			"and its signature verified, and every document read. Exit 1 with a line for each fault. The service must be stopped.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r office.StorageReport
			err := s.with(func(o *office.Office) error {
				var err error
				r, err = o.CheckStorage(cmd.Context(), deep)
				return err
			})
			if err != nil {
				return err
			}
			if err := printChecked(cmd, s, r); err != nil {
				return err
			}
			if len(r.Faults) > 0 {
				return errNotValid
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&deep, "deep", false, "verify the signature of every licence and read every document")
	return cmd
}

func printChecked(cmd *cobra.Command, s *settings, r office.StorageReport) error {
	out := cmd.OutOrStdout()
	if s.json {
		return printJSON(out, r)
	}
	for _, f := range r.Faults {
		if _, err := fmt.Fprintf(out, "%s: %s\n", f.Where, f.What); err != nil {
			return err
		}
	}
	if r.More > 0 {
		if _, err := fmt.Fprintf(out, "另有 and %d more\n", r.More); err != nil {
			return err
		}
	}
	verdict := "一切正常 all is well"
	if len(r.Faults) > 0 {
		verdict = fmt.Sprintf("发现 %d 处问题 faults found", len(r.Faults)+r.More)
	}
	free := "?"
	if r.FreeBytes >= 0 {
		free = fmt.Sprint(r.FreeBytes >> 20)
	}
	_, err := fmt.Fprintf(out, "%d 张证照 licences, %d 个凭据 credentials, %d 条审计记录 log entries, %d 个文档 documents\nfsync %d µs, 空闲 free %s MiB\n%s\n",
		r.Licences, r.Credentials, r.LogEntries, r.Documents, r.FsyncMicros, free, verdict)
	return err
}

func newStorageAdopt(s *settings) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "adopt --reason TEXT", Short: "接管旧存储 take over a store that was put back to an earlier moment", Args: cobra.NoArgs,
		Long: "A data folder remembers how far its audit log was, and a store that is older is refused. If it was put back on purpose, from a\n" +
			"disk image for example, and there is nothing newer, this takes it over as restore does: what was given out since is not given\n" +
			"out again, terminals take what is published next, and the audit log says so.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reason == "" {
				return errors.New("--reason: must say why")
			}
			s.older = true
			err := s.with(func(o *office.Office) error { return o.AdoptOlder(cmd.Context(), s.actor, reason) })
			if err != nil {
				return err
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"data": s.data})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s 已接管 adopted; 请立即发布 publish now\n", s.data)
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why the store is of an earlier moment, in `TEXT`")
	return cmd
}
