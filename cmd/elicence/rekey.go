package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
)

func newStorageRekey(s *settings) *cobra.Command {
	var options atrest.RekeyOptions
	var lookups bool
	cmd := &cobra.Command{
		Use: "rekey [--lookups] [--prepare | --end-old]", Short: "换密 encrypt the records again under new keys", Args: cobra.NoArgs,
		Long: "Makes new keys and encrypts every licence, code and detail beside the log again under them, each licence under a key of its\n" +
			"own, which an erasure destroys; pictures of before are taken over too, so that they go with their licence. Signatures are verified\n" +
			"on the way and each text is read back. What is cut off goes on with the same command. On PostgreSQL\n" +
			"services go on meanwhile; there, make the keys first with --prepare, copy DATA/keys and DATA/record-keys to every node, and then\n" +
			"run it on one. Afterwards make a backup. The keys of before are kept, as backups of before want them; --end-old destroys them,\n" +
			"on each node.\n\n" +
			"With --lookups it is the keys that numbers, holders and requests are looked up by (HMAC-SM3): each entry of the indexes is\n" +
			"moved to a key that the secrets of before do not make. Nothing is decrypted, and what is left of erased licences is moved too.\n" +
			"The secrets of before stay, as the new keys are made with them as well. On PostgreSQL copy DATA/keys in between, as above;\n" +
			"every node must run this version. Afterwards make a backup: programs of before do not open the records any more.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.PrepareOnly && options.EndOld {
				return bilingual.New("--prepare 与 --end-old 只能给一个", "name one of --prepare and --end-old")
			}
			if lookups && options.EndOld {
				return bilingual.New("--lookups 与 --end-old 只能给一个，检索密钥不终止", "name one of --lookups and --end-old: no look-up keys end")
			}
			if lookups {
				return renewLookups(cmd, s, options.PrepareOnly)
			}
			bar := s.counting("加密 encrypted")
			options.Progress = func(c atrest.RekeyCounts) { _ = bar.Set64(int64(c.Total())) } //nolint:gosec // a picture for people
			var done atrest.Rekeyed
			err := s.with(func(o *office.Office) error {
				var err error
				done, err = atrest.Rekey(cmd.Context(), o.Folder(), s.actor, options)
				return err
			})
			_ = bar.Finish() // likewise
			if err != nil {
				return err
			}
			return printRekeyed(cmd, s, done, options.EndOld)
		},
	}
	cmd.Flags().BoolVar(&lookups, "lookups", false, "renew the keys that numbers, holders and requests are looked up by")
	cmd.Flags().BoolVar(&options.PrepareOnly, "prepare", false, "make the new keys, and use them for nothing yet")
	cmd.Flags().BoolVar(&options.EndOld, "end-old", false, "destroy the keys of before: backups of before cannot be read any more")
	return cmd
}

func renewLookups(cmd *cobra.Command, s *settings, prepareOnly bool) error {
	bar := s.counting("索引 entries")
	options := atrest.RenewalOptions{PrepareOnly: prepareOnly, Progress: func(entries uint64) { _ = bar.Set64(int64(entries)) }} //nolint:gosec // a picture for people
	var done atrest.Renewed
	err := s.with(func(o *office.Office) error {
		var err error
		done, err = atrest.RenewLookups(cmd.Context(), o.Folder(), s.actor, options)
		return err
	})
	_ = bar.Finish() // likewise
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if s.json {
		return printJSON(out, done)
	}
	if done.Prepared != nil {
		_, err = fmt.Fprintf(out, "第 %d 代检索密钥已生成，尚未启用 look-up keys of generation %d are made and not in use\n请把 copy DATA/keys 复制到各节点 to every node\n", *done.Prepared, *done.Prepared)
	} else {
		_, err = fmt.Fprintf(out, "第 %d 代检索密钥 look-up keys of generation %d: %d 个索引项 entries\n请立即备份 make a backup now\n", done.Generation, done.Generation, done.Entries)
	}
	return err
}

func printRekeyed(cmd *cobra.Command, s *settings, r atrest.Rekeyed, ending bool) error {
	out := cmd.OutOrStdout()
	if s.json {
		return printJSON(out, r)
	}
	var text string
	switch {
	case r.Prepared != nil:
		text = fmt.Sprintf("第 %d 代密钥已生成，尚未启用 keys of generation %d are made and not in use\n请把 copy DATA/keys 与 and DATA/record-keys 复制到各节点 to every node\n", *r.Prepared, *r.Prepared)
	case len(r.Ended) > 0:
		text = fmt.Sprintf("旧密钥已销毁 keys of before are destroyed: %v\n", r.Ended)
	case ending:
		text = "没有旧密钥 there are no keys of before\n"
	default:
		text = fmt.Sprintf("第 %d 代密钥 keys of generation %d: %d 张证照 licences, %d 个凭据 credentials, %d 条审计附注 details beside the log, %d 件批量申请 proposals, %d 份图片 pictures\n请立即备份 make a backup now\n",
			r.Generation, r.Generation, r.Done.Licences, r.Done.Credentials, r.Done.Entries, r.Done.Proposals, r.Documents)
	}
	if r.Unreadable > 0 {
		text += fmt.Sprintf("%d 份图片已损坏，未能换密 pictures are damaged and stay as they are: elicence storage check --deep\n", r.Unreadable)
	}
	if r.Kept > 0 {
		text += fmt.Sprintf("%d 份旧密钥下的图片未能删除 pictures under the key of before could not be removed\n", r.Kept)
	}
	_, err := fmt.Fprint(out, text)
	return err
}
