package keystore

import (
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/argon2"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/durable"
)

// Errors that callers decide on.
var (
	// ErrLocked: the key-encryption key is not this store's: a wrong
	// passphrase, a wrong file, or a damaged `store` file.
	ErrLocked = errors.New("the key store does not open with this key: wrong passphrase or key file, or damage")
	// ErrNoKey: the store has no such key.
	ErrNoKey = errors.New("no such key")
	// ErrMode: a file is open to other users.
	ErrMode = errors.New("others may read it (its mode must be 0600)")
)

// Unlock says where the key-encryption key comes from. Exactly one of the two
// is set.
type Unlock struct {
	File       string // a file of 32 random bytes, made by [NewKeyFile]
	Passphrase []byte
}

const (
	kekSize  = 32
	headFile = "store"
	saltSize = 16
)

// head is the `store` file.
type head struct {
	Version uint64 `cbor:"1,keyasint"`
	KDF     string `cbor:"2,keyasint"` // "file" or "argon2id"
	Salt    []byte `cbor:"3,keyasint,omitempty"`
	Passes  uint32 `cbor:"4,keyasint,omitempty"`
	Memory  uint32 `cbor:"5,keyasint,omitempty"` // KiB
	Threads uint8  `cbor:"6,keyasint,omitempty"`
	Check   []byte `cbor:"7,keyasint"` // HMAC-SM3 of a constant under the key
}

// Bounds of the argon2id parameters that a store file may ask for.
const (
	maxPasses = 16
	maxMemory = 1 << 20 // 1 GiB
)

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

// newHead chooses the parameters for a new store.
func newHead(u Unlock) (head, []byte, error) {
	h := head{Version: 1, KDF: "file"}
	if u.File == "" {
		h.KDF, h.Passes, h.Memory, h.Threads = "argon2id", 3, 64<<10, 4
		h.Salt = make([]byte, saltSize)
		if _, err := rand.Read(h.Salt); err != nil {
			return h, nil, fmt.Errorf("drawing a salt: %w", err)
		}
	}
	kek, err := h.kek(u)
	if err != nil {
		return h, nil, err
	}
	h.Check = check(kek)
	return h, kek, nil
}

func check(kek []byte) []byte {
	mac := hmac.New(sm3.New, kek)
	mac.Write([]byte("elicence/keystore/check/1"))
	return mac.Sum(nil)
}

// kek finds the key-encryption key as the head says.
func (h head) kek(u Unlock) ([]byte, error) {
	switch {
	case (u.File == "") == (len(u.Passphrase) == 0):
		return nil, errors.New("a key store opens with either a key file or a passphrase")
	case h.KDF == "file" && u.File != "":
		kek, err := readPrivate(u.File, kekSize)
		if err != nil {
			return nil, fmt.Errorf("reading the key-encryption key: %w", err)
		}
		if len(kek) != kekSize {
			return nil, fmt.Errorf("key-encryption key in %s has %d bytes, want %d", u.File, len(kek), kekSize)
		}
		return kek, nil
	case h.KDF == "argon2id" && u.File == "":
		if len(h.Salt) != saltSize || h.Passes < 1 || h.Passes > maxPasses || h.Memory < 8<<10 || h.Memory > maxMemory || h.Threads < 1 {
			return nil, fmt.Errorf("the parameters of argon2id are out of bounds: %w", ErrLocked)
		}
		return argon2.IDKey(u.Passphrase, h.Salt, h.Passes, h.Memory, h.Threads, kekSize), nil
	default:
		return nil, fmt.Errorf("this key store opens with %s", map[string]string{"file": "a key file", "argon2id": "a passphrase"}[h.KDF])
	}
}

func readHead(dir string) (head, error) {
	var h head
	b, err := readPrivate(filepath.Join(dir, headFile), 4096)
	if err != nil {
		return h, fmt.Errorf("opening the key store: %w", err)
	}
	if err := detcbor.Unmarshal(b, &h); err != nil {
		return h, fmt.Errorf("opening the key store: %w: %w", ErrLocked, err)
	}
	if h.Version != 1 {
		return h, fmt.Errorf("the key store has version %d, this program knows version 1", h.Version)
	}
	return h, nil
}

// readPrivate reads a file of at most limit bytes that only its owner may read.
func readPrivate(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrMode}
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are expected", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}

// ErrNeedsPassphrase says that a store opens with a passphrase and none was given.
var ErrNeedsPassphrase = errors.New("the key store opens with a passphrase")

// NeedsPassphrase reports whether a store opens with a passphrase.
func NeedsPassphrase(dir string) (bool, error) {
	h, err := readHead(dir)
	return h.KDF == "argon2id", err
}
