package mirror

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

// TestRecognised: what another domain publishes comes along from the same source or from
// its own, by the same rules; nothing that is wrong with it hurts ours.
func TestRecognised(t *testing.T) {
	t.Parallel()
	p, q := newProvince(t), newProvince(t)
	q.Root.Domain = trust.Domain{Region: "330000", Name: "浙江省(测试)"}
	q.Domain.Trust.Domain = q.Root.Domain
	theirs := q.Files(t)
	pin := sm3.Sum(theirs["1.root"].Data)
	p.Domain.Trust.Recognised = []trust.RecognisedDomain{{Domain: q.Root.Domain, RootSM3: pin, Regions: []string{"330000"}, Categories: []uint64{4}}}
	ours := p.Files(t)
	at := "domains/" + hex.EncodeToString(pin[:]) + "/"
	both := func(ours, theirs fstest.MapFS) fstest.MapFS {
		all := with(ours, nil)
		for name, f := range theirs {
			all[at+name] = f
		}
		return all
	}
	h := newHall(t, p)
	version := func() uint64 {
		t.Helper()
		c, err := trust.Load(os.DirFS(filepath.Join(h.cache, at)), trust.Options{Pin: &pin, Second: second.Opinion{}, Now: func() time.Time { return h.now }})
		if errors.Is(err, fs.ErrNotExist) {
			return 0
		}
		if err != nil {
			t.Fatalf("the recognised domain's files: %v", err)
		}
		return c.Time.Version
	}
	// A source that has nothing of theirs is as good.
	if r := h.run(t, Updated, folder(t, ours)); len(r.Problems) > 0 || version() != 0 {
		t.Errorf("without theirs: %+v", r)
	}
	// Theirs alone are an update.
	if r := h.run(t, Updated, folder(t, both(ours, theirs))); len(r.Problems) > 0 || version() != 1 || !slices.Contains(r.Changed, at+"time") || slices.Contains(r.Changed, "time") {
		t.Errorf("with theirs: %+v", r)
	}
	s := serve(t, both(ours, theirs))
	h.run(t, Current, s.source(t))
	s.take()
	h.run(t, Current, s.source(t))
	if asked := s.take(); !slices.Equal(asked, []string{"time 304 0", at + "time 304 0"}) {
		t.Errorf("nothing is new, and asked was %q", asked)
	}
	// They stay through an update of ours.
	h.run(t, Updated, folder(t, p.publish(t, time.Hour, 3)))
	if version() != 1 {
		t.Error("theirs are lost")
	}
	// What is wrong with theirs is told, and ours go on.
	q.now = p.now
	newer := q.publish(t, time.Minute, 7)
	p.now = q.now
	set := setName(t, newer)
	for name, test := range map[string]struct {
		theirs fstest.MapFS
		rule   Rule
	}{
		"damaged":         {with(newer, map[string][]byte{"status": newer["time"].Data}), RuleMismatch},
		"half":            {with(newer, map[string][]byte{set: nil}), RuleMissing},
		"of our own root": {ours, RuleSignature},
	} {
		r := h.run(t, Updated, folder(t, both(p.publish(t, time.Minute, 8), test.theirs)))
		if !slices.Equal(rules(r), []Rule{test.rule}) || version() != 1 {
			t.Errorf("%s: %+v, want rule %s", name, r, test.rule)
		}
		h.version(t)
	}
	// From their own service, and never back again.
	o := h.options(folder(t, p.publish(t, time.Minute, 9)))
	o.Domains = map[[sm3.Size]byte]Source{pin: folder(t, newer)}
	if r := Run(t.Context(), o); r.Outcome != Updated || len(r.Problems) > 0 || version() != 2 {
		t.Errorf("from their own service: %+v", r)
	}
	r := h.run(t, Updated, folder(t, both(p.publish(t, time.Minute, 10), theirs)))
	if !slices.Equal(rules(r), []Rule{RuleRollback}) || version() != 2 {
		t.Errorf("back again: %+v", r)
	}
}

// TestRecognisedMemory: where what is remembered of another domain is damaged, theirs stay
// as they are, and ours are updated.
func TestRecognisedMemory(t *testing.T) {
	t.Parallel()
	p, q := newProvince(t), newProvince(t)
	q.Root.Domain = trust.Domain{Region: "330000", Name: "浙江省(测试)"}
	q.Domain.Trust.Domain = q.Root.Domain
	theirs := q.Files(t)
	pin := sm3.Sum(theirs["1.root"].Data)
	p.Domain.Trust.Recognised = []trust.RecognisedDomain{{Domain: q.Root.Domain, RootSM3: pin, Regions: []string{"330000"}, Categories: []uint64{4}}}
	h := newHall(t, p)
	run := func(ours fstest.MapFS) Result {
		o := h.options(folder(t, ours))
		o.Domains = map[[sm3.Size]byte]Source{pin: folder(t, theirs)}
		return Run(t.Context(), o)
	}
	if r := run(p.Files(t)); r.Outcome != Updated || len(r.Problems) > 0 {
		t.Fatalf("%+v", r)
	}
	for _, name := range []string{"state.1", "state.2"} {
		if err := os.WriteFile(filepath.Join(h.state, hex.EncodeToString(pin[:]), name), []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := run(p.publish(t, time.Minute, 3))
	if r.Outcome != Updated || !slices.Equal(rules(r), []Rule{RuleLocal}) {
		t.Errorf("%+v", r)
	}
	if v := h.version(t); v != 2 {
		t.Errorf("ours have version %d", v)
	}
	if _, err := os.Stat(filepath.Join(h.cache, trust.DomainFolder(pin), "time")); err != nil {
		t.Errorf("theirs: %v", err)
	}
}
