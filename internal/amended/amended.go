// Package amended has the catalogue of a data folder: the embedded one with what the operator has changed. The records
// say which changes are in force and in what order, so that all nodes that share them have the same; each node's folder
// has them as files beside that, for people and for commands that open no store ([ReadFolder]).
package amended

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// ErrExists: a category that was to be added is there.
var ErrExists = bilingual.New("该类别已存在，请用 category change", "exists: use category change")

// Catalogue is the catalogue of an open data folder. It is safe for concurrent use.
type Catalogue struct {
	folder   *datafolder.Folder
	current  atomic.Pointer[catalogue.Catalogue] // exchanged as a whole, under changing
	changing sync.Mutex
	changes  []string // by their digests, that current has; guarded by changing
}

// Open reads the catalogue of a folder. Changes in it that are not as they were recorded are an error.
func Open(ctx context.Context, f *datafolder.Folder) (*Catalogue, error) {
	c := &Catalogue{folder: f}
	c.changing.Lock()
	defer c.changing.Unlock()
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Current returns the catalogue as it is now.
func (c *Catalogue) Current() *catalogue.Catalogue { return c.current.Load() }

// load takes over the changes that are recorded. The caller holds changing.
func (c *Catalogue) load(ctx context.Context) error {
	digests, _, err := c.recorded(ctx)
	if err != nil {
		return err
	}
	changes := make([]catalogue.Change, len(digests))
	for i, want := range digests {
		if changes[i], err = c.recordedChange(ctx, changeName(i), want); err != nil {
			return err
		}
	}
	current, err := catalogue.Load(changes...)
	if err != nil {
		return err
	}
	c.current.Store(current)
	c.changes = digests
	return nil
}

// Follow takes over what other nodes have changed.
func (c *Catalogue) Follow(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	return c.follow(ctx)
}

// follow is [Catalogue.Follow] for who holds changing.
func (c *Catalogue) follow(ctx context.Context) error {
	digests, _, err := c.recorded(ctx)
	if err != nil || slices.Equal(digests, c.changes) {
		return err
	}
	for i := len(c.changes); i < len(digests); i++ {
		// What lies there otherwise was never recorded: it was cut off while it was made.
		_, sum, err := readChange(os.DirFS(c.dir()), changeName(i))
		if err != nil || hex.EncodeToString(sum[:]) != digests[i] {
			if err := os.RemoveAll(filepath.Join(c.dir(), changeName(i))); err != nil {
				return fmt.Errorf("following the catalogue: %w", err)
			}
		}
	}
	if err := c.load(ctx); err != nil {
		return fmt.Errorf("following the catalogue: %w", err)
	}
	return nil
}

// Change asks for a change of the catalogue.
type Change struct {
	catalogue.Change
	New    bool // its categories are new; false: none of them is
	DryRun bool // answer as if it were in force, and record nothing
}

// check refuses a new schema of what was to be added, and the other way round.
func (c Change) check(present *catalogue.Catalogue) error {
	for _, id := range c.About() {
		switch _, there := present.Category(id); {
		case there && c.New:
			return fmt.Errorf("category %s %w", id, ErrExists)
		case !there && !c.New:
			return fmt.Errorf("category %s: %w", id, catalogue.ErrNoCategory)
		}
	}
	return nil
}

// Change adds categories, or gives those that there are a new schema, with an entry of the audit log for each, and
// returns the catalogue with the change. It is in force at once, for all nodes that share the records: what one of them
// issues by the schema before is refused when it is stored. Licences that were issued before keep their schema.
func (c *Catalogue) Change(ctx context.Context, actor string, change Change) (*catalogue.Catalogue, error) {
	c.changing.Lock() // one change at a time
	defer c.changing.Unlock()
	for {
		changed, err := c.record(ctx, actor, change)
		if errors.Is(err, records.ErrSuperseded) && ctx.Err() == nil {
			continue // another node's is before this one
		}
		if err != nil || change.DryRun {
			return changed, err
		}
		// From the store, as the other nodes take it.
		if err := c.follow(ctx); err != nil {
			return nil, fmt.Errorf("the change is recorded, and not in the folder yet: %w", err)
		}
		return changed, nil
	}
}

// record puts a change behind those that are recorded. The caller holds changing.
func (c *Catalogue) record(ctx context.Context, actor string, change Change) (*catalogue.Catalogue, error) {
	digests, stored, err := c.recorded(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.follow(ctx); err != nil {
		return nil, err
	}
	present := c.Current()
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
	if err := c.storeOlder(ctx, digests, settings); err != nil {
		return nil, err
	}
	if settings[records.Schemas], err = changedSchemas(changed); err != nil {
		return nil, err
	}
	if settings[changesSetting], err = json.Marshal(append(digests, hex.EncodeToString(sum[:]))); err != nil {
		return nil, err
	}
	var entries []audit.Record
	for _, id := range change.About() {
		act := audit.ActCategoryChange
		if _, known := present.Category(id); !known {
			act = audit.ActCategoryAdd
		}
		entry, err := audit.NewRecord(audit.Entry{Time: c.folder.Now().Unix(), Actor: actor, Act: act, Subject: id.String(), Digest: sum[:]}, nil)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	return changed, c.folder.Records.ChangeSettings(ctx, changesSetting, stored, settings, entries...)
}

// storeOlder adds to the settings those changes of before there were changes in the store: they lie in this node's folder.
func (c *Catalogue) storeOlder(ctx context.Context, digests []string, settings map[string][]byte) error {
	for i, digest := range digests {
		there, err := c.folder.Records.Setting(ctx, changeSetting+digest)
		if err != nil {
			return err
		}
		if there != nil {
			continue
		}
		older, err := c.recordedChange(ctx, changeName(i), digest)
		if err == nil {
			settings[changeSetting+digest], err = encodeChange(older)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
