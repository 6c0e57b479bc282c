package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/keystore"
)

// recordKeysPattern matches the files of record keys in a folder of backups.
const recordKeysPattern = "record-keys-*.backup"

func newBackupRecordKeys(s *settings) *cobra.Command {
	var key backupKey
	cmd := &cobra.Command{
		Use:   "record-keys (--recovery-key F | --backup-passphrase-file F | --recovery-share F…) FILE",
		Short: "备份记录密钥 replace the backup of the record keys: after each erasure",
		Long: "Writes the keys that licences are encrypted under into FILE, in place of those of before. Without them no backup can be read, and\n" +
			"with those of before an erasure it brings back what was erased: so run this after each erasure, and keep no older copy. backup\n" +
			"does the same beside the file that it makes. The service may run.",
		Args: arguments("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.check(); err != nil {
				return err
			}
			unlock, err := key.unlock()
			if err != nil {
				return err
			}
			has, err := datafolder.HasRecordKeys(s.data)
			if err == nil && !has {
				err = bilingual.New("各记录仍共用密钥，没有单独的记录密钥", "its records share their keys: there are none of single licences (storage rekey makes them)")
			}
			if err == nil {
				err = s.writeRecordKeys(unlock, args[0])
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s.data, err)
			}
			if s.json {
				return printJSON(cmd.OutOrStdout(), map[string]string{"file": args[0]})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n已替换旧份；请在另一处也替换 replaced: replace other copies of it as well\n", args[0])
			return err
		},
	}
	key.add(cmd)
	return cmd
}

// backupRecordKeys replaces the file of the record keys beside a backup. It returns nil
// where there are none.
func (s *settings) backupRecordKeys(unlock keystore.Unlock, beside string) (*string, error) {
	has, err := datafolder.HasRecordKeys(s.data)
	if err != nil || !has {
		return nil, err
	}
	a, err := keystore.Assess(s.keys())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(filepath.Dir(beside), fmt.Sprintf("record-keys-%.8s.backup", a.Store))
	if err := s.writeRecordKeys(unlock, path); err != nil {
		return nil, fmt.Errorf("%s is made, the record keys are not: %w", beside, err)
	}
	return &path, nil
}

// writeRecordKeys replaces a backup of the record keys, and remembers that there is one.
func (s *settings) writeRecordKeys(unlock keystore.Unlock, path string) error {
	gmOnly, err := keystore.IsGMOnly(s.keys())
	if err != nil {
		return err
	}
	content := &recordKeysContent{data: s.data, unlock: unlock, gmOnly: gmOnly}
	// A file that cannot be read back is not put in the place of one that can.
	if err := durable.WriteFrom(path+".new", content, 0o600); err != nil {
		return err
	}
	if err := verifyBackup(path+".new", unlock, content.totals); err != nil {
		return errors.Join(fmt.Errorf("%s cannot be read back: %w", path, err), os.Remove(path+".new"))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return content.keep()
}

// recordKeysContent is a backup of record keys that is written once.
type recordKeysContent struct {
	data   string
	unlock keystore.Unlock
	gmOnly bool
	totals backup.Totals
	keep   func() error // remembers that it is kept
}

// WriteTo implements [io.WriterTo].
func (c *recordKeysContent) WriteTo(w io.Writer) (int64, error) {
	counted := &countingWriter{w: w}
	e, err := backup.Encrypt(counted, c.unlock, c.gmOnly, time.Now())
	if err != nil {
		return counted.n, err
	}
	totals, state, err := atrest.BackupRecordKeys(c.data, time.Now(), e)
	if err != nil {
		return counted.n, err
	}
	c.totals, c.keep = totals, func() error { return atrest.KeepRecordKeys(c.data, state) }
	return counted.n, e.Close()
}

// recordKeysFile is an open backup of record keys.
type recordKeysFile struct {
	io.Reader
	io.Closer
}

// openRecordKeys opens the record keys for a backup: those that are named, or the one file
// of them beside it. Where there is none it returns nil: a backup of before there were
// record keys needs none, and any other is refused without.
func openRecordKeys(beside, named string, unlock keystore.Unlock) (io.ReadCloser, error) {
	if named == "" {
		all, err := filepath.Glob(filepath.Join(filepath.Dir(beside), recordKeysPattern))
		switch {
		case err != nil:
			return nil, err
		case len(all) > 1:
			return nil, fmt.Errorf("%s: there are several of them; name the right one with --record-keys", recordKeysPattern)
		case len(all) == 0:
			return nil, nil
		}
		named = all[0]
	}
	f, err := os.Open(named)
	if err != nil {
		return nil, fmt.Errorf("--record-keys: %w", err)
	}
	content, err := backup.Decrypt(f, unlock)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", named, err), f.Close())
	}
	return recordKeysFile{content, f}, nil
}
