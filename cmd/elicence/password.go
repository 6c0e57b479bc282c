package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/seal/pdf"
)

// passwordVariable names the environment variable with the password of an encrypted document.
const passwordVariable = "ELICENCE_DOCUMENT_PASSWORD" //nolint:gosec // a name

// A password opens an encrypted document. It is never an argument: other users see those.
type password struct{ file string }

func (p *password) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "password-file", "", "`FILE` whose first line opens an encrypted document ($"+passwordVariable+")")
}

// given is the password from the file or the environment, "" where there is none.
func (p *password) given() (string, error) {
	if p.file == "" {
		return os.Getenv(passwordVariable), nil
	}
	b, err := readPassphrase("--password-file", p.file)
	return string(b), err
}

// open calls f with what may open a document, and once more with what is typed at the
// terminal where a password is missing.
func (p *password) open(s *settings, f func(pdf.Access) error) error {
	given, err := p.given()
	if err != nil {
		return err
	}
	national, err := keystore.IsGMOnly(s.keys())
	access := pdf.Access{Password: given, NationalOnly: err == nil && national}
	err = f(access)
	var closed *pdf.EncryptedError
	if !errors.As(err, &closed) || !closed.NeedsPassword || given != "" || !term.IsTerminal(int(os.Stdin.Fd())) {
		return err
	}
	fmt.Fprint(os.Stderr, "文档口令 password of the document: ")
	typed, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return fmt.Errorf("reading the password: %w", err)
	}
	access.Password = string(typed)
	return f(access)
}
