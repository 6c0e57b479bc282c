package datafolder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/store/bolt"
	"github.com/elicence/elicence/internal/store/kv"
	"github.com/elicence/elicence/internal/store/postgres"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
)

// ErrNoRecords: the data folder has keys and no records.
var ErrNoRecords = bilingual.New("数据目录中没有记录，须指明存放记录的数据库", "the folder has no records: name the database that holds them")

// ErrStoreOfOthers: the records were made with other keys than the data folder's.
var ErrStoreOfOthers = bilingual.New("这些记录属于另一数据目录", "the records belong to another data folder")

// ErrUnknown: it is not known whether an act was stored. Who repeats it with its request
// id learns that.
var ErrUnknown = kv.ErrUnknown

// ErrInUse: another process has the data folder's store open.
var ErrInUse = kv.ErrInUse

// CheckStore refuses an address of a store that nothing here understands. The error has
// nothing of the address in it, as there may be a password. The empty address is the file
// in the data folder.
func CheckStore(address string) error {
	if address == "" {
		return nil
	}
	return postgres.CheckAddress(address)
}

// findStore says what is missing of a data folder.
func findStore(dir, address string) error {
	_, noKeys := os.Stat(filepath.Join(dir, KeysName))
	if address != "" {
		if errors.Is(noKeys, os.ErrNotExist) {
			return fmt.Errorf("%s: %w: %w", dir, ErrNotDataFolder, noKeys)
		}
		return CheckStore(address)
	}
	_, err := os.Stat(filepath.Join(dir, storeName))
	switch {
	case !errors.Is(err, os.ErrNotExist):
		return nil
	case noKeys == nil:
		return fmt.Errorf("%s: %w", dir, ErrNoRecords)
	}
	return fmt.Errorf("%s: %w: %w", dir, ErrNotDataFolder, err)
}

// createEngine makes the empty database of a new data folder: in it, or elsewhere.
func createEngine(ctx context.Context, dir, address string) (kv.Engine, error) {
	if address == "" {
		return bolt.Create(filepath.Join(dir, storeName), records.Schema())
	}
	return postgres.Create(ctx, address, records.Schema(), postgres.Options{})
}

// EmptyEngine makes the database of a data folder, in it or at an address, or opens one that was made and never became a
// store. That it holds no records is the loader's to see ([records.NewLoader]).
func EmptyEngine(ctx context.Context, dir, address string) (kv.Engine, error) {
	db, err := createEngine(ctx, dir, address)
	if errors.Is(err, fs.ErrExist) {
		return openEngine(ctx, dir, address)
	}
	return db, err
}

// openEngine opens the database of a data folder.
func openEngine(ctx context.Context, dir, address string) (kv.Engine, error) {
	if address == "" {
		return bolt.Open(filepath.Join(dir, storeName), records.Schema())
	}
	return postgres.Open(ctx, address, records.Schema(), postgres.Options{})
}

// createStore makes the store of a new data folder.
func createStore(ctx context.Context, dir, address string, box *sealed.Box) (*records.Store, error) {
	db, err := createEngine(ctx, dir, address)
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
func openStore(ctx context.Context, dir, address string, box *sealed.Box) (*records.Store, error) {
	db, err := openEngine(ctx, dir, address)
	if err != nil {
		return nil, err
	}
	store, err := records.Open(ctx, db, box)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return store, nil
}

const configSetting = "config"

// storedConfig is the setting config.
type storedConfig struct {
	Config
	// KeyStore names the key store whose secrets the records are under; empty in stores of
	// before it was kept.
	KeyStore string `json:"key_store,omitempty"`
}

// settle records what a new data folder is, as the first entry of its log.
func (f *Folder) settle(ctx context.Context, actor string) error {
	b, err := json.Marshal(storedConfig{f.Config, f.Keys.ID().String()})
	if err != nil {
		return err
	}
	digest := sm3.Sum(b)
	entry, err := audit.NewRecord(audit.Entry{
		Time: f.Now().Unix(), Actor: actor, Act: audit.ActStoreCreate, Subject: f.Config.Region, Digest: digest[:],
	}, nil)
	if err != nil {
		return err
	}
	return f.Records.PutSetting(ctx, configSetting, b, entry)
}

// readConfig reads what was settled, and refuses a store that was made with other keys.
func readConfig(ctx context.Context, store *records.Store, keys *keystore.Store) (Config, error) {
	b, err := store.Setting(ctx, configSetting)
	var c storedConfig
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	if c.KeyStore != "" && c.KeyStore != keys.ID().String() {
		return Config{}, fmt.Errorf("they are under the keys of key store %s, the folder has %s: %w", c.KeyStore, keys, ErrStoreOfOthers)
	}
	return c.Config, nil
}

// Ready says whether the records answer.
func (f *Folder) Ready(ctx context.Context) error {
	_, err := f.Records.Setting(ctx, configSetting)
	return err
}
