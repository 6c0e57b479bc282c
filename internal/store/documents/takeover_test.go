package documents_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/pki/keystore"
)

// before encrypts a document as it was before documents had keys of their own.
func before(t testing.TB, keys *keystore.Store, data []byte) []byte {
	t.Helper()
	secret, err := keys.Secret(keystore.PurposeRegister, "documents-1")
	if err != nil {
		t.Fatal(err)
	}
	sum := sm3.Sum(data)
	aead, err := secret.AEAD([]byte("document"), sum[:1])
	if err != nil {
		t.Fatal(err)
	}
	object := make([]byte, aead.NonceSize())
	if _, err := rand.Read(object); err != nil {
		t.Fatal(err)
	}
	return aead.Seal(object, object, data, sum[:])
}

// putBefore puts a document where it lay before, and returns the name.
func putBefore(t *testing.T, s *documents.Store, keys *keystore.Store, data []byte) documents.Name {
	t.Helper()
	sum := sm3.Sum(data)
	name, err := s.PutSealed(context.Background(), sum, before(t, keys, data))
	if err != nil {
		t.Fatal(err)
	}
	if _, shared := s.NamesOf(sum); name != shared {
		t.Fatalf("it is put as %s, want %s", name, shared)
	}
	return name
}

func names(t *testing.T, s *documents.Store) []documents.Name {
	t.Helper()
	var all []documents.Name
	for name, err := range s.Names(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	return all
}

func storeWithKeys(t *testing.T) (*documents.Store, *keystore.Store, string) {
	t.Helper()
	keys, dir := pkitest.KeyStore(t), filepath.Join(t.TempDir(), "documents")
	s, err := documents.Create(dir, keys)
	if err != nil {
		t.Fatal(err)
	}
	return s, keys, dir
}

// TestTakeOver: documents of before are read where they lie, and each is under its own key
// afterwards; a damaged one stays, and what was done is not done again.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, keys, dir := storeWithKeys(t)
	all := [][]byte{nil, []byte("one"), []byte("two"), bytes.Repeat([]byte{9}, 1<<20)}
	for _, data := range all {
		putBefore(t, s, keys, data)
	}
	if err := s.Put(ctx, all[1]); err != nil { // it is put again, and lies there twice
		t.Fatal(err)
	}
	harmed := putBefore(t, s, keys, []byte("harmed"))
	path := filepath.Join(dir, filepath.FromSlash(harmed.String()))
	if err := os.Truncate(path, 30); err != nil {
		t.Fatal(err)
	}
	for i, want := range []documents.TakenOver{{Documents: len(all), Unreadable: 1}, {Unreadable: 1}} {
		for _, data := range all {
			if got, err := s.Get(ctx, sm3.Sum(data)); err != nil || !bytes.Equal(got, data) {
				t.Errorf("before run %d: %d bytes, %v, want %d", i, len(got), err, len(data))
			}
		}
		taken, err := s.TakeOver(ctx)
		if err != nil || taken != want {
			t.Errorf("run %d: %+v, %v, want %+v", i, taken, err, want)
		}
	}
	for _, data := range all {
		if got, err := s.Get(ctx, sm3.Sum(data)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v, want %d", len(got), err, len(data))
		}
		_, shared := s.NamesOf(sm3.Sum(data))
		if _, err := s.Sealed(ctx, shared); !errors.Is(err, documents.ErrNotFound) {
			t.Errorf("the object under the shared key: %v, want ErrNotFound", err)
		}
	}
	if n := len(names(t, s)); n != len(all)+1 {
		t.Errorf("%d objects, want %d", n, len(all)+1)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the damaged object: %v", err)
	}
}

// TestTakeOverBesideReaders: whoever reads meanwhile finds every document.
func TestTakeOverBesideReaders(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, keys, _ := storeWithKeys(t)
	const n = 60
	document := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 100) }
	for i := range n {
		putBefore(t, s, keys, document(i))
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				data := document(i % n)
				if _, err := s.Get(ctx, sm3.Sum(data)); err != nil {
					t.Errorf("document %d: %v", i%n, err)
					return
				}
			}
		})
	}
	var taken [2]documents.TakenOver
	var both sync.WaitGroup
	for i := range taken { // two processes at a time
		both.Go(func() {
			var err error
			if taken[i], err = s.TakeOver(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	close(done)
	wait.Wait()
	if taken[0].Documents+taken[1].Documents < n {
		t.Errorf("taken over: %+v, want %d together", taken, n)
	}
	for _, name := range names(t, s) {
		if own, _ := s.NamesOf(name.ID()); len(name.String()) != len(own.String()) {
			t.Errorf("%s is still under the shared key", name)
		}
	}
}

// TestSealedElsewhere: objects of both kinds go to another place as they are, and what is
// not whole or another's is refused there.
func TestSealedElsewhere(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, keys, _ := storeWithKeys(t)
	own, old := []byte("under its own key"), []byte("of before")
	if err := s.Put(ctx, own); err != nil {
		t.Fatal(err)
	}
	putBefore(t, s, keys, old)
	to := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	other, err := documents.Open(to, keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t, s) {
		object, err := s.Sealed(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range object {
			harmed := bytes.Clone(object)
			harmed[i] ^= 1
			if _, err := other.PutSealed(ctx, name.ID(), harmed); !errors.Is(err, documents.ErrDamaged) {
				t.Fatalf("%s with byte %d changed: %v, want ErrDamaged", name, i, err)
			}
		}
		wrong := name.ID()
		wrong[31] ^= 1
		if _, err := other.PutSealed(ctx, wrong, object); !errors.Is(err, documents.ErrDamaged) {
			t.Errorf("%s under another name: %v, want ErrDamaged", name, err)
		}
		if _, err := other.PutSealed(ctx, name.ID(), object[:len(object)-1]); !errors.Is(err, documents.ErrDamaged) {
			t.Errorf("%s cut: %v, want ErrDamaged", name, err)
		}
		for range 2 {
			if got, err := other.PutSealed(ctx, name.ID(), object); err != nil || got != name {
				t.Errorf("%s is put as %s, %v", name, got, err)
			}
		}
	}
	for _, data := range [][]byte{own, old} {
		if got, err := other.Get(ctx, sm3.Sum(data)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q, %v, want %q", got, err, data)
		}
	}
}

// BenchmarkGet reads a photo of an identity card's size, under a key of its own and, as the
// floor, under the shared key of before.
func BenchmarkGet(b *testing.B) {
	ctx := context.Background()
	keys := pkitest.KeyStore(b)
	s, err := documents.Create(filepath.Join(b.TempDir(), "documents"), keys)
	if err != nil {
		b.Fatal(err)
	}
	for name, put := range map[string]func(data []byte) error{
		"own": func(data []byte) error { return s.Put(ctx, data) },
		"shared": func(data []byte) error {
			_, err := s.PutSealed(ctx, sm3.Sum(data), before(b, keys, data))
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			data := bytes.Repeat([]byte(name), 40_000/len(name))
			if err := put(data); err != nil {
				b.Fatal(err)
			}
			sum := sm3.Sum(data)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := s.Get(ctx, sum); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzPutSealed: of what comes from a backup or another place nothing is taken but what this
// store has made.
func FuzzPutSealed(f *testing.F) {
	ctx := context.Background()
	keys := pkitest.KeyStore(f)
	s, err := documents.Create(filepath.Join(f.TempDir(), "documents"), keys)
	if err != nil {
		f.Fatal(err)
	}
	data := []byte("证件照片")
	sum := sm3.Sum(data)
	if err := s.Put(ctx, data); err != nil {
		f.Fatal(err)
	}
	name, _ := s.NamesOf(sum)
	own, err := s.Sealed(ctx, name)
	if err != nil {
		f.Fatal(err)
	}
	old, id := before(f, keys, data), name.ID()
	f.Add(id[:], own)
	f.Add(sum[:], old)
	f.Add(sum[:], own)
	f.Add(id[:], []byte{})
	f.Add(id[:], own[:44])
	f.Fuzz(func(t *testing.T, claimed, object []byte) {
		if len(claimed) != sm3.Size {
			return
		}
		_, err := s.PutSealed(ctx, [sm3.Size]byte(claimed), object)
		made := bytes.Equal(claimed, id[:]) && bytes.Equal(object, own) || bytes.Equal(claimed, sum[:]) && bytes.Equal(object, old)
		if made != (err == nil) || !made && !errors.Is(err, documents.ErrDamaged) {
			t.Errorf("%x with %d bytes: %v, made by the store: %t", claimed, len(object), err, made)
		}
	})
}
