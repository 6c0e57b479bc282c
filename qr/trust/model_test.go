package trust_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// The state machine of a cache is compared, step by step, with a model that knows
// nothing of files and signatures: what a terminal must take, from what it was
// offered, what it has used before, and its clock.

// offer is a cache folder that somebody brings, and what the model knows of it.
type offer struct {
	name     string
	files    fstest.MapFS
	intact   bool
	root     int
	keys     int // generation of the keys of status and time
	versions [4]int
	issued   time.Duration // of time, after now
	expires  time.Duration
	sequence uint64
	from     uint64 // the delta leads from here; 0: there is none
	snapshot bool   // is in the folder
	revoked  bool   // index 77
}

// memory is the model of a terminal's state: what outlives the program, and what does not.
type memory struct {
	clock    time.Duration
	lastTime time.Duration
	root     int
	keys     int
	versions [4]int
	base     *offer // what was last used, as it lies beside the cache
	previous *offer // as it is in memory
}

// takes is the model's decision.
func (m *memory) takes(o *offer) bool {
	const tolerance = 5 * time.Minute
	if !o.intact || o.root < m.root || max(o.issued, m.lastTime)-m.clock > tolerance || m.clock > o.expires {
		return false
	}
	for role, v := range o.versions {
		started := role >= 2 && m.keys != o.keys // status and time begin again with new keys
		if !started && v < m.versions[role] {
			return false
		}
	}
	leads := func(s *offer) bool {
		return s != nil && s.keys == o.keys && (s.sequence == o.sequence || s.sequence < o.sequence && o.from != 0 && s.sequence >= o.from)
	}
	if !leads(m.previous) && !leads(m.base) && !o.snapshot {
		return false
	}
	for _, s := range []*offer{m.previous, m.base} {
		if s != nil && s.keys == o.keys && s.sequence <= o.sequence {
			return o.revoked || !s.revoked
		}
	}
	return true
}

func (m *memory) take(o *offer) {
	m.root, m.keys, m.versions, m.lastTime = o.root, o.keys, o.versions, max(m.lastTime, o.issued)
	m.base, m.previous = o, o
}

// modelled is the real terminal beside its model.
type modelled struct {
	memory
	dir      string // of the state
	pin      [sm3.Size]byte
	base     []byte
	previous *trust.Cache
}

// clone copies a terminal into another folder.
func (m *modelled) clone(t *testing.T, dir string) *modelled {
	t.Helper()
	c := *m
	c.dir = dir
	if err := os.CopyFS(dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	return &c
}

// offered lets the terminal load an offer and compares what it does with the model.
func (m *modelled) offered(t *testing.T, o *offer, path string) {
	t.Helper()
	files := maps.Clone(o.files)
	if m.base != nil {
		files[trust.BaseName] = &fstest.MapFile{Data: m.base}
	}
	state, err := trust.OpenState(m.dir, m.pin)
	if err != nil {
		t.Fatal(err)
	}
	before := state.LastTime()
	clock := m.clock
	c, err := trust.Load(files, trust.Options{
		Pin: &m.pin, Now: func() time.Time { return now.Add(clock) }, State: state, Previous: m.previous,
	})
	want := m.takes(o)
	if want != (err == nil) {
		t.Fatalf("%s: taken %v (%v), the model says %v", path, err == nil, err, want)
	}
	if err != nil {
		again, err := trust.OpenState(m.dir, m.pin)
		if err != nil || !again.LastTime().Equal(before) {
			t.Fatalf("%s: a refused cache is remembered: %v", path, err)
		}
		return
	}
	m.take(o)
	m.previous = c
	if set, ok := c.Set(1); !ok || set.Revoked.Has(77) != o.revoked {
		t.Fatalf("%s: index 77 is not as it was published", path)
	}
	if m.base, err = c.Base(); err != nil {
		t.Fatal(err)
	}
}

// offers makes what may be brought: an honest history with a rotation of the root, and
// what thieves of the keys of status and time make of it.
func offers(t *testing.T) ([]*offer, [sm3.Size]byte) {
	t.Helper()
	d := trusttest.New(t, now)
	expires := 60 * 24 * time.Hour
	d.Root.Expires = now.Add(expires).Unix()
	states := map[uint64]*status.State{}
	state := func(sequence uint64, revoked, suspended bool) *status.State {
		s := &status.State{Sequence: sequence, Sets: []*status.Set{{List: 1, High: 4096}}}
		if revoked {
			s.Sets[0].Revoked.Set(77)
		}
		if suspended {
			s.Sets[0].Suspended.Set(80)
		}
		states[sequence] = s
		return s
	}
	var all []*offer
	var roots []string
	make := func(o offer, from uint64, s *status.State) *offer {
		t.Helper()
		d.Sets = map[string][]byte{}
		d.Describe(t, s)
		if from != 0 {
			d.Describe(t, states[from]) // for its snapshot
			snapshot := d.Status.Files[0]
			changes, err := s.Since(states[from])
			if err != nil {
				t.Fatal(err)
			}
			delta, err := s.Delta(changes, from)
			if err != nil {
				t.Fatal(err)
			}
			d.Describe(t, s)
			delete(d.Sets, trust.SetName(d.Status.Files[0].SM3))
			d.Status.Files = []trust.SetFile{snapshot, d.AddSet(from, s.Sequence, delta)}
			d.Sets[trust.SetName(snapshot.SM3)] = snapshotOf(t, states[from])
		}
		heads := []*trust.Head{&d.Trust.Head, &d.Catalogue.Head, &d.Status.Head, &d.Time.Head}
		for i, h := range heads {
			*h = trust.Head{Version: uint64(o.versions[i]), Issued: now.Unix(), Expires: now.Add(o.expires).Unix()}
		}
		d.Time.Issued = now.Add(o.issued).Unix()
		o.intact, o.from, o.sequence, o.revoked, o.snapshot = true, from, s.Sequence, s.Sets[0].Revoked.Has(77), true
		o.files = d.Files(t)
		if o.root == 2 {
			o.files["1.root"] = &fstest.MapFile{Data: []byte(roots[0])}
		} else if len(roots) == 0 {
			roots = append(roots, string(o.files["1.root"].Data))
		}
		all = append(all, &o)
		return &o
	}
	variant := func(o *offer, name string, change func(*offer)) *offer {
		v := *o
		v.name, v.files = name, maps.Clone(o.files)
		change(&v)
		all = append(all, &v)
		return &v
	}
	first := make(offer{name: "first", root: 1, versions: [4]int{1, 1, 1, 1}, expires: expires}, 0, state(1, false, false))
	make(offer{name: "revoked", root: 1, versions: [4]int{1, 1, 2, 2}, issued: 15 * time.Minute, expires: expires}, 1, state(2, true, false))
	third := make(offer{name: "suspended", root: 1, versions: [4]int{1, 2, 3, 3}, issued: 30 * time.Minute, expires: expires}, 1, state(3, true, true))
	variant(third, "delta alone", func(o *offer) {
		o.snapshot = false
		delete(o.files, trust.SetName(sm3.Sum(snapshotOf(t, states[1]))))
	})
	for _, name := range []string{"1.root", "trust", "catalogue", "status", "time"} {
		variant(third, "torn "+name, func(o *offer) {
			o.intact = false
			o.files[name] = &fstest.MapFile{Data: o.files[name].Data[:len(o.files[name].Data)-1]}
		})
	}
	variant(third, "mixed", func(o *offer) { o.intact, o.files["status"] = false, first.files["status"] })
	d.Trust.Issuers = append(d.Trust.Issuers, d.Trust.Issuers[0])
	clash := make(offer{name: "a key twice", root: 1, versions: [4]int{2, 2, 4, 4}, issued: 30 * time.Minute, expires: expires}, 0, states[3])
	clash.intact = false
	d.Trust.Issuers = d.Trust.Issuers[:1]
	// Who has the keys of time and status signs what is wanted.
	make(offer{name: "thief: far ahead", root: 1, versions: [4]int{1, 1, 2, 1_000_000}, issued: 15 * time.Minute, expires: expires}, 1, states[2])
	make(offer{name: "thief: revocation forgotten", root: 1, versions: [4]int{1, 1, 50, 50}, issued: 20 * time.Minute, expires: expires}, 0, state(9, false, false))
	make(offer{name: "thief: tomorrow", root: 1, versions: [4]int{1, 1, 60, 60}, issued: 24 * time.Hour, expires: expires}, 0, states[3])
	make(offer{name: "soon over", root: 1, versions: [4]int{1, 2, 3, 4}, issued: 30 * time.Minute, expires: 40 * time.Minute}, 1, states[3])
	// The root takes the keys away; versions and states begin again.
	next := d.Root
	next.Version = 2
	next.Roles = slices.Clone(d.Root.Roles)
	for i, role := range []trust.Role{trust.RoleStatus, trust.RoleTime} {
		d.Keys[role] = pkitest.NewKey(t)
		next.Roles[3+i].Points = []pki.Point{d.Keys[role].Public().Point()}
	}
	d.Root = next
	rotated := make(offer{name: "rotated", root: 2, keys: 1, versions: [4]int{1, 2, 1, 1}, issued: 45 * time.Minute, expires: expires}, 0, state(4, true, true))
	variant(rotated, "rotated, without the root", func(o *offer) {
		o.intact = false
		delete(o.files, "2.root")
	})
	make(offer{name: "after the rotation", root: 2, keys: 1, versions: [4]int{1, 2, 2, 2}, issued: 50 * time.Minute, expires: expires}, 4, state(5, true, false))
	return all, sm3.Sum([]byte(roots[0]))
}

func snapshotOf(t *testing.T, s *status.State) []byte {
	t.Helper()
	b, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// step is something that happens to a terminal.
type step struct {
	name string
	do   func(t *testing.T, m *modelled, path string)
}

func steps(all []*offer) []step {
	var s []step
	for _, o := range all {
		s = append(s, step{o.name, func(t *testing.T, m *modelled, path string) { m.offered(t, o, path) }})
	}
	for name, clock := range map[string]time.Duration{
		"clock back": -10 * time.Minute, "clock right": 31 * time.Minute, "clock later": 55 * time.Minute, "clock far later": 100 * 24 * time.Hour,
	} {
		s = append(s, step{name, func(_ *testing.T, m *modelled, _ string) { m.clock = clock }})
	}
	s = append(s,
		step{"restart", func(_ *testing.T, m *modelled, _ string) { m.previous, m.memory.previous = nil, nil }},
		step{"base lost", func(_ *testing.T, m *modelled, _ string) { m.base, m.memory.base = nil, nil }},
	)
	slices.SortFunc(s, func(a, b step) int { return strings.Compare(a.name, b.name) })
	return s
}

// TestModel goes through every sequence of steps of some length, and long random ones.
// ELICENCE_LONG=1 makes both longer.
func TestModel(t *testing.T) {
	t.Parallel()
	all, pin := offers(t)
	happens := steps(all)
	root := t.TempDir()
	made := 0
	fresh := func() string {
		made++
		return filepath.Join(root, fmt.Sprint(made))
	}
	start := func() *modelled {
		m := &modelled{dir: fresh(), pin: pin}
		m.clock = 16 * time.Minute
		return m
	}
	depth, walks := 2, 40
	if os.Getenv("ELICENCE_LONG") != "" {
		depth, walks = 3, 1000
	}
	taken := make(map[string]int)
	var explore func(m *modelled, path []string)
	explore = func(m *modelled, path []string) {
		if len(path) == depth {
			return
		}
		for _, s := range happens {
			next := m.clone(t, fresh())
			here := append(slices.Clone(path), s.name)
			used := next.memory.previous
			s.do(t, next, strings.Join(here, ", "))
			if next.memory.previous != used {
				taken[s.name]++
			}
			explore(next, here)
			if err := os.RemoveAll(next.dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	empty := start()
	if _, err := trust.OpenState(empty.dir, pin); err != nil {
		t.Fatal(err)
	}
	explore(empty, nil)
	r := rand.New(rand.NewPCG(8, 8))
	for range walks {
		m := start()
		var path []string
		for range 40 {
			s := happens[r.IntN(len(happens))]
			path = append(path, s.name)
			used := m.memory.previous
			s.do(t, m, strings.Join(path, ", "))
			if m.memory.previous != used {
				taken[s.name]++
			}
		}
	}
	// Without this the test could pass by refusing everything.
	for _, o := range all {
		if o.intact && taken[o.name] == 0 && o.name != "thief: tomorrow" {
			t.Errorf("%q was never taken", o.name)
		}
	}
}
