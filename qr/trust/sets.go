package trust

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/qr/status"
)

// BaseName is a file of a cache that nobody signs and nobody publishes: the state of
// the status lists as this terminal last had it, so that the next update takes a
// delta from there. What becomes of it is compared with the signed hashes.
const BaseName = "base"

// base is the content of the file.
type base struct {
	_        struct{}       `cbor:",toarray"`
	Format   string         // "elicence/base/1"
	Keys     [sm3.Size]byte // SM3 over the keys of the role status
	Sequence uint64
	Snapshot []byte         // a set file from 0
	Check    [sm3.Size]byte // SM3 over it, against torn files: damage must not look like a revocation
}

const baseFormat = "elicence/base/1"

// maxBase bounds the file, in bytes.
const maxBase = status.MaxFileSize + 256

// path returns the files that lead from a state to the one that the status file
// describes, the cheapest of those that cost allows. From 0 one of them is the
// snapshot.
func (s *Status) path(at uint64, cost func(SetFile) (uint64, bool)) ([]SetFile, bool) {
	type way struct {
		to, cost uint64
		files    []SetFile
	}
	ways := []way{{to: at}} // the cheapest to every state
	// Every file leads upwards, so that the ways to where it starts are known by then.
	for _, f := range slices.SortedStableFunc(slices.Values(s.Files), func(a, b SetFile) int { return cmp.Compare(a.To, b.To) }) {
		own, allowed := cost(f)
		if !allowed {
			continue
		}
		for _, w := range ways {
			if w.to < f.From || w.to >= f.To || f.From == 0 && w.to != 0 {
				continue
			}
			next := way{f.To, w.cost + own, append(slices.Clone(w.files), f)}
			i := slices.IndexFunc(ways, func(w way) bool { return w.to == f.To })
			switch {
			case i < 0:
				ways = append(ways, next)
			case next.cost < ways[i].cost:
				ways[i] = next
			}
		}
	}
	for _, w := range ways {
		if w.to == s.Sequence {
			return w.files, true
		}
	}
	return nil, false
}

// has reports whether a cache has a set file.
func has(dir fs.FS, f SetFile) bool {
	info, err := fs.Stat(dir, SetName(f.SM3))
	return err == nil && info.Mode().IsRegular() && uint64(info.Size()) == f.Length
}

// Missing verifies the signed files of a cache folder and returns the set files that
// it needs beside those that it has, so that [Load] finds a way to the signed state:
// the fewest bytes from its base or a snapshot. Whether the clock is right, and
// whether the files are newer than what was used before, is left to Load.
func Missing(dir fs.FS, o Options) ([]SetFile, error) {
	c, err := loadSigned(dir, o)
	if err != nil {
		return nil, err
	}
	return c.missing(dir, o), nil
}

func (c *Cache) missing(dir fs.FS, o Options) []SetFile {
	starts := []uint64{0}
	if b, err := c.readBase(dir); err == nil {
		starts = append(starts, b.Sequence)
	}
	if p := o.Previous; c.continues(p) {
		starts = append(starts, p.Status.Sequence)
	}
	// A request costs something as well.
	const request = 1024
	price := func(f SetFile) (uint64, bool) {
		if has(dir, f) {
			return 0, true
		}
		return f.Length + request, true
	}
	var missing []SetFile
	least := ^uint64(0)
	for _, at := range starts {
		files, ok := c.Status.path(at, price)
		if !ok {
			continue
		}
		total := uint64(0)
		var lacking []SetFile
		for _, f := range files {
			if p, _ := price(f); p > 0 {
				total, lacking = total+p, append(lacking, f)
			}
		}
		if total < least {
			least, missing = total, lacking
		}
	}
	for _, f := range c.genuineFiles() {
		if !has(dir, f) {
			missing = append(missing, f)
		}
	}
	return missing
}

// continues reports whether a cache is an earlier or the same state under the same
// keys.
func (c *Cache) continues(p *Cache) bool {
	return p != nil && p.RootSM3 == c.RootSM3 && p.Root.role(RoleStatus).sum() == c.Root.role(RoleStatus).sum() && p.Status.Sequence <= c.Status.Sequence
}

// readBase reads the base of a cache, if it is of the same keys and not of a later
// state than the signed one.
func (c *Cache) readBase(dir fs.FS) (*base, error) {
	file, err := readLimited(dir, BaseName, maxBase)
	if err != nil {
		return nil, err
	}
	b := new(base)
	if err := detcbor.Unmarshal(file, b); err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	if b.Format != baseFormat || b.Check != sm3.Sum(b.Snapshot) {
		return nil, fmt.Errorf("base: torn or damaged: %w", ErrMismatch)
	}
	if b.Keys != c.Root.role(RoleStatus).sum() || b.Sequence < 1 || b.Sequence > c.Status.Sequence {
		return nil, fmt.Errorf("base of state %d does not lead to state %d: %w", b.Sequence, c.Status.Sequence, ErrMismatch)
	}
	return b, nil
}

// Base returns the content of [BaseName] for this cache.
func (c *Cache) Base() ([]byte, error) {
	snapshot, err := c.state.Base()
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	return detcbor.Marshal(base{Format: baseFormat, Keys: c.Root.role(RoleStatus).sum(), Sequence: c.state.Sequence, Snapshot: snapshot, Check: sm3.Sum(snapshot)})
}

// loadSets builds the lists on the shortest way that the cache's files allow: from the
// cache in force, from the base, or from the snapshot. A way that leads elsewhere than
// to the signed hashes is given up for the next. On none may what was revoked in the
// cache in force, or else in the base, be revoked no more.
func (c *Cache) loadSets(dir fs.FS, o Options) error {
	var failed []error
	try := func(from string, state *status.State, compare comparison) bool {
		err := c.Status.follow(state, setFolder{dir}, compare)
		if err != nil {
			failed = append(failed, fmt.Errorf("status lists from %s: %w", from, err))
			return false
		}
		c.state = state
		return true
	}
	var earlier *status.State
	done := false
	if c.continues(o.Previous) {
		earlier = o.Previous.state
		done = try("the cache in force", c.shared(earlier), comparison{previous: o.Previous.Status})
	}
	if !done {
		if state, ok := c.baseState(dir); ok {
			done = try("the base", state, comparison{})
			if !done && earlier == nil {
				// Read again, as what was tried has changed it.
				earlier, _ = c.baseState(dir)
			}
		}
	}
	if !done && !try("the snapshot", c.Status.empty(), comparison{later: o.Lazy}) {
		return errors.Join(failed...)
	}
	if earlier == nil {
		return nil
	}
	if err := c.state.Follows(earlier); err != nil {
		return fmt.Errorf("status lists: %w", err)
	}
	return nil
}

// baseState is the state of the base, if there is one that leads to the signed state.
func (c *Cache) baseState(dir fs.FS) (*status.State, bool) {
	b, err := c.readBase(dir)
	if err != nil {
		return nil, false
	}
	state := c.Status.empty()
	return state, state.Apply(b.Snapshot, 0, b.Sequence) == nil
}

// empty is no state of the lists that the status file names.
func (s *Status) empty() *status.State {
	state := new(status.State)
	for _, l := range s.Lists {
		state.Sets = append(state.Sets, &status.Set{List: uint32(l.List)})
	}
	return state
}

// shared is an earlier state with the lists that the status file names: those that
// began since are empty, those that ended are gone.
func (c *Cache) shared(earlier *status.State) *status.State {
	s := earlier.Share()
	var sets []*status.Set
	for _, l := range c.Status.Lists {
		set, ok := s.Set(uint32(l.List))
		if !ok {
			set = &status.Set{List: uint32(l.List)}
		}
		sets = append(sets, set)
	}
	s.Sets = sets
	return s
}

// setFiles are the set files that are at hand.
type setFiles interface {
	has(SetFile) bool
	read(SetFile) ([]byte, error)
}

// setFolder has those of a cache folder.
type setFolder struct{ dir fs.FS }

func (d setFolder) has(f SetFile) bool { return has(d.dir, f) }

func (d setFolder) read(f SetFile) ([]byte, error) {
	return readLimited(d.dir, SetName(f.SM3), int64(f.Length))
}

// published has every file, wherever it is kept.
type published func(name string) ([]byte, error)

func (published) has(SetFile) bool { return true }

func (p published) read(f SetFile) ([]byte, error) { return p(SetName(f.SM3)) }

// Build returns the state that a status file describes, for the service that has
// published it. It reads the files that lead there by their names within a cache.
func (s *Status) Build(read func(name string) ([]byte, error)) (*status.State, error) {
	state := s.empty()
	return state, s.follow(state, published(read), comparison{})
}

// follow applies the files that are at hand to a state and compares the result with
// the signed one.
func (s *Status) follow(state *status.State, files setFiles, compare comparison) error {
	way, ok := s.path(state.Sequence, func(f SetFile) (uint64, bool) { return f.Length, files.has(f) })
	if !ok {
		return fmt.Errorf("set files that lead from %d to %d are not there: %w", state.Sequence, s.Sequence, fs.ErrNotExist)
	}
	for _, f := range way {
		file, err := files.read(f)
		if err != nil {
			return err
		}
		if uint64(len(file)) != f.Length || status.FileHash(file) != f.SM3 {
			return fmt.Errorf("set file is not the signed one: %w", ErrMismatch)
		}
		if err := state.Apply(file, f.From, f.To); err != nil {
			return err
		}
	}
	return s.compare(state, compare)
}

// comparison says which lists are hashed.
type comparison struct {
	previous *Status // a list that is still the one of this has the hash that was signed there
	later    bool    // none now
}

// compare gives the lists their signed high marks and compares their hashes with the
// signed ones, on all processors: it is most of what a start takes.
func (s *Status) compare(state *status.State, c comparison) error {
	known := make(map[uint64][sm3.Size]byte)
	if c.previous != nil {
		for _, l := range c.previous.Lists {
			known[l.List] = l.SetHash
		}
	}
	for _, l := range s.Lists {
		if set, _ := state.Set(uint32(l.List)); uint64(set.High) != l.High {
			state.Own(uint32(l.List)).High = uint32(l.High)
		}
	}
	wrong := make([]error, len(s.Lists))
	check := func(i int) error {
		l := s.Lists[i]
		if state.Shared(uint32(l.List)) && known[l.List] == l.SetHash {
			return nil
		}
		set, _ := state.Set(uint32(l.List))
		if err := set.Check(); err != nil {
			return err
		}
		if !c.later && set.Hash() != l.SetHash {
			return fmt.Errorf("status list %d is not the signed one: %w", l.List, ErrMismatch)
		}
		return nil
	}
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for first := range workers {
		wait.Go(func() {
			for i := first; i < len(wrong); i += workers {
				wrong[i] = check(i)
			}
		})
	}
	wait.Wait()
	return errors.Join(wrong...)
}

// fits returns for each list whether it has its signed hash, found out when it is first
// asked for.
func (s *Status) fits(state *status.State) map[uint32]func() bool {
	fits := make(map[uint32]func() bool, len(s.Lists))
	for _, l := range s.Lists {
		set, _ := state.Set(uint32(l.List))
		fits[uint32(l.List)] = sync.OnceValue(func() bool { return set.Hash() == l.SetHash })
	}
	return fits
}
