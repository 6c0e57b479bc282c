package office

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/store/bolt"
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

var trustName = regexp.MustCompile(`^([1-9][0-9]*\.root|trust|catalogue|status|time|set/[0-9a-f]{64})$`)

// ExportTrust publishes and writes the files that a scanner caches into a folder,
// which is made if it is not there. Files that are no longer referred to are
// removed. The time file is written last: until then a reader sees the state
// before, or a mismatch that it must try again.
//
// Beside them, in crl/, are the revocation lists of the authorities, for whoever verifies
// documents. They are signed and dated by themselves. Where one cannot be made anew,
// the last good one is written.
func (o *Office) ExportTrust(ctx context.Context, actor, dir string) error {
	if _, err := o.Publish(ctx, actor); err != nil {
		return err
	}
	if err := checkCacheFolder(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "set"), 0o755); err != nil {
		return fmt.Errorf("exporting trust files: %w", err)
	}
	files, err := o.currentTrust(ctx)
	if err != nil {
		return fmt.Errorf("exporting trust files: %w", err)
	}
	names := slices.SortedFunc(maps.Keys(files), func(a, b string) int { return exportOrder(a) - exportOrder(b) })
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, files[name]) {
			continue
		}
		if err := durable.WriteFile(path, files[name], 0o644); err != nil {
			return fmt.Errorf("exporting trust files: %w", err)
		}
	}
	if err := removeOldSets(filepath.Join(dir, "set"), files); err != nil {
		return err
	}
	return o.exportCRLs(ctx, filepath.Join(dir, crlFolder))
}

// currentTrust returns the files that a scanner caches: every root, the file of every
// role, and the set files that the status file names.
func (o *Office) currentTrust(ctx context.Context) (map[string][]byte, error) {
	files, sets := make(map[string][]byte), make(map[string][]byte)
	var state publisherState
	err := o.store.Published(ctx, func(name string, file []byte) error {
		switch {
		case name == bolt.PublisherState:
			return detcbor.Unmarshal(file, &state)
		case strings.HasPrefix(name, "set/"):
			sets[name] = bytes.Clone(file)
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
	return files, nil
}

// exportOrder writes what others refer to before what refers to it.
func exportOrder(name string) int {
	switch name {
	case string(trust.RoleTime):
		return 3
	case string(trust.RoleStatus):
		return 2
	case string(trust.RoleTrust), string(trust.RoleCatalogue):
		return 1
	default:
		return 0
	}
}

// checkCacheFolder refuses to write into a folder that holds something else.
func checkCacheFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("exporting trust files: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "set" && name != crlFolder && !trustName.MatchString(name) {
			return fmt.Errorf("exporting trust files: %s holds %q, which is no trust file: give a folder of its own", dir, name)
		}
	}
	return nil
}

func removeOldSets(dir string, files map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("removing old status files: %w", err)
	}
	for _, e := range entries {
		name := "set/" + e.Name()
		if trustName.MatchString(name) && files[name] == nil {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("removing old status files: %w", err)
			}
		}
	}
	return nil
}
