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
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// The operator's changes of the catalogue lie in [datafolder.CatalogueName]: 0001, 0002, …, each with the files of a
// [catalogue.Change]. There people read them, and commands that open no store.
//
// catalogueSetting holds the digests of the changes in force, in order, as JSON, and
// changeSetting with a digest behind it the change itself, so that every node that shares
// the records gets it. What lies in the folder and is not among them does not count. What
// is among them and lies in the folder otherwise than it was recorded keeps the service from
// starting; what does not lie there is written from the store.
const (
	catalogueSetting = "catalogue"
	changeSetting    = "catalogue."
)

// ErrCatalogue: a change of the catalogue is not what was recorded.
var ErrCatalogue = errors.New("not the change of the catalogue that was recorded")

// maxChanges bounds the changes of a catalogue.
const maxChanges = 9999

// changeSize bounds one file of a change, in bytes.
const changeSize = 1 << 20

func changeName(i int) string { return fmt.Sprintf("%04d", i+1) }

// settingReader is what reads a setting of the store.
type settingReader interface {
	Setting(ctx context.Context, name string) ([]byte, error)
}

// recordedChanges returns the digests of the changes in force, and the setting as it is
// stored.
func recordedChanges(ctx context.Context, store settingReader) ([]string, []byte, error) {
	stored, err := store.Setting(ctx, catalogueSetting)
	if err != nil || stored == nil {
		return nil, nil, err
	}
	var digests []string
	if err := json.Unmarshal(stored, &digests); err != nil || len(digests) > maxChanges {
		return nil, nil, fmt.Errorf("the record of the catalogue's changes is damaged: %w", errors.Join(err, ErrCatalogue))
	}
	return digests, stored, nil
}

// loadCatalogue returns the embedded catalogue with the changes that were recorded, and
// those.
func loadCatalogue(ctx context.Context, store settingReader, dir string) (*catalogue.Catalogue, []string, error) {
	digests, _, err := recordedChanges(ctx, store)
	if err != nil {
		return nil, nil, err
	}
	changes := make([]catalogue.Change, len(digests))
	for i, want := range digests {
		if changes[i], err = recordedChange(ctx, store, dir, changeName(i), want); err != nil {
			return nil, nil, err
		}
	}
	c, err := catalogue.Load(changes...)
	return c, digests, err
}

// recordedChange returns the change of a digest from the folder. What another node has
// changed does not lie there yet, and is written from the store.
func recordedChange(ctx context.Context, store settingReader, dir, name, digest string) (catalogue.Change, error) {
	c, sum, err := readChange(os.DirFS(dir), name)
	if _, missing := os.Stat(filepath.Join(dir, name)); errors.Is(missing, fs.ErrNotExist) {
		var stored []byte
		if stored, err = store.Setting(ctx, changeSetting+digest); err == nil && stored == nil {
			err = fs.ErrNotExist
		}
		if err == nil {
			c, sum, err = decodeChange(stored)
		}
		if err == nil && hex.EncodeToString(sum[:]) == digest {
			err = writeChange(dir, name, c)
		}
		if err != nil { // or another process on the folder was faster
			if there, its, failed := readChange(os.DirFS(dir), name); failed == nil {
				c, sum, err = there, its, nil
			}
		}
	}
	if err != nil {
		return c, fmt.Errorf("%s/%s: %w", datafolder.CatalogueName, name, err)
	}
	if hex.EncodeToString(sum[:]) != digest {
		return c, fmt.Errorf("%s/%s: %w", datafolder.CatalogueName, name, ErrCatalogue)
	}
	return c, nil
}

// encodeChange is a change as the store has it: its files by name in JSON, without those
// that it does not have.
func encodeChange(c catalogue.Change) ([]byte, error) {
	files := make(map[string][]byte)
	for name, content := range c.Files() {
		if *content != nil {
			files[name] = *content
		}
	}
	return json.Marshal(files)
}

// decodeChange reads what [encodeChange] has written, and its digest.
func decodeChange(stored []byte) (catalogue.Change, [sm3.Size]byte, error) {
	var c catalogue.Change
	var files map[string][]byte
	if err := json.Unmarshal(stored, &files); err != nil {
		return c, [sm3.Size]byte{}, fmt.Errorf("the stored change: %w", err)
	}
	for name, into := range c.Files() {
		*into = files[name]
	}
	sum, err := c.Digest()
	return c, sum, err
}

// LoadCatalogue returns the catalogue of a data folder without opening it: the embedded
// one with every change that lies there. Where there is no folder it is the embedded one.
func LoadCatalogue(data string) (*catalogue.Catalogue, error) {
	dir := os.DirFS(filepath.Join(data, datafolder.CatalogueName))
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
			return c, sum, fmt.Errorf("%s/%s/%s: %w", datafolder.CatalogueName, name, file, err)
		}
	}
	sum, err = c.Digest()
	return c, sum, err
}

// CatalogueChange asks for a change of the catalogue.
type CatalogueChange struct {
	catalogue.Change
	New    bool // its categories are new; false: none of them is
	DryRun bool // answer as if it were in force, and record nothing
}

// ErrCategoryExists: a category that was to be added is there.
var ErrCategoryExists = bilingual.New("该类别已存在，请用 category change", "exists: use category change")

// check refuses a new schema of what was to be added, and the other way round.
func (c CatalogueChange) check(present *catalogue.Catalogue) error {
	for _, id := range c.About() {
		switch _, there := present.Category(id); {
		case there && c.New:
			return fmt.Errorf("category %s %w", id, ErrCategoryExists)
		case !there && !c.New:
			return fmt.Errorf("category %s: %w", id, ErrNoCategory)
		}
	}
	return nil
}

// ChangeCatalogue adds categories, or gives those that there are a new schema, and
// returns the catalogue with the change. It is in force at once, for all nodes that share
// the records: what one of them issues by the schema before is refused when it is stored.
// Terminals know it once the trust files have been published again. Licences that were
// issued before keep their schema.
func (o *Office) ChangeCatalogue(ctx context.Context, actor string, change CatalogueChange) (*catalogue.Catalogue, error) {
	o.publishing.Lock() // one change at a time
	defer o.publishing.Unlock()
	for {
		changed, err := o.recordChange(ctx, actor, change)
		if errors.Is(err, records.ErrSuperseded) && ctx.Err() == nil {
			continue // another node's is before this one
		}
		if err != nil || change.DryRun {
			return changed, err
		}
		// From the store, as the other nodes take it.
		if err := o.followCatalogue(ctx); err != nil {
			return nil, fmt.Errorf("the change is recorded, and not in the folder yet: %w", err)
		}
		o.unknown.tell()
		return changed, nil
	}
}

// recordChange puts a change behind those that are recorded. The caller holds publishing.
func (o *Office) recordChange(ctx context.Context, actor string, change CatalogueChange) (*catalogue.Catalogue, error) {
	digests, stored, err := recordedChanges(ctx, o.store)
	if err != nil {
		return nil, err
	}
	if err := o.followCatalogue(ctx); err != nil {
		return nil, err
	}
	present := o.Catalogue()
	if err := change.check(present); err != nil {
		return nil, err
	}
	changed, err := present.With(change.Change)
	if err != nil || change.DryRun {
		return changed, err
	}
	sum, err := change.Digest()
	if err != nil {
		return nil, err
	}
	settings := make(map[string][]byte)
	if settings[changeSetting+hex.EncodeToString(sum[:])], err = encodeChange(change.Change); err != nil {
		return nil, err
	}
	// Those of before there were changes in the store lie in this node's folder.
	for i, digest := range digests {
		there, err := o.store.Setting(ctx, changeSetting+digest)
		if err != nil {
			return nil, err
		}
		if there != nil {
			continue
		}
		c, err := recordedChange(ctx, o.store, filepath.Join(o.folder.Dir, datafolder.CatalogueName), changeName(i), digest)
		if err == nil {
			settings[changeSetting+digest], err = encodeChange(c)
		}
		if err != nil {
			return nil, err
		}
	}
	if settings[records.Schemas], err = changedSchemas(changed); err != nil {
		return nil, err
	}
	if settings[catalogueSetting], err = json.Marshal(append(digests, hex.EncodeToString(sum[:]))); err != nil {
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
	return changed, o.store.ChangeSettings(ctx, catalogueSetting, stored, settings, entries...)
}

// changedSchemas is the setting of the schemas that are not the embedded catalogue's.
func changedSchemas(c *catalogue.Catalogue) ([]byte, error) {
	embedded, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	numbers := make(map[catalogue.ID]int)
	for _, category := range c.Categories() {
		if was, known := embedded.Category(category.ID); !known || was.Schema != category.Schema {
			numbers[category.ID] = category.Schema
		}
	}
	return records.EncodeSchemas(numbers)
}

// FollowCatalogue takes over what other nodes have changed in the catalogue.
func (o *Office) FollowCatalogue(ctx context.Context) error {
	o.publishing.Lock()
	defer o.publishing.Unlock()
	return o.followCatalogue(ctx)
}

// followCatalogue is [Office.FollowCatalogue] for who holds publishing.
func (o *Office) followCatalogue(ctx context.Context) error {
	digests, _, err := recordedChanges(ctx, o.store)
	if err != nil || slices.Equal(digests, o.changes) {
		return err
	}
	dir := filepath.Join(o.folder.Dir, datafolder.CatalogueName)
	for i := len(o.changes); i < len(digests); i++ {
		// What lies there otherwise was never recorded: it was cut off while it was made.
		_, sum, err := readChange(os.DirFS(dir), changeName(i))
		if !errors.Is(err, fs.ErrNotExist) && (err != nil || hex.EncodeToString(sum[:]) != digests[i]) {
			if err := os.RemoveAll(filepath.Join(dir, changeName(i))); err != nil {
				return fmt.Errorf("following the catalogue: %w", err)
			}
		}
	}
	c, digests, err := loadCatalogue(ctx, o.store, dir)
	if err != nil {
		return fmt.Errorf("following the catalogue: %w", err)
	}
	o.categories.Store(c)
	o.changes = digests
	return nil
}

// writeChange writes the folder of a change, which must not be there.
func writeChange(dir, name string, change catalogue.Change) error {
	if err := durable.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.BuildDir(filepath.Join(dir, name), 0o755, func(building string) error {
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
