package trust

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/status"
)

// Cache is a whole set of trust files that fit together, verified.
type Cache struct {
	Root      *Root
	Trust     *Trust
	Catalogue *Catalogue
	Status    *Status
	Time      *Time
	// Pinned reports whether the root was checked against a pin.
	Pinned bool
	// RootSM3 is SM3 of the file of the first root that was loaded.
	RootSM3 [sm3.Size]byte

	issuers    map[pki.KID][]*IssuerKey
	services   map[pki.KID][]*ServiceKey
	categories map[[2]uint64]*Category
	state      *status.State
	genuine    map[pki.Point]*Genuine
	domains    []*Recognition
	sets       map[uint32]*status.Set
	fits       map[uint32]func() bool // whether a list has the signed hash; nil: all were compared
}

// IssuerKey is an issuing authority's key, ready to verify.
type IssuerKey struct {
	*Issuer
	Key *pki.PublicKey
	// Home is the cache of the domain whose issuer it is.
	Home *Cache
	// Granted says what counts of an issuer of a recognised domain. Nil: it is of
	// this domain.
	Granted *RecognisedDomain
}

// ServiceKey is a service's key, ready to verify.
type ServiceKey struct {
	*Service
	Key *pki.PublicKey
}

// Options say how a cache is loaded.
type Options struct {
	// Pin is SM3 of a root file that must be in the cache, or nil.
	Pin *[sm3.Size]byte
	// Second is the second opinion on every signature. Nil only in the browser.
	Second pki.SecondOpinion
	// Now is the terminal's clock.
	Now func() time.Time
	// State remembers versions and time from one load to the next. Nil: nothing
	// is remembered.
	State *State
	// Trial: the cache is judged by State and not remembered there, because it is not
	// in use yet.
	Trial bool
	// Previous is the cache in force, or nil. Lists that have not changed since are
	// shared with it, the others take the shortest way from it, and nothing that is
	// revoked there may be revoked no more.
	Previous *Cache

	// Take, if set, is given the set files that are missing, as [Missing] tells them, once
	// the signed files have been verified, and puts them into the folder.
	Take func([]SetFile) error

	// Lazy leaves the hash of a list to the first look into it, where the lists were made of
	// signed files alone: for a browser, in which one list is hashed in the time in which a
	// terminal hashes thirty.
	Lazy bool

	foreign bool // of a recognised domain: what it recognises does not count
}

// clockTolerance is how far behind the last signed time a terminal's clock may be.
const clockTolerance = 5 * time.Minute

// Load reads and verifies a cache folder. Either everything fits together or
// there is an error.
func Load(dir fs.FS, o Options) (*Cache, error) {
	c, err := LoadSigned(dir, o)
	if err != nil {
		return nil, err
	}
	if o.Take != nil {
		if err := o.Take(c.missing(dir, o)); err != nil {
			return nil, err
		}
	}
	if err := c.loadSets(dir, o); err != nil {
		return nil, err
	}
	if err := c.loadGenuine(dir, o); err != nil {
		return nil, err
	}
	c.index()
	if o.Lazy {
		c.fits = c.Status.fits(c.state)
	}
	if !o.foreign {
		c.loadDomains(dir, o)
	}
	if o.State != nil && !o.Trial {
		if err := o.State.Remember(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

var rootName = regexp.MustCompile(`^([1-9][0-9]{0,8})\.root$`)

// maxRoots bounds the versions of the root that are followed.
const maxRoots = 1024

// rootVersions lists the versions of the root in a cache, ascending.
func rootVersions(dir fs.FS) ([]int, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	var versions []int
	for _, e := range entries {
		if m := rootName.FindStringSubmatch(e.Name()); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				return nil, fmt.Errorf("reading the cache: %w", err)
			}
			versions = append(versions, n)
		}
	}
	if len(versions) == 0 || len(versions) > maxRoots {
		return nil, fmt.Errorf("the cache has %d root files: %w", len(versions), fs.ErrNotExist)
	}
	slices.Sort(versions)
	return versions, nil
}

// FirstRoot returns SM3 of the file of the oldest root in a cache: what a pin
// holds, and what a [State] is kept under.
func FirstRoot(dir fs.FS) ([sm3.Size]byte, error) {
	versions, err := rootVersions(dir)
	if err != nil {
		return [sm3.Size]byte{}, err
	}
	signed, err := readLimited(dir, strconv.Itoa(versions[0])+".root", maxSize[RoleRoot])
	if err != nil {
		return [sm3.Size]byte{}, fmt.Errorf("root file: %w", err)
	}
	return sm3.Sum(signed), nil
}

// ErrBadPin says that a text is not a pin.
var ErrBadPin = errors.New("is not the SM3 of a root file: 64 hexadecimal digits")

// ParsePin reads a pin: SM3 of a root file, in hexadecimal.
func ParsePin(text string) (*[sm3.Size]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != sm3.Size {
		return nil, ErrBadPin
	}
	return (*[sm3.Size]byte)(b), nil
}

// loadRoot follows the versions of the root from the pinned one, or from the
// first there is, to the last.
func (c *Cache) loadRoot(dir fs.FS, o Options) error {
	versions, err := rootVersions(dir)
	if err != nil {
		return err
	}
	for _, n := range versions {
		signed, err := readLimited(dir, strconv.Itoa(n)+".root", maxSize[RoleRoot])
		if err != nil {
			return fmt.Errorf("root file: %w", err)
		}
		sum := sm3.Sum(signed)
		switch {
		case o.Pin != nil && *o.Pin == sum:
			c.Pinned = true
		case o.Pin != nil && c.Root == nil:
			continue // a root from before the pinned one
		}
		root, err := OpenRoot(signed, c.Root, o.Second)
		if err != nil {
			return err
		}
		if root.Version != uint64(n) {
			return fmt.Errorf("file %d.root holds version %d: %w", n, root.Version, ErrMismatch)
		}
		if c.Root == nil {
			c.RootSM3 = sum
		}
		c.Root = root
	}
	if o.Pin != nil && !c.Pinned {
		return ErrPin
	}
	return nil
}

// fitTogether checks that time names exactly the files that are there.
func (c *Cache) fitTogether(files map[Role][]byte) error {
	for _, f := range []struct {
		role    Role
		current Current
		version uint64
	}{
		{RoleTrust, c.Time.Trust, c.Trust.Version},
		{RoleCatalogue, c.Time.Catalogue, c.Catalogue.Version},
		{RoleStatus, c.Time.Status, c.Status.Version},
	} {
		if err := f.current.names(f.version, files[f.role]); err != nil {
			return fmt.Errorf("%s file is not the one that the time file names: %w", f.role, err)
		}
	}
	if c.Trust.Domain != c.Root.Domain {
		return fmt.Errorf("trust file is of %s, the root of %s: %w", c.Trust.Domain.Name, c.Root.Domain.Name, ErrMismatch)
	}
	return nil
}

// ClockError says that the terminal's clock is behind the last signed time. It wraps
// [ErrClock].
type ClockError struct {
	Now  time.Time // what the terminal's clock says
	Last time.Time // the last signed time
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("this clock says %s, before the last signed time %s: %v", e.Now.UTC().Format(time.RFC3339), e.Last.UTC().Format(time.RFC3339), ErrClock)
}

// Unwrap returns [ErrClock].
func (e *ClockError) Unwrap() error { return ErrClock }

// checkClock refuses a clock that is behind the signed time, and files of some roles
// that have expired.
func (c *Cache) checkClock(o Options, roles ...Role) error {
	now := o.Now()
	last := c.Time.IssuedAt()
	if o.State != nil && o.State.LastTime().After(last) {
		last = o.State.LastTime()
	}
	if last.Sub(now) > clockTolerance {
		return &ClockError{Now: now, Last: last}
	}
	heads := map[Role]Head{RoleRoot: c.Root.Head, RoleTrust: c.Trust.Head, RoleCatalogue: c.Catalogue.Head, RoleStatus: c.Status.Head, RoleTime: c.Time.Head}
	var expired []error
	for _, role := range roles {
		expired = append(expired, heads[role].expired(role, now))
	}
	return errors.Join(expired...)
}

// Expired says which file of the cache has expired by a time. A cache is in time when it
// is loaded; who keeps one asks again.
func (c *Cache) Expired(now time.Time) error {
	for _, f := range [...]struct {
		role Role
		head *Head
	}{{RoleRoot, &c.Root.Head}, {RoleTrust, &c.Trust.Head}, {RoleCatalogue, &c.Catalogue.Head}, {RoleStatus, &c.Status.Head}, {RoleTime, &c.Time.Head}} {
		if err := f.head.expired(f.role, now); err != nil {
			return err
		}
	}
	return nil
}

// SetName is the name of a set file within a cache.
func SetName(sum [sm3.Size]byte) string { return "set/" + hex.EncodeToString(sum[:]) }

// index prepares the look-ups. All points were parsed when the file was checked.
func (c *Cache) index() {
	for i := range c.Trust.Issuers {
		issuer := &c.Trust.Issuers[i]
		if key, err := pki.ParsePoint(issuer.Point[:]); err == nil {
			c.issuers[key.KID()] = append(c.issuers[key.KID()], &IssuerKey{Issuer: issuer, Key: key, Home: c})
		}
	}
	for i := range c.Trust.Services {
		service := &c.Trust.Services[i]
		if key, err := pki.ParsePoint(service.Point[:]); err == nil {
			c.services[key.KID()] = append(c.services[key.KID()], &ServiceKey{service, key})
		}
	}
	for i := range c.Catalogue.Categories {
		k := &c.Catalogue.Categories[i]
		c.categories[[2]uint64{k.ID, k.Schema}] = k
	}
	for _, set := range c.state.Sets {
		c.sets[set.List] = set
	}
}

// readLimited reads a file of at most limit bytes.
func readLimited(dir fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(dir, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read: %w", name, info.Size(), limit, ErrInvalid)
	}
	return fs.ReadFile(dir, name)
}

// Issuers returns the issuing authorities' keys with a hint: those of this domain, then
// those of recognised domains.
func (c *Cache) Issuers(kid pki.KID) []*IssuerKey { return c.issuers[kid] }

// Services returns the services' keys with a hint.
func (c *Cache) Services(kid pki.KID) []*ServiceKey { return c.services[kid] }

// Category returns one schema of a category.
func (c *Cache) Category(id, schema int) (*Category, bool) {
	k, ok := c.categories[[2]uint64{uint64(id), uint64(schema)}]
	return k, ok
}

// Set returns a status list. One that turns out not to be the signed one is not there.
func (c *Cache) Set(list uint32) (*status.Set, bool) {
	s, ok := c.sets[list]
	if fits := c.fits[list]; ok && fits != nil {
		ok = fits()
	}
	if !ok {
		return nil, false
	}
	return s, true
}

// AsOf returns the age of the data: the older of status and time.
func (c *Cache) AsOf() time.Time {
	if c.Status.IssuedAt().Before(c.Time.IssuedAt()) {
		return c.Status.IssuedAt()
	}
	return c.Time.IssuedAt()
}
