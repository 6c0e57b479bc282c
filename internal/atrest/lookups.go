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

var (
	// ErrLookupsNotPrepared says that the secret of new look-up keys is not on this machine yet,
	// and may not be on the others that share the records.
	ErrLookupsNotPrepared = bilingual.New("新的检索密钥还没有准备好", "the new look-up keys are not prepared")
	// ErrSharedKeys says that the records are to be rekeyed first.
	ErrSharedKeys = records.ErrSharedKeys
)

// RenewalOptions say how look-up keys are renewed.
type RenewalOptions struct {
	// PrepareOnly makes the secret of the new ones and uses it for nothing yet. Where several
	// nodes share the records each must have it before the first record is looked up by it.
	PrepareOnly bool
	// Progress, if not nil, is told how many entries are moved durably.
	Progress func(entries uint64)
}

// Renewed is what was done.
type Renewed struct {
	Generation int    `json:"generation"` // of the look-up keys in use
	Prepared   *int   `json:"prepared"`   // the generation that was made and is not in use yet, or null
	Entries    uint64 `json:"entries"`    // numbers, holders and requests that are looked up by new keys
}

// RenewLookups has numbers, holders, requests and binding codes looked up by keys of a new
// generation: who knows the secrets of before alone finds nobody in the records any more. It
// works beside services on shared records. What was cut off goes on with the next call.
func RenewLookups(ctx context.Context, f *datafolder.Folder, actor string, r RenewalOptions) (Renewed, error) {
	var done Renewed
	current, underWay, err := f.Records.Lookups(ctx)
	if err != nil {
		return done, err
	}
	done.Generation = int(current)
	if underWay && r.PrepareOnly {
		return done, records.ErrRenewing
	}
	if !underWay {
		keys := generations[sealed.LookupGeneration]{
			name: "look-up keys", prepare: f.Box.BeginLookups, missing: ErrLookupsNotPrepared, act: audit.ActStoreRenew, use: f.Records.BeginRenewal,
			has: func(target sealed.LookupGeneration) error {
				_, err := f.Box.LookupCheck(target)
				return err
			},
		}
		done.Generation, done.Prepared, err = keys.begin(ctx, f, actor, current, r.PrepareOnly)
		if err != nil || r.PrepareOnly {
			return done, err
		}
	}
	done.Entries, err = f.Records.RenewLookups(ctx, records.Renewing{Progress: r.Progress, Entry: func(entries uint64) (audit.Record, error) {
		return f.Entry(actor, audit.ActStoreRenewed, fmt.Sprintf("generation %d, %d entries", done.Generation, entries))
	}})
	return done, err
}
