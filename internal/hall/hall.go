// Package hall says where the programs of a hall terminal look when no flag says so:
// where each finds the pin of the root, and where it keeps what it must remember.
package hall

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/qr/trust"
)

// ReadPin takes the pin from the text of the flag --root-sm3, or else from the file
// root.sm3 in a program's folder of the user's configuration. No pin is no error: the
// caller says what that means.
func ReadPin(program, text string) (*[sm3.Size]byte, error) {
	source := "--root-sm3"
	if text == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, nil //nolint:nilerr // no folder, no pin
		}
		source = filepath.Join(config, program, "root.sm3")
		b, err := os.ReadFile(source)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("pin: %w", err)
		}
		text = strings.TrimSpace(string(b))
	}
	pin, err := trust.ParsePin(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return pin, nil
}

// StateFolder makes a program's folder in the user's state folder: $XDG_STATE_HOME or
// ~/.local/state.
func StateFolder(program string) (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("finding the user's state folder: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	dir := filepath.Join(base, program)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the user's state folder: %w", err)
	}
	return dir, nil
}
