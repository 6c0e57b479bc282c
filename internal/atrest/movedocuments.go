package atrest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/pki/audit"
)

// movedDocumentsName is what the folder of the documents is called once they lie in a
// bucket.
const movedDocumentsName = datafolder.DocumentsName + ".moved"

// MoveDocuments copies the documents of a data folder into a bucket that honours write-once, reads each back, and then
// takes the folder out of use under another name. It returns how many there are, and calls copied for each that is
// there. What is cut off goes on with the next call; the folder is in use until then. The service must be stopped.
func MoveDocuments(ctx context.Context, dir, bucket, actor string, options datafolder.Options, copied func()) (int, error) {
	if options.Documents != "" {
		return 0, errors.New("the documents lie in a bucket already")
	}
	f, err := datafolder.Open(ctx, dir, options)
	if err != nil {
		return 0, err
	}
	n, err := moveDocuments(ctx, f, bucket, actor, copied)
	return n, errors.Join(err, f.Close())
}

func moveDocuments(ctx context.Context, f *datafolder.Folder, bucket, actor string, copied func()) (int, error) {
	to, err := documents.OpenBucket(bucket, f.Keys)
	if err != nil {
		return 0, err
	}
	n, err := copyDocuments(ctx, f.Documents, to, copied)
	if err := errors.Join(err, to.Close()); err != nil {
		return n, err
	}
	entry, err := f.Entry(actor, audit.ActStoreMove, "documents to a bucket")
	if err == nil {
		_, err = f.Records.Append(ctx, entry)
	}
	if err != nil {
		return n, err
	}
	if err := os.Rename(filepath.Join(f.Dir, datafolder.DocumentsName), filepath.Join(f.Dir, movedDocumentsName)); err != nil {
		return n, fmt.Errorf("taking the folder out of use: %w", err)
	}
	return n, durable.SyncDir(f.Dir)
}

func copyDocuments(ctx context.Context, from, to *documents.Store, copied func()) (int, error) {
	if err := to.Probe(ctx); err != nil {
		return 0, err
	}
	n := 0
	for name, err := range from.Names(ctx) {
		if err != nil {
			return n, err
		}
		object, err := from.Sealed(ctx, name)
		if err == nil {
			_, err = to.PutSealed(ctx, name.ID(), object)
		}
		if err == nil {
			_, err = to.Sealed(ctx, name)
		}
		if err != nil {
			return n, fmt.Errorf("document %s: %w", name, err)
		}
		n++
		copied()
	}
	return n, nil
}
