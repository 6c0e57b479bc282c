package datafolder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/audit"
)

// highWaterName is the file of a data folder that remembers how far the audit log was.
const highWaterName = "high-water"

// HighWater is how far the audit log was when something was last given out. It lies
// beside the store, so that a store that was put back to an earlier moment alone is
// noticed. Whoever puts the whole folder back is noticed by outside witnesses only.
type HighWater struct {
	Size uint64 `json:"size"`
	Root []byte `json:"root"`
	Time int64  `json:"time"` // UTC seconds
}

// ErrOlderStore says that the store is of an earlier moment than the data folder
// remembers, or has another history.
var ErrOlderStore = bilingual.New("记录比数据目录所记的旧，或不是同一份", "the store is not the one that this data folder remembers")

// errNotOlder: there is nothing to adopt.
var errNotOlder = errors.New("the store is the one that this data folder remembers: there is nothing to adopt")

func (f *Folder) highWaterPath() string { return filepath.Join(f.Dir, highWaterName) }

func (f *Folder) readHighWater() (HighWater, bool, error) {
	b, err := os.ReadFile(f.highWaterPath())
	if errors.Is(err, os.ErrNotExist) {
		return HighWater{}, false, nil
	}
	var h HighWater
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	if err != nil {
		return h, false, fmt.Errorf("reading %s: %w", f.highWaterPath(), err)
	}
	return h, true, nil
}

// ReadLog calls fn with the audit log as of one moment and its size.
func (f *Folder) ReadLog(ctx context.Context, fn func(log audit.Storage, size uint64) error) error {
	return f.Records.ReadLog(ctx, func(log audit.Storage) error {
		size, err := log.Size()
		if err != nil {
			return err
		}
		return fn(log, size)
	})
}

// checkHighWater refuses a store that is older than the folder remembers.
func (f *Folder) checkHighWater(ctx context.Context) error {
	h, there, err := f.readHighWater()
	if err != nil || !there {
		return err
	}
	return f.ReadLog(ctx, func(log audit.Storage, size uint64) error {
		if size < h.Size {
			return fmt.Errorf("its audit log has %d entries, on %s there were %d: %w", size, time.Unix(h.Time, 0).UTC().Format(time.RFC3339), h.Size, ErrOlderStore)
		}
		root, err := audit.Root(log, h.Size)
		if err == nil && !bytes.Equal(root, h.Root) {
			err = fmt.Errorf("its audit log has other entries than on %s: %w", time.Unix(h.Time, 0).UTC().Format(time.RFC3339), ErrOlderStore)
		}
		return err
	})
}

// KeepHighWater remembers how far the log is. What is not durable yet does not count: a
// store that lost it would be refused. A store that is older than what is remembered is not
// remembered in its place before it was adopted.
func (f *Folder) KeepHighWater(ctx context.Context) error {
	f.marking.Lock()
	defer f.marking.Unlock()
	if f.older {
		return nil
	}
	return f.keepHighWater(ctx)
}

// keepHighWater is [Folder.KeepHighWater] for who holds marking.
func (f *Folder) keepHighWater(ctx context.Context) error {
	kept, there, err := f.readHighWater()
	if err != nil {
		return err
	}
	longer := false
	err = f.ReadLog(ctx, func(_ audit.Storage, size uint64) error {
		longer = size > kept.Size
		return nil
	})
	if err != nil || there && !longer {
		return err
	}
	var now HighWater
	err = f.Records.ConfirmLog(ctx, func(log audit.Storage) error {
		size, err := log.Size()
		if err != nil {
			return err
		}
		root, err := audit.Root(log, size)
		now = HighWater{size, root, f.Now().Unix()}
		return err
	})
	if err != nil {
		return fmt.Errorf("remembering how far the audit log is: %w", err)
	}
	b, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return durable.WriteFile(f.highWaterPath(), append(b, '\n'), 0o600)
}

// AdoptOlder has a store taken over that is not the one that the folder remembers, and that was opened with
// [Options.Older]: take, which gets what is remembered, takes it out of the way of what was given out since, and then the
// store as it is is remembered. If take fails, the folder remembers what it did before.
func (f *Folder) AdoptOlder(ctx context.Context, take func(remembered HighWater) error) error {
	f.marking.Lock()
	defer f.marking.Unlock()
	if !f.older {
		return errNotOlder
	}
	h, _, err := f.readHighWater()
	if err != nil {
		return err
	}
	if err := take(h); err != nil {
		return err
	}
	if err := os.Remove(f.highWaterPath()); err != nil {
		return err
	}
	f.older = false
	return f.keepHighWater(ctx)
}
