package office

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/keystore"
)

// SharePolicy says how many shares open the offline keys, and of how many. The
// zero value: no shares.
type SharePolicy struct{ Threshold, Total int }

// sharesName is the folder of the shares within the offline keys.
const sharesName = "shares"

func (c CreateOptions) checkRoot() error {
	ways := 0
	for _, given := range []bool{len(c.RootPassphrase) > 0, c.RootToken != nil, c.RootShares != SharePolicy{}} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("the offline keys are protected by one of passphrase, token and shares")
	}
	return nil
}

// createOffline makes the key store of the keys that the service does not need.
func (o *Office) createOffline(c CreateOptions) (*keystore.Store, error) {
	dir := filepath.Join(o.dir, offlineName)
	config := keystore.Config{GMOnly: c.GMOnly, Devices: c.RootDevices, Now: c.Now}
	switch {
	case c.RootShares != SharePolicy{}:
		return createShared(config, dir, c.RootShares)
	case c.RootToken != nil:
		return config.Create(dir, keystore.Unlock{Token: c.RootToken})
	case len(c.RootPassphrase) > 0:
		return config.Create(dir, keystore.Unlock{Passphrase: c.RootPassphrase})
	}
	drawn := rand.Text()
	offline, err := config.Create(dir, keystore.Unlock{Passphrase: []byte(drawn)})
	if err != nil {
		return nil, err
	}
	return offline, durable.CreateFile(filepath.Join(dir, "passphrase.txt"), []byte(drawn+"\n"), 0o600)
}

// createShared makes a key store that opens with shares and writes those beside it.
func createShared(config keystore.Config, dir string, p SharePolicy) (*keystore.Store, error) {
	id, err := keystore.NewID()
	if err != nil {
		return nil, err
	}
	shares, err := keystore.NewShares(id, p.Threshold, p.Total)
	if err != nil {
		return nil, err
	}
	offline, err := config.Create(dir, keystore.Unlock{Shares: shares})
	if err != nil {
		return nil, err
	}
	_, err = WriteShares(filepath.Join(dir, sharesName), shares)
	return offline, err
}

// WriteShares writes one file a share into a new folder and returns their paths.
func WriteShares(dir string, shares []keystore.Share) ([]string, error) {
	var paths []string
	err := durable.BuildDir(dir, 0o700, func(building string) error {
		for _, share := range shares {
			text, err := share.PEM()
			if err != nil {
				return err
			}
			name := fmt.Sprintf("share-%d-of-%d.pem", share.Index(), share.Total())
			err = durable.CreateFile(filepath.Join(building, name), text, 0o600)
			clear(text)
			if err != nil {
				return err
			}
			paths = append(paths, filepath.Join(dir, name))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("writing the shares: %w", err)
	}
	return paths, nil
}
