package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// Limits of what is read. Bytes are those of the unfolded content.
const (
	maxEntries = 50_000
	maxFile    = 512 << 20 // one entry
	maxPackage = 2 << 30   // all entries together
	maxRatio   = 2000      // of unfolded to folded bytes; DEFLATE reaches 1,032
	maxName    = 512
)

// ErrMalformed says that a file is not an OFD package, or not one that every reader
// reads alike.
var ErrMalformed = errors.New("not a sound OFD package")

// Package is an open OFD document. It is not safe for use by several goroutines at once.
type Package struct {
	files   map[string]*zip.File
	digests map[string][sm3.Size]byte // of files that were read whole
	parsed  int64                     // bytes of XML
}

// Open reads the directory of a package. Nothing is unfolded yet. The error wraps
// [ErrMalformed], or is that of the reader.
func Open(r io.ReaderAt, size int64) (*Package, error) {
	bad := func(format string, args ...any) (*Package, error) {
		return nil, fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrMalformed)
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return bad("%v", err)
	}
	archive.RegisterDecompressor(zip.Deflate, unfold)
	if n := len(archive.File); n == 0 || n > maxEntries {
		return bad("%d entries, possible are 1 to %d", n, maxEntries)
	}
	p := &Package{files: make(map[string]*zip.File, len(archive.File)), digests: make(map[string][sm3.Size]byte)}
	known := newNames()
	total := uint64(0)
	for _, f := range archive.File {
		directory := strings.HasSuffix(f.Name, "/")
		if err := checkEntry(f, directory); err != nil {
			return bad("entry %q: %v", f.Name, err)
		}
		name := strings.TrimSuffix(f.Name, "/")
		if err := known.add(name, directory); err != nil {
			return bad("entry %q: %v", f.Name, err)
		}
		if total += f.UncompressedSize64; total > maxPackage {
			return bad("it unfolds to more than %d bytes", int64(maxPackage))
		}
		if !directory {
			p.files[name] = f
		}
	}
	if err := checkLayout(r, size, archive.File); err != nil {
		return bad("%v", err)
	}
	return p, nil
}

func checkEntry(f *zip.File, directory bool) error {
	if err := checkName(f.Name); err != nil {
		return err
	}
	switch {
	case f.Flags&encrypted != 0:
		return errors.New("it is encrypted")
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return fmt.Errorf("compression method %d is not one of OFD", f.Method)
	case !f.Mode().IsRegular() && !directory:
		return errors.New("it is not a plain file")
	case directory && (f.UncompressedSize64 > 0 || f.CompressedSize64 > emptyDeflate):
		return errors.New("it is a folder with content")
	case f.Method == zip.Store && f.Flags&describedLater != 0 && f.UncompressedSize64 > 0:
		return errors.New("it is stored as it is, and its size comes behind it")
	case f.UncompressedSize64 > maxFile:
		return fmt.Errorf("it unfolds to %d bytes, at most %d are read", f.UncompressedSize64, int64(maxFile))
	case f.UncompressedSize64 > maxRatio*(f.CompressedSize64+64):
		return errors.New("it unfolds to too many times its size")
	}
	return nil
}

// Has reports whether the package has a file.
func (p *Package) Has(name string) bool { return p.files[name] != nil }

// Files returns the names of the files, in order.
func (p *Package) Files() []string {
	names := make([]string, 0, len(p.files))
	for name := range p.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ErrNoFile says that the package has no such file.
var ErrNoFile = errors.New("no such file in the package")

// Read returns a file of at most so many bytes.
func (p *Package) Read(name string, most int64) ([]byte, error) {
	f, found := p.files[name]
	if !found {
		return nil, fmt.Errorf("%s: %w", name, ErrNoFile)
	}
	if f.UncompressedSize64 > uint64(most) {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read: %w", name, f.UncompressedSize64, most, ErrMalformed)
	}
	content, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrMalformed, err)
	}
	defer content.Close() //nolint:errcheck // only read from
	b, err := io.ReadAll(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, ErrMalformed, err)
	}
	return b, nil
}

// Digest returns the SM3 of a file, without holding it.
func (p *Package) Digest(name string) ([sm3.Size]byte, error) {
	if sum, known := p.digests[name]; known {
		return sum, nil
	}
	var sum [sm3.Size]byte
	f, found := p.files[name]
	if !found {
		return sum, fmt.Errorf("%s: %w", name, ErrNoFile)
	}
	content, err := f.Open()
	if err != nil {
		return sum, fmt.Errorf("%s: %w: %w", name, ErrMalformed, err)
	}
	defer content.Close() //nolint:errcheck // only read from
	h := sm3.New()
	if _, err := io.Copy(h, content); err != nil { // ends at the size that the directory says
		return sum, fmt.Errorf("%s: %w: %w", name, ErrMalformed, err)
	}
	h.Sum(sum[:0])
	p.digests[name] = sum
	return sum, nil
}

// Resolve returns the name of a file that another one refers to (GB/T 33190, ST_Loc): from
// the root of the package, or from the folder of the file that refers.
func Resolve(from, location string) (string, error) {
	full := location
	if !strings.HasPrefix(location, "/") {
		full = path.Join("/", path.Dir(from)) + "/" + location
	}
	full = strings.TrimPrefix(full, "//")
	clean := path.Clean("/" + strings.TrimPrefix(full, "/"))
	if location == "" || strings.Contains(location, `\`) || slices.Contains(strings.Split(location, "/"), "..") || clean == "/" {
		return "", fmt.Errorf("location %q leads nowhere in the package: %w", location, ErrMalformed)
	}
	return strings.TrimPrefix(clean, "/"), nil
}

// Locate resolves a location to a file that is there.
func (p *Package) Locate(from, location string) (string, error) {
	name, err := Resolve(from, location)
	if err != nil {
		return "", err
	}
	if !p.Has(name) {
		return "", fmt.Errorf("%s refers to %s: %w: %w", from, name, ErrNoFile, ErrMalformed)
	}
	return name, nil
}
