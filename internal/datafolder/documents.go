package datafolder

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/documents"
	"github.com/elicence/elicence/pki/keystore"
)

// ErrDocumentsPlace says that the documents lie elsewhere than where they are looked for.
var ErrDocumentsPlace = bilingual.New("文档不在此处", "the documents are in another place")

// openDocuments opens the folder, or the bucket where one is named. Whoever forgets the
// bucket, or names one for a folder that has documents, would find half of them.
func openDocuments(dir string, keys *keystore.Store, bucket string) (*documents.Store, error) {
	entries, err := os.ReadDir(dir)
	missing := errors.Is(err, os.ErrNotExist)
	switch {
	case err != nil && !missing:
		return nil, fmt.Errorf("looking for documents: %w", err)
	case bucket != "" && len(entries) > 0:
		return nil, fmt.Errorf("%s has some: %w", dir, ErrDocumentsPlace)
	case bucket != "":
		return documents.OpenBucket(bucket, keys)
	case missing:
		return nil, fmt.Errorf("%s is not there: %w", dir, ErrDocumentsPlace)
	default:
		return documents.Open(dir, keys)
	}
}

func createDocuments(ctx context.Context, dir string, keys *keystore.Store, bucket string) (*documents.Store, error) {
	if bucket != "" {
		return documents.CreateBucket(ctx, bucket, keys)
	}
	return documents.Create(dir, keys)
}
