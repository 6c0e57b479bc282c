package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/keystore"
)

// rewrap is what `key rewrap` is asked for.
type rewrap struct {
	keys       string   // the key store's folder
	shares     []string // files that open it
	passphrase string   // the new ways, one of them
	keyFile    string
	token      string
	split      string
	out        string
	master     bool
}

func newRewrap(s *settings) *cobra.Command {
	var r rewrap
	cmd := &cobra.Command{
		Use:   "rewrap [--keys DIR] (--new-passphrase-file F | --new-kek-file F | --new-token F | --new-shares N-of-M --out DIR) [--master]",
		Short: "更换口令 change what opens the keys, while the service runs",
		Long: "Changes the key-encryption key of DATA/keys, or of another key store such as the offline one, in one step. What opened it\n" +
			"before opens it no longer; a copy of the folder from before still opens as before, so with --master a new master key is\n" +
			"drawn as well and every key is encrypted under it. A change with --master that was cut off is taken up by the next one.\n" +
			"A service that runs goes on; start it anew with the new key after a change with --master.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.rewrap(cmd, r) },
	}
	flags := cmd.Flags()
	flags.StringVar(&r.keys, "keys", "", "`DIR` of the key store, if it is not DATA/keys")
	flags.StringArrayVar(&r.shares, "share", nil, "`FILE` with a share that opens it; once for each share")
	flags.StringVar(&r.passphrase, "new-passphrase-file", "", "`FILE` whose first line opens it from now on")
	flags.StringVar(&r.keyFile, "new-kek-file", "", "new `FILE` for a key-encryption key")
	flags.StringVar(&r.token, "new-token", "", "`FILE` that names the token that wraps it from now on")
	flags.StringVar(&r.split, "new-shares", "", "`N-of-M` shares open it from now on")
	flags.StringVar(&r.out, "out", "", "new `DIR` for the shares")
	flags.BoolVar(&r.master, "master", false, "draw a new master key too and encrypt every key under it")
	return cmd
}

func (s *settings) rewrap(cmd *cobra.Command, r rewrap) error {
	if err := s.check(); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if r.keys == "" {
		r.keys = s.keys()
	}
	u, err := s.unlock(r.keys, r.shares)
	if err != nil {
		return err
	}
	store, err := keystore.Open(r.keys, u)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", r.keys, err)
	}
	if err != nil {
		return err
	}
	done, err := r.run(cmd.Context(), store)
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if s.json {
		return printJSON(cmd.OutOrStdout(), done)
	}
	out := cmd.OutOrStdout()
	for _, path := range done.Shares {
		if _, err := fmt.Fprintln(out, path); err != nil {
			return err
		}
	}
	if u.File != "" && r.changes() > 0 {
		if _, err := fmt.Fprintf(out, "%s 不再能打开，请销毁 no longer opens it: destroy it\n", u.File); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%s 已更换 changed, %d 个密钥文件重新加密 key files encrypted anew\n", r.keys, done.Written)
	return err
}

// changes says how many new ways were named.
func (r rewrap) changes() int {
	n := 0
	for _, given := range []string{r.passphrase, r.keyFile, r.token, r.split} {
		if given != "" {
			n++
		}
	}
	return n
}

func (r rewrap) check() error {
	switch {
	case r.changes() > 1:
		return bilingual.New("新的打开方式只能给一种", "rewrap: name one of --new-passphrase-file, --new-kek-file, --new-token and --new-shares")
	case r.changes() == 0 && !r.master:
		return bilingual.New("须给出今后打开密钥库的方式，或 --master", "rewrap: name what opens the keys from now on, or --master: see elicence key rewrap --help")
	case (r.split == "") != (r.out == ""):
		return bilingual.New("--new-shares 与 --out 须一起给", "rewrap: --new-shares and --out DIR go together")
	}
	_, err := parseShares("--new-shares", r.split)
	return err
}

// unlock finds what opens a key store: shares, a passphrase, a key file or a token as
// the flags say, else the file kek beside its folder.
func (s *settings) unlock(store string, shareFiles []string) (keystore.Unlock, error) {
	if len(shareFiles) > 0 {
		shares, err := readShares("--share", shareFiles)
		return keystore.Unlock{Shares: shares}, err
	}
	passphrase, err := s.passphrase(store)
	if err != nil || len(passphrase) > 0 {
		return keystore.Unlock{Passphrase: passphrase}, err
	}
	if s.keyFile != "" {
		return keystore.Unlock{File: s.keyFile}, nil
	}
	if s.tokenFile != "" {
		t, err := openToken("--token", s.tokenFile)
		if err != nil {
			return keystore.Unlock{}, err
		}
		w, err := t.wrapper()
		return keystore.Unlock{Token: w}, err
	}
	return keystore.Unlock{File: filepath.Join(filepath.Dir(filepath.Clean(store)), "kek")}, nil
}

// rewrapped is what was done, as it is printed.
type rewrapped struct {
	Store   string   `json:"store"`
	Shares  []string `json:"shares"`
	Written int      `json:"written"` // key files encrypted under a new master key
}

func (r rewrap) run(ctx context.Context, store *keystore.Store) (rewrapped, error) {
	done := rewrapped{Store: store.ID().String(), Shares: []string{}}
	var err error
	if r.changes() > 0 {
		if done.Shares, err = r.change(store); err != nil {
			return done, err
		}
	}
	if r.master {
		done.Written, err = store.Rotate(ctx)
	}
	return done, err
}

// change locks the store anew. A key file or shares are on the disk before that and
// stay there whatever happens: after a failed fsync nobody can say whether the store
// wants the old or the new.
func (r rewrap) change(store *keystore.Store) ([]string, error) {
	none := []string{}
	switch {
	case r.passphrase != "":
		passphrase, err := readPassphrase("--new-passphrase-file", r.passphrase)
		if err != nil {
			return none, err
		}
		return none, store.Rewrap(keystore.Unlock{Passphrase: passphrase})
	case r.keyFile != "":
		if err := keystore.NewKeyFile(r.keyFile); err != nil {
			return none, fmt.Errorf("--new-kek-file: %w", err)
		}
		return none, store.Rewrap(keystore.Unlock{File: r.keyFile})
	case r.token != "":
		t, err := openToken("--new-token", r.token)
		if err != nil {
			return none, err
		}
		w, err := t.newWrapper()
		if err != nil {
			return none, err
		}
		return none, store.Rewrap(keystore.Unlock{Token: w})
	}
	p, err := parseShares("--new-shares", r.split)
	if err != nil {
		return none, err
	}
	shares, err := keystore.NewShares(store.ID(), p.Threshold, p.Total)
	if err != nil {
		return none, err
	}
	paths, err := office.WriteShares(r.out, shares)
	if err != nil {
		return none, fmt.Errorf("--out: %w", err)
	}
	return paths, store.Rewrap(keystore.Unlock{Shares: shares})
}
