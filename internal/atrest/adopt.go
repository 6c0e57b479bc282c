package atrest

import (
	"context"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/pki/audit"
)

// AdoptOlder takes over a store that is not the one that the data folder remembers, as
// [Restore] does: out of the way of what was given out since. The folder was opened with
// [datafolder.Options.Older].
func AdoptOlder(ctx context.Context, o Office, actor, reason string) error {
	if err := audit.CheckReason(reason); err != nil {
		return err
	}
	f := o.Folder()
	return f.AdoptOlder(ctx, func(remembered datafolder.HighWater) error {
		digest := sm3.Sum(remembered.Root)
		entry, err := audit.NewRecord(audit.Entry{
			Time: f.Now().Unix(), Actor: actor, Act: audit.ActStoreRestore, Subject: fmt.Sprintf("put back in place, %d log entries were there", remembered.Size), Digest: digest[:],
		}, []byte(reason))
		if err != nil {
			return err
		}
		if err := f.Records.Jump(ctx, nil, entry); err != nil {
			return err
		}
		_, err = eraseAgain(ctx, o, actor)
		return err
	})
}
