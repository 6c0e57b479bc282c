package atrest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/backup"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// verifyRestored compares what was restored with what the backup says and with itself:
// every signature, every index, the whole log, every document of every licence.
func verifyRestored(ctx context.Context, f *datafolder.Folder, h backup.Head, done *Restored) error {
	err := f.ReadLog(ctx, func(log audit.Storage, size uint64) error {
		if size < h.LogSize {
			return fmt.Errorf("the log has %d entries, the head says %d: %w", size, h.LogSize, ErrDamagedBackup)
		}
		root, err := audit.Root(log, h.LogSize)
		if err == nil && !bytes.Equal(root, h.LogRoot) {
			err = fmt.Errorf("the log is another one than the head says: %w", ErrDamagedBackup)
		}
		return err
	})
	if err != nil {
		return err
	}
	var faults []records.Fault
	tell := func(fault records.Fault) { faults = append(faults, fault) }
	var wanted wantedDocuments
	if done.Checked, wanted, err = checkRecords(ctx, f.Records, true, tell); err != nil {
		return err
	}
	if _, err := checkDocuments(ctx, f.Documents, wanted, false, tell); err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s: %s (and %d more faults): %w", faults[0].Where, faults[0].What, len(faults)-1, ErrDamagedBackup)
	}
	return nil
}

// goAhead takes a restored folder out of the way of what was given out after the backup.
func goAhead(ctx context.Context, o Office, r RestoreOptions, h backup.Head, done *Restored) error {
	f := o.Folder()
	var sets []*status.Set
	subject := fmt.Sprintf("backup of %s with %d log entries", time.Unix(h.Made, 0).UTC().Format(time.RFC3339), h.LogSize)
	if r.Published != nil {
		cache, err := publishedCache(ctx, f, r.Published)
		if err != nil {
			return fmt.Errorf("published trust files: %w", err)
		}
		for _, l := range cache.Status.Lists {
			if set, ok := cache.Set(uint32(l.List)); ok { //nolint:gosec // a list has 32 bits
				sets = append(sets, set)
			}
		}
		if size, ok := checkpointSize(cache); ok {
			done.LogSeen = &size
			subject += fmt.Sprintf(", %d were seen", size)
		}
	}
	digest := sm3.Sum(h.LogRoot)
	entry, err := audit.NewRecord(audit.Entry{Time: f.Now().Unix(), Actor: r.Actor, Act: audit.ActStoreRestore, Subject: subject, Digest: digest[:]}, nil)
	if err != nil {
		return err
	}
	if err := f.Records.Jump(ctx, sets, entry); err != nil {
		return err
	}
	if done.Erased, err = eraseAgain(ctx, o, r.Actor); err != nil {
		return err
	}
	return repeatSteps(ctx, o, r.Actor, sets, done)
}

// publishedCache opens trust files that were given out from this folder, by its own first root.
func publishedCache(ctx context.Context, f *datafolder.Folder, files fs.FS) (*trust.Cache, error) {
	root, err := f.Records.TrustFile(ctx, "1.root")
	if err != nil {
		return nil, err
	}
	pin := sm3.Sum(root)
	return trust.Load(files, trust.Options{Pin: &pin, Second: second.Opinion{}, Now: f.Now})
}

// checkpointSize is how long the log was that published files know of.
func checkpointSize(cache *trust.Cache) (uint64, bool) {
	keys, err := cache.Trust.LogKeys()
	if err != nil {
		return 0, false
	}
	seen, err := audit.OpenWitnessed("time", cache.Time.Checkpoint, keys...)
	if err != nil {
		return 0, false
	}
	return seen.Checkpoint.Size, true
}

// repeatSteps revokes and suspends what published lists say to be so and the restored
// register does not: these steps were taken after the backup, and their reasons are lost.
func repeatSteps(ctx context.Context, o Office, actor string, sets []*status.Set, done *Restored) error {
	if len(sets) == 0 {
		return nil
	}
	const reason = "按备份之后公布的状态重做 repeated from the status lists that were published after the backup"
	lists := make(map[uint32]*status.Set)
	for _, s := range sets {
		lists[s.List] = s
	}
	type missing struct {
		id   licence.Identifier
		step licence.Step
	}
	var steps []missing // taken when all are known: a step moves a licence to the end of the list
	for after := uint64(0); ; {
		page, err := o.Folder().Records.List(ctx, after, 1000)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, l := range page {
			after = l.Revision
			set, place := lists[l.Licence.Status.List], l.Licence.Status.Index
			switch {
			case set == nil:
			case set.Revoked.Has(place) && l.State != licence.Revoked:
				steps = append(steps, missing{l.Licence.Identifier, licence.Revoke})
			case set.Suspended.Has(place) && l.State == licence.Active:
				steps = append(steps, missing{l.Licence.Identifier, licence.Suspend})
			}
		}
	}
	for _, m := range steps {
		if _, err := o.Step(ctx, actor, m.id, m.step, reason); err != nil {
			return err
		}
		if m.step == licence.Revoke {
			done.Revoked = append(done.Revoked, m.id.String())
		} else {
			done.Suspended = append(done.Suspended, m.id.String())
		}
	}
	return nil
}
