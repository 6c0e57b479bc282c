package atrest_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/tooltest"
)

// TestDocumentsInBucket: a data folder whose pictures lie in a bucket of a real server is
// not opened without it, nor one that has its own with it.
func TestDocumentsInBucket(t *testing.T) {
	bucket := tooltest.BucketURL("documents", tooltest.Bucket(t, "documents"))
	dir := filepath.Join(t.TempDir(), "data")
	o, err := office.Create(ctx, dir, office.CreateOptions{
		Config: datafolder.Config{Host: "localhost", Region: "340000", Domain: "安徽省(测试)"}, RootPassphrase: []byte("test"), Actor: "test", Documents: bucket,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "documents")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a folder for documents as well: %v", err)
	}
	if _, err := office.Open(dir, office.Options{}); !errors.Is(err, datafolder.ErrDocumentsPlace) {
		t.Errorf("without the bucket: %v, want ErrDocumentsPlace", err)
	}
	o, err = office.Open(dir, office.Options{Options: datafolder.Options{Documents: bucket}})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	f := officetest.New(t)
	f.Issue(t, "004")
	if _, err := office.Open(f.Dir, office.Options{Options: datafolder.Options{Documents: bucket}}); !errors.Is(err, datafolder.ErrDocumentsPlace) {
		t.Errorf("with a bucket beside the folder: %v, want ErrDocumentsPlace", err)
	}

	// They move, and the folder is out of use.
	moving := officetest.CopyOf(t, f.Dir)
	n, err := atrest.MoveDocuments(ctx, moving, bucket, "test", datafolder.Options{}, func() {})
	if err != nil || n != 1 {
		t.Fatalf("%d documents moved, %v", n, err)
	}
	if _, err := office.Open(moving, office.Options{}); !errors.Is(err, datafolder.ErrDocumentsPlace) {
		t.Errorf("without the bucket after the move: %v, want ErrDocumentsPlace", err)
	}
	if o, err = office.Open(moving, office.Options{Options: datafolder.Options{Documents: bucket}}); err != nil {
		t.Fatal(err)
	}
	officetest.Whole(t, o)
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
