package office_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
)

// versions is every version that was ever signed, and of what.
type versions map[string]string

// add fails where one version was signed twice.
func (v versions) add(t *testing.T, p *office.Publication) {
	t.Helper()
	files, numbers := p.Signed()
	for role, file := range files {
		name := fmt.Sprintf("%s %d", role, numbers[role])
		if before, ok := v[name]; ok && before != string(file) {
			t.Errorf("%s was signed twice, as two files", name)
		}
		v[name] = string(file)
	}
}

// publishedIn loads what an office has published, as a terminal does.
func publishedIn(t *testing.T, o *office.Office, now time.Time, state *trust.State) *trust.Cache {
	t.Helper()
	files := make(fstest.MapFS)
	err := o.KeptTrust(ctx, func(name string) {
		if file, err := o.TrustFile(ctx, name); err == nil && file != nil {
			files[name] = &fstest.MapFile{Data: file}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := trust.Load(files, trust.Options{Second: second.Opinion{}, Now: func() time.Time { return now }, State: state})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTwoPublishers cuts one publisher off after each of its steps, lets another one
// on the same store do some or all of its own, and then goes on with the first or has
// it killed: no version is ever signed twice, and what is published always fits
// together and never goes back.
func TestTwoPublishers(t *testing.T) {
	t.Parallel()
	c := &clock{noon()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "066")
	twin, err := f.Office.Twin()
	if err != nil {
		t.Fatal(err)
	}
	signed := make(versions)
	state, err := trust.OpenState(t.TempDir(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	step := licence.Suspend
	change := func() {
		t.Helper()
		if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, step, "x"); err != nil {
			t.Fatal(err)
		}
		step = map[licence.Step]licence.Step{licence.Suspend: licence.Resume, licence.Resume: licence.Suspend}[step]
	}
	begin := func(o *office.Office) *office.Publication {
		t.Helper()
		p, err := o.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	run := func(p *office.Publication, steps int) {
		t.Helper()
		if err := p.Run(ctx, steps); err != nil {
			t.Fatal(err)
		}
		signed.add(t, p)
	}
	for before := range office.PublicationSteps {
		for other := range office.PublicationSteps + 1 {
			for _, killed := range []bool{false, true} {
				c.at = c.at.Add(7 * time.Minute)
				first := begin(f.Office)
				run(first, before)
				change()
				second := begin(twin)
				run(second, other)
				if !killed {
					err := first.Run(ctx, office.PublicationSteps-before)
					signed.add(t, first)
					if released := other == office.PublicationSteps; released != errors.Is(err, records.ErrSuperseded) || !released && err != nil {
						t.Errorf("first after %d steps, second after %d: %v", before, other, err)
					}
				}
				publishedIn(t, f.Office, c.at, state)
			}
		}
	}
	// Both at full speed, with the register changing under them.
	var group errgroup.Group
	for _, o := range []*office.Office{f.Office, twin} {
		group.Go(func() error {
			for range 10 {
				if _, err := o.Publish(ctx, "test"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 10 {
		change()
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := twin.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	cache := publishedIn(t, f.Office, c.at, state)
	set, ok := cache.Set(r.Licence.Status.List)
	if want := step == licence.Resume; !ok || set.Suspended.Has(r.Licence.Status.Index) != want {
		t.Errorf("the last state of the licence is not what is published, want suspended %v", want)
	}
}

// TestPublisherKilled: a process that ends between any two steps leaves what was
// published, and the next one goes on with versions of its own.
func TestPublisherKilled(t *testing.T) {
	t.Parallel()
	c := &clock{noon()}
	f := officetest.At(t, c.now)
	r := f.Issue(t, "066")
	if _, err := f.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	signed := make(versions)
	state, err := trust.OpenState(filepath.Join(t.TempDir(), "state"), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	step := licence.Suspend
	for cut := range office.PublicationSteps + 1 {
		if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, step, "x"); err != nil {
			t.Fatal(err)
		}
		step = map[licence.Step]licence.Step{licence.Suspend: licence.Resume, licence.Resume: licence.Suspend}[step]
		before := publishedIn(t, f.Office, c.at, state)
		p, err := f.Office.Begin(ctx)
		if err == nil {
			err = p.Run(ctx, cut)
		}
		if err != nil {
			t.Fatal(err)
		}
		signed.add(t, p)
		f.Reopen(t)
		after := publishedIn(t, f.Office, c.at, state)
		if released := cut == office.PublicationSteps; (after.Time.Version > before.Time.Version) != released {
			t.Errorf("killed after %d steps: time %d after %d", cut, after.Time.Version, before.Time.Version)
		}
		p, err = f.Office.Begin(ctx)
		if err == nil {
			err = p.Run(ctx, office.PublicationSteps)
		}
		if err != nil {
			t.Fatal(err)
		}
		signed.add(t, p)
		publishedIn(t, f.Office, c.at, state)
	}
}

// TestUnpublished: what terminals cannot know is told, what they can is not.
func TestUnpublished(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	told := func() bool {
		select {
		case <-f.Office.Unpublished():
			return true
		default:
			return false
		}
	}
	publish := func() {
		t.Helper()
		if _, err := f.Office.Publish(ctx, "test"); err != nil {
			t.Fatal(err)
		}
	}
	told()
	publish()
	r := f.Issue(t, "066")
	if !told() {
		t.Error("the first licence opens a window, which terminals do not know")
	}
	publish()
	high := (r.Licence.Status.Index/4096 + 2) * 4096 // a window ahead
	for _, category := range []string{"004", "007", "018", "029", "050", "072"} {
		index := f.Issue(t, category).Licence.Status.Index
		if got, want := told(), index >= high; got != want {
			t.Errorf("index %d is told: %v, want %v, the high mark being %d", index, got, want, high)
		}
	}
	if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, licence.Suspend, "x"); err != nil {
		t.Fatal(err)
	}
	if !told() || told() {
		t.Error("a suspension is to be told, once")
	}
	if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, licence.Suspend, "x"); err == nil || told() {
		t.Error("what did not happen is told")
	}
	// A phone that was bound is of use at once, and one that was lost is told of.
	w := newWallet(t, licence.AlgorithmSM2)
	w.bind(t, f, f.Issue(t, "069"))
	for _, c := range w.held.Credentials {
		if got, want := told(), c.Status.Index >= high; got != want {
			t.Errorf("a device's index %d is told: %v, want %v", c.Status.Index, got, want)
		}
	}
	if err := f.Office.UnbindDevice(ctx, "test", w.held.Licence.Identifier, w.held.Device); err != nil {
		t.Fatal(err)
	}
	if !told() {
		t.Error("an unbound device is to be told")
	}
}
