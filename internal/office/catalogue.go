package office

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// catalogueName is the folder of the operator's changes of the catalogue within a data
// folder: 0001, 0002, …, each with the files of a [catalogue.Change].
const catalogueName = "catalogue"

// catalogueSetting holds the digests of the changes in force, in order, as JSON. What
// lies in the folder and is not among them does not count: it was cut off while it was
// made. What is among them and is not in the folder as it was recorded keeps the service
// from starting.
const catalogueSetting = "catalogue"

// ErrCatalogue: a change of the catalogue is not what was recorded.
var ErrCatalogue = errors.New("not the change of the catalogue that was recorded")

// maxChanges bounds the changes of a catalogue.
const maxChanges = 9999

// changeSize bounds one file of a change, in bytes.
const changeSize = 1 << 20

func changeName(i int) string { return fmt.Sprintf("%04d", i+1) }

// settings is what reads a setting of the store.
type settingReader interface {
	Setting(ctx context.Context, name string) ([]byte, error)
}

// recordedChanges returns the digests of the changes in force.
func recordedChanges(ctx context.Context, store settingReader) ([]string, error) {
	b, err := store.Setting(ctx, catalogueSetting)
	if err != nil || b == nil {
		return nil, err
	}
	var digests []string
	if err := json.Unmarshal(b, &digests); err != nil || len(digests) > maxChanges {
		return nil, fmt.Errorf("the record of the catalogue's changes is damaged: %w", errors.Join(err, ErrCatalogue))
	}
	return digests, nil
}

// loadCatalogue returns the embedded catalogue with the changes that were recorded.
func loadCatalogue(ctx context.Context, store settingReader, dir fs.FS) (*catalogue.Catalogue, error) {
	digests, err := recordedChanges(ctx, store)
	if err != nil {
		return nil, err
	}
	changes := make([]catalogue.Change, len(digests))
	for i, want := range digests {
		c, sum, err := readChange(dir, changeName(i))
		if err != nil {
			return nil, err
		}
		if hex.EncodeToString(sum[:]) != want {
			return nil, fmt.Errorf("%s/%s: %w", catalogueName, changeName(i), ErrCatalogue)
		}
		changes[i] = c
	}
	return catalogue.Load(changes...)
}

// LoadCatalogue returns the catalogue of a data folder without opening it: the embedded
// one with every change that lies there. Where there is no folder it is the embedded one.
func LoadCatalogue(data string) (*catalogue.Catalogue, error) {
	dir := os.DirFS(filepath.Join(data, catalogueName))
	var changes []catalogue.Change
	for i := range maxChanges {
		c, _, err := readChange(dir, changeName(i))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return catalogue.Load(changes...)
}

// readChange reads the files of a change, and its digest.
func readChange(dir fs.FS, name string) (c catalogue.Change, sum [sm3.Size]byte, err error) {
	for file, into := range c.Files() {
		info, err := fs.Stat(dir, name+"/"+file)
		if err == nil && info.Size() > changeSize {
			err = fmt.Errorf("%d bytes, at most %d are read", info.Size(), changeSize)
		}
		if err == nil {
			*into, err = fs.ReadFile(dir, name+"/"+file)
		}
		if errors.Is(err, fs.ErrNotExist) && c.Optional(file) {
			continue
		}
		if err != nil {
			return c, sum, fmt.Errorf("%s/%s/%s: %w", catalogueName, name, file, err)
		}
	}
	sum, err = c.Digest()
	return c, sum, err
}

// ChangeCatalogue adds categories, or gives those that there are a new schema, and
// returns the catalogue with the change. It is in force at once, at other nodes when they
// are started next, and terminals know it once the trust files have been published again.
// Licences that were issued before keep their schema.
func (o *Office) ChangeCatalogue(ctx context.Context, actor string, change catalogue.Change) (*catalogue.Catalogue, error) {
	o.publishing.Lock() // one change at a time
	defer o.publishing.Unlock()
	digests, err := recordedChanges(ctx, o.store)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(o.dir, catalogueName)
	present, err := loadCatalogue(ctx, o.store, os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	changed, err := present.With(change)
	if err != nil {
		return nil, err
	}
	sum, err := change.Digest()
	if err != nil {
		return nil, err
	}
	if err := writeChange(dir, changeName(len(digests)), change); err != nil {
		return nil, fmt.Errorf("keeping the change of the catalogue: %w", err)
	}
	setting, err := json.Marshal(append(digests, hex.EncodeToString(sum[:])))
	if err != nil {
		return nil, err
	}
	var entries []audit.Record
	for _, id := range change.About() {
		act := audit.ActCategoryChange
		if _, known := present.Category(id); !known {
			act = audit.ActCategoryAdd
		}
		entry, err := audit.NewRecord(audit.Entry{Time: o.now().Unix(), Actor: actor, Act: act, Subject: id.String(), Digest: sum[:]}, nil)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	if err := o.store.PutSetting(ctx, catalogueSetting, setting, entries...); err != nil {
		return nil, err
	}
	o.categories.Store(changed)
	o.unknown.tell()
	return changed, nil
}

// writeChange writes the folder of a change. One that is there was never recorded.
func writeChange(dir, name string, change catalogue.Change) error {
	if err := durable.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	place := filepath.Join(dir, name)
	if err := os.RemoveAll(place); err != nil {
		return err
	}
	return durable.BuildDir(place, 0o755, func(building string) error {
		for file, content := range change.Files() {
			if *content == nil {
				continue
			}
			if err := durable.WriteFile(filepath.Join(building, file), *content, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}
