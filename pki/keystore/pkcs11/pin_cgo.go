//go:build cgo

package pkcs11

import (
	"fmt"
	"os"
	"strings"
)

// pin reads the user's PIN.
func (c Config) pin() (string, error) {
	info, err := os.Stat(c.PINFile)
	if err != nil {
		return "", fmt.Errorf("reading the PIN: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("reading the PIN: others may read %s (its mode must be 0600)", c.PINFile)
	}
	b, err := os.ReadFile(c.PINFile)
	if err != nil {
		return "", fmt.Errorf("reading the PIN: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("reading the PIN: the first line of %s is empty", c.PINFile)
	}
	return line, nil
}
