package mirror

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/trust"
)

// domain is the cache of one domain: our own, which is the folder, or one that ours
// recognises, in a folder within.
type domain struct {
	*run
	at    string // where it lies: nothing, or a folder with a slash
	pin   [sm3.Size]byte
	state *trust.State
	cache *trust.Cache              // in force; nil if there is none that can be used
	sm3   map[string][sm3.Size]byte // of the files in force of the roles, by name
}

// domain finds out what is in force of a domain and remembers it, so that nothing older
// can replace it. A cache that cannot be used, because it is damaged or has expired,
// counts for no more than the pin that it gives.
func (m *run) domain(at string, pin [sm3.Size]byte) (*domain, error) {
	d := &domain{run: m, at: at, pin: pin, sm3: make(map[string][sm3.Size]byte)}
	var err error
	if d.state, err = trust.OpenState(m.State, pin); err != nil {
		return nil, local("the state folder", err)
	}
	if err := m.work.pruneTaken(at); err != nil {
		return nil, err
	}
	for _, role := range trust.Roles()[1:] {
		if b, err := m.readPresent(at+string(role), trust.MaxSize(role)); err == nil {
			d.sm3[string(role)] = sm3.Sum(b)
		}
	}
	cache, err := trust.Load(os.DirFS(m.work.path(at)), d.trustOptions())
	if err != nil {
		return d, nil //nolint:nilerr // a new one is fetched whole
	}
	d.cache = cache
	if err := d.state.Remember(cache); err != nil {
		return nil, local("the state folder", err)
	}
	return d, nil
}

func (d *domain) trustOptions() trust.Options {
	return trust.Options{Pin: &d.pin, Second: d.Second, Now: d.Now, State: d.state, Trial: true, Previous: d.cache}
}

// next is the domain's part of the next cache.
func (d *domain) next() fs.FS {
	return os.DirFS(filepath.Join(d.work.next(), filepath.FromSlash(d.at)))
}

// fetched is what a source has of a domain.
type fetched struct {
	changed bool         // something newer is in the next cache
	cache   *trust.Cache // that
	said    tag          // of the time file
}

// fetch goes through the files of a source in the order in which they vouch for one
// another, and fills the next cache with what is newer than what is in force.
func (d *domain) fetch(ctx context.Context, s Source) (fetched, error) {
	said, now, err := d.time(ctx, s)
	if err != nil || now == nil {
		return fetched{said: said}, err
	}
	d.step("time")
	if err := d.named(ctx, s, now); err != nil {
		return fetched{}, err
	}
	d.step("named")
	signed, err := trust.LoadSigned(d.next(), d.trustOptions())
	if err != nil {
		return fetched{}, err
	}
	if err := d.sets(ctx, s, signed.Files()); err != nil {
		return fetched{}, err
	}
	d.step("sets")
	cache, err := d.base(ctx, s)
	if err != nil {
		return fetched{}, err
	}
	d.step("base")
	return fetched{true, cache, said}, nil
}

// base builds the state of the status lists from what there is, and writes it down as
// what the next update begins with.
func (d *domain) base(ctx context.Context, s Source) (*trust.Cache, error) {
	cache, err := trust.Load(d.next(), d.trustOptions())
	if errors.Is(err, trust.ErrMismatch) {
		// What was there leads elsewhere: the snapshot does not.
		if err := os.RemoveAll(filepath.Join(d.work.next(), filepath.FromSlash(d.at), trust.BaseName)); err != nil {
			return nil, local("building the next cache", err)
		}
		before := d.cache
		d.cache = nil
		err = d.missingSets(ctx, s)
		d.cache = before
		if err != nil {
			return nil, err
		}
		cache, err = trust.Load(d.next(), d.trustOptions())
	}
	if err != nil {
		return nil, err
	}
	if err := d.continues(cache); err != nil {
		return nil, err
	}
	b, err := cache.Base()
	if err != nil {
		return nil, err
	}
	return cache, d.work.put(d.at+trust.BaseName, b)
}

// continues refuses a state of the status lists that is earlier than the one in force:
// under the same keys it goes on. What a later one may not take back, Load has refused.
func (d *domain) continues(next *trust.Cache) error {
	before := d.cache
	if before != nil && slices.Equal(statusKeys(before.Root), statusKeys(next.Root)) && next.Status.Sequence < before.Status.Sequence {
		return fmt.Errorf("state %d of the status lists, after %d: %w", next.Status.Sequence, before.Status.Sequence, trust.ErrRollback)
	}
	return nil
}

func statusKeys(r *trust.Root) []pki.Point {
	return r.Roles[slices.Index(trust.Roles(), trust.RoleStatus)].Points
}

// time fetches the time file and the roots that verify it. It returns nil where that is
// the time file in force.
func (d *domain) time(ctx context.Context, s Source) (tag, *trust.Time, error) {
	name := string(trust.RoleTime)
	w := Wanted{Limit: trust.MaxSize(trust.RoleTime)}
	have, there := d.sm3[name]
	known := d.work.tags()[s.String()]
	if d.cache != nil && there && known.SM3 == hex.EncodeToString(have[:]) {
		w.Known = known.Tag
	}
	file, said, err := d.read(ctx, s, name, w)
	if errors.Is(err, ErrMissing) {
		err = fmt.Errorf("no trust files: %w: %w", ErrUnreachable, err)
	}
	if err != nil {
		return tag{}, nil, err
	}
	if file == nil {
		return known, nil, nil
	}
	sum := sm3.Sum(file)
	is := tag{said, hex.EncodeToString(sum[:])}
	if d.cache != nil && sum == have {
		return is, nil, nil
	}
	if err := d.roots(ctx, s); err != nil {
		return tag{}, nil, err
	}
	if err := d.work.put(d.at+name, file); err != nil {
		return tag{}, nil, err
	}
	root, now, err := trust.LoadTime(d.next(), d.trustOptions())
	if err != nil {
		return tag{}, nil, err
	}
	if d.cache != nil && root.Version == d.cache.Root.Version {
		// After a rotation of its key the versions may start again, and the state
		// knows that; under one root they only rise.
		switch before := d.cache.Time.Version; {
		case now.Version < before:
			return tag{}, nil, fmt.Errorf("time file %d, after %d: %w", now.Version, before, trust.ErrRollback)
		case now.Version == before:
			return tag{}, nil, fmt.Errorf("time file %d: %w", now.Version, errFork)
		}
	}
	return is, now, nil
}

// maxRoots bounds the versions of the root that are followed in one run.
const maxRoots = 1024

// roots keeps the roots of the cache in force and fetches those that follow. Each must
// be signed by the one before before the next is asked for.
func (d *domain) roots(ctx context.Context, s Source) error {
	var before *trust.Root
	next := uint64(1)
	if d.cache != nil {
		before = d.cache.Root
		if err := d.keepRoots(); err != nil {
			return err
		}
		next = before.Version + 1
	}
	for range maxRoots {
		name := trust.RootName(next)
		file, _, err := d.read(ctx, s, name, Wanted{Limit: trust.MaxSize(trust.RoleRoot)})
		if errors.Is(err, ErrMissing) && before != nil {
			return nil
		}
		if err != nil {
			return err
		}
		root, err := trust.OpenRoot(file, before, d.Second)
		if err != nil {
			return err
		}
		if err := d.work.put(d.at+name, file); err != nil {
			return err
		}
		before, next = root, next+1
	}
	return fmt.Errorf("more than %d roots: %w", maxRoots, ErrTooLarge)
}

func (d *domain) keepRoots() error {
	entries, err := os.ReadDir(d.work.path(d.at))
	if err != nil {
		return local("looking at the cache", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".root") {
			if err := d.work.keep(d.at + e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// named keeps or fetches the files that the verified time file names.
func (d *domain) named(ctx context.Context, s Source, now *trust.Time) error {
	for _, f := range []struct {
		role trust.Role
		is   trust.Current
	}{{trust.RoleTrust, now.Trust}, {trust.RoleCatalogue, now.Catalogue}, {trust.RoleStatus, now.Status}} {
		name := string(f.role)
		if have, there := d.sm3[name]; there && have == f.is.SM3 {
			if err := d.work.keep(d.at + name); err != nil {
				return err
			}
			continue
		}
		file, _, err := d.read(ctx, s, name, Wanted{Limit: trust.MaxSize(f.role)})
		if err != nil {
			if errors.Is(err, ErrMissing) {
				err = fmt.Errorf("%w: %w", errChanged, err)
			}
			return err
		}
		if sm3.Sum(file) != f.is.SM3 {
			return fmt.Errorf("%s file is not the one that the time file names: %w: %w", f.role, errChanged, trust.ErrMismatch)
		}
		if err := d.work.put(d.at+name, file); err != nil {
			return err
		}
	}
	return nil
}
