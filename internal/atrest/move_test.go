package atrest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/postgres"
	"github.com/elicence/elicence/internal/store/records"
)

// TestMoveStore moves the records of a kept data folder to PostgreSQL and back: nobody
// opens what was moved away, nothing is missing, and what was begun by a move that was cut
// off is cleared. A backup of the file is restored to PostgreSQL as well.
func TestMoveStore(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	f := officetest.New(t)
	r := f.Issue(t, "004")
	f.Issue(t, "066")
	dir, content := f.Dir, f.Backup(t)
	elsewhere := officetest.CopyOf(t, dir)
	address := server.Database(t)

	// The rest of a move that was cut off.
	db, err := postgres.Create(ctx, address, records.Schema(), postgres.Options{})
	if err == nil {
		err = db.Update(ctx, func(tx kv.Tx) error {
			return errors.Join(tx.Table("records").Put([]byte("12345678"), []byte("rest")), tx.Index("numbers").Add([]byte("123456789"), []byte("12345")))
		})
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	moved, err := atrest.MoveStore(ctx, elsewhere, atrest.MoveOptions{To: address, Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if moved.Rows["records"] != 2 || moved.Rows["identifiers"] != 2 {
		t.Errorf("moved %v", moved.Rows)
	}
	if _, err := office.Open(elsewhere, office.Options{}); !errors.Is(err, datafolder.ErrMoved) {
		t.Errorf("the file that was moved away: %v, want ErrMoved", err)
	}
	if _, err := atrest.MoveStore(ctx, elsewhere, atrest.MoveOptions{To: address, Actor: "test"}); err == nil {
		t.Error("the records are moved over records")
	}
	o, err := office.Open(elsewhere, office.Options{Options: datafolder.Options{Store: address}})
	if err != nil {
		t.Fatal(err)
	}
	officetest.Whole(t, o)
	there := officetest.Around(t, elsewhere, o)
	if _, err := o.Licence(ctx, "test", r.Licence.Identifier); err != nil {
		t.Error(err)
	}
	added := there.Issue(t, "110")
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}

	// And back.
	if err := os.Rename(filepath.Join(elsewhere, "elicence.db"), filepath.Join(t.TempDir(), "old.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := atrest.MoveStore(ctx, elsewhere, atrest.MoveOptions{Options: datafolder.Options{Store: address}, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := office.Open(elsewhere, office.Options{Options: datafolder.Options{Store: address}}); !errors.Is(err, datafolder.ErrMoved) {
		t.Errorf("the database that was moved away: %v, want ErrMoved", err)
	}
	if o, err = office.Open(elsewhere, office.Options{}); err != nil {
		t.Fatal(err)
	}
	officetest.Whole(t, o)
	if _, err := o.Licence(ctx, "test", added.Licence.Identifier); err != nil {
		t.Error(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}

	restored := filepath.Join(t.TempDir(), "restored")
	options := officetest.Restoring(datafolder.Options{Store: server.Database(t)}, f.RecordKeys(t))
	if _, err := atrest.Restore(ctx, restored, bytes.NewReader(content), options); err != nil {
		t.Fatal(err)
	}
	if o, err = office.Open(restored, office.Options{Options: options.Options}); err != nil {
		t.Fatal(err)
	}
	officetest.Whole(t, o)
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
