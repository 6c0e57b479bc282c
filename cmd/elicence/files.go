package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/licence"
)

// maxApplicationFile bounds the file that licence issue reads.
const maxApplicationFile = licence.MaxApplicationSize

// readInput reads a file that a flag or an argument names, or standard input.
func (s *settings) readInput(what, path string, stdin io.Reader) ([]byte, error) {
	switch path {
	case "":
		return nil, fmt.Errorf("%s: must name a file", what)
	case "-":
		b, err := io.ReadAll(io.LimitReader(stdin, maxApplicationFile+1))
		if err != nil {
			return nil, fmt.Errorf("%s: reading standard input: %w", what, err)
		}
		return b, nil
	default:
		b, err := s.readLimited(path, maxApplicationFile)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return b, nil
	}
}

// readLimited reads a file that is not larger than so many bytes.
func (s *settings) readLimited(path string, limit int64) ([]byte, error) {
	return readFrom(s.files, path, limit)
}

// readLimited is the same for a command that no service carries out.
func readLimited(path string, limit int64) ([]byte, error) {
	return readFrom(durable.Disk{}, path, limit)
}

func readFrom(files durable.Files, path string, limit int64) ([]byte, error) {
	info, err := files.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder", path)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", path, info.Size(), limit)
	}
	f, err := files.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.NewSectionReader(f, 0, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s grows while it is read: more than %d bytes", path, limit)
	}
	return b, nil
}

// besideFile reads the files that an application names, from the folder of its own file.
func (s *settings) besideFile(path string) func(string) ([]byte, error) {
	folder := filepath.Dir(path)
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		return s.readLimited(name, maxApplicationFile)
	}
}

// writeFile writes what anybody may read, whole or not at all.
func (s *settings) writeFile(path string, content []byte) error {
	return s.files.WriteFrom(path, bytes.NewReader(content), 0o644)
}
