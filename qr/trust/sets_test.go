package trust_test

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/status"
	"github.com/elicence/elicence/qr/trust"
)

// history is a domain with five states of two lists, and the files between them.
type history struct {
	*trusttest.Domain
	states []*status.State
	steps  []status.Changes
}

func newHistory(t *testing.T) *history {
	t.Helper()
	h := &history{Domain: trusttest.New(t, now)}
	first := &status.State{Sequence: 1, Sets: []*status.Set{{List: 1, High: 4096}, {List: 3, High: 4096}}}
	first.Sets[0].Revoked.Set(5)
	h.states = []*status.State{first}
	for i := range uint32(4) {
		next := h.states[i].Share()
		next.Sequence++
		next.Own(1).Revoked.Set(100 + i)
		next.Own(1).High += 4096 * (i % 2)
		next.Own(1).Suspended[i/2] ^= 1
		if i == 3 {
			next.Own(3).Suspended.Set(9)
		}
		step, err := next.Since(h.states[i])
		if err != nil {
			t.Fatal(err)
		}
		h.states, h.steps = append(h.states, next), append(h.steps, step)
	}
	return h
}

// at lets the status file name the state of a sequence number with its files.
func (h *history) at(sequence uint64, files ...trust.SetFile) {
	h.Status.Sequence, h.Status.Lists = sequence, nil
	for _, s := range h.states[sequence-1].Sets {
		h.Status.Lists = append(h.Status.Lists, trust.List{List: uint64(s.List), High: uint64(s.High), SetHash: s.Hash()})
	}
	h.Status.Files = files
}

func (h *history) snapshot(t *testing.T, sequence uint64) trust.SetFile {
	t.Helper()
	file, err := h.states[sequence-1].Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return h.AddSet(0, sequence, file)
}

func (h *history) delta(t *testing.T, from, to uint64) trust.SetFile {
	t.Helper()
	all := status.Merge(h.steps[from-1 : to-1]...)
	file, err := h.states[to-1].Delta(all, from)
	if err != nil {
		t.Fatal(err)
	}
	return h.AddSet(from, to, file)
}

func (h *history) wants(t *testing.T, c *trust.Cache, err error, sequence uint64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range h.states[sequence-1].Sets {
		if got, ok := c.Set(want.List); !ok || got.Hash() != want.Hash() {
			t.Errorf("list %d is not that of state %d", want.List, sequence)
		}
	}
}

// TestWays: whatever a cache folder has, the same signed state comes of it.
func TestWays(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	caches := make(map[uint64]*trust.Cache)
	bases := make(map[uint64][]byte)
	for sequence := uint64(1); sequence <= 5; sequence++ {
		h.at(sequence, h.snapshot(t, sequence))
		c, err := load(h.Files(t), now)
		h.wants(t, c, err, sequence)
		caches[sequence] = c
		if bases[sequence], err = c.Base(); err != nil {
			t.Fatal(err)
		}
	}
	one, two := h.snapshot(t, 1), h.snapshot(t, 2)
	long, short, last := h.delta(t, 1, 4), h.delta(t, 2, 5), h.delta(t, 4, 5)
	for _, tt := range []struct {
		name     string
		files    []trust.SetFile // that status names
		there    []trust.SetFile
		base     uint64 // sequence; 0: none
		previous uint64
		missing  []trust.SetFile
	}{
		{"a snapshot and two deltas", []trust.SetFile{one, long, last}, []trust.SetFile{one, long, last}, 0, 0, nil},
		{"nothing", []trust.SetFile{one, long, short, last}, nil, 0, 0, []trust.SetFile{one, long, last}},
		{"the shortest of two ways", []trust.SetFile{two, long, short, last}, nil, 0, 0, []trust.SetFile{two, short}},
		{"the snapshot alone", []trust.SetFile{two, long, short, last}, []trust.SetFile{two}, 0, 0, []trust.SetFile{short}},
		{"a base", []trust.SetFile{two, long, short, last}, nil, 3, 0, []trust.SetFile{short}},
		{"a base before all deltas but one", []trust.SetFile{one, long, last}, nil, 1, 0, []trust.SetFile{long, last}},
		{"a late base", []trust.SetFile{one, long, last}, []trust.SetFile{last}, 4, 0, nil},
		{"the present base", []trust.SetFile{one, long, last}, nil, 5, 0, nil},
		{"the cache in force", []trust.SetFile{one, long, last}, nil, 0, 2, []trust.SetFile{long, last}},
		{"the cache in force before a base", []trust.SetFile{one, long, last}, []trust.SetFile{last}, 1, 4, nil},
		{"the same cache again", []trust.SetFile{one, long, last}, nil, 0, 5, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.at(5, tt.files...)
			files := h.Files(t)
			for name := range h.Sets {
				delete(files, name)
			}
			add := func(some []trust.SetFile) {
				for _, f := range some {
					files[trust.SetName(f.SM3)] = &fstest.MapFile{Data: h.Sets[trust.SetName(f.SM3)]}
				}
			}
			add(tt.there)
			if tt.base > 0 {
				files[trust.BaseName] = &fstest.MapFile{Data: bases[tt.base]}
			}
			o := trust.Options{Second: second.Opinion{}, Now: at(now), Previous: caches[tt.previous]}
			missing, err := trust.Missing(files, o)
			if err != nil || !slices.Equal(missing, tt.missing) {
				t.Fatalf("Missing = %v, %v; want %v", missing, err, tt.missing)
			}
			if len(missing) > 0 {
				if _, err := trust.Load(files, o); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("Load with files missing = %v, want ErrNotExist", err)
				}
			}
			taking := o
			taking.Lazy = true
			taking.Take = func(files []trust.SetFile) error {
				if !slices.Equal(files, tt.missing) {
					t.Errorf("Take is given %v, want %v", files, tt.missing)
				}
				add(files)
				return nil
			}
			c, err := trust.Load(files, taking)
			h.wants(t, c, err, 5)
			c, err = trust.Load(files, o)
			h.wants(t, c, err, 5)
			if tt.previous == 4 {
				before, _ := caches[4].Set(1)
				after, _ := c.Set(1)
				if before == after {
					t.Error("the list that changed is shared with the cache in force")
				}
				h.wants(t, caches[4], nil, 4)
			}
		})
	}
}

// TestLazy: a list that is not the signed one stops a terminal when it is loaded. A browser
// finds out when it looks into the list, and has the others; what was kept without a
// signature it compares at once.
func TestLazy(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.at(5, h.snapshot(t, 5))
	h.Status.Lists[0].SetHash[7] ^= 1
	files := h.Files(t)
	if _, err := load(files, now); !errors.Is(err, trust.ErrMismatch) {
		t.Errorf("a wrong list = %v, want ErrMismatch", err)
	}
	o := trust.Options{Second: second.Opinion{}, Now: at(now), Lazy: true}
	c, err := trust.Load(files, o)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, ok := c.Set(1); ok {
			t.Error("the wrong list is there")
		}
		if _, ok := c.Set(3); !ok {
			t.Error("the right list is not there")
		}
	}
	if _, ok := c.Set(4); ok {
		t.Error("a list that was never there is")
	}
	base, err := c.Base()
	if err != nil {
		t.Fatal(err)
	}
	for name := range h.Sets {
		delete(files, name)
	}
	files[trust.BaseName] = &fstest.MapFile{Data: base}
	if _, err := trust.Load(files, o); !errors.Is(err, trust.ErrMismatch) {
		t.Errorf("the wrong list from a base = %v, want ErrMismatch", err)
	}
	// The list stays wrong in a later cache that shares it.
	o.Previous = c
	later, err := trust.Load(h.Files(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := later.Set(1); ok {
		t.Error("the wrong list is there in the cache after")
	}
	refused := errors.New("refused")
	o.Previous, o.Take = nil, func([]trust.SetFile) error { return refused }
	if _, err := trust.Load(h.Files(t), o); !errors.Is(err, refused) {
		t.Errorf("Take fails: %v", err)
	}
}

// TestBadWay: what leads elsewhere than to the signed hashes is given up for another way.
func TestBadWay(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.at(4, h.snapshot(t, 4))
	c, err := load(h.Files(t), now)
	h.wants(t, c, err, 4)
	good, err := c.Base()
	if err != nil {
		t.Fatal(err)
	}
	// Another state 4 under the same keys: less is revoked in it.
	other := newHistory(t)
	other.Domain.Keys, other.Domain.Root = h.Keys, h.Root
	other.states[3].Own(1).Revoked = status.Plane{}
	other.at(4, other.snapshot(t, 4))
	c, err = load(other.Files(t), now)
	other.wants(t, c, err, 4)
	wrong, err := c.Base()
	if err != nil {
		t.Fatal(err)
	}
	h.at(5, h.snapshot(t, 1), h.delta(t, 1, 5))
	torn := slices.Clone(good)
	torn[len(torn)-40] ^= 1
	for name, b := range map[string][]byte{"good": good, "of other content": wrong, "torn": torn, "cut off": good[:len(good)-9], "empty": {}} {
		files := h.Files(t)
		files[trust.BaseName] = &fstest.MapFile{Data: b}
		c, err := load(files, now)
		if err != nil {
			t.Errorf("base %s: %v", name, err)
			continue
		}
		h.wants(t, c, err, 5)
	}
	// Only a way that there is: without the snapshot the wrong base leads nowhere.
	files := h.Files(t)
	delete(files, trust.SetName(h.Status.Files[0].SM3))
	files[trust.BaseName] = &fstest.MapFile{Data: wrong}
	if _, err := load(files, now); !errors.Is(err, trust.ErrMismatch) {
		t.Errorf("only a wrong base: %v, want ErrMismatch", err)
	}
}

// TestUnrevoked: who has stolen the key of status cannot have a revocation forgotten
// by a terminal that has it, be it in memory or in its base. With new keys for the role
// the lists start again.
func TestUnrevoked(t *testing.T) {
	t.Parallel()
	h := newHistory(t)
	h.at(4, h.snapshot(t, 4))
	before, err := load(h.Files(t), now)
	h.wants(t, before, err, 4)
	base, err := before.Base()
	if err != nil {
		t.Fatal(err)
	}
	honest := h.states[4]
	for name, forge := range map[string]func(*status.State){
		"a revocation forgotten": func(s *status.State) { s.Own(1).Revoked.Clear(5) },
		"a lower high mark":      func(s *status.State) { s.Own(3).High = 100 },
	} {
		forged := honest.Share()
		forge(forged)
		h.states[4] = forged
		h.at(5, h.snapshot(t, 5))
		files := h.Files(t)
		with := func(previous *trust.Cache) error {
			_, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: at(now), Previous: previous})
			return err
		}
		if err := with(before); !errors.Is(err, status.ErrUnrevoked) {
			t.Errorf("%s, in memory: %v, want ErrUnrevoked", name, err)
		}
		if err := with(nil); err != nil {
			t.Errorf("%s, for a terminal that knows nothing: %v", name, err)
		}
		files[trust.BaseName] = &fstest.MapFile{Data: base}
		// A base does not say high marks; a lower one makes nothing valid.
		if err := with(nil); forged.Sets[0].Revoked.Has(5) != (err == nil) || err != nil && !errors.Is(err, status.ErrUnrevoked) {
			t.Errorf("%s, in the base: %v, want ErrUnrevoked", name, err)
		}
		// The root takes the stolen key away: what its owner said counts no more.
		first := files["1.root"].Data
		next := h.Root
		next.Version = 2
		next.Roles = slices.Clone(h.Root.Roles)
		stolen, fresh := h.Keys[trust.RoleStatus], pkitest.NewKey(t)
		next.Roles[3].Points = []pki.Point{fresh.Public().Point()}
		h.Keys[trust.RoleStatus] = fresh
		files = h.Files(t)
		files["1.root"].Data, files["2.root"] = first, &fstest.MapFile{Data: h.Sign(t, trust.RoleRoot, next)}
		files[trust.BaseName] = &fstest.MapFile{Data: base}
		if err := with(before); err != nil {
			t.Errorf("%s, after a rotation: %v", name, err)
		}
		h.Keys[trust.RoleStatus] = stolen
	}
}
