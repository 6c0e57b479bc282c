// Package documents keeps the bytes of licences' pictures: encrypted objects named by
// the SM3 of their content, written once and verified when they are read. They lie in a
// folder, or in a bucket of an S3 object store.
//
// An object is nonce ‖ ciphertext, SM4-GCM under a key derived for the first byte of the
// name, with the name as associated data. Its name in a folder or bucket is the first two
// hexadecimal digits of the SM3, a slash, and all of them.
//
// Files are on the disk when Put returns: they are written beside their place, fsynced,
// renamed, and the folder fsynced (package durable). A bucket is not trusted: at worst it
// loses or withholds what it was given. It must honour If-None-Match, so that nothing is
// written over; [Store.Probe] finds one that does not.
package documents

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"

	"github.com/emmansun/gmsm/sm3"

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
	// ErrNotWriteOnce: the object store writes over what is there although it was asked
	// not to.
	ErrNotWriteOnce = errors.New("the object store does not honour write-once (If-None-Match)")
)

const (
	secretName = "documents-1"
	nonceSize  = 12
	tagSize    = 16
	// maxObject is what a document of [MaxSize] has when it is encrypted.
	maxObject = MaxSize + nonceSize + tagSize
)

// objects is where encrypted documents lie.
type objects interface {
	// create stores an object that is not there yet, else the error wraps fs.ErrExist.
	create(ctx context.Context, name string, content []byte) error
	// replace puts an object in the place of a damaged one.
	replace(ctx context.Context, name string, content []byte) error
	// read returns an object, at most maxObject bytes; a longer one is ErrDamaged, one
	// that is not there ErrNotFound.
	read(ctx context.Context, name string) ([]byte, error)
	remove(ctx context.Context, name string) error
	// names yields the names of all objects in ascending order.
	names(ctx context.Context) iter.Seq2[string, error]
	close() error
}

// Store is a store of documents. It is safe for concurrent use.
type Store struct {
	at     objects
	secret *keystore.Secret
}

// Create makes a folder, which must not exist, and the store's secret.
func Create(dir string, keys *keystore.Store) (*Store, error) {
	secret, err := keys.GenerateSecret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("creating the document store: %w", err)
	}
	at, err := createFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("creating the document store: %w", err)
	}
	return &Store{at, secret}, nil
}

// Open opens an existing folder.
func Open(dir string, keys *keystore.Store) (*Store, error) {
	secret, err := keys.Secret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	at, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	return &Store{at, secret}, nil
}

// CreateBucket makes the store's secret for a bucket (see [OpenBucket]), which is there
// and must honour write-once.
func CreateBucket(ctx context.Context, url string, keys *keystore.Store) (*Store, error) {
	secret, err := keys.GenerateSecret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("creating the document store: %w", err)
	}
	at, err := openBucket(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("creating the document store: %w", err)
	}
	s := &Store{at, secret}
	if err := s.Probe(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("creating the document store: %w", err), s.Close())
	}
	return s, nil
}

// OpenBucket opens a bucket that s3://BUCKET?region=…&endpoint=…&prefix=… names. The
// credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and
// from nowhere else. Nothing is fetched yet.
func OpenBucket(ctx context.Context, url string, keys *keystore.Store) (*Store, error) {
	secret, err := keys.Secret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	at, err := openBucket(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	return &Store{at, secret}, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.at.close() }

// nameOf is the name of a document's object.
func nameOf(sum [sm3.Size]byte) string {
	name := hex.EncodeToString(sum[:])
	return name[:2] + "/" + name
}

// parseName returns the digest that an object's name stands for.
func parseName(name string) ([sm3.Size]byte, bool) {
	var sum [sm3.Size]byte
	if len(name) != 3+2*sm3.Size {
		return sum, false
	}
	n, err := hex.Decode(sum[:], []byte(name[3:]))
	return sum, err == nil && n == len(sum) && nameOf(sum) == name
}

// Put stores a document under its SM3. One that is there already is left alone if
// it can be read, and written again if it is damaged.
func (s *Store) Put(ctx context.Context, data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("document of %d bytes, at most %d are kept", len(data), MaxSize)
	}
	sum := sm3.Sum(data)
	_, err := s.Get(ctx, sum)
	if err == nil {
		return nil
	}
	damaged := errors.Is(err, ErrDamaged)
	if !damaged && !errors.Is(err, ErrNotFound) {
		return err
	}
	aead, err := s.secret.AEAD([]byte("document"), sum[:1])
	if err != nil {
		return err
	}
	out := make([]byte, nonceSize, nonceSize+len(data)+tagSize)
	if _, err := rand.Read(out); err != nil {
		return fmt.Errorf("drawing a nonce: %w", err)
	}
	return s.store(ctx, sum, aead.Seal(out, out, data, sum[:]), damaged)
}

// store writes an object, over a damaged one if that is known to be there.
func (s *Store) store(ctx context.Context, sum [sm3.Size]byte, object []byte, damaged bool) error {
	write := s.at.create
	if damaged {
		write = s.at.replace
	}
	err := write(ctx, nameOf(sum), object)
	if isExist(err) {
		// Another caller has stored the same document since, or an object store has, and
		// its answer was lost.
		if _, err = s.Get(ctx, sum); errors.Is(err, ErrDamaged) {
			err = s.at.replace(ctx, nameOf(sum), object)
		}
	}
	if err != nil {
		return fmt.Errorf("storing a document: %w", err)
	}
	return nil
}

// Get returns a document. What does not decrypt to the digest's content is
// [ErrDamaged].
func (s *Store) Get(ctx context.Context, sum [sm3.Size]byte) ([]byte, error) {
	object, err := s.at.read(ctx, nameOf(sum))
	if err != nil {
		return nil, err
	}
	return s.open(sum, object)
}

func (s *Store) open(sum [sm3.Size]byte, object []byte) ([]byte, error) {
	if len(object) < nonceSize+tagSize || len(object) > maxObject {
		return nil, ErrDamaged
	}
	aead, err := s.secret.AEAD([]byte("document"), sum[:1])
	if err != nil {
		return nil, err
	}
	data, err := aead.Open(nil, object[:nonceSize], object[nonceSize:], sum[:])
	if err != nil {
		return nil, ErrDamaged
	}
	if got := sm3.Sum(data); !bytes.Equal(got[:], sum[:]) {
		return nil, ErrDamaged
	}
	return data, nil
}

// Sums yields the digests of all documents in ascending order.
func (s *Store) Sums(ctx context.Context) iter.Seq2[[sm3.Size]byte, error] {
	return func(yield func([sm3.Size]byte, error) bool) {
		for name, err := range s.at.names(ctx) {
			sum, ours := parseName(name)
			if err == nil && !ours {
				continue // a temporary file of a killed process, a probe
			}
			if !yield(sum, err) || err != nil {
				return
			}
		}
	}
}

// Sealed returns a document's object as it lies there, verified.
func (s *Store) Sealed(ctx context.Context, sum [sm3.Size]byte) ([]byte, error) {
	object, err := s.at.read(ctx, nameOf(sum))
	if err != nil {
		return nil, err
	}
	if _, err := s.open(sum, object); err != nil {
		return nil, err
	}
	return object, nil
}

// PutSealed stores what [Store.Sealed] has returned, verified again: in another place, or
// after the loss of this one. One that is there already is left alone if it can be read.
func (s *Store) PutSealed(ctx context.Context, sum [sm3.Size]byte, object []byte) error {
	if _, err := s.open(sum, object); err != nil {
		return err
	}
	_, err := s.Get(ctx, sum)
	if err == nil {
		return nil
	}
	damaged := errors.Is(err, ErrDamaged)
	if !damaged && !errors.Is(err, ErrNotFound) {
		return err
	}
	return s.store(ctx, sum, object, damaged)
}

// Probe writes an object of its own, tries to write another over it, reads it and removes
// it. The error wraps [ErrNotWriteOnce] where the second was taken.
func (s *Store) Probe(ctx context.Context) error {
	name := "probe/" + rand.Text()
	first, second := []byte(rand.Text()), []byte(rand.Text())
	if err := s.at.create(ctx, name, first); err != nil {
		return fmt.Errorf("probing the object store: %w", err)
	}
	over := s.at.create(ctx, name, second)
	got, err := s.at.read(ctx, name)
	removed := s.at.remove(ctx, name)
	switch {
	case over == nil || err == nil && bytes.Equal(got, second):
		return ErrNotWriteOnce
	case !isExist(over):
		return fmt.Errorf("probing the object store: writing over what is there: %w", over)
	case err != nil:
		return fmt.Errorf("probing the object store: %w", err)
	case !bytes.Equal(got, first):
		return fmt.Errorf("probing the object store: %w", ErrDamaged)
	case removed != nil:
		return fmt.Errorf("probing the object store: %w", removed)
	}
	return nil
}
