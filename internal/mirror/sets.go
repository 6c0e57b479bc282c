package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/qr/trust"
)

// maxSets bounds the set files that are fetched in one run together, in bytes.
const maxSets = 1 << 30

// begunSuffix ends the name of a set file that is not whole yet.
const begunSuffix = ".part"

// sets brings into the next cache what leads to the signed state of the status lists: the
// base and the set files that are there already, and the fewest bytes of the source.
func (d *domain) sets(ctx context.Context, s Source, named []trust.SetFile) error {
	if err := d.work.prune(d.at, named); err != nil {
		return err
	}
	if d.cache != nil {
		if _, err := os.Stat(d.work.path(d.at + trust.BaseName)); err == nil {
			if err := d.work.keep(d.at + trust.BaseName); err != nil {
				return err
			}
		}
	}
	for _, f := range named {
		for _, path := range []string{d.work.path(d.at + trust.SetName(f.SM3)), d.part(f)} {
			if isWhole(path, f) {
				if err := d.work.link(path, d.at+trust.SetName(f.SM3)); err != nil {
					return err
				}
				break
			}
		}
	}
	if err := d.missingSets(ctx, s); err != nil || !d.Whole {
		return err
	}
	var others []trust.SetFile
	for _, f := range named {
		if _, err := os.Stat(filepath.Join(d.work.next(), filepath.FromSlash(d.at+trust.SetName(f.SM3)))); err != nil {
			others = append(others, f)
		}
	}
	return d.fetchSets(ctx, s, others)
}

// missingSets fetches the set files without which the next cache does not load.
func (d *domain) missingSets(ctx context.Context, s Source) error {
	missing, err := trust.Missing(d.next(), d.trustOptions())
	if err != nil {
		return err
	}
	return d.fetchSets(ctx, s, missing)
}

// fetchSets fetches set files into the next cache.
func (d *domain) fetchSets(ctx context.Context, s Source, files []trust.SetFile) error {
	total := uint64(0)
	for _, f := range files {
		if total += f.Length; total > maxSets {
			return fmt.Errorf("the set files have more than %d bytes together: %w", uint64(maxSets), ErrTooLarge)
		}
	}
	for _, f := range files {
		if err := d.fetchSet(ctx, s, f); err != nil {
			return err
		}
		d.step("set")
		if err := d.work.link(d.part(f), d.at+trust.SetName(f.SM3)); err != nil {
			return err
		}
	}
	return nil
}

// part is where a set file is kept until it is in force.
func (d *domain) part(f trust.SetFile) string {
	return filepath.Join(d.work.parts(d.at), path.Base(trust.SetName(f.SM3)))
}

// isWhole reports whether a path holds a set file.
func isWhole(path string, f trust.SetFile) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || uint64(info.Size()) != f.Length {
		return false
	}
	sum, err := sumFile(path)
	return err == nil && sum == f.SM3
}

// fetchSet fetches a set file, going on where an earlier run has stopped. What does not
// come out right is fetched once more from the beginning: the part may have been of
// another source.
func (d *domain) fetchSet(ctx context.Context, s Source, f trust.SetFile) error {
	part := d.part(f)
	begun := part + begunSuffix
	resumed, err := d.continueSet(ctx, s, f, begun)
	if resumed && (errors.Is(err, trust.ErrMismatch) || errors.Is(err, ErrAnswer)) {
		_, err = d.continueSet(ctx, s, f, begun)
	}
	if errors.Is(err, ErrMissing) {
		return fmt.Errorf("%w: %w", errChanged, err)
	}
	if err != nil {
		return err
	}
	d.result.Files++
	if err := os.Rename(begun, part); err != nil {
		return local("keeping a set file", err)
	}
	return nil
}

// continueSet fetches the rest of a set file behind what was begun, and reports whether
// anything was. A file that is not the named one is removed.
func (d *domain) continueSet(ctx context.Context, s Source, f trust.SetFile, begun string) (bool, error) {
	out, err := os.OpenFile(begun, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, local("keeping a set file", err)
	}
	resumed, err := d.fill(ctx, s, f, out)
	// Terminals run as somebody else.
	if err := errors.Join(out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return resumed, local("keeping a set file", err)
	}
	if err != nil {
		if errors.Is(err, ErrAnswer) || errors.Is(err, ErrTooLarge) {
			return resumed, errors.Join(err, os.Remove(begun))
		}
		return resumed, err
	}
	sum, err := sumFile(begun)
	if err != nil {
		return resumed, local("keeping a set file", err)
	}
	if sum != f.SM3 {
		return resumed, errors.Join(fmt.Errorf("%s is another file: %w", trust.SetName(f.SM3), trust.ErrMismatch), os.Remove(begun))
	}
	return resumed, nil
}

// fill appends the rest of a set file to what was begun.
func (d *domain) fill(ctx context.Context, s Source, f trust.SetFile, out *os.File) (bool, error) {
	size, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return false, local("keeping a set file", err)
	}
	length := int64(f.Length)
	if size >= length {
		size = 0
	}
	c, err := s.Open(ctx, trust.SetName(f.SM3), Wanted{Offset: size, Limit: length})
	if err != nil {
		return size > 0, err
	}
	defer c.Close()
	if err := out.Truncate(c.Offset); err != nil {
		return size > 0, local("keeping a set file", err)
	}
	if _, err := out.Seek(c.Offset, io.SeekStart); err != nil {
		return size > 0, local("keeping a set file", err)
	}
	n, err := io.Copy(disk{out}, c)
	d.result.Bytes += n
	if err == nil && c.Offset+n < length {
		err = fmt.Errorf("%s ends after %d of %d bytes: %w", trust.SetName(f.SM3), c.Offset+n, length, ErrUnreachable)
	}
	return c.Offset > 0, err
}

// disk marks errors of writing, which io.Copy does not tell from those of reading.
type disk struct{ file *os.File }

func (d disk) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	if err != nil {
		err = local("keeping a set file", err)
	}
	return n, err
}

func sumFile(path string) ([sm3.Size]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return [sm3.Size]byte{}, err
	}
	defer func() { _ = file.Close() }() // only read
	h := sm3.New()
	if _, err := io.Copy(h, file); err != nil {
		return [sm3.Size]byte{}, err
	}
	return [sm3.Size]byte(h.Sum(nil)), nil
}

// pruneTaken removes what was fetched of a domain and is in force: a kill came between
// the two.
func (w *work) pruneTaken(at string) error {
	return w.pruneParts(at, func(name string) bool {
		_, err := os.Stat(w.path(at + "set/" + name))
		return err == nil
	})
}

// prune removes what was fetched or begun of a domain's files that are not among those
// wanted.
func (w *work) prune(at string, wanted []trust.SetFile) error {
	return w.pruneParts(at, func(name string) bool {
		return !slices.ContainsFunc(wanted, func(f trust.SetFile) bool { return path.Base(trust.SetName(f.SM3)) == name })
	})
}

// pruneParts makes the folder for the set files of a domain that are being fetched, and
// removes from it those to which a rule applies, be they whole or begun.
func (w *work) pruneParts(at string, goes func(name string) bool) error {
	dir := w.parts(at)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return local("keeping set files", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return local("removing what is not needed any more", err)
	}
	for _, e := range entries {
		if !goes(strings.TrimSuffix(e.Name(), begunSuffix)) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return local("removing what is not needed any more", err)
		}
	}
	return nil
}
