package path_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
)

// pile makes layers of authorities in which every one of a layer certifies every one
// of the next, and none leads to an anchor.
func pile(w *world, layers, width int) (top *node, between []*node) {
	parent := w.root("unknown")
	for l := range layers {
		name := fmt.Sprint("layer", l)
		shared := w.authority(parent, name)
		for range width - 1 {
			between = append(between, w.authority(parent, name, sameKey(shared), altNames(false, dns(fmt.Sprintf("x%d.example", len(between))))))
		}
		between = append(between, shared)
		parent = shared
	}
	return parent, between
}

// counted counts what is asked of the slow implementation.
type counted struct {
	mu    sync.Mutex
	calls int
}

func (c *counted) Verify(pki.Point, []byte, pki.Signature) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	return false, nil
}

func TestHostilePile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	top, between := pile(w, 9, 10) // 10^9 paths
	r := w.root("R")
	request := path.Request{Certificate: w.end(top, "E").c, Purpose: path.PurposePerson, When: path.Claimed(now)}
	for _, n := range between {
		request.Further = append(request.Further, n.c)
	}
	limits := path.DefaultLimits()
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{r.c}, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	got := v.Verify(context.Background(), request)
	if got.Verdict != path.CannotSay || !errors.Is(got.Err(), path.ErrLimit) {
		t.Errorf("%v, %v, want cannot say: %v", got.Verdict, got.Err(), path.ErrLimit)
	}
}

func TestForgeriesCostBoundedSignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	request := path.Request{Certificate: w.end(r, "E", spoiled).c, Purpose: path.PurposePerson, When: path.Claimed(now)}
	for range 60 {
		request.Further = append(request.Further, w.authority(r, "R").c) // all have the name, none signed
	}
	var calls counted
	limits := path.DefaultLimits()
	limits.Signatures = 20
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{r.c}, Limits: limits, Second: &calls})
	if err != nil {
		t.Fatal(err)
	}
	got := v.Verify(context.Background(), request)
	if got.Verdict != path.CannotSay || !errors.Is(got.Err(), path.ErrLimit) || calls.calls != limits.Signatures {
		t.Errorf("%v, %v after %d signatures, want cannot say after %d", got.Verdict, got.Err(), calls.calls, limits.Signatures)
	}
	// What was found bad is remembered, so the next questions get further.
	for range 3 {
		v.Verify(context.Background(), request)
	}
	calls.calls = 0
	got = v.Verify(context.Background(), request)
	if calls.calls != 0 || got.Verdict != path.Invalid || !errors.Is(got.Err(), path.ErrSignature) {
		t.Errorf("%v, %v after %d more signatures, want invalid after none", got.Verdict, got.Err(), calls.calls)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	chain := []*node{r}
	for i := range 12 {
		chain = append(chain, w.authority(chain[i], fmt.Sprint("A", i)))
	}
	deep := built{anchor: r, between: chain[1:], end: w.end(chain[12], "E")}
	t.Run("depth", func(t *testing.T) {
		t.Parallel()
		checkOutcome(t, deep.ask(t, path.Options{}), path.ErrLimit)
		allowed := deep
		allowed.limits = path.DefaultLimits()
		allowed.limits.Depth = 14
		checkOutcome(t, allowed.ask(t, path.Options{}), nil)
	})
	t.Run("further certificates", func(t *testing.T) {
		t.Parallel()
		few := deep
		few.limits = path.DefaultLimits()
		few.limits.Depth, few.limits.Further = 14, 5
		checkOutcome(t, few.ask(t, path.Options{}), path.ErrLimit)
	})
	t.Run("name comparisons", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := w.root("R")
		var bases, names [][]byte
		for i := range 100 {
			bases = append(bases, dns(fmt.Sprintf("a%d.example", i)))
			names = append(names, dns(fmt.Sprintf("b%d.example", i)))
		}
		a := w.authority(r, "A", exclude(bases...))
		b := built{anchor: r, between: []*node{a}, end: w.end(a, "E", altNames(false, names...)), limits: path.DefaultLimits()}
		checkOutcome(t, b.ask(t, path.Options{}), nil)
		b.limits.Names = 10_000 // to compare; to read them costs more
		checkOutcome(t, b.ask(t, path.Options{}), path.ErrLimit)
	})
}

// TestStatusesAreBounded: a source may be a network away.
func TestStatusesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	a := w.authority(r, "A")
	between := []*node{a}
	for i := range 50 {
		between = append(between, w.authority(r, "A", sameKey(a), altNames(false, dns(fmt.Sprintf("a%d.example", i)))))
	}
	source := told{asked: make(map[string]int), silent: map[string]error{"A": errOffline}}
	b := built{anchor: r, between: between, end: w.end(a, "E")}
	got := b.ask(t, path.Options{Revocation: source})
	if most := path.DefaultLimits().Statuses; got.Verdict != path.CannotSay || source.asked["A"]+source.asked["E"] > most {
		t.Errorf("%v, %v after %v, want cannot say after at most %d", got.Verdict, got.Err(), source.asked, most)
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{r.c}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got := v.Verify(ctx, path.Request{Certificate: w.end(r, "E").c, Purpose: path.PurposePerson, When: path.Claimed(now)})
	if got.Verdict != path.CannotSay || !errors.Is(got.Err(), context.Canceled) {
		t.Errorf("%v, %v, want cannot say: %v", got.Verdict, got.Err(), context.Canceled)
	}
}

// disagreeing accepts what the working implementation refuses.
type disagreeing struct{ err error }

func (d disagreeing) Verify(pki.Point, []byte, pki.Signature) (bool, error) {
	return d.err == nil, d.err
}

// TestImplementationsDisagree: nobody is told "invalid" or "valid".
func TestImplementationsDisagree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	for want, opinion := range map[error]pki.SecondOpinion{pki.ErrDisagree: disagreeing{}, pki.ErrBusy: disagreeing{pki.ErrBusy}} {
		v, err := path.New(path.Options{Anchors: []*cert.Certificate{r.c}, Second: opinion})
		if err != nil {
			t.Fatal(err)
		}
		request := path.Request{Certificate: w.end(r, "E", spoiled).c, Purpose: path.PurposePerson, When: path.Claimed(now)}
		for range 2 { // it is not remembered
			if got := v.Verify(context.Background(), request); got.Verdict != path.CannotSay || !errors.Is(got.Err(), want) {
				t.Errorf("%v, %v, want cannot say: %v", got.Verdict, got.Err(), want)
			}
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	if _, err := path.New(path.Options{Anchors: []*cert.Certificate{w.end(r, "E").c}}); !errors.Is(err, path.ErrNotAuthority) {
		t.Errorf("a person's certificate becomes an anchor: %v", err)
	}
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{r.c}, Intermediates: []*cert.Certificate{}})
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Verify(context.Background(), path.Request{Certificate: w.end(r, "E").c, When: path.Claimed(now)}); got.Verdict != path.Invalid {
		t.Errorf("without a purpose: %v", got.Verdict)
	}
	if got := v.Verify(context.Background(), path.Request{Certificate: w.end(r, "E").c, Purpose: path.PurposePerson}); got.Verdict != path.Invalid || !errors.Is(got.Err(), path.ErrDates) {
		t.Errorf("without a moment: %v, %v", got.Verdict, got.Err())
	}
	var none path.Result
	if none.Err() == nil || none.Verdict == path.Valid {
		t.Error("a result that nobody made is valid")
	}
}

func TestOneVerifierForMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.root("R")
	a := w.authority(r, "A")
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{r.c}, Intermediates: []*cert.Certificate{a.c}, Limits: path.Limits{
		Depth: 5, Further: 1, Steps: 20, Signatures: 5, Names: 10, Statuses: 10, Remembered: 4,
	}})
	if err != nil {
		t.Fatal(err)
	}
	ends := []*node{w.end(a, "E1"), w.end(a, "E2"), w.end(a, "E3"), w.end(a, "E4"), w.end(a, "E5"), w.end(a, "E6")}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for _, e := range ends {
				if got := v.Verify(context.Background(), path.Request{Certificate: e.c, Purpose: path.PurposePerson, When: path.Claimed(now)}); got.Verdict != path.Valid {
					t.Errorf("%v, %v", got.Verdict, got.Err())
				}
			}
		})
	}
	wait.Wait()
}

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	r := w.root("R")
	a := w.authority(r, "A")
	v, err := path.New(path.Options{Anchors: []*cert.Certificate{r.c}, Intermediates: []*cert.Certificate{a.c}})
	if err != nil {
		b.Fatal(err)
	}
	request := path.Request{Certificate: w.end(a, "E").c, Purpose: path.PurposePerson, When: path.Claimed(now)}
	for b.Loop() {
		if v.Verify(context.Background(), request).Verdict != path.Valid {
			b.Fatal("not valid")
		}
	}
}
