package trust

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
)

// maxDomains bounds the domains that a trust file recognises.
const maxDomains = 64

// DomainFolder is where a cache has the files of a recognised domain: a cache of its
// own, named by what its root is pinned by.
func DomainFolder(rootSM3 [sm3.Size]byte) string {
	return "domains/" + hex.EncodeToString(rootSM3[:])
}

// Recognition is a domain that the trust file recognises, and what there is of it.
type Recognition struct {
	RecognisedDomain
	Cache *Cache // nil: nothing of it can be used
	Err   error  // why not
}

// Domains returns the recognised domains in the order of the trust file.
func (c *Cache) Domains() []*Recognition { return c.domains }

// Within reports whether a region (six digits, GB/T 2260) lies in another: a province
// ends with four zeros, a city with two; 000000 is the whole country.
func Within(region, in string) bool {
	if len(region) != 6 || len(in) != 6 {
		return false
	}
	for in != "" && strings.HasSuffix(in, "00") {
		in = in[:len(in)-2]
	}
	return strings.HasPrefix(region, in)
}

// National is the region of bodies of the state, which issue everywhere.
const National = "100000"

// Covers reports whether the domain may have issuers of a region: those of its own, and
// bodies of the state that issue through it. Whoever recognises the domain grants the
// latter by name ([RecognisedDomain.Grants]).
func (d Domain) Covers(region string) bool { return region == National || Within(region, d.Region) }

// Grants says which of a recognised domain's issuers and categories count here, or
// which of the two does not.
func (d *RecognisedDomain) Grants(region string, category uint64) (regionGranted, categoryGranted bool) {
	return slices.ContainsFunc(d.Regions, func(in string) bool { return Within(region, in) }), slices.Contains(d.Categories, category)
}

// Check refuses what a domain may not recognise: itself, regions of its own, nothing.
func (d *RecognisedDomain) Check(own Domain) error {
	if err := d.Domain.check(); err != nil {
		return err
	}
	if d.Domain == own {
		return errors.New("it is this domain")
	}
	if len(d.Regions) == 0 || len(d.Categories) == 0 || !strictlyAscending(d.Categories) || !slices.IsSorted(d.Regions) {
		return errors.New("no regions or categories, or not in order")
	}
	for i, r := range d.Regions {
		if !isRegion(r) || i > 0 && d.Regions[i-1] == r {
			return fmt.Errorf("region %q stands twice or is not six digits", r)
		}
		if Within(r, own.Region) || Within(own.Region, r) {
			return fmt.Errorf("region %s is of this domain", r)
		}
	}
	return nil
}

func isRegion(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789") == ""
}

// loadDomains loads the caches of the recognised domains by the same rules as this one.
// What cannot be used is left out and says why; nothing of this domain depends on it.
func (c *Cache) loadDomains(dir fs.FS, o Options) {
	known := c.points()
	for i := range c.Trust.Recognised {
		r := &Recognition{RecognisedDomain: c.Trust.Recognised[i]}
		if r.Cache, r.Err = loadDomain(dir, r, o); r.Err == nil {
			c.takeIssuers(r, known)
			for p := range r.Cache.points() {
				known[p] = true
			}
		}
		c.domains = append(c.domains, r)
	}
}

func loadDomain(dir fs.FS, r *Recognition, o Options) (*Cache, error) {
	sub, err := fs.Sub(dir, DomainFolder(r.RootSM3))
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(sub, string(RoleTime)); err != nil {
		return nil, fmt.Errorf("files of %s: %w", r.Domain.Name, err)
	}
	own := Options{Pin: &r.RootSM3, Second: o.Second, Now: o.Now, Trial: o.Trial, foreign: true}
	if o.State != nil {
		if own.State, err = o.State.other(r.RootSM3); err != nil {
			return nil, err
		}
	}
	if o.Previous != nil {
		for _, before := range o.Previous.domains {
			if before.RootSM3 == r.RootSM3 {
				own.Previous = before.Cache
			}
		}
	}
	cache, err := Load(sub, own)
	if err != nil {
		return nil, fmt.Errorf("files of %s: %w", r.Domain.Name, err)
	}
	if cache.Trust.Domain != r.Domain {
		return nil, fmt.Errorf("files of %s are of %s: %w", r.Domain.Name, cache.Trust.Domain.Name, ErrMismatch)
	}
	return cache, nil
}

// takeIssuers lets a recognised domain's issuers be found, but for keys that this
// domain or one that it recognised before has as well, in whatever role.
func (c *Cache) takeIssuers(r *Recognition, known map[pki.Point]bool) {
	for kid, issuers := range r.Cache.issuers {
		for _, i := range issuers {
			if i.Home == r.Cache && !known[i.Point] {
				c.issuers[kid] = append(c.issuers[kid], &IssuerKey{Issuer: i.Issuer, Key: i.Key, Home: r.Cache, Granted: &r.RecognisedDomain})
			}
		}
	}
}

// points are all keys that a domain names.
func (c *Cache) points() map[pki.Point]bool {
	known := make(map[pki.Point]bool)
	for _, role := range c.Root.Roles {
		for _, p := range role.Points {
			known[p] = true
		}
	}
	for _, i := range c.Trust.Issuers {
		known[i.Point] = true
	}
	for _, s := range c.Trust.Services {
		known[s.Point] = true
	}
	for _, p := range c.Trust.Documents.Makers {
		known[p] = true
	}
	known[c.Trust.Log.Point] = true
	for _, l := range c.Trust.PastLogs {
		known[l.Point] = true
	}
	return known
}
