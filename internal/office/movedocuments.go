package office

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/pki/audit"
)

// movedDocumentsName is what the folder of the documents is called once they lie in a
// bucket.
const movedDocumentsName = documentsName + ".moved"

// MoveDocuments copies the documents of a data folder into a bucket that honours
// write-once, reads each back, and then takes the folder out of use under another name. It
// returns how many there are. What is cut off goes on with the next call; the folder is in
// use until then. The service must be stopped.
func MoveDocuments(ctx context.Context, dir, bucket, actor string, options Options, copied func()) (int, error) {
	if options.Documents != "" {
		return 0, errors.New("the documents lie in a bucket already")
	}
	o, err := Open(dir, options)
	if err != nil {
		return 0, err
	}
	n, err := o.moveDocuments(ctx, bucket, actor, copied)
	return n, errors.Join(err, o.Close())
}

func (o *Office) moveDocuments(ctx context.Context, bucket, actor string, copied func()) (int, error) {
	to, err := documents.OpenBucket(bucket, o.keys)
	if err != nil {
		return 0, err
	}
	n, err := o.copyDocuments(ctx, to, copied)
	if err := errors.Join(err, to.Close()); err != nil {
		return n, err
	}
	entry, err := o.entry(actor, audit.ActStoreMove, "documents to a bucket")
	if err == nil {
		_, err = o.store.Append(ctx, entry)
	}
	if err != nil {
		return n, err
	}
	if err := os.Rename(filepath.Join(o.dir, documentsName), filepath.Join(o.dir, movedDocumentsName)); err != nil {
		return n, fmt.Errorf("taking the folder out of use: %w", err)
	}
	return n, durable.SyncDir(o.dir)
}

func (o *Office) copyDocuments(ctx context.Context, to *documents.Store, copied func()) (int, error) {
	if err := to.Probe(ctx); err != nil {
		return 0, err
	}
	n := 0
	for name, err := range o.documents.Names(ctx) {
		if err != nil {
			return n, err
		}
		object, err := o.documents.Sealed(ctx, name)
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
