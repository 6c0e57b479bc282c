package office

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/durable"
	"github.com/elicence/elicence/pki/ca/ceremony"
	"github.com/elicence/elicence/pki/keystore"
)

// SharePolicy says how many shares open the offline keys, and of how many. The
// zero value: no shares.
type SharePolicy struct{ Threshold, Total int }

// sharesName is the folder of the shares within the offline keys where a plan names none.
const sharesName = "shares"

// planned checks the options and completes them: the plan, and what follows from it.
func (c CreateOptions) planned() (CreateOptions, error) {
	ways := make(map[ceremony.Method]bool)
	for method, given := range map[ceremony.Method]bool{
		ceremony.ByPassphrase: len(c.RootPassphrase) > 0, ceremony.ByToken: c.RootToken != nil, ceremony.ByShares: c.RootShares != SharePolicy{},
	} {
		if given {
			ways[method] = true
		}
	}
	if len(ways) > 1 {
		return c, errors.New("the offline keys are protected by one of passphrase, token and shares")
	}
	if c.Plan == nil {
		if err := checkConfig(c.Config); err != nil {
			return c, err
		}
		p := ceremony.Protection{Method: ceremony.ByPassphrase, Threshold: c.RootShares.Threshold, Total: c.RootShares.Total}
		for method := range ways {
			p.Method = method
		}
		c.Plan = ceremony.BuiltIn(c.Config.Domain, c.Config.Region, c.Config.Host, p)
		c.Plan.GMOnly, c.Plan.Output.Offline = c.GMOnly, c.Offline
		return c, nil
	}
	c.Config.Host, c.Config.Region, c.Config.Domain = c.Plan.Host, c.Plan.Region, c.Plan.Domain
	if err := checkConfig(c.Config); err != nil {
		return c, err
	}
	c.GMOnly = c.Plan.GMOnly
	p := c.Plan.Protection
	if p.Method == ceremony.ByShares {
		if len(ways) > 0 {
			return c, errors.New("the plan protects the offline keys by shares: give neither passphrase nor token for them")
		}
		c.RootShares = SharePolicy{p.Threshold, p.Total}
		return c, nil
	}
	if !ways[p.Method] {
		return c, fmt.Errorf("the plan protects the offline keys by %s: %w", p, ErrNeedsProtection)
	}
	return c, nil
}

// ErrNeedsProtection says that what shall open the offline keys was not given.
var ErrNeedsProtection = bilingual.New("没有给出打开离线密钥的口令或令牌", "it was not given")

// folders are the places of what a ceremony makes, while they are built.
type folders struct{ data, offline, shares, record string }

// buildFolders builds the folders of a plan, those that it does not name within others,
// and moves them to their places one after the other when all are whole. The keys that
// nothing can replace come first and the data folder last, so that a service never stands
// without its root's key.
func buildFolders(data string, out ceremony.Output, build func(folders) error) error {
	return durable.BuildDir(data, 0o700, func(data string) error {
		f := folders{data: data, offline: filepath.Join(data, datafolder.OfflineName), record: filepath.Join(data, datafolder.RecordName)}
		if out.Record == "" {
			if err := durable.Mkdir(f.record, 0o755); err != nil {
				return err
			}
		}
		return buildBeside(out.Record, &f.record, 0o755, func() error {
			return buildBeside(out.Shares, &f.shares, 0o700, func() error {
				return buildBeside(out.Offline, &f.offline, 0o700, func() error { return build(f) })
			})
		})
	})
}

// buildBeside builds a folder at a target and says where while it is built. Without a
// target the place stays as it is.
func buildBeside(target string, place *string, perm fs.FileMode, build func() error) error {
	if target == "" {
		return build()
	}
	return durable.BuildDir(target, perm, func(building string) error {
		*place = building
		return build()
	})
}

// createOffline makes the key store of the keys that the service does not need.
func createOffline(f folders, c CreateOptions) (*keystore.Store, error) {
	if c.Plan.Output.Offline != "" {
		// The key store makes its folder itself.
		if err := os.Remove(f.offline); err != nil {
			return nil, fmt.Errorf("making the offline keys: %w", err)
		}
	}
	config := keystore.Config{GMOnly: c.GMOnly, Devices: c.RootDevices, Now: c.Now}
	switch {
	case c.RootShares != SharePolicy{}:
		return createShared(config, f, c.RootShares)
	case c.RootToken != nil:
		return config.Create(f.offline, keystore.Unlock{Token: c.RootToken})
	case len(c.RootPassphrase) > 0:
		return config.Create(f.offline, keystore.Unlock{Passphrase: c.RootPassphrase})
	}
	drawn := rand.Text()
	offline, err := config.Create(f.offline, keystore.Unlock{Passphrase: []byte(drawn)})
	if err != nil {
		return nil, err
	}
	return offline, durable.CreateFile(filepath.Join(f.offline, "passphrase.txt"), []byte(drawn+"\n"), 0o600)
}

// createShared makes a key store that opens with shares and writes those beside it, or
// where the plan says.
func createShared(config keystore.Config, f folders, p SharePolicy) (*keystore.Store, error) {
	id, err := keystore.NewID()
	if err != nil {
		return nil, err
	}
	shares, err := keystore.NewShares(id, p.Threshold, p.Total)
	if err != nil {
		return nil, err
	}
	offline, err := config.Create(f.offline, keystore.Unlock{Shares: shares})
	if err != nil {
		return nil, err
	}
	if f.shares == "" {
		f.shares = filepath.Join(f.offline, sharesName)
	}
	_, err = WriteShares(f.shares, shares)
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
