package office

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
)

// createStore makes the store of a new data folder.
func createStore(ctx context.Context, dir string, box *sealed.Box) (*records.Store, error) {
	db, err := bolt.Create(filepath.Join(dir, storeName), records.Schema())
	if err != nil {
		return nil, err
	}
	store, err := records.Create(ctx, db, box)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return store, nil
}

// openStore opens the store of a data folder.
func openStore(ctx context.Context, dir string, box *sealed.Box) (*records.Store, error) {
	db, err := bolt.Open(filepath.Join(dir, storeName), records.Schema())
	if err != nil {
		return nil, err
	}
	store, err := records.Open(ctx, db, box)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return store, nil
}
