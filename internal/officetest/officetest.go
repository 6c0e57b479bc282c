// Package officetest makes data folders for tests: an office with one authority that
// issues every category and has an approved seal.
package officetest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/idcode"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/sample"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/impression"
)

// Fixture is an office with its authority and seal.
type Fixture struct {
	Office    *office.Office
	Dir       string
	Authority licence.Authority
	Seal      seal.Record

	now      func() time.Time
	store    string // see datafolder.Options
	pictures sample.Pictures
	made     atomic.Int64 // applications
	events   struct {
		mu  sync.Mutex
		all []office.Event // guarded by mu
	}
}

// Events returns what the office has reported to its operator.
func (f *Fixture) Events() []office.Event {
	f.events.mu.Lock()
	defer f.events.mu.Unlock()
	return slices.Clone(f.events.all)
}

func (f *Fixture) observe(e office.Event) {
	f.events.mu.Lock()
	defer f.events.mu.Unlock()
	f.events.all = append(f.events.all, e)
}

// The two people who make the seal.
const (
	Clerk    = "申请员"
	Approver = "审批员"
)

// New makes an office in a temporary folder.
func New(tb testing.TB) *Fixture { return At(tb, time.Now) }

// At is [New] with a clock.
func At(tb testing.TB, now func() time.Time) *Fixture {
	tb.Helper()
	return Province(tb, now, "340000", "安徽省(测试)")
}

// On is [New] with its records in the database of an address.
func On(tb testing.TB, store string) *Fixture {
	tb.Helper()
	return OnAt(tb, store, time.Now)
}

// OnAt is [On] with a clock.
func OnAt(tb testing.TB, store string, now func() time.Time) *Fixture {
	tb.Helper()
	return province(tb, now, "340000", "安徽省(测试)", store)
}

// Province is [At] of another region.
func Province(tb testing.TB, now func() time.Time, region, domain string) *Fixture {
	tb.Helper()
	return province(tb, now, region, domain, "")
}

func province(tb testing.TB, now func() time.Time, region, domain, store string) *Fixture {
	tb.Helper()
	ctx := context.Background()
	f := &Fixture{Dir: filepath.Join(tb.TempDir(), "data"), now: now, store: store}
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	var err error
	f.Office, err = office.Create(ctx, f.Dir, office.CreateOptions{
		Config:         datafolder.Config{Host: "localhost", Region: region, Domain: domain},
		RootPassphrase: []byte("test"), Actor: "test", Store: store, Now: now, Observe: f.observe,
	})
	check(err)
	tb.Cleanup(func() {
		if err := f.Office.Close(); err != nil {
			tb.Error(err)
		}
	})
	uscc, err := idcode.USCC("11" + region + "XN000001")
	check(err)
	var all []catalogue.ID
	for _, c := range f.Office.Catalogue().Categories() {
		all = append(all, c.ID)
	}
	f.Authority, err = f.Office.AddAuthority(ctx, "test", office.NewAuthority{USCC: uscc, Name: "安徽省测试局", Region: region, Level: catalogue.Province, Categories: all})
	check(err)
	applied, err := f.Office.ApplySeal(ctx, Clerk, office.NewSeal{OwnerUSCC: uscc, Design: impression.Government(impression.Department, "安徽省测试局")})
	check(err)
	f.Seal, err = f.Office.ApproveSeal(ctx, Approver, applied.ID)
	check(err)
	f.pictures, err = sample.Draw()
	check(err)
	return f
}

// Open opens a data folder that is there. The fixture knows neither its authority nor
// its seal.
func Open(tb testing.TB, dir string, now func() time.Time) *Fixture {
	tb.Helper()
	opened, err := office.Open(dir, office.Options{Options: datafolder.Options{Now: now}})
	if err != nil {
		tb.Fatal(err)
	}
	f := Around(tb, dir, opened)
	f.now = now
	tb.Cleanup(func() {
		if err := f.Office.Close(); err != nil {
			tb.Error(err)
		}
	})
	return f
}

// Around is the fixture of an office that is open, and that the caller closes.
func Around(tb testing.TB, dir string, o *office.Office) *Fixture {
	tb.Helper()
	f := &Fixture{Office: o, Dir: dir, now: time.Now}
	var err error
	if f.pictures, err = sample.Draw(); err != nil {
		tb.Fatal(err)
	}
	return f
}

// Reopen closes the data folder, as the end of a process does, and opens it again.
func (f *Fixture) Reopen(tb testing.TB) {
	tb.Helper()
	if err := f.Office.Close(); err != nil {
		tb.Fatal(err)
	}
	reopened, err := office.Open(f.Dir, office.Options{Options: datafolder.Options{Store: f.store, Now: f.now}, Observe: f.observe})
	if err != nil {
		tb.Fatal(err)
	}
	f.Office = reopened
}

// Node opens the office once more, as another node of the service does. It needs a
// database.
func (f *Fixture) Node(tb testing.TB) *office.Office {
	tb.Helper()
	o, err := office.Open(f.Dir, office.Options{Options: datafolder.Options{Store: f.store, Now: f.now}, Observe: f.observe})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := o.Close(); err != nil {
			tb.Error(err)
		}
	})
	return o
}

// Company returns an application for the business licence (category 066) of a company
// that there was none of before.
func (f *Fixture) Company(tb testing.TB) (*catalogue.Category, *licence.Application) {
	tb.Helper()
	c, a := f.Application(tb, "066")
	code, err := idcode.USCC(fmt.Sprintf("91340199XN%06d", f.made.Add(1)))
	if err != nil {
		tb.Fatal(err)
	}
	a.Number, a.Holder.IDNumber = code, code
	return c, a
}

// Application returns a valid application for a category.
func (f *Fixture) Application(tb testing.TB, category string) (*catalogue.Category, *licence.Application) {
	tb.Helper()
	id, err := catalogue.ParseID(category)
	if err != nil {
		tb.Fatal(err)
	}
	c, ok := f.Office.Catalogue().Category(id)
	if !ok {
		tb.Fatalf("no category %s", category)
	}
	a := sample.Application(c, f.pictures, civil.Of(f.now()))
	a.Holder.Name = sample.Person
	if a.Holder.IDType != string(licence.IDTypeCitizenNumber) {
		a.Holder.Name = sample.Company
	}
	return c, a
}

// Issue issues a licence of a category from its example values.
func (f *Fixture) Issue(tb testing.TB, category string) licence.Record {
	tb.Helper()
	c, a := f.Application(tb, category)
	r, err := f.Office.Issue(context.Background(), "test", c.ID, a, office.IssueOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
