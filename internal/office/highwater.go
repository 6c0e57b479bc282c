package office

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/audit"
)

// highWaterName is the file of a data folder that remembers how far the audit log was.
const highWaterName = "high-water"

// highWater is how far the audit log was when something was last given out. It lies
// beside the store, so that a store that was put back to an earlier moment alone is
// noticed. Whoever puts the whole folder back is noticed by outside witnesses only.
type highWater struct {
	Size uint64 `json:"size"`
	Root []byte `json:"root"`
	Time int64  `json:"time"` // UTC seconds
}

// ErrOlderStore says that the store is of an earlier moment than the data folder
// remembers, or has another history.
var ErrOlderStore = bilingual.New("记录比数据目录所记的旧，或不是同一份", "the store is not the one that this data folder remembers")

func (o *Office) highWaterPath() string { return filepath.Join(o.dir, highWaterName) }

func (o *Office) readHighWater() (highWater, bool, error) {
	b, err := os.ReadFile(o.highWaterPath())
	if errors.Is(err, os.ErrNotExist) {
		return highWater{}, false, nil
	}
	var h highWater
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	if err != nil {
		return h, false, fmt.Errorf("reading %s: %w", o.highWaterPath(), err)
	}
	return h, true, nil
}

// checkHighWater refuses a store that is older than the folder remembers.
func (o *Office) checkHighWater(ctx context.Context) error {
	h, there, err := o.readHighWater()
	if err != nil || !there {
		return err
	}
	return o.AuditLog().Read(ctx, func(log audit.Storage, size uint64) error {
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

// keepHighWater remembers how far the log is. What is not durable yet does not count: a
// store that lost it would be refused.
func (o *Office) keepHighWater(ctx context.Context) error {
	o.marking.Lock()
	defer o.marking.Unlock()
	kept, there, err := o.readHighWater()
	if err != nil {
		return err
	}
	longer := false
	err = o.AuditLog().Read(ctx, func(_ audit.Storage, size uint64) error {
		longer = size > kept.Size
		return nil
	})
	if err != nil || there && !longer {
		return err
	}
	var now highWater
	err = o.store.ConfirmLog(ctx, func(log audit.Storage) error {
		size, err := log.Size()
		if err != nil {
			return err
		}
		root, err := audit.Root(log, size)
		now = highWater{size, root, o.now().Unix()}
		return err
	})
	if err != nil {
		return fmt.Errorf("remembering how far the audit log is: %w", err)
	}
	b, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return durable.WriteFile(o.highWaterPath(), append(b, '\n'), 0o600)
}

// AdoptOlder takes over a store that is not the one that the data folder remembers, as
// [Restore] does: out of the way of what was given out since. The office was opened with
// [Options.Older].
func (o *Office) AdoptOlder(ctx context.Context, actor, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	err := o.checkHighWater(ctx)
	if !errors.Is(err, ErrOlderStore) {
		return errors.Join(err, errors.New("the store is the one that this data folder remembers: there is nothing to adopt"))
	}
	h, _, err := o.readHighWater()
	if err != nil {
		return err
	}
	digest := sm3.Sum(h.Root)
	entry, err := audit.NewRecord(audit.Entry{
		Time: o.now().Unix(), Actor: actor, Act: audit.ActStoreRestore, Subject: fmt.Sprintf("put back in place, %d log entries were there", h.Size), Digest: digest[:],
	}, []byte(reason))
	if err != nil {
		return err
	}
	if err := o.store.Jump(ctx, nil, entry); err != nil {
		return err
	}
	if _, err := o.eraseAgain(ctx, actor); err != nil {
		return err
	}
	if err := os.Remove(o.highWaterPath()); err != nil {
		return err
	}
	return o.keepHighWater(ctx)
}
