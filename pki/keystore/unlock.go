package keystore

import (
	"crypto/rand"
	"fmt"

	"github.com/elicence/elicence/internal/durable"
)

// Unlock says where the key-encryption key comes from. Exactly one field is set.
type Unlock struct {
	File       string  // a file of 32 random bytes, made by [NewKeyFile]
	Passphrase []byte  // whose the slice is; the store does not zero it
	Token      Wrapper // a token or device that wraps the key-encryption key
	Shares     []Share // at least the threshold; to lock with them, all of them
}

// String never tells a secret, so that an Unlock may land in a message.
func (u Unlock) String() string {
	method, err := u.method()
	if err != nil {
		return "unlock(?)"
	}
	return "unlock(" + string(method) + ")"
}

// GoString is [Unlock.String].
func (u Unlock) GoString() string { return u.String() }

// Method is a way of finding the key-encryption key.
type Method string

// The methods.
const (
	MethodFile       Method = "file"
	MethodPassphrase Method = "passphrase"
	MethodToken      Method = "token"
	MethodShares     Method = "shares"
)

func (u Unlock) method() (Method, error) {
	var given []Method
	if u.File != "" {
		given = append(given, MethodFile)
	}
	if len(u.Passphrase) > 0 {
		given = append(given, MethodPassphrase)
	}
	if u.Token != nil {
		given = append(given, MethodToken)
	}
	if len(u.Shares) > 0 {
		given = append(given, MethodShares)
	}
	if len(given) != 1 {
		return "", fmt.Errorf("a key store opens with one of key file, passphrase, token and shares; %d were given: %w", len(given), ErrMethod)
	}
	return given[0], nil
}

const kekSize = 32

// NewKeyFile draws a key-encryption key and writes it to a new file of mode
// 0600. An existing file is not overwritten.
func NewKeyFile(path string) error {
	kek := make([]byte, kekSize)
	if _, err := rand.Read(kek); err != nil {
		return fmt.Errorf("drawing a key-encryption key: %w", err)
	}
	defer clear(kek)
	if err := durable.CreateFile(path, kek, 0o600); err != nil {
		return fmt.Errorf("writing the key-encryption key: %w", err)
	}
	return nil
}

func readKeyFile(path string) ([]byte, error) {
	kek, err := readPrivate(path, kekSize)
	if err != nil {
		return nil, fmt.Errorf("reading the key-encryption key: %w", err)
	}
	if len(kek) != kekSize {
		clear(kek)
		return nil, fmt.Errorf("key-encryption key in %s has %d bytes, want %d", path, len(kek), kekSize)
	}
	return kek, nil
}
