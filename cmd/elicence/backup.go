package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

// backupKey says what a backup is encrypted for.
type backupKey struct {
	passphraseFile, keyFile string
	shares                  []string
}

func (k *backupKey) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.passphraseFile, "backup-passphrase-file", "", "`FILE` whose first line opens the backup")
	cmd.Flags().StringVar(&k.keyFile, "recovery-key", "", "`FILE` that opens the backup, made with: elicence backup key FILE")
	cmd.Flags().StringArrayVar(&k.shares, "recovery-share", nil, "`FILE` with a share that opens the backup; once for each share")
}

func (k *backupKey) unlock() (keystore.Unlock, error) {
	given := 0
	for _, is := range []bool{k.passphraseFile != "", k.keyFile != "", len(k.shares) > 0} {
		if is {
			given++
		}
	}
	if given != 1 {
		return keystore.Unlock{}, bilingual.New("须给出打开备份的一种方式：口令文件、恢复密钥或分片", "name what opens the backup: one of --backup-passphrase-file, --recovery-key and --recovery-share")
	}
	switch {
	case k.passphraseFile != "":
		passphrase, err := readPassphrase("--backup-passphrase-file", k.passphraseFile)
		return keystore.Unlock{Passphrase: passphrase}, err
	case k.keyFile != "":
		return keystore.Unlock{File: k.keyFile}, nil
	default:
		shares, err := readShares("--recovery-share", k.shares)
		return keystore.Unlock{Shares: shares}, err
	}
}

func newBackup(s *settings) *cobra.Command {
	var key backupKey
	cmd := &cobra.Command{
		Use:   "backup (--recovery-key F | --backup-passphrase-file F | --recovery-share F…) OUT",
		Short: "备份 copy everything into one encrypted file, while the service runs",
		Long: "Writes all records as of one moment, every key, the documents and the settings of a data folder into one encrypted file, and\n" +
			"reads it back before it gets its name. If the service runs on the data folder it is asked. The offline keys are not in it.\n" +
			"The record keys, without which no licence can be read, are written beside it, to record-keys-STORE.backup: one file, which\n" +
			"is replaced each time, so that no older copy brings back what was erased. Keep both, and of the latter the newest alone.\n" +
			"Keep what opens them apart from them and from this machine: see docs/backup.md.",
		Args: arguments("OUT"),
		RunE: func(cmd *cobra.Command, args []string) error { return s.backup(cmd, key, args[0]) },
	}
	key.add(cmd)
	cmd.AddCommand(newBackupRecordKeys(s), &cobra.Command{
		Use: "key FILE", Short: "恢复密钥 make a recovery key for backups", Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := keystore.NewKeyFile(args[0]); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"file": args[0]})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n请离线保管，与备份分开 keep it offline and apart from the backups\n", args[0])
			return err
		},
	})
	return cmd
}

// madeBackup is what was done, as it is printed.
type madeBackup struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Online bool   `json:"online"` // the running service was asked
	// RecordKeys is the file of the record keys, which was replaced; nil: there are none.
	RecordKeys *string `json:"record_keys"`
	backup.Totals
}

func (s *settings) backup(cmd *cobra.Command, key backupKey, path string) error {
	if err := s.check(); err != nil {
		return err
	}
	unlock, err := key.unlock()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	done := madeBackup{File: path}
	content := &backupContent{settings: s, ctx: cmd.Context(), unlock: unlock, made: &done}
	// The file is there under its name when it is whole and was read back.
	if err := durable.WriteFrom(path, content, 0o600); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := verifyBackup(path, unlock, done.Totals); err != nil {
		return errors.Join(fmt.Errorf("%s cannot be read back: %w", path, err), os.Remove(path))
	}
	if done.RecordKeys, err = s.backupRecordKeys(unlock, path); err != nil {
		return err
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), done)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%d 字节 bytes, %d 行记录 rows, %d 个文档 documents, %d 个密钥与设置文件 files; 已读回核对 read back and verified\n",
		path, done.Bytes, done.Rows, done.Documents, done.Files)
	if err == nil && done.RecordKeys != nil {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n记录密钥，已替换旧份，请一并保存 the record keys, in place of those of before: keep them with it\n", *done.RecordKeys)
	}
	return err
}

// backupContent is a backup that is written once.
type backupContent struct {
	settings *settings
	ctx      context.Context
	unlock   keystore.Unlock
	made     *madeBackup
}

// WriteTo implements [io.WriterTo].
func (b *backupContent) WriteTo(w io.Writer) (int64, error) {
	buffered := bufio.NewWriterSize(w, 1<<20)
	counted := &countingWriter{w: buffered}
	err := b.write(counted)
	b.made.Bytes = counted.n
	return counted.n, errors.Join(err, buffered.Flush())
}

func (b *backupContent) write(w io.Writer) error {
	if service, running := desk.Find(b.ctx, filepath.Join(b.settings.data, api.DeskSocket)); running {
		b.made.Online = true
		gmOnly, err := keystore.IsGMOnly(b.settings.keys())
		if err != nil {
			return err
		}
		return b.encrypt(w, gmOnly, func(w io.Writer) (backup.Totals, error) { return api.FetchBackup(b.ctx, service, b.settings.actor, w) })
	}
	return b.settings.with(func(o *office.Office) error {
		return b.encrypt(w, o.GMOnly(), func(w io.Writer) (backup.Totals, error) { return atrest.Backup(b.ctx, o.Folder(), b.settings.actor, w) })
	})
}

func (b *backupContent) encrypt(w io.Writer, gmOnly bool, fill func(io.Writer) (backup.Totals, error)) error {
	e, err := backup.Encrypt(w, b.unlock, gmOnly, time.Now())
	if err != nil {
		return err
	}
	if b.made.Totals, err = fill(e); err != nil {
		return err
	}
	return e.Close()
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// verifyBackup reads a file to its end.
func verifyBackup(path string, unlock keystore.Unlock, want backup.Totals) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // opened for reading
	plain, err := backup.Decrypt(f, unlock)
	if err != nil {
		return err
	}
	got, err := backup.Read(plain, backup.Discard{})
	if err == nil && got != want {
		err = backup.ErrDamaged
	}
	return err
}

func newRestore(s *settings) *cobra.Command {
	var key backupKey
	var published, recordKeys string
	cmd := &cobra.Command{
		Use:   "restore FILE --data DIR (--recovery-key F | --backup-passphrase-file F | --recovery-share F…) [--record-keys FILE] [--published DIR]",
		Short: "恢复 make a data folder from a backup",
		Long: "Makes DATA anew from a backup, verifies every record, signature and document in it, and takes it out of the way of what was\n" +
			"given out after the backup: no place in a status list is given out twice, terminals take what is published next, and the\n" +
			"audit log says what happened. A folder that is not empty is refused, and nothing has its name before all is whole.\n" +
			"The record keys are taken from the one record-keys-….backup that lies beside it, or from --record-keys. Take the newest:\n" +
			"what was erased by law before they were made stays erased, although it is in the backup.\n" +
			"With --published, a terminal's cache or a mirror of later than the backup, what was revoked and suspended since is so again;\n" +
			"without it terminals that know of such a step refuse the next trust files. See docs/backup.md.",
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.restore(cmd, key, args[0], recordKeys, published)
		},
	}
	key.add(cmd)
	cmd.Flags().StringVar(&recordKeys, "record-keys", "", "`FILE` with the newest backup of the record keys, if it does not lie beside the other")
	cmd.Flags().StringVar(&published, "published", "", "`DIR` with trust files that were given out after the backup")
	return cmd
}

func (s *settings) restore(cmd *cobra.Command, key backupKey, path, recordKeys, published string) error {
	if err := s.check(); err != nil {
		return err
	}
	unlock, err := key.unlock()
	if err != nil {
		return err
	}
	// No passphrase is asked for at the terminal: there is no folder yet that could want one.
	options, err := s.officeOptions()
	if err != nil {
		return err
	}
	r := atrest.RestoreOptions{
		Options: options.Options, Actor: s.actor,
		Office: func(dir string) (atrest.OpenOffice, error) { return office.Open(dir, options) },
	}
	if published != "" {
		r.Published = os.DirFS(published)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // opened for reading
	content, err := backup.Decrypt(f, unlock)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	keysFile, err := openRecordKeys(path, recordKeys, unlock)
	if err != nil {
		return err
	}
	if keysFile != nil {
		defer func() { _ = keysFile.Close() }() // opened for reading
		r.RecordKeys = keysFile
	}
	done, err := atrest.Restore(cmd.Context(), s.data, content, r)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), done)
	}
	return printRestored(cmd.OutOrStdout(), s.data, done)
}

func printRestored(w io.Writer, dir string, r atrest.Restored) error {
	text := fmt.Sprintf("%s\n备份时刻 backup of %s: %d 张证照 licences, %d 条审计记录 log entries, %d 个文档 documents; 全部核验 all verified\n",
		dir, r.Made.Format(time.RFC3339), r.Checked.Licences, r.LogSize, r.Documents)
	if r.LogSeen != nil && *r.LogSeen > r.LogSize {
		text += fmt.Sprintf("备份之后丢失 lost after the backup: %d 条审计记录 log entries, as the published files know\n", *r.LogSeen-r.LogSize)
	}
	for _, id := range r.Revoked {
		text += "重新撤销 revoked again " + id + "\n"
	}
	for _, id := range r.Erased {
		text += "密钥已销毁，重新登记删除 its key is destroyed, erased again " + id + "\n"
	}
	for _, id := range r.Suspended {
		text += "重新暂停 suspended again " + id + "\n"
	}
	text += "状态号段与版本号已前移，旧号不再使用 status lists and versions have gone ahead; nothing is given out twice\n" +
		"请立即发布并通知见证方 publish now and tell the witnesses: elicence serve, elicence trust export\n"
	_, err := io.WriteString(w, text)
	return err
}
