package trust

import (
	"fmt"
	"io/fs"
	"strconv"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/status"
)

// Whoever fetches a cache learns from each file which ones come next, and must not
// follow what is not signed. So the files can be verified in the order in which they
// are fetched: [LoadTime], [LoadSigned], [Load]. Each repeats what the one before has
// verified; nothing is carried over.

// LoadTime verifies the roots and the time file of a folder that need not hold more:
// by its signature, the clock, and what was used before.
func LoadTime(dir fs.FS, o Options) (*Root, *Time, error) {
	c := newCache()
	if err := c.loadTime(dir, o); err != nil {
		return nil, nil, err
	}
	if err := c.checkClock(o, RoleRoot, RoleTime); err != nil {
		return nil, nil, err
	}
	if o.State != nil {
		if _, err := o.State.after(c, RoleTime); err != nil {
			return nil, nil, err
		}
	}
	return c.Root, c.Time, nil
}

func newCache() *Cache {
	return &Cache{
		Time: new(Time), Trust: new(Trust), Catalogue: new(Catalogue), Status: new(Status),
		issuers: make(map[pki.KID][]*IssuerKey), services: make(map[pki.KID][]*ServiceKey),
		categories: make(map[[2]uint64]*Category), sets: make(map[uint32]*status.Set), genuine: make(map[pki.Point]*Genuine),
	}
}

// loadTime opens the roots and the time file, which is small and says whether the rest
// is worth reading.
func (c *Cache) loadTime(dir fs.FS, o Options) error {
	if err := c.loadRoot(dir, o); err != nil {
		return err
	}
	_, err := c.openFile(dir, RoleTime, c.Time, o)
	return err
}

// openFile reads the file of a role, verifies it under the root and decodes it.
func (c *Cache) openFile(dir fs.FS, role Role, into content, o Options) ([]byte, error) {
	signed, err := readLimited(dir, string(role), maxSize[role])
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", role, err)
	}
	return signed, open(role, signed, c.Root, o.Second, into)
}

// loadSigned reads and verifies the signed files of a cache folder, the time file first.
func loadSigned(dir fs.FS, o Options) (*Cache, error) {
	c := newCache()
	if err := c.loadTime(dir, o); err != nil {
		return nil, err
	}
	files := make(map[Role][]byte)
	for _, f := range []struct {
		role Role
		into content
	}{{RoleTrust, c.Trust}, {RoleCatalogue, c.Catalogue}, {RoleStatus, c.Status}} {
		signed, err := c.openFile(dir, f.role, f.into, o)
		if err != nil {
			return nil, err
		}
		files[f.role] = signed
	}
	return c, c.fitTogether(files)
}

// LoadSigned verifies all files of a folder but the set files, which need not be there:
// [Missing] says which are wanted. Its result knows no status: [Cache.Set] finds nothing.
func LoadSigned(dir fs.FS, o Options) (*Cache, error) {
	c, err := loadSigned(dir, o)
	if err != nil {
		return nil, err
	}
	if err := c.checkClock(o, Roles()...); err != nil {
		return nil, err
	}
	if o.State != nil {
		if _, err := o.State.after(c, Roles()[1:]...); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// RootName is the name of a version of the root within a cache.
func RootName(version uint64) string { return strconv.FormatUint(version, 10) + ".root" }

// MaxSize bounds the file of a role, in bytes.
func MaxSize(role Role) int64 { return maxSize[role] }
