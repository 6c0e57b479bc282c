package trust_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

var now = time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func load(files fs.FS, t time.Time) (*trust.Cache, error) {
	return trust.Load(files, trust.Options{Second: second.Opinion{}, Now: at(t)})
}

func TestLoad(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	d.Set.Revoked.Set(5)
	c, err := load(d.Files(t), now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Issuers(d.IssuerKey.Public().KID())) != 1 || len(c.Services(d.CodeKey.Public().KID())) != 1 {
		t.Error("a key is not found by its hint")
	}
	if set, ok := c.Set(1); !ok || !set.Revoked.Has(5) || set.Revoked.Has(6) {
		t.Error("the status list is not the signed one")
	}
	if k, ok := c.Category(4, 1); !ok || k.NameZH != "机动车驾驶证" {
		t.Errorf("category 4 = %v, %v", k, ok)
	}
	if c.Pinned || !c.AsOf().Equal(now) {
		t.Errorf("pinned %v, as of %s", c.Pinned, c.AsOf())
	}
}

// TestRotatedKeys: the keys of an authority follow one another in its lists, and those
// of the services and the log stay named.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	second := d.Trust.Issuers[0]
	key := pkitest.NewKey(t).Public()
	second.Point, second.KID = key.Point(), key.KID()
	second.Lists = []trust.IssuerList{{List: 1, From: now.Unix()}}
	d.Trust.Issuers[0].State = trust.IssuerRetired
	d.Trust.Issuers[0].Lists = []trust.IssuerList{{List: 1, From: now.Unix() - trusttest.Window, Until: now.Unix()}}
	d.Trust.Issuers = append(d.Trust.Issuers, second)
	d.Trust.Services[0].Until = now.Unix()
	d.Trust.PastLogs = []trust.PastLogKey{{Point: pkitest.NewKey(t).Public().Point(), Until: now.Unix()}}
	c, err := load(d.Files(t), now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Issuers(d.IssuerKey.Public().KID())) != 1 || len(c.Issuers(key.KID())) != 1 || len(c.Trust.PastLogs) != 1 {
		t.Error("a key of a rotation is not found")
	}
}

func TestAsOfIsTheOlder(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	d.Status.Issued -= 3600
	c, err := load(d.Files(t), now)
	if err != nil {
		t.Fatal(err)
	}
	if want := now.Add(-time.Hour); !c.AsOf().Equal(want) {
		t.Errorf("AsOf = %s, want %s", c.AsOf(), want)
	}
}

// TestRefused changes one thing of a good cache at a time.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		domain func(*testing.T, *trusttest.Domain)               // before signing
		files  func(*testing.T, *trusttest.Domain, fstest.MapFS) // after
		at     time.Time
		want   error
	}{
		{name: "clock six minutes behind", at: now.Add(-6 * time.Minute), want: trust.ErrClock},
		{name: "all expired", at: now.AddDate(0, 3, 0), want: trust.ErrExpired},
		{name: "status expired", domain: func(_ *testing.T, d *trusttest.Domain) { d.Status.Expires = now.Unix() + 60 }, at: now.Add(time.Hour), want: trust.ErrExpired},
		{name: "no root", files: func(_ *testing.T, _ *trusttest.Domain, f fstest.MapFS) { delete(f, "1.root") }, want: fs.ErrNotExist},
		{name: "no time", files: func(_ *testing.T, _ *trusttest.Domain, f fstest.MapFS) { delete(f, "time") }, want: fs.ErrNotExist},
		{name: "no set", files: func(_ *testing.T, d *trusttest.Domain, f fstest.MapFS) {
			for name := range d.Sets {
				delete(f, name)
			}
		}, want: fs.ErrNotExist},
		{name: "set of other content", files: func(_ *testing.T, d *trusttest.Domain, f fstest.MapFS) {
			for name := range d.Sets {
				f[name].Data[len(f[name].Data)-1] ^= 1
			}
		}, want: trust.ErrMismatch},
		{name: "trust signed by the wrong role", files: func(t *testing.T, d *trusttest.Domain, f fstest.MapFS) {
			d.Keys[trust.RoleTrust] = d.Keys[trust.RoleTime]
			f["trust"].Data = d.Sign(t, trust.RoleTrust, d.Trust)
		}, want: trust.ErrSigned},
		{name: "catalogue in the place of status", files: func(_ *testing.T, _ *trusttest.Domain, f fstest.MapFS) { f["status"] = f["catalogue"] }, want: trust.ErrSigned},
		{name: "a newer trust than time names", files: func(t *testing.T, d *trusttest.Domain, f fstest.MapFS) {
			d.Trust.Version = 2
			f["trust"].Data = d.Sign(t, trust.RoleTrust, d.Trust)
		}, want: trust.ErrMismatch},
		{name: "another trust of the same version", files: func(t *testing.T, d *trusttest.Domain, f fstest.MapFS) {
			d.Trust.Hosts = []string{"evil.example"}
			f["trust"].Data = d.Sign(t, trust.RoleTrust, d.Trust)
		}, want: trust.ErrMismatch},
		{name: "root of another name", files: func(_ *testing.T, _ *trusttest.Domain, f fstest.MapFS) {
			f["2.root"] = f["1.root"]
			delete(f, "1.root")
		}, want: trust.ErrMismatch},
		{name: "root that is no follower", files: func(_ *testing.T, _ *trusttest.Domain, f fstest.MapFS) { f["2.root"] = f["1.root"] }, want: trust.ErrInvalid},
		{name: "an issuer's kid that is not its key's", domain: func(_ *testing.T, d *trusttest.Domain) { d.Trust.Issuers[0].KID[0] ^= 1 }, want: trust.ErrInvalid},
		{name: "one key for an issuer and a service", domain: func(_ *testing.T, d *trusttest.Domain) {
			d.Trust.Services[0].Point, d.Trust.Services[0].KID = d.Trust.Issuers[0].Point, d.Trust.Issuers[0].KID
		}, want: trust.ErrInvalid},
		{name: "a list of two issuers", domain: func(t *testing.T, d *trusttest.Domain) {
			other := d.Trust.Issuers[0]
			key := pkitest.NewKey(t).Public()
			other.Point, other.KID, other.USCC = key.Point(), key.KID(), "11340100XN0000012"
			d.Trust.Issuers = append(d.Trust.Issuers, other)
		}, want: trust.ErrInvalid},
		{name: "a list twice in one key", domain: func(_ *testing.T, d *trusttest.Domain) {
			d.Trust.Issuers[0].Lists = append(d.Trust.Issuers[0].Lists, d.Trust.Issuers[0].Lists[0])
		}, want: trust.ErrInvalid},
		{name: "a service's time that ends before it begins", domain: func(_ *testing.T, d *trusttest.Domain) {
			d.Trust.Services[0].From, d.Trust.Services[0].Until = 2, 1
		}, want: trust.ErrInvalid},
		{name: "an earlier key of the log that is the present one", domain: func(_ *testing.T, d *trusttest.Domain) {
			d.Trust.PastLogs = []trust.PastLogKey{{Point: d.Trust.Log.Point, Until: 1}}
		}, want: trust.ErrInvalid},
		{name: "an earlier key of the log that is no point", domain: func(_ *testing.T, d *trusttest.Domain) {
			d.Trust.PastLogs = []trust.PastLogKey{{Until: 1}}
		}, want: trust.ErrInvalid},
		{name: "an issuer in no state", domain: func(_ *testing.T, d *trusttest.Domain) { d.Trust.Issuers[0].State = 0 }, want: trust.ErrInvalid},
		{name: "our own domain recognised", domain: func(_ *testing.T, d *trusttest.Domain) {
			d.Trust.Recognised = []trust.RecognisedDomain{{Domain: d.Trust.Domain}}
		}, want: trust.ErrInvalid},
		{name: "categories out of order", domain: func(_ *testing.T, d *trusttest.Domain) { d.Trust.Issuers[0].Categories = []uint64{66, 4} }, want: trust.ErrInvalid},
		{name: "a category twice", domain: func(_ *testing.T, d *trusttest.Domain) {
			d.Catalogue.Categories = append(d.Catalogue.Categories, d.Catalogue.Categories[0])
		}, want: trust.ErrInvalid},
		{name: "a limit below fresh", domain: func(_ *testing.T, d *trusttest.Domain) { d.Catalogue.Categories[0].Limit = 1 }, want: trust.ErrInvalid},
		{name: "version 0", domain: func(_ *testing.T, d *trusttest.Domain) { d.Time.Version = 0 }, want: trust.ErrInvalid},
		{name: "a threshold of two with one key", domain: func(_ *testing.T, d *trusttest.Domain) { d.Root.Roles[3].Threshold = 2 }, want: trust.ErrInvalid},
		{name: "one key in two roles", domain: func(_ *testing.T, d *trusttest.Domain) { d.Root.Roles[3].Points = d.Root.Roles[4].Points }, want: trust.ErrInvalid},
		{name: "trust of another domain", domain: func(_ *testing.T, d *trusttest.Domain) { d.Trust.Domain.Name = "别省" }, want: trust.ErrMismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := trusttest.New(t, now)
			if tt.domain != nil {
				tt.domain(t, d)
			}
			files := d.Files(t)
			if tt.files != nil {
				tt.files(t, d, files)
			}
			when := tt.at
			if when.IsZero() {
				when = now
			}
			if _, err := load(files, when); !errors.Is(err, tt.want) {
				t.Errorf("Load = %v, want %v", err, tt.want)
			}
		})
	}
}

// TestEveryFileBitCounts flips a bit in twenty bytes of every file.
func TestEveryFileBitCounts(t *testing.T) {
	t.Parallel()
	files := trusttest.New(t, now).Files(t)
	for name, file := range files {
		for i := 0; i < len(file.Data); i += 1 + len(file.Data)/20 {
			file.Data[i] ^= 0x20
			if _, err := load(files, now); err == nil {
				t.Errorf("byte %d of %s can be changed", i, name)
			}
			file.Data[i] ^= 0x20
		}
	}
	if _, err := load(files, now); err != nil {
		t.Errorf("the unchanged files are refused: %v", err)
	}
}

func TestPin(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	files := d.Files(t)
	pin := sm3.Sum(files["1.root"].Data)
	options := trust.Options{Second: second.Opinion{}, Now: at(now), Pin: &pin}
	c, err := trust.Load(files, options)
	if err != nil || !c.Pinned {
		t.Errorf("right pin: %v", err)
	}
	other := pin
	other[0] ^= 1
	options.Pin = &other
	if _, err := trust.Load(files, options); !errors.Is(err, trust.ErrPin) {
		t.Errorf("wrong pin: %v, want ErrPin", err)
	}
	first, err := trust.FirstRoot(files)
	if err != nil || first != pin {
		t.Errorf("FirstRoot = %x, %v, want %x", first, err, pin)
	}
}

// TestRootRotation: a second root must be signed by the first one's keys and by its
// own.
func TestRootRotation(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	files := d.Files(t)
	oldRoot := d.Keys[trust.RoleRoot]
	newRoot, newTime := pkitest.NewKey(t), pkitest.NewKey(t)
	next := d.Root
	next.Version = 2
	next.Roles = append([]trust.RoleKeys(nil), d.Root.Roles...)
	next.Roles[0].Points = []pki.Point{newRoot.Public().Point()}
	next.Roles[4].Points = []pki.Point{newTime.Public().Point()}
	sign := func(keys ...*pki.Key) []byte {
		t.Helper()
		signed, err := trust.Sign(trust.RoleRoot, next, second.Opinion{}, keys...)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	files["2.root"] = &fstest.MapFile{Data: sign(oldRoot)}
	if _, err := load(files, now); !errors.Is(err, trust.ErrSigned) {
		t.Errorf("signed by the old keys alone: %v, want ErrSigned", err)
	}
	files["2.root"] = &fstest.MapFile{Data: sign(newRoot)}
	if _, err := load(files, now); !errors.Is(err, trust.ErrSigned) {
		t.Errorf("signed by the new keys alone: %v, want ErrSigned", err)
	}
	// The same without the other files, which would be refused for their own keys.
	before, err := trust.OpenRoot(files["1.root"].Data, nil, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	for name, signed := range map[string][]byte{"old": sign(oldRoot), "new": sign(newRoot)} {
		if _, err := trust.OpenRoot(signed, before, second.Opinion{}); !errors.Is(err, trust.ErrSigned) {
			t.Errorf("OpenRoot of a root signed by the %s keys alone = %v, want ErrSigned", name, err)
		}
	}
	if _, err := trust.OpenRoot(sign(oldRoot, newRoot), before, second.Opinion{}); err != nil {
		t.Errorf("OpenRoot of a root signed by both: %v", err)
	}
	files["2.root"] = &fstest.MapFile{Data: sign(oldRoot, newRoot)}
	if _, err := load(files, now); !errors.Is(err, trust.ErrSigned) {
		t.Errorf("time still by its old key: %v, want ErrSigned", err)
	}
	d.Keys[trust.RoleTime] = newTime
	files["time"].Data = d.Sign(t, trust.RoleTime, d.Time)
	c, err := load(files, now)
	if err != nil || c.Root.Version != 2 {
		t.Errorf("after the rotation: %v", err)
	}
	// A terminal pinned to the second root does not need the first.
	pin := sm3.Sum(files["2.root"].Data)
	if c, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: at(now), Pin: &pin}); err != nil || !c.Pinned {
		t.Errorf("pinned to the second root: %v", err)
	}
}

// TestThreshold: two of three keys must sign the trust list.
func TestThreshold(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	keys := []*pki.Key{d.Keys[trust.RoleTrust], pkitest.NewKey(t), pkitest.NewKey(t)}
	role := &d.Root.Roles[1]
	role.Threshold = 2
	role.Points = nil
	for _, k := range keys {
		role.Points = append(role.Points, k.Public().Point())
	}
	files := d.Files(t)
	sign := func(keys ...*pki.Key) {
		t.Helper()
		signed, err := trust.Sign(trust.RoleTrust, d.Trust, second.Opinion{}, keys...)
		if err != nil {
			t.Fatal(err)
		}
		files["trust"].Data = signed
		d.Time.Trust.SM3 = sm3.Sum(signed)
		files["time"].Data = d.Sign(t, trust.RoleTime, d.Time)
	}
	sign(keys[2], keys[0])
	if _, err := load(files, now); err != nil {
		t.Errorf("two of three: %v", err)
	}
	sign(keys[1])
	if _, err := load(files, now); !errors.Is(err, trust.ErrSigned) {
		t.Errorf("one of three: %v, want ErrSigned", err)
	}
	sign(keys[1], pkitest.NewKey(t))
	if _, err := load(files, now); !errors.Is(err, trust.ErrSigned) {
		t.Errorf("one of three and a stranger: %v, want ErrSigned", err)
	}
	if _, err := trust.Sign(trust.RoleTrust, d.Trust, second.Opinion{}, keys[1], keys[1]); err == nil {
		sign(keys[1], keys[1])
		if _, err := load(files, now); !errors.Is(err, trust.ErrSigned) {
			t.Errorf("one key twice: %v, want ErrSigned", err)
		}
	}
}

// refuses is a second opinion that refuses the signatures of one kind of object,
// which their message names, and accepts all others.
type refuses pki.Object

func (r refuses) Verify(_ pki.Point, msg []byte, _ pki.Signature) (bool, error) {
	return !bytes.Contains(msg, []byte(r)), nil
}

// TestBothImplementationsMustAccept: a terminal takes no file that the second
// implementation refuses, and the service signs none but time.
func TestBothImplementationsMustAccept(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	files := d.Files(t)
	for _, tt := range []struct {
		role    trust.Role
		object  pki.Object
		content any
		want    error // of signing
	}{
		{trust.RoleRoot, pki.ObjectRoot, d.Root, trust.ErrSigned},
		{trust.RoleTrust, pki.ObjectTrust, d.Trust, trust.ErrSigned},
		{trust.RoleCatalogue, pki.ObjectCatalogue, d.Catalogue, trust.ErrSigned},
		{trust.RoleStatus, pki.ObjectStatus, d.Status, trust.ErrSigned},
		{trust.RoleTime, pki.ObjectTime, d.Time, nil},
	} {
		if _, err := trust.Load(files, trust.Options{Second: refuses(tt.object), Now: at(now)}); !errors.Is(err, trust.ErrSigned) {
			t.Errorf("Load with a second opinion that refuses %s = %v, want ErrSigned", tt.object, err)
		}
		if _, err := trust.Sign(tt.role, tt.content, refuses(tt.object), d.Keys[tt.role]); !errors.Is(err, tt.want) {
			t.Errorf("Sign with a second opinion that refuses %s = %v, want %v", tt.object, err, tt.want)
		}
	}
	if _, err := trust.Load(files, trust.Options{Second: refuses("elicence/none/1"), Now: at(now)}); err != nil {
		t.Errorf("Load with a second opinion that refuses none of them: %v", err)
	}
}

func openState(tb testing.TB, dir string, files fs.FS) *trust.State {
	tb.Helper()
	root, err := trust.FirstRoot(files)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := trust.OpenState(dir, root)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestRollback(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	old := d.Files(t)
	later := now.Add(time.Hour)
	d.Status.Version, d.Status.Issued = 2, later.Unix()
	d.Time.Version, d.Time.Issued = 2, later.Unix()
	fresh := d.Files(t)
	dir := t.TempDir()
	with := func(files fs.FS, when time.Time) error {
		_, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: at(when), State: openState(t, dir, files)})
		return err
	}
	if err := with(old, later); err != nil {
		t.Fatalf("the old cache first: %v", err)
	}
	if err := with(fresh, later); err != nil {
		t.Fatalf("the new cache: %v", err)
	}
	if err := with(old, later); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("the old cache again: %v, want ErrRollback", err)
	}
	if err := with(fresh, later.Add(-10*time.Minute)); !errors.Is(err, trust.ErrClock) {
		t.Errorf("the clock set back: %v, want ErrClock", err)
	}
	if err := with(fresh, later.Add(time.Minute)); err != nil {
		t.Errorf("the new cache again: %v", err)
	}
	// One torn state file does no harm, two are noticed.
	var names []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil || len(names) != 2 {
		t.Fatalf("state files: %v, %v", names, err)
	}
	if err := os.WriteFile(names[0], []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := with(old, later); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("the old cache with one torn state file: %v, want ErrRollback", err)
	}
	if err := os.WriteFile(names[0], []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(names[1], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := trust.FirstRoot(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.OpenState(dir, root); err == nil {
		t.Error("two torn state files are taken for a terminal that has seen nothing")
	}
}

// TestRollbackOfOneFile: each file alone is refused when it is older than what was
// used before, even if the newest time file names it.
func TestRollbackOfOneFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		role trust.Role
		head func(*trusttest.Domain) *trust.Head
	}{
		{trust.RoleTrust, func(d *trusttest.Domain) *trust.Head { return &d.Trust.Head }},
		{trust.RoleCatalogue, func(d *trusttest.Domain) *trust.Head { return &d.Catalogue.Head }},
		{trust.RoleStatus, func(d *trusttest.Domain) *trust.Head { return &d.Status.Head }},
		{trust.RoleTime, func(d *trusttest.Domain) *trust.Head { return &d.Time.Head }},
	} {
		d := trusttest.New(t, now)
		dir := t.TempDir()
		with := func() error {
			files := d.Files(t)
			_, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: at(now), State: openState(t, dir, files)})
			return err
		}
		tt.head(d).Version = 5
		d.Time.Version++
		if err := with(); err != nil {
			t.Fatalf("%s 5: %v", tt.role, err)
		}
		tt.head(d).Version = 4
		if tt.role != trust.RoleTime {
			d.Time.Version++
		}
		if err := with(); !errors.Is(err, trust.ErrRollback) {
			t.Errorf("%s 4 after 5: %v, want ErrRollback", tt.role, err)
		}
	}
}

// TestRootRollback: a cache without the newest root that was used.
func TestRootRollback(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	files := d.Files(t)
	dir := t.TempDir()
	with := func() error {
		_, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: at(now), State: openState(t, dir, files)})
		return err
	}
	next := d.Root
	next.Version = 2
	files["2.root"] = &fstest.MapFile{Data: d.Sign(t, trust.RoleRoot, next)}
	if err := with(); err != nil {
		t.Fatalf("with the second root: %v", err)
	}
	delete(files, "2.root")
	if err := with(); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("without it: %v, want ErrRollback", err)
	}
}

// TestRememberedTime: a time file of a higher version that says an earlier time does
// not set a terminal's clock back.
func TestRememberedTime(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	dir := t.TempDir()
	with := func(when time.Time) error {
		files := d.Files(t)
		_, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: at(when), State: openState(t, dir, files)})
		return err
	}
	d.Time.Version, d.Time.Issued = 2, now.Add(time.Hour).Unix()
	if err := with(now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	d.Time.Version, d.Time.Issued = 3, now.Unix()
	if err := with(now); !errors.Is(err, trust.ErrClock) {
		t.Errorf("an hour back: %v, want ErrClock", err)
	}
	if err := with(now.Add(time.Hour)); err != nil {
		t.Errorf("with a right clock: %v", err)
	}
}

// TestFastForwardRecovery: a thief of the time key signed version 1,000,000; a new
// root with a new time key lets versions start again.
func TestFastForwardRecovery(t *testing.T) {
	t.Parallel()
	d := trusttest.New(t, now)
	d.Time.Version = 1_000_000
	stolen := d.Files(t)
	dir := t.TempDir()
	options := func(files fs.FS) trust.Options {
		return trust.Options{Second: second.Opinion{}, Now: at(now), State: openState(t, dir, files)}
	}
	if _, err := trust.Load(stolen, options(stolen)); err != nil {
		t.Fatal(err)
	}
	d.Time.Version = 2
	honest := d.Files(t)
	if _, err := trust.Load(honest, options(honest)); !errors.Is(err, trust.ErrRollback) {
		t.Errorf("before the rotation: %v, want ErrRollback", err)
	}
	newTime := pkitest.NewKey(t)
	next := d.Root
	next.Version = 2
	next.Roles = append([]trust.RoleKeys(nil), d.Root.Roles...)
	next.Roles[4].Points = []pki.Point{newTime.Public().Point()}
	root2 := d.Sign(t, trust.RoleRoot, next)
	d.Keys[trust.RoleTime] = newTime
	honest["2.root"] = &fstest.MapFile{Data: root2}
	honest["time"].Data = d.Sign(t, trust.RoleTime, d.Time)
	// The first root, under which the state is kept, is the stolen cache's.
	honest["1.root"] = stolen["1.root"]
	if _, err := trust.Load(honest, options(honest)); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
}

func FuzzOpenRoot(f *testing.F) {
	files := trusttest.New(f, now).Files(f)
	f.Add(files["1.root"].Data)
	f.Add(files["time"].Data)
	f.Add([]byte{0xd8, 98, 0x84, 0x40, 0xa0, 0x40, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := trust.OpenRoot(b, nil, nil); err == nil && len(r.Roles) != 5 {
			t.Errorf("a root with %d roles is accepted", len(r.Roles))
		}
	})
}

func FuzzLoad(f *testing.F) {
	files := trusttest.New(f, now).Files(f)
	for _, name := range []string{"trust", "catalogue", "status", "time"} {
		f.Add(name, files[name].Data)
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		changed := make(fstest.MapFS)
		for n, file := range files {
			changed[n] = file
		}
		if !fs.ValidPath(name) {
			return
		}
		changed[name] = &fstest.MapFile{Data: b}
		// Without the second implementation, which would be all that runs.
		_, err := trust.Load(changed, trust.Options{Now: at(now)})
		if err == nil && files[name] != nil && string(files[name].Data) != string(b) {
			t.Errorf("another %s file is accepted", name)
		}
		if err != nil && errors.Is(err, cose.ErrMalformed) && string(files[name].Data) == string(b) {
			t.Errorf("the signed %s file is refused: %v", name, err)
		}
	})
}
