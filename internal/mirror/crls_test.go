package mirror

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/second"
)

// revocationList is a list of an authority.
func revocationList(t *testing.T, a pkitest.Bare, number uint64, at time.Time) []byte {
	t.Helper()
	l, err := crl.Build(&crl.Template{Issuer: a.Certificate, Number: number, ThisUpdate: at, NextUpdate: at.AddDate(0, 0, 7)},
		func(func(crl.Entry, error) bool) {}, a.Key, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	return l.DER
}

// TestCRLs: lists come with the cache and alone, each judged by itself; what is wrong
// with one hinders nothing.
func TestCRLs(t *testing.T) {
	t.Parallel()
	p := newProvince(t)
	ours, stranger := pkitest.NewBare(t, "印章CA", begin.AddDate(-1, 0, 0)), pkitest.NewBare(t, "别人", begin.AddDate(-1, 0, 0))
	p.Domain.Trust.Documents.Seals = append(p.Domain.Trust.Documents.Seals, ours.Certificate.DER)
	files := p.Files(t)
	first, later := revocationList(t, ours, 1, begin), revocationList(t, ours, 2, begin.Add(time.Minute))
	lists := func(index string, all map[string][]byte) fstest.MapFS {
		named := map[string][]byte{"crl/index": []byte(index)}
		for name, der := range all {
			named["crl/"+name] = der
		}
		return with(files, named)
	}
	h := newHall(t, p)
	sync := func(s Source) Result {
		t.Helper()
		o := h.options(s)
		o.CRLs = true
		r := Run(t.Context(), o)
		h.version(t)
		return r
	}
	kept := func(name string) []byte {
		b, err := os.ReadFile(h.cache + "/crl/" + name)
		if err != nil {
			return nil
		}
		return b
	}
	// Without being asked to, none is fetched.
	s := serve(t, lists("a.crl\nb.crl\n", map[string][]byte{"a.crl": first, "b.crl": revocationList(t, stranger, 1, begin)}))
	h.run(t, Updated, s.source(t))
	if kept("a.crl") != nil {
		t.Error("a list was fetched that nobody asked for")
	}
	r := sync(s.source(t))
	if r.Outcome != Updated || !slices.Equal(r.Changed, []string{"crl/a.crl", "crl/index"}) || len(r.Problems) != 0 || string(kept("a.crl")) != string(first) || string(kept("index")) != "a.crl\n" {
		t.Errorf("the first lists: %+v", r)
	}
	s.take()
	if r := sync(s.source(t)); r.Outcome != Current || len(r.Problems) != 0 {
		t.Errorf("nothing new: %+v", r)
	}
	asked := s.take()
	for _, want := range []string{"time 304 0", "crl/a.crl 304 0", "crl/b.crl 304 0"} {
		if !slices.Contains(asked, want) {
			t.Errorf("asked %q, want %s", asked, want)
		}
	}
	s.serves(lists("a.crl\n", map[string][]byte{"a.crl": later}))
	if r := sync(s.source(t)); r.Outcome != Updated || string(kept("a.crl")) != string(later) {
		t.Errorf("a later list: %+v", r)
	}
	h.now = begin.Add(time.Minute)
	for name, test := range map[string]struct {
		index string
		lists map[string][]byte
		rule  Rule
	}{
		"older":            {"a.crl\n", map[string][]byte{"a.crl": first}, RuleRollback},
		"of the future":    {"a.crl\n", map[string][]byte{"a.crl": revocationList(t, ours, 3, begin.Add(time.Hour))}, RuleClock},
		"damaged":          {"a.crl\n", map[string][]byte{"a.crl": append(slices.Clone(later[:len(later)-1]), 0)}, RuleSignature},
		"cut off":          {"a.crl\n", map[string][]byte{"a.crl": later[:50]}, RuleMalformed},
		"missing":          {"a.crl\n", nil, RuleMissing},
		"a path":           {"../time\n", nil, RuleAnswer},
		"an endless index": {strings.Repeat("a.crl\n", 20_000), nil, RuleSize},
	} {
		r := sync(folder(t, lists(test.index, test.lists)))
		if r.Outcome != Current || len(r.Problems) != 1 || r.Problems[0].Rule != test.rule || string(kept("a.crl")) != string(later) {
			t.Errorf("%s: %+v, want rule %s", name, r, test.rule)
		}
	}
	// A new cache takes the lists along, fetched or not.
	next := p.publish(t, time.Hour, 3)
	h.run(t, Updated, folder(t, next))
	if string(kept("a.crl")) != string(later) {
		t.Error("the list is lost")
	}
	files = p.publish(t, time.Hour, 4)
	newest := revocationList(t, ours, 9, p.now)
	r = sync(folder(t, lists("a.crl\nx.crl\n", map[string][]byte{"a.crl": newest})))
	if r.Outcome != Updated || len(r.Problems) != 1 || string(kept("a.crl")) != string(newest) || !slices.Contains(r.Changed, "time") {
		t.Errorf("with a new cache: %+v", r)
	}
}
