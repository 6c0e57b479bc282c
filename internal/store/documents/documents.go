// Package documents keeps the bytes of licences' pictures: encrypted objects that are
// written once and verified when they are read. They lie in a folder, or in a bucket of an
// S3 object store.
//
// The name and the key of an object are both derived from the store's secret and the SM3 of
// the document (see object.go), and the SM3 is told by the licence that shows it and by
// nothing else: when the licence's own key is destroyed, nobody can name or read its pictures
// any more, with the store's secret neither. Equal documents are one object. Whoever has
// the secret can test whether a document that he has already is there, and no more.
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
	"errors"
	"fmt"
	"iter"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/pki/keystore"
)

// MaxSize bounds one document, in bytes.
const MaxSize = 16 << 20

// Errors that callers decide on.
var (
	// ErrNotFound: there is no document with this digest.
	ErrNotFound = bilingual.New("没有该文档", "no such document")
	// ErrDamaged: what is stored is not what was put there.
	ErrDamaged = bilingual.New("存放的文档已损坏", "the stored document is damaged")
	// ErrNotWriteOnce: the object store writes over what is there although it was asked
	// not to.
	ErrNotWriteOnce = bilingual.New("对象存储不遵守一次写入（If-None-Match）", "the object store does not honour write-once (If-None-Match)")
)

const secretName = "documents-1"

// objects is where encrypted documents lie.
type objects interface {
	// create stores an object that is not there yet, else the error wraps fs.ErrExist.
	create(ctx context.Context, name string, content []byte) error
	// replace puts an object in the place of a damaged one.
	replace(ctx context.Context, name string, content []byte) error
	// read returns an object, at most maxObject bytes; a longer one is ErrDamaged, one
	// that is not there ErrNotFound.
	read(ctx context.Context, name string) ([]byte, error)
	// remove removes an object. Where that is not allowed the error wraps fs.ErrPermission.
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
	at, err := openBucket(url)
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
func OpenBucket(url string, keys *keystore.Store) (*Store, error) {
	secret, err := keys.Secret(keystore.PurposeRegister, secretName)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	at, err := openBucket(url)
	if err != nil {
		return nil, fmt.Errorf("opening the document store: %w", err)
	}
	return &Store{at, secret}, nil
}

// Close closes the store.
func (s *Store) Close() error { return s.at.close() }

// Put stores a document. One that is there already is left alone if it can be read, and
// written again if it is damaged.
func (s *Store) Put(ctx context.Context, data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("document of %d bytes, at most %d are kept", len(data), MaxSize)
	}
	sum := sm3.Sum(data)
	name := s.own(sum)
	_, err := s.get(ctx, name, sum)
	if err == nil {
		return nil
	}
	damaged := errors.Is(err, ErrDamaged)
	if !damaged && !errors.Is(err, ErrNotFound) {
		return err
	}
	object, err := s.seal(name, sum, data)
	if err != nil {
		return err
	}
	return s.store(ctx, name, object, damaged)
}

// store writes an object, over a damaged one if that is known to be there.
func (s *Store) store(ctx context.Context, name Name, object []byte, damaged bool) error {
	write := s.at.create
	if damaged {
		write = s.at.replace
	}
	err := write(ctx, name.String(), object)
	if isExist(err) {
		// Another caller has stored the same document since, or an object store has, and
		// its answer was lost.
		if _, err = s.Sealed(ctx, name); errors.Is(err, ErrDamaged) {
			err = s.at.replace(ctx, name.String(), object)
		}
	}
	if err != nil {
		return fmt.Errorf("storing a document: %w", err)
	}
	return nil
}

// Get returns a document by the SM3 of its content. What does not decrypt to that content
// is [ErrDamaged].
func (s *Store) Get(ctx context.Context, sum [sm3.Size]byte) ([]byte, error) {
	own, shared := s.NamesOf(sum)
	failed := ErrNotFound
	// The first once more: what lay under the second may just have been taken over.
	for _, name := range []Name{own, shared, own} {
		data, err := s.get(ctx, name, sum)
		switch {
		case err == nil:
			return data, nil
		case errors.Is(err, ErrDamaged):
			failed = fmt.Errorf("%s: %w", name, err)
		case !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	return nil, failed
}

func (s *Store) get(ctx context.Context, name Name, sum [sm3.Size]byte) ([]byte, error) {
	object, err := s.at.read(ctx, name.String())
	if err != nil {
		return nil, err
	}
	return s.open(name, sum, object)
}

// Names yields the names of all documents in ascending order.
func (s *Store) Names(ctx context.Context) iter.Seq2[Name, error] {
	return func(yield func(Name, error) bool) {
		for text, err := range s.at.names(ctx) {
			name, ours := parseName(text)
			if err == nil && !ours {
				continue // a temporary file of a killed process, a probe
			}
			if !yield(name, err) || err != nil {
				return
			}
		}
	}
}

// Sealed returns an object as it lies there. It was verified that it is whole and the
// store's own; what it says is not looked at.
func (s *Store) Sealed(ctx context.Context, name Name) ([]byte, error) {
	object, err := s.at.read(ctx, name.String())
	if err != nil {
		return nil, err
	}
	if err := s.verify(name, object); err != nil {
		return nil, err
	}
	return object, nil
}

// PutSealed stores what [Store.Sealed] has returned for the name with this id, verified
// again: in another place, or after the loss of this one. One that is there already is
// left alone if it is whole.
func (s *Store) PutSealed(ctx context.Context, id [sm3.Size]byte, object []byte) (Name, error) {
	name := Name{id: id, own: true}
	err := s.verify(name, object)
	if errors.Is(err, ErrDamaged) {
		name.own = false
		err = s.verify(name, object)
	}
	if err != nil {
		return name, err
	}
	_, err = s.Sealed(ctx, name)
	if err == nil {
		return name, nil
	}
	damaged := errors.Is(err, ErrDamaged)
	if !damaged && !errors.Is(err, ErrNotFound) {
		return name, err
	}
	return name, s.store(ctx, name, object, damaged)
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
