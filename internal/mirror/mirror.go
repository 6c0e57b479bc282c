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
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/trust"
)

// Options say how a cache is kept.
type Options struct {
	Cache   string          // the folder; need not be there
	Sources []Source        // asked in this order
	Pin     *[sm3.Size]byte // SM3 of a root file; nil: the cache's own first root
	State   string          // folder that remembers versions and time; empty: one beside the cache
	Second  pki.SecondOpinion
	Now     func() time.Time
	// CRLs: the revocation lists of the authorities are fetched too, for whoever
	// verifies documents.
	CRLs bool
	// Longest bounds a run. Zero: an hour.
	Longest time.Duration

	step func(string) // tests stop here
}

// fresh is how old the data may be before a source that has nothing newer is doubted:
// two of the quarters of an hour in which the service signs the time.
const fresh = 30 * time.Minute

// Run asks the sources in turn, and puts the first newer cache in force that one of
// them has. A source that has nothing newer ends the run too, unless the data is older
// than the service should let it become: then the next is asked. Whatever happens, a
// cache that was in force stays or is replaced as a whole.
func Run(ctx context.Context, o Options) Result {
	r := Result{At: o.Now().UTC().Truncate(time.Second), Changed: []string{}}
	if o.Longest == 0 {
		o.Longest = time.Hour
	}
	if o.step == nil {
		o.step = func(string) {}
	}
	ctx, cancel := context.WithTimeout(ctx, o.Longest)
	defer cancel()
	w, err := openWork(o.Cache, o.step)
	if err != nil {
		r.problem("", err)
		r.Outcome = Failed
		return r
	}
	defer w.close()
	m := &run{Options: o, work: w, result: &r}
	if err := m.lookAtPresent(); err != nil {
		r.problem("", err)
		r.Outcome = ruleOf(err).outcome()
		return r
	}
	m.sources(ctx)
	m.describe()
	return r
}

// run is one run over one cache.
type run struct {
	Options
	work    *work
	result  *Result
	state   *trust.State
	present present
}

// present is the cache in force.
type present struct {
	root  *trust.Root // the last one; nil if there is no cache that can be used
	cache *trust.Cache
	sm3   map[string][sm3.Size]byte // of the files of the roles, by name
}

// lookAtPresent finds out what is in force and remembers it, so that nothing older can
// replace it. A cache that cannot be used, because it is damaged or has expired, counts
// for no more than the pin that it gives.
func (m *run) lookAtPresent() error {
	dir := os.DirFS(m.work.cache)
	if m.Pin == nil {
		first, err := trust.FirstRoot(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return errUnpinned
		}
		if err != nil {
			return local("looking at the cache", err)
		}
		m.Pin = &first
	} else {
		m.result.Pinned = true
	}
	if m.State == "" {
		m.State = m.work.state()
	}
	var err error
	if m.state, err = trust.OpenState(m.State, *m.Pin); err != nil {
		return local("the state folder", err)
	}
	m.present.sm3 = make(map[string][sm3.Size]byte)
	for _, role := range trust.Roles()[1:] {
		if b, err := m.readPresent(string(role), trust.MaxSize(role)); err == nil {
			m.present.sm3[string(role)] = sm3.Sum(b)
		}
	}
	cache, err := trust.Load(dir, m.trustOptions())
	if err != nil {
		return nil //nolint:nilerr // a new one is fetched whole
	}
	m.present.cache, m.present.root = cache, cache.Root
	return m.remember(cache)
}

func (m *run) trustOptions() trust.Options {
	return trust.Options{Pin: m.Pin, Second: m.Second, Now: m.Now, State: m.state, Trial: true, Previous: m.present.cache}
}

func (m *run) remember(c *trust.Cache) error {
	if err := m.state.Remember(c); err != nil {
		return local("the state folder", err)
	}
	return nil
}

// readPresent reads a file of the cache in force, if it is not larger than it may be.
func (m *run) readPresent(name string, limit int64) ([]byte, error) {
	path := m.work.path(name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %w", name, ErrTooLarge)
	}
	return os.ReadFile(path)
}

// sources asks the sources until one has something newer.
func (m *run) sources(ctx context.Context) {
	r := m.result
	for _, s := range m.Sources {
		outcome, err := m.take(ctx, s)
		if err != nil {
			r.problem(s.String(), err)
			if rule := ruleOf(err); rule == RuleInterrupted || rule == RuleLocal {
				r.Outcome = Failed
				return
			}
			continue
		}
		r.Outcome, r.From = outcome, s.String()
		if outcome == Updated || m.Now().Sub(m.present.cache.AsOf()) < fresh {
			return
		}
	}
	if r.Outcome != "" {
		return
	}
	// Nothing was taken and nobody has confirmed what is there. A refusal says more
	// than a source that is away.
	r.Outcome = Unreachable
	for _, p := range r.Problems {
		if p.Rule.outcome() == Refused {
			r.Outcome = Refused
		}
	}
}

// describe says what is in force at the end.
func (m *run) describe() {
	c := m.present.cache
	if c == nil {
		return
	}
	r := m.result
	r.TimeVersion, r.TrustVersion, r.AsOf = c.Time.Version, c.Trust.Version, c.AsOf()
	r.AgeSeconds = int64(m.Now().Sub(r.AsOf) / time.Second)
}

// errChanged says that a source changed while it was read, or is only half copied.
var errChanged = errors.New("the source does not fit together")

// tries is how often a source is read again that changed meanwhile.
const tries = 3

// take fetches what a source has and puts it in force if it is newer.
func (m *run) take(ctx context.Context, s Source) (Outcome, error) {
	for try := 1; ; try++ {
		outcome, err := m.attempt(ctx, s)
		if err == nil || try == tries || !errors.Is(err, errChanged) {
			return outcome, err
		}
	}
}

// attempt goes through the files of a source in the order in which they vouch for one
// another.
func (m *run) attempt(ctx context.Context, s Source) (Outcome, error) {
	if err := m.work.begin(); err != nil {
		return "", err
	}
	m.step("begun")
	said, now, err := m.time(ctx, s)
	if err != nil {
		return "", err
	}
	outcome := Updated
	if now == nil {
		outcome, err = m.onlyCRLs(ctx, s)
	} else {
		err = m.all(ctx, s, now)
	}
	if err != nil {
		return "", err
	}
	return outcome, m.work.remember(s.String(), said)
}

// all fetches what a new time file names and puts it in force.
func (m *run) all(ctx context.Context, s Source, now *trust.Time) error {
	m.step("time")
	if err := m.named(ctx, s, now); err != nil {
		return err
	}
	m.step("named")
	signed, err := trust.LoadSigned(os.DirFS(m.work.next()), m.trustOptions())
	if err != nil {
		return err
	}
	if err := m.sets(ctx, s, signed.Files()); err != nil {
		return err
	}
	m.step("sets")
	if err := m.base(ctx, s); err != nil {
		return err
	}
	m.step("base")
	if _, err := m.crls(ctx, s, signed.Trust.Documents); err != nil {
		return err
	}
	if err := m.putInForce(); err != nil {
		return err
	}
	return m.work.prune(nil)
}

// base builds the state of the status lists from what there is, and writes it down as
// what the next update begins with.
func (m *run) base(ctx context.Context, s Source) error {
	cache, err := trust.Load(os.DirFS(m.work.next()), m.trustOptions())
	if errors.Is(err, trust.ErrMismatch) {
		// What was there leads elsewhere: the snapshot does not.
		if err := os.RemoveAll(filepath.Join(m.work.next(), trust.BaseName)); err != nil {
			return local("building the next cache", err)
		}
		before := m.present.cache
		m.present.cache = nil
		err = m.missingSets(ctx, s)
		m.present.cache = before
		if err != nil {
			return err
		}
		cache, err = trust.Load(os.DirFS(m.work.next()), m.trustOptions())
	}
	if err != nil {
		return err
	}
	if err := m.continues(cache); err != nil {
		return err
	}
	b, err := cache.Base()
	if err != nil {
		return err
	}
	return m.work.put(trust.BaseName, b)
}

// continues refuses a state of the status lists that is earlier than the one in force:
// under the same keys it goes on. What a later one may not take back, Load has refused.
func (m *run) continues(next *trust.Cache) error {
	before := m.present.cache
	if before != nil && slices.Equal(statusKeys(before.Root), statusKeys(next.Root)) && next.Status.Sequence < before.Status.Sequence {
		return fmt.Errorf("state %d of the status lists, after %d: %w", next.Status.Sequence, before.Status.Sequence, trust.ErrRollback)
	}
	return nil
}

func statusKeys(r *trust.Root) []pki.Point {
	return r.Roles[slices.Index(trust.Roles(), trust.RoleStatus)].Points
}

// putInForce verifies the next cache as a terminal does that is switched on, and lets it
// take the place of the one in force. Only then it is remembered: a run that ends before
// must not have the old one refused.
func (m *run) putInForce() error {
	options := m.trustOptions()
	options.Previous = nil
	cache, err := trust.Load(os.DirFS(m.work.next()), options)
	if err != nil {
		return err
	}
	m.step("verified")
	changed, err := m.changed()
	if err != nil {
		return err
	}
	if err := m.work.commit(); err != nil {
		return err
	}
	m.step("in force")
	m.present.root, m.present.cache = cache.Root, cache
	m.result.Changed = changed
	if err := m.remember(cache); err != nil {
		return err
	}
	m.step("remembered")
	return nil
}

// changed lists the files of the next cache that are not those of the one in force, but
// for the base, which is nobody's.
func (m *run) changed() ([]string, error) {
	var changed []string
	next := os.DirFS(m.work.next())
	err := fs.WalkDir(next, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || name == trust.BaseName {
			return err
		}
		after, err := fs.ReadFile(next, name)
		if err != nil {
			return err
		}
		before, err := os.ReadFile(m.work.path(name))
		if err != nil || !slices.Equal(before, after) {
			changed = append(changed, name)
		}
		return nil
	})
	if err != nil {
		return nil, local("comparing the caches", err)
	}
	return changed, nil
}

// fetch reads a small file whole and counts it.
func (m *run) fetch(ctx context.Context, s Source, name string, w Wanted) ([]byte, Tag, error) {
	b, t, err := readAll(ctx, s, name, w)
	if err == nil && b != nil {
		m.result.Files++
		m.result.Bytes += int64(len(b))
	}
	return b, t, err
}

// time fetches the time file and the roots that verify it. It returns nil where that is
// the time file in force.
func (m *run) time(ctx context.Context, s Source) (tag, *trust.Time, error) {
	name := string(trust.RoleTime)
	w := Wanted{Limit: trust.MaxSize(trust.RoleTime)}
	have, there := m.present.sm3[name]
	known := m.work.tags()[s.String()]
	if m.present.cache != nil && there && known.SM3 == hex.EncodeToString(have[:]) {
		w.Known = known.Tag
	}
	file, said, err := m.fetch(ctx, s, name, w)
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
	if m.present.cache != nil && sum == have {
		return is, nil, nil
	}
	if err := m.roots(ctx, s); err != nil {
		return tag{}, nil, err
	}
	if err := m.work.put(name, file); err != nil {
		return tag{}, nil, err
	}
	root, now, err := trust.LoadTime(os.DirFS(m.work.next()), m.trustOptions())
	if err != nil {
		return tag{}, nil, err
	}
	if m.present.cache != nil && root.Version == m.present.root.Version {
		// After a rotation of its key the versions may start again, and the state
		// knows that; under one root they only rise.
		switch before := m.present.cache.Time.Version; {
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
func (m *run) roots(ctx context.Context, s Source) error {
	var before *trust.Root
	next := uint64(1)
	if before = m.present.root; before != nil {
		if err := m.keepRoots(); err != nil {
			return err
		}
		next = before.Version + 1
	}
	for range maxRoots {
		name := trust.RootName(next)
		file, _, err := m.fetch(ctx, s, name, Wanted{Limit: trust.MaxSize(trust.RoleRoot)})
		if errors.Is(err, ErrMissing) && before != nil {
			return nil
		}
		if err != nil {
			return err
		}
		root, err := trust.OpenRoot(file, before, m.Second)
		if err != nil {
			return err
		}
		if err := m.work.put(name, file); err != nil {
			return err
		}
		before, next = root, next+1
	}
	return fmt.Errorf("more than %d roots: %w", maxRoots, ErrTooLarge)
}

func (m *run) keepRoots() error {
	entries, err := os.ReadDir(m.work.cache)
	if err != nil {
		return local("looking at the cache", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".root") {
			if err := m.work.keep(e.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// named keeps or fetches the files that the verified time file names.
func (m *run) named(ctx context.Context, s Source, now *trust.Time) error {
	for _, f := range []struct {
		role trust.Role
		is   trust.Current
	}{{trust.RoleTrust, now.Trust}, {trust.RoleCatalogue, now.Catalogue}, {trust.RoleStatus, now.Status}} {
		name := string(f.role)
		if have, there := m.present.sm3[name]; there && have == f.is.SM3 {
			if err := m.work.keep(name); err != nil {
				return err
			}
			continue
		}
		file, _, err := m.fetch(ctx, s, name, Wanted{Limit: trust.MaxSize(f.role)})
		if err != nil {
			if errors.Is(err, ErrMissing) {
				err = fmt.Errorf("%w: %w", errChanged, err)
			}
			return err
		}
		if sm3.Sum(file) != f.is.SM3 {
			return fmt.Errorf("%s file is not the one that the time file names: %w: %w", f.role, errChanged, trust.ErrMismatch)
		}
		if err := m.work.put(name, file); err != nil {
			return err
		}
	}
	return nil
}
