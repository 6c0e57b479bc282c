package atrest

import (
	"context"
	"fmt"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/audit"
)

// ErrNotPrepared says that the new keys are not on this machine yet, and may not be on the
// others that share the records.
var ErrNotPrepared = bilingual.New("新的记录密钥还没有准备好", "the new record keys are not prepared")

// RekeyCounts say how much was encrypted again.
type RekeyCounts = records.RekeyCounts

// RekeyOptions say what is done about the keys that records are encrypted under.
type RekeyOptions struct {
	// PrepareOnly makes the new keys and uses them for nothing yet. Where several nodes share
	// the records each must have them before the first record is under them.
	PrepareOnly bool
	// EndOld destroys the keys of before when nothing of the records is under them any more:
	// backups of before cannot be read afterwards.
	EndOld bool
	// Progress, if not nil, is told how much is durable.
	Progress func(RekeyCounts)
}

// Rekeyed is what was done.
type Rekeyed struct {
	Generation int         `json:"generation"` // of the keys in use
	Prepared   *int        `json:"prepared"`   // the generation that was made and is not in use yet, or null
	Done       RekeyCounts `json:"done"`
	Ended      []int       `json:"ended"` // generations whose keys were destroyed on this machine
	// Documents are pictures that were under the shared key and are each under their own now,
	// Unreadable those that are damaged and stay as they are, Kept those whose object of
	// before the bucket does not let go.
	Documents  int `json:"documents"`
	Unreadable int `json:"documents_unreadable"`
	Kept       int `json:"documents_kept"`
}

// Rekey encrypts everything that the records hold again, under new keys: a key for each licence, so that it can be
// destroyed with it; pictures that are still under a key that they share are taken over. Look-up keys stay as they are:
// see [RenewLookups]. It works beside services on shared records. What was cut off goes on with the next call. The
// licences are verified on the way, and read back.
func Rekey(ctx context.Context, f *datafolder.Folder, actor string, r RekeyOptions) (Rekeyed, error) {
	done := Rekeyed{Ended: []int{}}
	current, oldest, underWay, err := f.Records.Generations(ctx)
	if err != nil {
		return done, err
	}
	done.Generation = int(current)
	if r.EndOld {
		return done, endOldKeys(ctx, f, actor, oldest, &done)
	}
	if underWay && r.PrepareOnly {
		return done, records.ErrRekeying
	}
	if !underWay {
		keys := generations[sealed.Generation]{
			name: "record keys", prepare: f.Box.Begin, has: f.Box.Has, missing: ErrNotPrepared, act: audit.ActStoreRekey, use: f.Records.BeginRekey,
		}
		done.Generation, done.Prepared, err = keys.begin(ctx, f, actor, current, r.PrepareOnly)
		if err != nil || r.PrepareOnly {
			return done, err
		}
	}
	taken, err := f.Documents.TakeOver(ctx)
	done.Documents, done.Unreadable, done.Kept = taken.Documents, taken.Unreadable, taken.Kept
	if err != nil {
		return done, fmt.Errorf("rekeying: %w", err)
	}
	done.Done, err = f.Records.Rekey(ctx, r.Progress, func(c records.RekeyCounts) (audit.Record, error) {
		return f.Entry(actor, audit.ActStoreRekeyed, fmt.Sprintf("%d licences, %d credentials, %d log entries, %d proposals", c.Licences, c.Credentials, c.Entries, c.Proposals))
	})
	return done, err
}

func endOldKeys(ctx context.Context, f *datafolder.Folder, actor string, oldest sealed.Generation, done *Rekeyed) error {
	entry, err := f.Entry(actor, audit.ActStoreKeysEnd, fmt.Sprintf("before generation %d", oldest))
	if err != nil {
		return err
	}
	ended, err := f.Records.EndKeys(ctx, entry)
	for _, g := range ended {
		done.Ended = append(done.Ended, int(g))
	}
	return err
}
