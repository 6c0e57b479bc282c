package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/seal/pdf/syntax"
)

// passwordVariable names the environment variable with the password of an encrypted document.
const passwordVariable = "ELICENCE_DOCUMENT_PASSWORD" //nolint:gosec // a name

// A password opens an encrypted document. It is never an argument: other users see those.
type password struct{ file string }

func (p *password) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "password-file", "", "`FILE` whose first line opens an encrypted document ($"+passwordVariable+")")
}

// open calls f with what may open a document, and once more with what is typed at the
// terminal where a password is missing.
func (p *password) open(s *settings, f func(syntax.Access) error) error {
	given, err := s.passwords.Given(p.file)
	if err != nil {
		return err
	}
	national, err := keystore.IsGMOnly(s.keys())
	access := syntax.Access{Password: given, NationalOnly: err == nil && national}
	err = f(access)
	var closed *syntax.EncryptedError
	if !errors.As(err, &closed) || !closed.NeedsPassword || given != "" {
		return err
	}
	typed, asking := s.passwords.Ask("文档口令 password of the document: ")
	switch {
	case errors.Is(asking, desk.ErrNobody):
		return err
	case asking != nil:
		return fmt.Errorf("reading the password: %w", asking)
	}
	access.Password = typed
	return f(access)
}

// console is where this process was started: its environment and its terminal.
type console struct{}

var _ desk.Passwords = console{}

// Given implements [desk.Passwords].
func (console) Given(file string) (string, error) {
	if file == "" {
		return os.Getenv(passwordVariable), nil
	}
	b, err := readPassphrase("--password-file", file)
	return string(b), err
}

// Ask implements [desk.Passwords].
func (console) Ask(question string) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", desk.ErrNobody
	}
	fmt.Fprint(os.Stderr, question)
	typed, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(typed), err
}

// needsPassword reports whether an encrypted document was to be read without its password.
func needsPassword(err error) bool {
	var encrypted *syntax.EncryptedError
	return errors.As(err, &encrypted) && encrypted.NeedsPassword && !encrypted.WrongPassword
}
