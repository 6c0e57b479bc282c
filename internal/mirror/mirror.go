package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
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
	// Whole: every set file that is named is fetched, for a folder that others fetch from.
	Whole bool
	// Domains are the sources of recognised domains, by the pins of their roots. Those
	// of others are looked for beside our files, at the same source.
	Domains map[[sm3.Size]byte]Source
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
	if err := m.begin(); err != nil {
		r.problem("", err)
		r.Outcome = ruleOf(err).outcome()
		return r
	}
	m.sources(ctx)
	m.describe()
	return r
}

// run is one run over one cache folder.
type run struct {
	Options
	work   *work
	result *Result
	own    *domain
}

// begin looks at what is in force.
func (m *run) begin() error {
	m.result.Pinned = m.Pin != nil
	if m.Pin == nil {
		first, err := trust.FirstRoot(os.DirFS(m.work.cache))
		if errors.Is(err, fs.ErrNotExist) {
			return errUnpinned
		}
		if err != nil {
			return local("looking at the cache", err)
		}
		m.Pin = &first
	}
	if m.State == "" {
		m.State = m.work.state()
	}
	var err error
	m.own, err = m.domain("", *m.Pin)
	return err
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
		if outcome == Updated || m.Now().Sub(m.own.cache.AsOf()) < fresh {
			return
		}
		r.problem(s.String(), errFrozen)
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
	c := m.own.cache
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

// attempt builds the next cache of what a source has, and of what is in force and has not
// changed. What others than our own domain have, and revocation lists, are optional: what
// is wrong with them is told and hinders nothing.
func (m *run) attempt(ctx context.Context, s Source) (Outcome, error) {
	if err := m.work.begin(); err != nil {
		return "", err
	}
	m.step("begun")
	next, err := m.own.fetch(ctx, s)
	if err != nil {
		return "", err
	}
	names := m.own.cache // of whom the optional files are
	if next.changed {
		names = next.cache
	}
	more, err := m.crls(ctx, s, names.Trust.Documents)
	if err != nil {
		return "", err
	}
	taken, err := m.recognised(ctx, s, names.Trust.Recognised)
	if err != nil {
		return "", err
	}
	if next.changed {
		taken = append(taken, m.own)
	}
	if !more && len(taken) == 0 {
		return Current, m.work.remember(s.String(), next.said)
	}
	if !next.changed {
		if err := m.own.keepAll(); err != nil {
			return "", err
		}
	}
	if err := m.putInForce(taken); err != nil {
		return "", err
	}
	return Updated, m.work.remember(s.String(), next.said)
}

// putInForce verifies the next cache as a terminal does that is switched on, and lets it
// take the place of the one in force. Only then it is remembered: a run that ends before
// must not have the old one refused.
func (m *run) putInForce(taken []*domain) error {
	options := m.own.trustOptions()
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
	m.own.cache = cache
	m.result.Changed = changed
	for _, d := range taken {
		if err := d.state.Remember(d.cache); err != nil {
			return local("the state folder", err)
		}
		if err := m.work.prune(d.at, nil); err != nil {
			return err
		}
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
		if err != nil || e.IsDir() || path.Base(name) == trust.BaseName {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if there, err := os.Stat(m.work.path(name)); err == nil && os.SameFile(info, there) {
			return nil
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

// read reads a small file of a source whole and counts it.
func (m *run) read(ctx context.Context, s Source, name string, w Wanted) ([]byte, Tag, error) {
	b, t, err := readAll(ctx, s, name, w)
	if err == nil && b != nil {
		m.result.Files++
		m.result.Bytes += int64(len(b))
	}
	return b, t, err
}
