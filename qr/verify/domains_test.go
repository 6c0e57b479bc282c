package verify_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// neighbours are two domains of which the first recognises the second.
type neighbours struct {
	ours, theirs *trusttest.Domain
	root         []byte // theirs: the file that ours pins
}

func newNeighbours(tb testing.TB) *neighbours {
	tb.Helper()
	n := &neighbours{ours: trusttest.New(tb, now), theirs: trusttest.New(tb, now)}
	n.theirs.Root.Domain = trust.Domain{Region: "330000", Name: "浙江省(测试)"}
	n.theirs.Trust.Domain = n.theirs.Root.Domain
	n.theirs.Trust.Issuers[0].Region, n.theirs.Trust.Issuers[0].Name = "330100", "杭州市测试局"
	n.recognise(tb, n.ours, []string{"330000"}, []uint64{4})
	return n
}

func (n *neighbours) recognise(tb testing.TB, by *trusttest.Domain, regions []string, categories []uint64) {
	tb.Helper()
	n.root = n.theirs.Files(tb)["1.root"].Data
	n.theirs.Status.Lists = nil // to be described anew
	by.Trust.Recognised = []trust.RecognisedDomain{{Domain: n.theirs.Trust.Domain, RootSM3: sm3.Sum(n.root), Regions: regions, Categories: categories}}
}

// files is our cache with theirs in it.
func (n *neighbours) files(tb testing.TB) fstest.MapFS {
	tb.Helper()
	files := n.ours.Files(tb)
	for name, f := range n.theirs.Files(tb) {
		files[trust.DomainFolder(sm3.Sum(n.root))+"/"+name] = f
	}
	return files
}

func (n *neighbours) load(tb testing.TB, files fs.FS, at time.Time) *trust.Cache {
	tb.Helper()
	c, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: func() time.Time { return at }})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (n *neighbours) scan(tb testing.TB, at time.Time, code string) verify.Result {
	tb.Helper()
	clock := func() time.Time { return at }
	return verify.New(n.load(tb, n.files(tb), at), verify.Options{Second: second.Opinion{}, Now: clock}).Text(code)
}

// TestRecognisedDomain: a neighbour's licences are taken within what is recognised.
func TestRecognisedDomain(t *testing.T) {
	t.Parallel()
	business := func(c *qr.Credential) { c.Summary.Category, c.Summary.Fields = 66, []any{"有限公司"} }
	for _, tt := range []struct {
		name   string
		change func(testing.TB, *neighbours)
		code   func(testing.TB, *neighbours) string // nil: a driving licence of theirs
		after  time.Duration
		want   verify.Verdict
		cause  verify.CauseCode
	}{
		{name: "within", want: verify.Valid, cause: verify.CauseInOrder},
		{name: "ours beside it", code: func(tb testing.TB, n *neighbours) string {
			return trusttest.Code(tb, n.ours.Credential(now.Add(-time.Hour)), n.ours.IssuerKey)
		}, want: verify.Valid, cause: verify.CauseInOrder},
		{name: "revoked by them", change: func(_ testing.TB, n *neighbours) { n.theirs.Set.Revoked.Set(77) }, want: verify.Revoked, cause: verify.CauseRevoked},
		{name: "revoked at that place by us", change: func(_ testing.TB, n *neighbours) { n.ours.Set.Revoked.Set(77) }, want: verify.Valid, cause: verify.CauseInOrder},
		{name: "a category that is not granted", code: func(tb testing.TB, n *neighbours) string {
			c := n.theirs.Credential(now.Add(-time.Hour))
			business(c)
			return trusttest.Code(tb, c, n.theirs.IssuerKey)
		}, want: verify.OutOfScope, cause: verify.CauseDomainCategory},
		{name: "a region that is not granted", change: func(tb testing.TB, n *neighbours) { n.recognise(tb, n.ours, []string{"330200", "330300"}, []uint64{4}) },
			want: verify.OutOfScope, cause: verify.CauseDomainRegion},
		{name: "a city that is", change: func(tb testing.TB, n *neighbours) { n.recognise(tb, n.ours, []string{"330100"}, []uint64{4}) }, want: verify.Valid, cause: verify.CauseInOrder},
		{name: "an issuer of theirs in our region", change: func(_ testing.TB, n *neighbours) { n.theirs.Trust.Issuers[0].Region = "340100" },
			want: verify.OutOfScope, cause: verify.CauseIssuerRegion},
		{name: "an issuer of ours in their region", change: func(_ testing.TB, n *neighbours) { n.ours.Trust.Issuers[0].Region = "330100" },
			code: func(tb testing.TB, n *neighbours) string {
				return trusttest.Code(tb, n.ours.Credential(now.Add(-time.Hour)), n.ours.IssuerKey)
			}, want: verify.OutOfScope, cause: verify.CauseIssuerRegion},
		{name: "a body of the state that issues through us", change: func(_ testing.TB, n *neighbours) { n.ours.Trust.Issuers[0].Region = trust.National },
			code: func(tb testing.TB, n *neighbours) string {
				return trusttest.Code(tb, n.ours.Credential(now.Add(-time.Hour)), n.ours.IssuerKey)
			}, want: verify.Valid, cause: verify.CauseInOrder},
		{name: "a body of the state that issues through them", change: func(_ testing.TB, n *neighbours) { n.theirs.Trust.Issuers[0].Region = trust.National },
			want: verify.OutOfScope, cause: verify.CauseDomainRegion},
		{name: "a category that they do not grant themselves", change: func(tb testing.TB, n *neighbours) {
			n.recognise(tb, n.ours, []string{"330000"}, []uint64{4, 66})
			n.theirs.Trust.Issuers[0].Categories = []uint64{66}
		}, want: verify.OutOfScope, cause: verify.CauseIssuerCategory},
		{name: "stolen, as they say", change: func(_ testing.TB, n *neighbours) { n.theirs.Trust.Issuers[0].State = trust.IssuerCompromised },
			want: verify.Untrusted, cause: verify.CauseKeyCompromised},
		{name: "their data too old", change: func(_ testing.TB, n *neighbours) { n.ours.Time.Issued += 80 * 3600; n.ours.Status.Issued += 80 * 3600 },
			after: 80 * time.Hour, want: verify.NoData, cause: verify.CauseDataTooOld},
		{name: "our data old, theirs new", change: func(_ testing.TB, n *neighbours) {
			n.theirs.Time.Issued += 80 * 3600
			n.theirs.Status.Issued += 80 * 3600
		}, after: 80 * time.Hour, want: verify.Valid, cause: verify.CauseInOrder},
		{name: "nobody is recognised", change: func(_ testing.TB, n *neighbours) { n.ours.Trust.Recognised = nil }, want: verify.Untrusted, cause: verify.CauseUnknownIssuer},
		{name: "another root of theirs", change: func(_ testing.TB, n *neighbours) { n.ours.Trust.Recognised[0].RootSM3[0] ^= 1 }, want: verify.Untrusted, cause: verify.CauseUnknownIssuer},
		{name: "their files have ended", change: func(_ testing.TB, n *neighbours) { n.theirs.Status.Expires = now.Unix() + 60 }, after: time.Hour, want: verify.Untrusted, cause: verify.CauseUnknownIssuer},
		{name: "another domain behind the root", change: func(_ testing.TB, n *neighbours) { n.ours.Trust.Recognised[0].Domain.Name = "江苏省" }, want: verify.Untrusted, cause: verify.CauseUnknownIssuer},
		// A key that we know, in whatever role, is refused as theirs.
		{name: "a key of our service as theirs", change: func(_ testing.TB, n *neighbours) { own(n, n.ours.CodeKey) }, code: func(tb testing.TB, n *neighbours) string {
			return trusttest.Code(tb, n.theirs.Credential(now.Add(-time.Hour)), n.ours.CodeKey)
		}, want: verify.Untrusted, cause: verify.CauseUnknownIssuer},
		{name: "the key of our status file as theirs", change: func(_ testing.TB, n *neighbours) { own(n, n.ours.Keys[trust.RoleStatus]) }, code: func(tb testing.TB, n *neighbours) string {
			return trusttest.Code(tb, n.theirs.Credential(now.Add(-time.Hour)), n.ours.Keys[trust.RoleStatus])
		}, want: verify.Untrusted, cause: verify.CauseUnknownIssuer},
		// Our issuer's key as theirs too: it stays ours, with our lists.
		{name: "our issuer's key as theirs", change: func(_ testing.TB, n *neighbours) { own(n, n.ours.IssuerKey); n.theirs.Set.Revoked.Set(77) },
			code: func(tb testing.TB, n *neighbours) string {
				return trusttest.Code(tb, n.ours.Credential(now.Add(-time.Hour)), n.ours.IssuerKey)
			}, want: verify.Valid, cause: verify.CauseInOrder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := newNeighbours(t)
			if tt.change != nil {
				tt.change(t, n)
			}
			code := ""
			if tt.code != nil {
				code = tt.code(t, n)
			} else {
				code = trusttest.Code(t, n.theirs.Credential(now.Add(-time.Hour)), n.theirs.IssuerKey)
			}
			r := n.scan(t, now.Add(tt.after), code)
			if r.Verdict != tt.want || r.CauseCode != tt.cause {
				t.Errorf("%s, %s (%s); want %s, %s", r.Verdict, r.CauseCode, r.Cause, tt.want, tt.cause)
			}
		})
	}
}

// own lets their issuer have a key of ours.
func own(n *neighbours, key *pki.Key) {
	n.theirs.Trust.Issuers[0].Point, n.theirs.Trust.Issuers[0].KID = key.Public().Point(), key.Public().KID()
}

// TestNotTransitive: whom a neighbour recognises is a stranger here.
func TestNotTransitive(t *testing.T) {
	t.Parallel()
	n, far := newNeighbours(t), newNeighbours(t)
	far.theirs.Root.Domain = trust.Domain{Region: "320000", Name: "江苏省(测试)"}
	far.theirs.Trust.Domain, far.theirs.Trust.Issuers[0].Region = far.theirs.Root.Domain, "320100"
	far.recognise(t, n.theirs, []string{"320000"}, []uint64{4})
	files := n.files(t)
	inner := trust.DomainFolder(sm3.Sum(far.root))
	for name, f := range far.theirs.Files(t) {
		files[trust.DomainFolder(sm3.Sum(n.root))+"/"+inner+"/"+name] = f
		files[inner+"/"+name] = f
	}
	c := n.load(t, files, now)
	v := verify.New(c, verify.Options{Second: second.Opinion{}, Now: func() time.Time { return now }})
	if r := v.Text(trusttest.Code(t, far.theirs.Credential(now.Add(-time.Hour)), far.theirs.IssuerKey)); r.Verdict != verify.Untrusted {
		t.Errorf("a neighbour's neighbour: %s, want untrusted", r.Verdict)
	}
	if r := v.Text(trusttest.Code(t, n.theirs.Credential(now.Add(-time.Hour)), n.theirs.IssuerKey)); r.Verdict != verify.Valid {
		t.Errorf("the neighbour: %s (%s), want valid", r.Verdict, r.Cause)
	}
}

// TestNeighbourFails: whatever is the matter with a neighbour's files, ours are loaded
// and decide, and the cache says what is the matter.
func TestNeighbourFails(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	good := n.files(t)
	folder := trust.DomainFolder(sm3.Sum(n.root)) + "/"
	ours := trusttest.Code(t, n.ours.Credential(now.Add(-time.Hour)), n.ours.IssuerKey)
	for name, f := range good {
		if len(name) <= len(folder) || name[:len(folder)] != folder {
			continue
		}
		for what, content := range map[string][]byte{"torn": f.Data[:len(f.Data)/2], "empty": {}, "missing": nil, "of ours": ourFile(good, name[len(folder):])} {
			if what == "of ours" && string(content) == string(f.Data) {
				continue // a state of no revocations is the same everywhere
			}
			files := make(fstest.MapFS)
			for name, f := range good {
				files[name] = f
			}
			files[name] = &fstest.MapFile{Data: content}
			if content == nil {
				delete(files, name)
			}
			c := n.load(t, files, now)
			if d := c.Domains(); len(d) != 1 || d[0].Err == nil || d[0].Cache != nil {
				t.Errorf("%s %s: the neighbour's domain is used", name, what)
			}
			r := verify.New(c, verify.Options{Second: second.Opinion{}, Now: func() time.Time { return now }}).Text(ours)
			if r.Verdict != verify.Valid {
				t.Errorf("%s %s: a licence of ours is %s", name, what, r.Verdict)
			}
		}
	}
}

// ourFile is the file of our own cache of the same name, or another one of ours.
func ourFile(files fstest.MapFS, name string) []byte {
	if f, ok := files[name]; ok {
		return f.Data
	}
	return files["time"].Data
}

// TestNeighbourRolledBack: a neighbour's files go back no more than ours.
func TestNeighbourRolledBack(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	dir := t.TempDir()
	with := func() *trust.Recognition {
		t.Helper()
		files := n.files(t)
		first, err := trust.FirstRoot(files)
		if err != nil {
			t.Fatal(err)
		}
		state, err := trust.OpenState(dir, first)
		if err != nil {
			t.Fatal(err)
		}
		c, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: func() time.Time { return now }, State: state})
		if err != nil {
			t.Fatal(err)
		}
		return c.Domains()[0]
	}
	n.theirs.Time.Version = 7
	if d := with(); d.Err != nil {
		t.Fatal(d.Err)
	}
	n.theirs.Time.Version = 6
	if d := with(); !errors.Is(d.Err, trust.ErrRollback) {
		t.Errorf("an older time file of theirs: %v, want ErrRollback", d.Err)
	}
	n.theirs.Time.Version = 8
	if d := with(); d.Err != nil {
		t.Errorf("a newer one: %v", d.Err)
	}
}
