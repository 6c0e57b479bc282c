package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki/audit"
)

// Renewal runs the suite of look-up keys: while they are renewed, entry by entry, the
// register keeps all that it promises.
func Renewal(t *testing.T, newStore func(testing.TB) KeyedStore) {
	run := func(name string, test func(*suite, KeyedStore), turns bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newStore(t)
			s := &suite{tb: t, key: pkitest.NewKey(t)}
			s.open = func(tb testing.TB) Store {
				if turns {
					return &turning{Store: k.Open(tb), keys: k.Keys, suite: s}
				}
				return k.Open(tb)
			}
			s.store = s.open(t)
			test(s, k)
			s.check(s.store.Close())
		})
	}
	// What [Registry] wants, with a step of a renewal before each act and each question, and
	// another renewal behind each.
	for name, test := range map[string]func(*suite){
		"issue and find": (*suite).issueAndFind, "numbers": (*suite).numbers, "requests": (*suite).requests, "versions": (*suite).versions,
		"before the publication": (*suite).undo, "erasures": (*suite).erasures, "a model of the register": (*suite).model,
		"many at once": (*suite).concurrent, "many in one act": (*suite).issueAll, "devices": (*suite).devices,
	} {
		run(name, func(s *suite, _ KeyedStore) { test(s) }, true)
	}
	for name, test := range map[string]func(*suite, KeyedStore){
		"step by step": (*suite).renewal, "renewed binding codes": (*suite).renewedBindings, "older copies": (*suite).olderLookups,
		"what a renewal refuses": (*suite).renewalRefused, "nodes at once": (*suite).renewedOnNodes,
		"prepared under keys of before": (*suite).preparedBefore, "erased before its turn": (*suite).erasedBefore,
	} {
		run(name, test, false)
	}
}

// beginRenewal begins the next generation.
func beginRenewal(s *suite, store *records.Store, keys *sealed.Box) error {
	now, _, err := store.Lookups(ctx)
	if err == nil {
		err = keys.BeginLookups(now + 1)
	}
	if err != nil {
		return err
	}
	return store.BeginRenewal(ctx, now+1, 1700000000, s.entry(audit.ActStoreRenew, "x"))
}

// renew carries a renewal on, with pages of a size, until a number of steps is taken; 0: to
// its end. It reports whether that was reached.
func renew(s *suite, store *records.Store, page, steps int) (bool, error) {
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	_, err := store.RenewLookups(stop, records.Renewing{
		Page: page,
		Progress: func(uint64) {
			if steps--; steps == 0 {
				cancel()
			}
		},
		Entry: func(uint64) (audit.Record, error) { return s.entry(audit.ActStoreRenewed, "x"), nil },
	})
	if errors.Is(err, context.Canceled) {
		return false, nil
	}
	return err == nil, err
}

// turning is a store whose look-up keys are renewed by an entry before each act and question,
// again and again.
type turning struct {
	*records.Store
	keys  *sealed.Box
	suite *suite
	mu    sync.Mutex
}

func (t *turning) turn() {
	t.suite.tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	_, underWay, err := t.Lookups(ctx)
	noted := !underWay // in the log: that it begins, or ends
	if err == nil && underWay {
		noted, err = renew(t.suite, t.Store, 1, 1)
	} else if err == nil {
		err = beginRenewal(t.suite, t.Store, t.keys)
	}
	if err != nil {
		t.suite.tb.Errorf("a step of the renewal: %v", err)
	} else if noted {
		t.suite.aside.Add(1)
	}
}

func (t *turning) Issue(ctx context.Context, sub licence.Submission) (licence.Record, error) {
	t.turn()
	return t.Store.Issue(ctx, sub)
}

func (t *turning) IssueAll(ctx context.Context, subs []licence.Submission) ([]licence.Record, []error) {
	t.turn()
	return t.Store.IssueAll(ctx, subs)
}

func (t *turning) Replace(ctx context.Context, r licence.Replacement) (licence.Record, error) {
	t.turn()
	return t.Store.Replace(ctx, r)
}

func (t *turning) Transition(ctx context.Context, tr licence.Transition) (licence.Record, error) {
	t.turn()
	return t.Store.Transition(ctx, tr)
}

func (t *turning) Requested(ctx context.Context, q licence.Request) (licence.Record, error) {
	t.turn()
	return t.Store.Requested(ctx, q)
}

func (t *turning) ByNumber(ctx context.Context, c catalogue.ID, number string) ([]licence.Record, error) {
	t.turn()
	return t.Store.ByNumber(ctx, c, number)
}

func (t *turning) ByHolder(ctx context.Context, kind licence.IDType, number string) ([]licence.Record, error) {
	t.turn()
	return t.Store.ByHolder(ctx, kind, number)
}

func (t *turning) TryBinding(ctx context.Context, b licence.BindingTry) (licence.Identifier, error) {
	t.turn()
	return t.Store.TryBinding(ctx, b)
}

func (t *turning) BindDevice(ctx context.Context, d licence.NewDevice) error {
	t.turn()
	return t.Store.BindDevice(ctx, d)
}

func (t *turning) ApproveErasure(ctx context.Context, id licence.Identifier, by string, at time.Time, entry audit.Record) (licence.Erasure, error) {
	t.turn()
	return t.Store.ApproveErasure(ctx, id, by, at, entry)
}

// renewal stops behind every entry that is moved, in each of two renewals, and opens the
// store again there, as a process leaves it that is killed.
func (s *suite) renewal(k KeyedStore) {
	p := s.populate(3)
	store := s.store.(*records.Store)
	s.stands("before", store, p)
	for g := sealed.FirstLookups + 1; g <= sealed.FirstLookups+2; g++ {
		s.check(beginRenewal(s, store, k.Keys))
		steps, done := 0, false
		for !done {
			what := fmt.Sprintf("generation %d, %d entries moved", g, steps)
			s.stands(what, store, p)
			s.sound(what, store)
			var err error
			done, err = renew(s, store, 1, 1)
			s.check(err)
			now, underWay, err := store.Lookups(ctx)
			if err != nil || now != g || underWay == done {
				s.tb.Fatalf("%s: generation %d is in use, under way %t, %v", what, now, underWay, err)
			}
			if !done {
				steps++
			}
			s.reopen()
			store = s.store.(*records.Store)
		}
		// Those that are alive have a number, a holder and a request; of the erased ones the
		// requests are left, and a number.
		if want := 3*len(p.alive) + 3; steps != want {
			s.tb.Errorf("%d entries were moved, want %d", steps, want)
		}
		p.alive = append(p.alive, s.requested(fmt.Sprintf("P%d", len(p.alive)), fmt.Sprintf("R-%d", len(p.alive))))
		what := fmt.Sprintf("after generation %d", g)
		s.stands(what, store, p)
		s.sound(what, store)
	}
}

// renewedBindings: a code that was given out before a renewal binds during it and after it,
// and what was tried stays counted.
func (s *suite) renewedBindings(k KeyedStore) {
	id := s.issue("B1").Licence.Identifier
	store := s.store.(*records.Store)
	used, left := s.code(id), s.code(id)
	for range 3 {
		s.check(beginRenewal(s, store, k.Keys))
		wrong, err := licence.ParseBindingCode(used.Digits())
		s.check(err)
		for wrong == used {
			other, err := licence.NewBindingCode()
			s.check(err)
			if c, err := licence.ParseBindingCode(used.Handle() + other.Digits()[len(used.Handle()):]); err == nil {
				wrong = c
			}
		}
		if _, err := s.try(wrong, device(1), boundAt); !errors.Is(err, licence.ErrBinding) {
			s.tb.Errorf("a wrong code: %v, want ErrBinding", err)
		}
		s.reopen()
		store = s.store.(*records.Store)
		if _, err := renew(s, store, 0, 0); err != nil {
			s.tb.Fatal(err)
		}
	}
	// Three tries of the five were used up.
	if got, err := s.try(used, device(1), boundAt); err != nil || got != id {
		s.tb.Errorf("the right code: %v", err)
	}
	if _, err := s.bind(id, used, device(1), 1); err != nil {
		s.tb.Errorf("binding: %v", err)
	}
	err := store.OpenBinding(ctx, licence.Binding{Code: left, Identifier: id, Until: boundAt.Add(licence.BindingLife), Audit: s.entry(audit.ActDeviceOffer, id.String())})
	if !errors.Is(err, licence.ErrBindingTaken) {
		s.tb.Errorf("a handle that is given out: %v, want ErrBindingTaken", err)
	}
	if _, err := s.bind(id, left, device(2), 1); err != nil {
		s.tb.Errorf("binding with the other code: %v", err)
	}
}

// olderLookups: copies of before a renewal and of half way open with the keys of after it,
// and are renewed by themselves.
func (s *suite) olderLookups(k KeyedStore) {
	p := s.populate(3)
	s.check(s.store.Close())
	before := k.Older(s.tb)(s.tb)
	store := k.Open(s.tb)
	s.store = store
	s.check(beginRenewal(s, store, k.Keys))
	_, err := renew(s, store, 2, 3)
	s.check(err)
	s.check(store.Close())
	half := k.Older(s.tb)
	store = k.Open(s.tb)
	s.store = store
	_, err = renew(s, store, 2, 0)
	s.check(err)
	for what, copied := range map[string]*records.Store{"the copy of before": before, "the copy of half way": half(s.tb)} {
		s.stands(what, copied, p)
		s.sound(what, copied)
		if copied == before {
			s.check(beginRenewal(s, copied, k.Keys))
		}
		_, err = renew(s, copied, 1, 0)
		s.check(err)
		s.stands(what+", renewed", copied, p)
		s.sound(what+", renewed", copied)
		s.check(copied.Close())
	}
	s.stands("renewed", store, p)
}

// preparedBefore: a licence that was prepared for bulk issue under look-up keys of before is
// stored under those in use.
func (s *suite) preparedBefore(k KeyedStore) {
	s.populate(1)
	store := s.store.(*records.Store)
	var prepared []records.Prepared
	for _, number := range []string{"during", "after", "kept", "P0"} {
		sub := s.draft(number)
		sub.Request = licence.Request{Issuer: issuer, ID: "R-" + number, Digest: [32]byte{9}}
		one, err := store.Prepare(sub)
		s.check(err)
		prepared = append(prepared, one)
	}
	issue := func(i int, want error) {
		s.tb.Helper()
		refused, err := store.IssueMarked(ctx, prepared[i:i+1], nil)
		if err != nil || !errors.Is(refused[0], want) {
			s.tb.Errorf("prepared licence %d: %v, %v, want %v", i, refused[0], err, want)
		}
	}
	found := func(number string) {
		s.tb.Helper()
		if all, err := store.ByNumber(ctx, 4, number); err != nil || len(all) != 1 {
			s.tb.Errorf("%d licences have number %s, %v", len(all), number, err)
		}
		if _, err := store.Requested(ctx, licence.Request{Issuer: issuer, ID: "R-" + number, Digest: [32]byte{9}}); err != nil {
			s.tb.Errorf("request of %s: %v", number, err)
		}
	}
	s.check(beginRenewal(s, store, k.Keys))
	issue(0, nil)
	found("during")
	for i := 2; i <= 3; i++ {
		issue(i, licence.ErrNumberTaken)
	}
	for range 2 {
		_, err := renew(s, store, 0, 0)
		s.check(err)
		s.sound("renewed", store)
		for i := 2; i <= 3; i++ {
			issue(i, licence.ErrNumberTaken)
		}
		s.check(beginRenewal(s, store, k.Keys))
	}
	_, err := renew(s, store, 0, 0)
	s.check(err)
	issue(1, nil)
	found("during")
	found("after")
	s.sound("in the end", store)
}

// erasedBefore: an erasure takes a licence out of the indexes wherever its entries lie.
func (s *suite) erasedBefore(k KeyedStore) {
	p := s.populate(4)
	store := s.store.(*records.Store)
	s.check(beginRenewal(s, store, k.Keys))
	// Entries come in the order of their keys, so that some of each licence may have had their
	// turn.
	for i, r := range p.alive {
		_, err := renew(s, store, 1, 2)
		s.check(err)
		_, err = s.step(r.Licence.Identifier, licence.Revoke)
		s.check(err)
		s.erase(r)
		numbers, holders := s.entries(store, "numbers"), s.entries(store, "holders")
		if left := len(p.alive) - 1 - i; holders != left || numbers != left+1 {
			s.tb.Errorf("%d entries of numbers and %d of holders are left of %d licences", numbers, holders, left)
		}
		if requests := s.entries(store, "request-ids"); requests != len(p.alive)+2 {
			s.tb.Errorf("%d requests are left, want all %d", requests, len(p.alive)+2)
		}
	}
	_, err := renew(s, store, 0, 0)
	s.check(err)
	s.sound("renewed", store)
}

func (s *suite) renewalRefused(k KeyedStore) {
	p := s.populate(2)
	store := s.store.(*records.Store)
	begin := func(g sealed.LookupGeneration, want error) {
		s.tb.Helper()
		size := s.logSize()
		if err := store.BeginRenewal(ctx, g, 1700000000, s.entry(audit.ActStoreRenew, "x")); err == nil || want != nil && !errors.Is(err, want) {
			s.tb.Errorf("generation %d: %v, want %v", g, err, want)
		}
		if s.logSize() != size {
			s.tb.Errorf("generation %d: there is an entry of it in the log", g)
		}
	}
	begin(0, sealed.ErrNoLookups)
	begin(1, nil)
	begin(2, sealed.ErrNoLookups)
	s.check(k.Keys.BeginLookups(2))
	s.check(k.Keys.BeginLookups(3))
	begin(3, nil)
	if _, err := renew(s, store, 0, 0); err == nil {
		s.tb.Error("a renewal goes on that was not begun")
	}
	s.check(store.BeginRenewal(ctx, 2, 1700000000, s.entry(audit.ActStoreRenew, "x")))
	begin(2, records.ErrRenewing)
	begin(3, records.ErrRenewing)
	// It does not end without its entry.
	failed := errors.New("no entry")
	_, err := store.RenewLookups(ctx, records.Renewing{Entry: func(uint64) (audit.Record, error) { return audit.Record{}, failed }})
	if !errors.Is(err, failed) {
		s.tb.Errorf("without an entry: %v", err)
	}
	s.stands("not ended", store, p)
	size := s.logSize()
	done, err := renew(s, store, 0, 0)
	if err != nil || !done || s.logSize() != size+1 {
		s.tb.Errorf("ended %t with %d entries, %v", done, s.logSize()-size, err)
	}
	s.stands("ended", store, p)
	s.sound("ended", store)
}

// renewedOnNodes: two nodes issue under the same numbers and with the same requests, and
// erase, while both renew the look-up keys again and again, two entries at a time. Each
// number and each request is one licence's, and each licence is found.
func (s *suite) renewedOnNodes(k KeyedStore) {
	const numbers, rivals = 24, 3 // of one number, or one request, on each node
	p := s.populate(4)
	store := s.store.(*records.Store)
	nodes := []*records.Store{store, k.Node(s.tb)}
	defer func() { s.check(nodes[1].Close()) }()
	for _, r := range p.alive[:2] {
		_, err := s.step(r.Licence.Identifier, licence.Revoke)
		s.check(err)
		id := r.Licence.Identifier
		e := licence.Erasure{Identifier: id, KeepNumber: true, AppliedBy: "甲", AppliedAt: time.Unix(1700000300, 0).UTC()}
		s.check(s.store.ApplyErasure(ctx, e, s.entry(audit.ActLicenceEraseApply, id.String())))
	}
	var drafts []licence.Submission
	for n := range numbers {
		for r := range 2 * rivals {
			sub := s.draft(fmt.Sprintf("same-%d", n))
			sub.Request = licence.Request{Issuer: issuer, ID: fmt.Sprintf("own-%d-%d", n, r), Digest: [32]byte{byte(r)}}
			drafts = append(drafts, sub)
			sub = s.draft(fmt.Sprintf("own-%d-%d", n, r))
			sub.Request = licence.Request{Issuer: issuer, ID: fmt.Sprintf("same-%d", n), Digest: [32]byte{byte(r)}}
			drafts = append(drafts, sub)
		}
	}
	stop := make(chan struct{})
	var renewing, issuing errgroup.Group
	var turns sync.Mutex // who begins makes a secret for both
	generations := 0
	for _, node := range nodes {
		renewing.Go(func() error {
			for {
				turns.Lock()
				_, underWay, err := node.Lookups(ctx)
				if err == nil && !underWay {
					err = beginRenewal(s, node, k.Keys)
					generations++
				}
				turns.Unlock()
				if err != nil {
					return err
				}
				if _, err := renew(s, node, 2, 0); err != nil && !errors.Is(err, records.ErrNotRenewing) {
					return err
				}
				select {
				case <-stop:
					return nil
				default:
				}
			}
		})
	}
	var mu sync.Mutex
	won := make(map[string]int)
	// Rivals are taken one behind the other, so they come at about the same time.
	work := make(chan int)
	for w := range 8 {
		issuing.Go(func() error {
			for i := range work {
				sub := drafts[i]
				_, err := nodes[w%2].Issue(ctx, sub)
				switch {
				case err == nil:
					mu.Lock()
					won[sub.Licence.Number]++
					won[sub.Request.ID]++
					mu.Unlock()
				case !errors.Is(err, licence.ErrNumberTaken) && !errors.Is(err, licence.ErrRequestReused):
					return err
				}
			}
			return nil
		})
	}
	for i := range drafts {
		if i == len(drafts)/2 {
			for _, r := range p.alive[:2] {
				_, err := nodes[1].ApproveErasure(ctx, r.Licence.Identifier, "乙", time.Unix(1700000300, 0).UTC(), s.entry(audit.ActLicenceErase, "x"))
				s.check(err)
			}
		}
		work <- i
	}
	close(work)
	s.check(issuing.Wait())
	close(stop)
	s.check(renewing.Wait())
	for n := range numbers {
		if name := fmt.Sprintf("same-%d", n); won[name] != 2 {
			s.tb.Errorf("%d licences were issued under number %s and with request %s, want one each", won[name], name, name)
		}
	}
	s.tb.Logf("%d generations", generations)
	if generations < 3 {
		s.tb.Errorf("there were %d generations: this proves little", generations)
	}
	for _, node := range nodes {
		for _, r := range p.alive[:2] {
			s.refused("erased meanwhile", node, r.Licence.Number, "new", licence.ErrNumberTaken)
		}
		s.sound("at the end", node)
		held, err := node.ByHolder(ctx, licence.IDTypeCitizenNumber, "340199190001010012")
		if want := 2*numbers + 2; err != nil || len(held) != want {
			s.tb.Errorf("the holder has %d licences, want %d, %v", len(held), want, err)
		}
	}
}
