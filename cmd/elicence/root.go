package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/columns"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/tsa"
)

// settings are the flags that every command has.
type settings struct {
	data           string
	store          string
	documents      string
	actor          string
	keyFile        string
	passphraseFile string
	tokenFile      string
	json           bool
	clock          tsa.ClockSettings  // of time stamps; zero: by the kernel's word
	tsaPolicy      string             // of time stamps; empty: the data folder's
	ocspMemory     int64              // bytes; 0: the usual
	older          bool               // a store that is not the one that the folder remembers is opened
	observe        func(office.Event) // told what an operator must hear of; nil: nobody is

	args      []string       // the command as it was typed
	files     durable.Files  // where the files that it names are
	passwords desk.Passwords // where those of documents come from
	terminal  bool           // standard error is a screen, where served is set
	served    *office.Office // the service's that carries the command out; nil: the data folder is opened
}

func newRoot() *cobra.Command {
	return newRootFor(&settings{actor: defaultActor(), args: os.Args[1:], files: durable.Disk{}, passwords: console{}})
}

// newRootFor makes the commands for settings of which some are known before the flags.
func newRootFor(s *settings) *cobra.Command {
	root := &cobra.Command{
		Use:           "elicence",
		Short:         "电子证照、签名与印章 e-licences, signatures and seals",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return refuseEmpty(cmd) },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return bilingual.Wrap("选项有误", err) })
	flags := root.PersistentFlags()
	flags.StringVar(&s.data, "data", defaultData(), "`DIR` that holds the store, keys and documents ($ELICENCE_DATA)")
	flags.StringVar(&s.store, "store", "", "`URL` of the database that holds the records: postgres://USER@HOST1,HOST2/NAME ($ELICENCE_STORE); without: a file in DIR")
	flags.StringVar(&s.documents, "documents", os.Getenv("ELICENCE_DOCUMENTS"), "`URL` of the bucket for documents, s3://BUCKET?region=…&endpoint=…, if they are not in DATA/documents ($ELICENCE_DOCUMENTS)")
	flags.StringVar(&s.actor, "actor", s.actor, "`NAME` of the officer who acts ($ELICENCE_ACTOR)")
	flags.StringVar(&s.keyFile, "kek-file", "", "`FILE` with the key-encryption key, if it is not DATA/kek")
	flags.StringVar(&s.passphraseFile, "passphrase-file", "", "`FILE` whose first line opens the key store")
	flags.StringVar(&s.tokenFile, "token", os.Getenv("ELICENCE_TOKEN"), "`FILE` that names a PKCS#11 token ($ELICENCE_TOKEN)")
	flags.BoolVar(&s.json, "json", false, "print JSON for machines")
	root.AddCommand(
		newDemo(s), newInit(s), newServe(s), newAuthority(s), newCategory(s), newLicence(s), newHolder(s), newSeal(s), newDocument(s), newVerify(s), newTrust(s), newCA(s), newKey(s), newAudit(s), newBench(s),
		newBackup(s), newRestore(s), newStorage(s),
	)
	return root
}

// refuseEmpty refuses a flag without a value: a script whose variable is empty would get what
// the command does without the flag, such as a seal in another place.
func refuseEmpty(cmd *cobra.Command) error {
	var empty error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" && empty == nil {
			empty = fmt.Errorf("--%s: has no value", f.Name)
		}
	})
	return empty
}

func defaultData() string {
	if dir := os.Getenv("ELICENCE_DATA"); dir != "" {
		return dir
	}
	return "elicence-data"
}

// defaultActor is $ELICENCE_ACTOR or the user who is logged in.
func defaultActor() string {
	if name := os.Getenv("ELICENCE_ACTOR"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// open opens the data folder.
func (s *settings) open() (*office.Office, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	options, err := s.officeOptions()
	if err != nil {
		return nil, err
	}
	o, err := office.Open(s.data, options)
	if errors.Is(err, datafolder.ErrNotDataFolder) {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", s.data, err)
	}
	return o, nil
}

// officeOptions are what opens the data folder: by the flags, and at the terminal.
func (s *settings) officeOptions() (office.Options, error) {
	passphrase, err := s.passphrase(s.keys())
	if err != nil {
		return office.Options{}, err
	}
	options := office.Options{
		Options: datafolder.Options{Passphrase: passphrase, KeyFile: s.keyFile, Store: s.store, Documents: s.documents, Older: s.older},
		Observe: s.observe, Clock: s.clock, TSAPolicy: s.tsaPolicy, OCSPMemory: s.ocspMemory,
	}
	t, err := openToken("--token", s.tokenFile)
	if err != nil {
		return options, err
	}
	options.Devices = t.devices
	if len(passphrase) == 0 && s.keyFile == "" {
		options.Token, err = t.wrapper()
	}
	return options, err
}

func (s *settings) check() error {
	if err := s.checkActor(); err != nil {
		return err
	}
	// It is no flag's default, as it may hold a password and defaults are printed.
	s.store = cmp.Or(s.store, os.Getenv("ELICENCE_STORE"))
	if err := datafolder.CheckStore(s.store); err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	return nil
}

func (s *settings) checkActor() error {
	if s.actor == "" || strings.ContainsAny(s.actor, "\n\r\t") || len(s.actor) > audit.MaxActorSize {
		return fmt.Errorf("--actor: must be a name on one line of at most %d bytes", audit.MaxActorSize)
	}
	return nil
}

// keys is the folder of the service's key store.
func (s *settings) keys() string { return filepath.Join(s.data, datafolder.KeysName) }

// passphrase reads the passphrase if a key store wants one: from the file that
// was named, or at the terminal.
func (s *settings) passphrase(store string) ([]byte, error) {
	if s.passphraseFile != "" {
		return readPassphrase("--passphrase-file", s.passphraseFile)
	}
	wants, err := keystore.NeedsPassphrase(store)
	if err != nil || !wants {
		return nil, nil //nolint:nilerr // what is wrong with the folder is said when it is opened
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil, keystore.ErrNeedsPassphrase
	}
	fmt.Fprint(os.Stderr, "口令 passphrase: ")
	passphrase, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	return passphrase, nil
}

func readPassphrase(flag, path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return nil, fmt.Errorf("%s: the first line of %s is empty", flag, path)
	}
	return []byte(line), nil
}

// with opens the data folder, calls f and closes it again. In a service that carries out a
// command it is open.
func (s *settings) with(f func(*office.Office) error) error {
	if s.served != nil {
		return f(s.served)
	}
	o, err := s.open()
	if err != nil {
		return err
	}
	err = f(o)
	if closing := o.Close(); err == nil {
		err = closing
	}
	return err
}

// printJSON prints one JSON value and a line end.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// list prints items as one JSON array, or as rows of a table.
func list[T any](cmd *cobra.Command, s *settings, items []T, row func(T) []string) error {
	if s.json {
		if items == nil {
			items = []T{}
		}
		return printJSON(cmd.OutOrStdout(), items)
	}
	rows := make([][]string, len(items))
	for i, item := range items {
		rows[i] = row(item)
	}
	return columns.Write(cmd.OutOrStdout(), rows)
}

// arguments accepts exactly the arguments with these names.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			wanted := strings.Join(names, " ")
			return bilingual.Wrap("须给出 "+wanted, fmt.Errorf("%s: wants %s, got %d arguments", cmd.Name(), wanted, len(args)))
		}
		return nil
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return bilingual.Wrap("请指明要做什么", fmt.Errorf("%s: name what to do: see elicence %s --help", cmd.Name(), cmd.Name()))
	}}
	c.AddCommand(commands...)
	return c
}
