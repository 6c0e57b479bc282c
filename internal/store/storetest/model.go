package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// modelled is a licence as the model knows it.
type modelled struct {
	record      licence.Record // as it was issued
	state       licence.State  // as it is stored
	publication time.Time
	number      string
}

// life is a model of the register: what every licence has come to by a simple list of
// acts. Rules it shares with the register are those of [licence.State] alone.
type life struct {
	*suite
	random   *rand.Rand
	now      time.Time
	licences []*modelled
	steps    []string // the feed
}

// model takes random steps in the register and in a model of it, opens the register
// again in between, and wants both to agree.
func (s *suite) model() {
	for seed := range uint64(4) {
		m := &life{suite: s, random: rand.New(rand.NewPCG(seed, 22)), now: time.Unix(1700000000, 0).UTC()} //nolint:gosec // the same acts in each run
		begin, err := s.store.Changes(ctx, licence.ChangeQuery{Limit: 1 << 20})
		s.check(err)
		for range 60 {
			m.act(seed)
			m.now = m.now.Add(time.Duration(m.random.IntN(90)) * time.Second)
			if m.random.IntN(8) == 0 {
				s.reopen()
			}
			if m.random.IntN(10) == 0 {
				m.compare(seed, begin.Next)
			}
		}
		s.reopen()
		m.compare(seed, begin.Next)
	}
}

// state is a licence's state now.
func (m *life) state(l *modelled) licence.State { return l.state.At(m.now, l.publication) }

// holder returns the licence that has a number, or nil.
func (m *life) holder(number string) *modelled {
	for _, l := range m.licences {
		if l.number == number && !l.state.Ended() {
			return l
		}
	}
	return nil
}

func (m *life) note(step licence.Step, r licence.Record) {
	m.steps = append(m.steps, fmt.Sprintf("%s %s", step, r.Licence.Identifier))
}

// act does one thing at random.
func (m *life) act(seed uint64) {
	m.tb.Helper()
	number := fmt.Sprintf("M%d-%d", seed, m.random.IntN(12))
	var publication time.Time
	if m.random.IntN(2) == 0 {
		publication = m.now.Add(time.Duration(m.random.IntN(300)) * time.Second)
	}
	if len(m.licences) < 3 || m.random.IntN(4) == 0 {
		sub := m.draft(number)
		sub.Publication, sub.DryRun = publication, m.random.IntN(4) == 0
		r, err := m.store.Issue(ctx, sub)
		if taken := m.holder(number) != nil; taken != errors.Is(err, licence.ErrNumberTaken) || !taken && err != nil {
			m.tb.Fatalf("issuing %s: %v, and the model says it is taken: %v", number, err, taken)
		}
		if err == nil && !sub.DryRun {
			m.add(r, number, publication)
		}
		return
	}
	l := m.licences[m.random.IntN(len(m.licences))]
	step := licence.Steps()[m.random.IntN(len(licence.Steps()))]
	t := m.end(l.record.Licence.Identifier, step)
	t.At, t.DryRun = m.now, m.random.IntN(5) == 0
	next, wrong := m.state(l).Next(step)
	replaces := step == licence.Supersede || step == licence.Withdraw && m.random.IntN(2) == 0
	if !replaces {
		r, err := m.store.Transition(ctx, t)
		if (err != nil) != (wrong != nil) || err != nil && !errors.Is(err, licence.ErrStep) {
			m.tb.Fatalf("%s of a licence that is %s: %v, want %v", step, m.state(l), err, wrong)
		}
		if err == nil && r.State != next {
			m.tb.Fatalf("%s of a licence that is %s makes it %s, want %s", step, m.state(l), r.State, next)
		}
		if err == nil && !t.DryRun {
			l.state = next
			m.note(step, l.record)
		}
		return
	}
	r := licence.Replacement{Submission: m.next(l.record, number), End: t}
	r.DryRun, r.Publication = t.DryRun, publication
	if other := m.holder(number); wrong == nil && other != nil && other != l {
		wrong = licence.ErrNumberTaken
	}
	record, err := m.store.Replace(ctx, r)
	if (err != nil) != (wrong != nil) || err != nil && !errors.Is(err, licence.ErrStep) && !errors.Is(err, licence.ErrNumberTaken) {
		m.tb.Fatalf("a new version by %s of a licence that is %s: %v, want %v", step, m.state(l), err, wrong)
	}
	if err == nil && !t.DryRun {
		l.state = next
		m.note(step, l.record)
		m.add(record, number, publication)
	}
}

func (m *life) add(r licence.Record, number string, publication time.Time) {
	l := &modelled{record: r, state: licence.Active, publication: publication, number: number}
	if !publication.IsZero() {
		l.state = licence.Pending
	}
	m.licences = append(m.licences, l)
	m.note(licence.Issue, r)
}

// compare wants the register to be what the model is.
func (m *life) compare(seed, begin uint64) {
	m.tb.Helper()
	sets, err := m.store.StatusSets(ctx)
	m.check(err)
	for _, l := range m.licences {
		r, err := m.store.ByIdentifier(ctx, l.record.Licence.Identifier)
		m.check(err)
		if r.State != l.state || r.At(m.now).State != m.state(l) {
			m.tb.Fatalf("seed %d: %s is %s, want %s", seed, r.Licence.Identifier, r.State, l.state)
		}
		ref := l.record.Licence.Status
		for _, set := range sets {
			if set.List != ref.List {
				continue
			}
			if set.Revoked.Has(ref.Index) != l.state.ShownRevoked() || set.Suspended.Has(ref.Index) != (l.state == licence.Suspended) {
				m.tb.Fatalf("seed %d: the bits of a licence that is %s are %v, %v", seed, l.state, set.Revoked.Has(ref.Index), set.Suspended.Has(ref.Index))
			}
		}
		found, err := m.store.ByNumber(ctx, 4, l.number)
		m.check(err)
		alive := 0
		for _, f := range found {
			if !f.State.Ended() {
				alive++
			}
		}
		if want := m.holder(l.number) != nil; alive > 1 || (alive == 1) != want {
			m.tb.Fatalf("seed %d: %d licences have the number %s, the model says %v", seed, alive, l.number, want)
		}
	}
	if got, _ := m.changes(licence.ChangeQuery{After: begin, Limit: 7}); fmt.Sprint(got) != fmt.Sprint(m.steps) {
		m.tb.Fatalf("seed %d: the feed is %v, want %v", seed, got, m.steps)
	}
	m.check(m.store.ReadLog(ctx, func(log audit.Storage) error {
		_, err := audit.Verify(log)
		return err
	}))
}
