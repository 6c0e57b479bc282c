// Package documents keeps the bytes of licences' pictures: encrypted files named
// by the SM3 of their content, written once and verified when they are read.
//
// A file is nonce ‖ ciphertext, SM4-GCM under a key derived for the first byte of
// the name, with the name as associated data. S3 and other stores are not in this
// version.
package documents

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/keystore"
)

// MaxSize bounds one document, in bytes.
const MaxSize = 16 << 20

// Errors that callers decide on.
var (
	// ErrNotFound: there is no document with this digest.
	ErrNotFound = errors.New("no such document")
	// ErrDamaged: what is stored is not what was put there.
	ErrDamaged = errors.New("the stored document is damaged")
)

const (
	secretName = "documents-1"
	nonceSize  = 12
	tagSize    = 16
)

// Store is a folder of documents.
type Store struct {
	dir    string
	secret *keystore.Secret
}

// Create makes the folder, which must not exist, and its secret.
func Create(dir string, keys *keystore.Store) (*Store, error) {
	secret, err := keys.GenerateSecret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("creating the document store: %w", err)
	}
	if err := durable.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the document store: %w", err)
	}
	return &Store{dir, secret}, nil
}

// Open opens an existing folder.
func Open(dir string, keys *keystore.Store) (*Store, error) {
	secret, err := keys.Secret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("opening the document store: %s is not a folder", dir)
	}
	return &Store{dir, secret}, nil
}

func (s *Store) path(sum [sm3.Size]byte) string {
	name := hex.EncodeToString(sum[:])
	return filepath.Join(s.dir, name[:2], name)
}

// Put stores a document under its SM3. One that is there already is left alone if
// it can be read, and written again if it is damaged.
func (s *Store) Put(ctx context.Context, data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("document of %d bytes, at most %d are kept", len(data), MaxSize)
	}
	sum := sm3.Sum(data)
	if _, err := s.Get(ctx, sum); err == nil {
		return nil
	}
	aead, err := s.secret.AEAD([]byte("document"), sum[:1])
	if err != nil {
		return err
	}
	out := make([]byte, nonceSize, nonceSize+len(data)+tagSize)
	if _, err := rand.Read(out); err != nil {
		return fmt.Errorf("drawing a nonce: %w", err)
	}
	path := s.path(sum)
	if err := durable.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("storing a document: %w", err)
	}
	if err := durable.WriteFile(path, aead.Seal(out, out, data, sum[:]), 0o600); err != nil {
		return fmt.Errorf("storing a document: %w", err)
	}
	return nil
}

// Get returns a document. What does not decrypt to the digest's content is
// [ErrDamaged].
func (s *Store) Get(_ context.Context, sum [sm3.Size]byte) ([]byte, error) {
	path := s.path(sum)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	if info.Size() > MaxSize+nonceSize+tagSize || info.Size() < nonceSize+tagSize {
		return nil, ErrDamaged
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	aead, err := s.secret.AEAD([]byte("document"), sum[:1])
	if err != nil {
		return nil, err
	}
	data, err := aead.Open(nil, b[:nonceSize], b[nonceSize:], sum[:])
	if err != nil {
		return nil, ErrDamaged
	}
	if got := sm3.Sum(data); !bytes.Equal(got[:], sum[:]) {
		return nil, ErrDamaged
	}
	return data, nil
}
