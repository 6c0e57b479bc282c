package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Copy calls f with every file of the store as of one moment, as the files lie there:
// encrypted under the store's own master key, and opened by what opens the store. Names
// are paths below the store's folder, with slashes.
func (s *Store) Copy(f func(name string, content []byte) error) error {
	_, unlock, err := s.sharing()
	if err != nil {
		return err
	}
	err = filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		name, err := filepath.Rel(s.dir, path)
		if err != nil || name == lockFile {
			return err
		}
		content, err := readPrivate(path, max(maxKeyFile, maxHeadFile))
		if err != nil {
			return err
		}
		return f(filepath.ToSlash(name), content)
	})
	if err := errors.Join(err, unlock()); err != nil {
		return fmt.Errorf("copying the key store: %w", err)
	}
	return nil
}

// Held reports whether a copied file is a store's: one that names the store, or a key.
func Held(name string) bool {
	if name == headFile {
		return true
	}
	purpose, file, ok := strings.Cut(name, "/")
	if !ok || strings.ContainsAny(file, "/\\") || strings.HasPrefix(file, ".") || !strings.HasSuffix(file, keyExt) {
		return false
	}
	for _, p := range Purposes() {
		if purpose == string(p) {
			return true
		}
	}
	return false
}

// Paste writes what [Store.Copy] has read into a folder that is there and empty but for
// what was pasted before. It opens as the store that was copied did.
func Paste(dir, name string, content []byte) error {
	if !Held(name) {
		return fmt.Errorf("%q is not the name of a key store's file", name)
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = bytes.NewReader(content).WriteTo(f)
	return errors.Join(err, f.Sync(), f.Close())
}
