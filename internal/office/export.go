package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/qr/trust"
)

// TrustFile returns a published file by its name within a scanner's cache, nil
// if there is none.
func (o *Office) TrustFile(ctx context.Context, name string) ([]byte, error) {
	if !trustName.MatchString(name) {
		return nil, nil
	}
	return o.store.TrustFile(ctx, name)
}

var trustName = regexp.MustCompile(`^(domains/[0-9a-f]{64}/)?([1-9][0-9]*\.root|trust|catalogue|status|time|set/[0-9a-f]{64})$`)

// ExportTrust publishes and writes the files that a scanner caches into a folder,
// which is made if it is not there. Files that are no longer referred to are
// removed. The time file is written last: until then a reader sees the state
// before, or a mismatch that it must try again.
//
// Beside them, in crl/, are the revocation lists of the authorities, for whoever verifies
// documents. They are signed and dated by themselves. Where one cannot be made anew,
// the last good one is written.
func (o *Office) ExportTrust(ctx context.Context, actor, dir string) error {
	return o.ExportTrustTo(ctx, actor, durable.Disk{}, dir)
}

// ExportTrustTo is [Office.ExportTrust] to a folder that may be elsewhere.
func (o *Office) ExportTrustTo(ctx context.Context, actor string, to durable.Files, dir string) error {
	if _, err := o.Publish(ctx, actor); err != nil {
		return err
	}
	if err := checkCacheFolder(to, dir); err != nil {
		return err
	}
	files, err := o.currentTrust(ctx)
	if err != nil {
		return fmt.Errorf("exporting trust files: %w", err)
	}
	names := slices.SortedFunc(maps.Keys(files), func(a, b string) int { return exportOrder(a) - exportOrder(b) })
	for _, name := range names {
		place := filepath.Join(dir, filepath.FromSlash(name))
		if err := to.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			return fmt.Errorf("exporting trust files: %w", err)
		}
		if holds(to, place, files[name]) {
			continue
		}
		if err := to.WriteFrom(place, bytes.NewReader(files[name]), 0o644); err != nil {
			return fmt.Errorf("exporting trust files: %w", err)
		}
	}
	if err := removeOld(to, dir, files); err != nil {
		return fmt.Errorf("removing old trust files: %w", err)
	}
	return o.exportCRLs(ctx, to, filepath.Join(dir, inspect.CRLFolder))
}

// holds reports whether a file is there with just this content.
func holds(files durable.Files, path string, content []byte) bool {
	f, err := files.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return false
	}
	there, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(content))+1))
	return errors.Join(err, f.Close()) == nil && bytes.Equal(there, content)
}

// currentTrust returns the files that a scanner caches: every root, the file of every
// role, and the set files that the status file names.
func (o *Office) currentTrust(ctx context.Context) (map[string][]byte, error) {
	files, sets := make(map[string][]byte), make(map[string][]byte)
	var state publisherState
	err := o.store.Published(ctx, func(name string, file []byte) error {
		switch {
		case name == records.PublisherState:
			return detcbor.Unmarshal(file, &state)
		case strings.HasPrefix(name, "set/"):
			sets[name] = bytes.Clone(file)
		case strings.HasPrefix(name, domainsFolder):
			files[name] = bytes.Clone(file)
		case trustName.MatchString(name):
			files[name] = bytes.Clone(file)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range state.Status.Files {
		files[trust.SetName(f.SM3)] = sets[trust.SetName(f.SM3)]
	}
	for _, l := range state.Lost {
		files[trust.SetName(l.Genuine.SM3)] = sets[trust.SetName(l.Genuine.SM3)]
	}
	return files, nil
}

// exportOrder writes what others refer to before what refers to it, and other domains
// before ours.
func exportOrder(name string) int {
	order := 0
	switch path.Base(name) {
	case string(trust.RoleTime):
		order = 3
	case string(trust.RoleStatus):
		order = 2
	case string(trust.RoleTrust), string(trust.RoleCatalogue):
		order = 1
	}
	if !strings.HasPrefix(name, domainsFolder) {
		order += 4
	}
	return order
}

const domainsFolder = "domains/"

// checkCacheFolder refuses to write into a folder that holds something else.
func checkCacheFolder(files durable.Files, dir string) error {
	entries, err := files.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("exporting trust files: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "set" && name+"/" != domainsFolder && name != inspect.CRLFolder && !trustName.MatchString(name) {
			return fmt.Errorf("exporting trust files: %s holds %q, which is no trust file: give a folder of its own", dir, name)
		}
	}
	return nil
}

// removeOld removes set files that nothing refers to any more, and domains that are
// carried no more.
func removeOld(to durable.Files, dir string, files map[string][]byte) error {
	var old []string
	err := walk(to, dir, "", func(name string) {
		if trustName.MatchString(name) && files[name] == nil && strings.Contains(name, "/") {
			old = append(old, name)
		}
	})
	for _, name := range old {
		err = errors.Join(err, to.Remove(filepath.Join(dir, filepath.FromSlash(name))))
	}
	return err
}

// walk calls f with the name of every file in a folder and its folders, below dir and with
// slashes.
func walk(files durable.Files, dir, below string, f func(name string)) error {
	entries, err := files.ReadDir(filepath.Join(dir, filepath.FromSlash(below)))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(below, e.Name())
		if !e.IsDir() {
			f(name)
		} else if err := walk(files, dir, name, f); err != nil {
			return err
		}
	}
	return nil
}
