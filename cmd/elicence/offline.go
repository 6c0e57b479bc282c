package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

// offlineFlags open the store of the keys that the service does not need.
type offlineFlags struct {
	dir, passphraseFile, tokenFile string
	shares                         []string
}

func (f *offlineFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "offline", "", "`DIR` of the offline keys; without: DATA/offline")
	cmd.Flags().StringVar(&f.passphraseFile, "offline-passphrase-file", "", "`FILE` whose first line opens them")
	cmd.Flags().StringArrayVar(&f.shares, "offline-share", nil, "`FILE` with a share that opens them; once for each share")
	cmd.Flags().StringVar(&f.tokenFile, "offline-token", "", "`FILE` that names the PKCS#11 token that opens or holds them")
}

// given reports whether anything was said about the offline keys.
func (f *offlineFlags) given() bool {
	return f.dir != "" || f.passphraseFile != "" || f.tokenFile != "" || len(f.shares) > 0
}

func (f *offlineFlags) open(s *settings) (*keystore.Store, error) {
	dir := f.dir
	if dir == "" {
		dir = filepath.Join(s.data, "offline")
	}
	t, err := openToken("--offline-token", f.tokenFile)
	if err != nil {
		return nil, err
	}
	u, err := f.unlock(t)
	if err != nil {
		return nil, err
	}
	offline, err := keystore.Config{Devices: t.devices}.Open(dir, u)
	if err != nil {
		return nil, fmt.Errorf("--offline: %w", err)
	}
	return offline, nil
}

func (f *offlineFlags) unlock(t token) (keystore.Unlock, error) {
	switch {
	case f.passphraseFile != "" && len(f.shares) > 0:
		return keystore.Unlock{}, bilingual.New("--offline-passphrase-file 与 --offline-share 只能给一个", "--offline-passphrase-file and --offline-share: give one of them")
	case f.passphraseFile != "":
		passphrase, err := readPassphrase("--offline-passphrase-file", f.passphraseFile)
		return keystore.Unlock{Passphrase: passphrase}, err
	case len(f.shares) > 0:
		shares, err := readShares("--offline-share", f.shares)
		return keystore.Unlock{Shares: shares}, err
	case f.tokenFile != "":
		w, err := t.wrapper()
		return keystore.Unlock{Token: w}, err
	default:
		return keystore.Unlock{}, bilingual.New("须给出打开离线密钥的口令文件、分片或令牌", "--offline-passphrase-file: must be the file whose first line opens the offline keys; or give --offline-share or --offline-token")
	}
}

func readShares(flag string, files []string) ([]keystore.Share, error) {
	var shares []keystore.Share
	for _, path := range files {
		share, err := keystore.ReadShare(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		shares = append(shares, share)
	}
	return shares, nil
}

// withOffline opens the data folder and the offline keys.
func (s *settings) withOffline(f offlineFlags, act func(*office.Office, *keystore.Store) error) error {
	return s.with(func(o *office.Office) error {
		offline, err := f.open(s)
		if err != nil {
			return err
		}
		err = act(o, offline)
		if closing := offline.Close(); err == nil {
			err = closing
		}
		return err
	})
}
