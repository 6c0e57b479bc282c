package atrest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
)

// Report is what a check of the storage has found.
type Report struct {
	records.Counted
	Documents int             `json:"documents"`
	Faults    []records.Fault `json:"faults"`
	// More faults were found than are named.
	More int `json:"more"`
	// FsyncMicros is the median time of an fsync in the data folder, in microseconds.
	FsyncMicros int64 `json:"fsync_us"`
	// FreeBytes is what is free on its disk; -1: this system does not say.
	FreeBytes int64 `json:"free_bytes"`
	Deep      bool  `json:"deep"`
	// RecordKeysKept says whether a copy of the record keys as they are now was made with
	// [BackupRecordKeys]; nil: the records are under keys that they share.
	RecordKeysKept *bool `json:"record_keys_kept"`
}

const (
	// maxFaults bounds how many faults are named.
	maxFaults = 1000
	// leastFree is how much of the disk must be free, in bytes.
	leastFree = 256 << 20
)

// Check compares everything that the data folder holds with everything else: the store's file page by page, its
// records, indexes, counts and status lists, the audit log; where the documents lie must honour write-once, and the
// disk must have room. Deep verifies the signature of every licence and every document too. The service works on
// meanwhile. The error says that something could not be checked.
func Check(ctx context.Context, o Office, deep bool) (Report, error) {
	f := o.Folder()
	r := Report{Faults: []records.Fault{}, Deep: deep}
	tell := func(fault records.Fault) {
		if len(r.Faults) < maxFaults {
			r.Faults = append(r.Faults, fault)
		} else {
			r.More++
		}
	}
	if err := f.Records.CheckEngine(ctx, tell); err != nil {
		return r, err
	}
	var wanted wantedDocuments
	var err error
	if r.Counted, wanted, err = checkRecords(ctx, f.Records, deep, tell); err != nil {
		return r, err
	}
	if r.Destroyed > 0 {
		tell(records.Fault{Where: "records", What: fmt.Sprintf("the keys of %d licences were destroyed, and nobody has erased them: the records are of an earlier moment than the record keys", r.Destroyed)})
	}
	if err := checkRecordKeys(f.Dir, &r); err != nil {
		return r, err
	}
	o.CheckSigned(ctx, tell)
	if r.Documents, err = checkDocuments(ctx, f.Documents, wanted, deep, tell); err != nil {
		return r, err
	}
	switch err := f.Documents.Probe(ctx); {
	case errors.Is(err, documents.ErrNotWriteOnce):
		tell(records.Fault{Where: "documents", What: err.Error()})
	case err != nil:
		return r, err
	}
	if r.FreeBytes, err = freeBytes(f.Dir); err != nil {
		return r, fmt.Errorf("asking how much of the disk is free: %w", err)
	}
	if r.FreeBytes >= 0 && r.FreeBytes < leastFree {
		tell(records.Fault{Where: "disk", What: fmt.Sprintf("%d MiB are free, at least %d are wanted", r.FreeBytes>>20, leastFree>>20)})
	}
	r.FsyncMicros, err = fsyncMicros(f.Dir)
	return r, err
}

// wantedDocuments are the pictures that licences name, each with the first that does.
type wantedDocuments map[[sm3.Size]byte]string

// checkRecords checks the store; deep, it also returns the pictures that must be there.
func checkRecords(ctx context.Context, store *records.Store, deep bool, tell func(records.Fault)) (records.Counted, wantedDocuments, error) {
	wanted := make(wantedDocuments)
	counted, err := store.Check(ctx, deep, func(l *licence.Licence) {
		for _, v := range l.Fields {
			if image, ok := v.Image(); ok {
				if _, known := wanted[image.SM3]; !known {
					wanted[image.SM3] = l.Identifier.String()
				}
			}
		}
	}, tell)
	return counted, wanted, err
}

// checkDocuments verifies the documents that are wanted and counts all; deep, it verifies
// that the others are whole as well: nobody but a licence says how one is read. Faults name
// objects, not the SM3 of a picture, which is the licence's own to tell.
func checkDocuments(ctx context.Context, docs *documents.Store, wanted wantedDocuments, deep bool, tell func(records.Fault)) (int, error) {
	judge := func(name documents.Name, err error, why string) error {
		if errors.Is(err, documents.ErrNotFound) || errors.Is(err, documents.ErrDamaged) {
			tell(records.Fault{Where: "document " + name.String(), What: fmt.Sprintf("%v; %s", err, why)})
			return nil
		}
		if err != nil {
			return fmt.Errorf("document %s: %w", name, err)
		}
		return nil
	}
	checked := make(map[documents.Name]bool)
	for sum, id := range wanted {
		name, before := docs.NamesOf(sum)
		_, err := docs.Get(ctx, sum)
		if err := judge(name, err, "licence "+id+" names it"); err != nil {
			return 0, err
		}
		checked[name], checked[before] = true, true
	}
	n := 0
	for name, err := range docs.Names(ctx) {
		if err != nil {
			return n, err
		}
		n++
		if checked[name] || !deep {
			continue
		}
		_, err := docs.Sealed(ctx, name)
		if errors.Is(err, documents.ErrNotFound) {
			continue // a rekeying has taken it over since it was listed
		}
		if err := judge(name, err, "no licence names it"); err != nil {
			return n, err
		}
	}
	return n, nil
}

// fsyncMicros measures what every acknowledged write waits for.
func fsyncMicros(dir string) (int64, error) {
	f, err := os.CreateTemp(dir, ".tmp-fsync-*")
	if err != nil {
		return 0, fmt.Errorf("measuring fsync: %w", err)
	}
	const tries = 15
	var took []time.Duration
	for i := range tries {
		if _, err = f.WriteAt(make([]byte, 4096), int64(i)*4096); err != nil {
			break
		}
		began := time.Now()
		if err = f.Sync(); err != nil {
			break
		}
		took = append(took, time.Since(began))
	}
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return 0, fmt.Errorf("measuring fsync: %w", err)
	}
	slices.Sort(took)
	return took[len(took)/2].Microseconds(), nil
}
