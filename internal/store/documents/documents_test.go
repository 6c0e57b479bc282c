package documents_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/documents"
)

func newStore(t *testing.T) (*documents.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "documents")
	s, err := documents.Create(dir, pkitest.KeyStore(t))
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// file is where a document lies.
func file(s *documents.Store, dir string, data []byte) string {
	own, _ := s.NamesOf(sm3.Sum(data))
	return filepath.Join(dir, filepath.FromSlash(own.String()))
}

func TestPutGet(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, dir := newStore(t)
	for _, data := range [][]byte{nil, []byte("证件照片"), bytes.Repeat([]byte{7}, 1<<20)} {
		for range 2 { // the second time it is there already
			if err := s.Put(ctx, data); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Get(ctx, sm3.Sum(data))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("Get of %d bytes: %d bytes, %v", len(data), len(got), err)
		}
		stored, err := os.ReadFile(file(s, dir, data))
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > 0 && bytes.Contains(stored, data) {
			t.Errorf("the file holds the %d bytes in the clear", len(data))
		}
		if sum := sm3.Sum(data); bytes.Contains(stored, sum[:]) || strings.Contains(file(s, dir, data), hex.EncodeToString(sum[:])) {
			t.Error("the file or its name tells the digest of the document")
		}
	}
	if _, err := s.Get(ctx, sm3.Sum([]byte("never put"))); !errors.Is(err, documents.ErrNotFound) {
		t.Errorf("Get of what is not there: %v, want ErrNotFound", err)
	}
	if err := s.Put(ctx, make([]byte, documents.MaxSize+1)); err == nil {
		t.Error("a document beyond MaxSize is stored")
	}
}

// TestDamage: every kind of damage is noticed, and putting the document again
// repairs it.
func TestDamage(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	data, other := []byte("one document"), []byte("two document")
	for name, harm := range map[string]func(path, otherPath string) error{
		"flipped bit": func(path, _ string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return os.WriteFile(path, b, 0o600)
		},
		"cut":            func(path, _ string) error { return os.Truncate(path, 20) },
		"empty":          func(path, _ string) error { return os.Truncate(path, 0) },
		"another's file": func(path, otherPath string) error { return os.Rename(otherPath, path) },
		"far too long":   func(path, _ string) error { return os.Truncate(path, documents.MaxSize+1000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newStore(t)
			if err := errors.Join(s.Put(ctx, data), s.Put(ctx, other)); err != nil {
				t.Fatal(err)
			}
			if err := harm(file(s, dir, data), file(s, dir, other)); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Get(ctx, sm3.Sum(data)); !errors.Is(err, documents.ErrDamaged) {
				t.Errorf("Get: %v, want ErrDamaged", err)
			}
			if err := s.Put(ctx, data); err != nil {
				t.Fatal(err)
			}
			own, _ := s.NamesOf(sm3.Sum(data))
			if _, err := s.Sealed(ctx, own); err != nil {
				t.Errorf("after Put again: %v", err)
			}
			if got, err := s.Get(ctx, sm3.Sum(data)); err != nil || !bytes.Equal(got, data) {
				t.Errorf("after Put again: %q, %v", got, err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	keys, dir := pkitest.KeyStore(t), filepath.Join(t.TempDir(), "documents")
	if _, err := documents.Open(dir, keys); err == nil {
		t.Error("a store without a secret opens")
	}
	if _, err := documents.Create(dir, keys); err != nil {
		t.Fatal(err)
	}
	if _, err := documents.Create(dir, pkitest.KeyStore(t)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a store: %v, want fs.ErrExist", err)
	}
	if _, err := documents.Open(dir+"x", keys); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing: %v, want fs.ErrNotExist", err)
	}
	// Another key store's secret opens nothing.
	s, err := documents.Open(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	data := []byte("document")
	if err := s.Put(context.Background(), data); err != nil {
		t.Fatal(err)
	}
	others := pkitest.KeyStore(t)
	if _, err := documents.Create(filepath.Join(t.TempDir(), "documents"), others); err != nil {
		t.Fatal(err)
	}
	stranger, err := documents.Open(dir, others)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Get(context.Background(), sm3.Sum(data)); !errors.Is(err, documents.ErrNotFound) {
		t.Errorf("Get with another secret: %v, want ErrNotFound", err)
	}
	own, _ := s.NamesOf(sm3.Sum(data))
	if _, err := stranger.Sealed(context.Background(), own); !errors.Is(err, documents.ErrDamaged) {
		t.Errorf("Sealed with another secret: %v, want ErrDamaged", err)
	}
}
