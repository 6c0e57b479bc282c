package main

import (
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
)

func newStorage(s *settings) *cobra.Command {
	return group("storage", "存储 what the records and documents lie in", atDesk(s, newStorageCheck(s))[0], newStorageMove(s), newStorageRekey(s), newStorageAdopt(s))
}

func newStorageCheck(s *settings) *cobra.Command {
	var deep bool
	cmd := &cobra.Command{
		Use: "check [--deep]", Short: "检查 compare everything that is stored with everything else", Args: cobra.NoArgs,
		Long: "Checks the store's file page by page, records against indexes, counts and status lists, the whole audit log, that the documents'\n" +
			"place honours write-once, how much of the disk is free and how long an fsync takes. With --deep every licence is decrypted\n" +
			"and its signature verified, and every document read. Exit 1 with a line for each fault. A service that runs on the folder does it, and works on meanwhile.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r atrest.Report
			err := s.with(func(o *office.Office) error {
				var err error
				r, err = atrest.Check(cmd.Context(), o, deep)
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

func printChecked(cmd *cobra.Command, s *settings, r atrest.Report) error {
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
	if r.RecordKeysKept != nil && !*r.RecordKeysKept {
		if _, err := fmt.Fprintln(out, "记录密钥没有最新备份 the record keys as they are have no backup: elicence backup record-keys"); err != nil {
			return err
		}
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
				return bilingual.New("须用 --reason 说明理由", "--reason: must say why")
			}
			s.older = true
			err := s.with(func(o *office.Office) error { return atrest.AdoptOlder(cmd.Context(), o, s.actor, reason) })
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

func newStorageMove(s *settings) *cobra.Command {
	var to, bucket string
	cmd := &cobra.Command{
		Use: "move (--to postgres://… | --documents-to s3://…)", Short: "迁移 move the records to another database, or the documents to a bucket", Args: cobra.NoArgs,
		Long: "With --to, copies every record to an empty database, reads all of it back there and compares, and marks the old records as moved:\n" +
			"nobody writes to both, and the old ones are kept. Afterwards every command wants --store (or $ELICENCE_STORE). To go back to\n" +
			"the file: --to file, once the old file was moved out of the way. With --documents-to, copies every document into a bucket that\n" +
			"honours write-once, reads it back, and renames DATA/documents; afterwards every command wants --documents (or\n" +
			"$ELICENCE_DOCUMENTS). What is cut off goes on with the same command. Stop the service on every node first.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (to == "") == (bucket == "") {
				return bilingual.New("--to 与 --documents-to 须给且只给一个", "name one of --to and --documents-to")
			}
			if err := s.check(); err != nil {
				return err
			}
			if bucket != "" {
				return s.moveDocuments(cmd, bucket)
			}
			return s.moveRecords(cmd, to)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "`URL` of the new database, or the word file")
	cmd.Flags().StringVar(&bucket, "documents-to", "", "`URL` of the bucket for the documents")
	return cmd
}

// counting shows on the terminal how many of something there are so far.
func (s *settings) counting(what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(-1, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(!s.json && term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetDescription(what), progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
}

func (s *settings) moveRecords(cmd *cobra.Command, to string) error {
	address, err := moveTarget(to)
	if err != nil {
		return err
	}
	options, err := s.officeOptions()
	if err != nil {
		return err
	}
	bar := s.counting("记录 rows")
	m := atrest.MoveOptions{Options: options.Options, To: address, Actor: s.actor, Progress: func(rows int) { _ = bar.Add(rows) }} // a picture for people
	done, err := atrest.MoveStore(cmd.Context(), s.data, m)
	_ = bar.Finish() // likewise
	if err != nil {
		return fmt.Errorf("moving the records of %s: %w", s.data, err)
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), done)
	}
	total := uint64(0)
	for _, n := range done.Rows {
		total += n
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d 行已迁移并核对 rows moved and compared, SM3 %s\n", total, done.Digest)
	if err == nil && address != "" {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "今后请加 from now on give --store URL, or $ELICENCE_STORE")
	}
	return err
}

func (s *settings) moveDocuments(cmd *cobra.Command, bucket string) error {
	options, err := s.officeOptions()
	if err != nil {
		return err
	}
	bar := s.counting("文档 documents")
	n, err := atrest.MoveDocuments(cmd.Context(), s.data, bucket, s.actor, options.Options, func() { _ = bar.Add(1) }) // a picture for people
	_ = bar.Finish()                                                                                                   // likewise
	if err != nil {
		return fmt.Errorf("moving the documents of %s: %w", s.data, err)
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), map[string]int{"documents": n})
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d 个文档已迁移并读回 documents moved and read back\n今后请加 from now on give --documents URL, or $ELICENCE_DOCUMENTS\n", n)
	return err
}

// moveTarget is the address of a store; the word file names the one in the data folder.
func moveTarget(to string) (string, error) {
	if to == "file" {
		return "", nil
	}
	if err := datafolder.CheckStore(to); err != nil {
		return "", fmt.Errorf("--to: %w", err)
	}
	return to, nil
}
