package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/audit"
)

// population is what [suite.populate] has put into a register.
type population struct {
	alive    []licence.Record // with requests and so on
	erased   licence.Record   // with request E-0; its number is kept
	released licence.Record   // with request E-1; its number is free again
}

func (s *suite) requested(number, id string) licence.Record {
	s.tb.Helper()
	sub := s.draft(number)
	sub.Request = licence.Request{Issuer: issuer, ID: id, Digest: [32]byte{9}}
	r, err := s.store.Issue(ctx, sub)
	s.check(err)
	return r
}

// populate issues licences and erases two, one with its number and one without.
func (s *suite) populate(n int) population {
	s.tb.Helper()
	var p population
	for i := range n {
		p.alive = append(p.alive, s.requested(fmt.Sprintf("P%d", i), fmt.Sprintf("R-%d", i)))
	}
	p.erased, p.released = s.requested("kept", "E-0"), s.requested("released", "E-1")
	at := time.Unix(1700000300, 0).UTC()
	for _, r := range []licence.Record{p.erased, p.released} {
		id := r.Licence.Identifier
		_, err := s.step(id, licence.Revoke)
		s.check(err)
		e := licence.Erasure{Identifier: id, KeepNumber: r.Licence.Number == "kept", AppliedBy: "甲", AppliedAt: at}
		s.check(s.store.ApplyErasure(ctx, e, s.entry(audit.ActLicenceEraseApply, id.String())))
		_, err = s.store.ApproveErasure(ctx, id, "乙", at, s.entry(audit.ActLicenceErase, id.String()))
		s.check(err)
	}
	return p
}

// stands checks that a store finds everything by its keys, and keeps every number and every
// request from being taken twice.
func (s *suite) stands(what string, store *records.Store, p population) {
	s.tb.Helper()
	fault := func(format string, args ...any) {
		s.tb.Helper()
		s.tb.Errorf("%s: %s", what, fmt.Sprintf(format, args...))
	}
	for i, r := range p.alive {
		found, err := store.ByNumber(ctx, 4, r.Licence.Number)
		if err != nil || len(found) != 1 || found[0].Licence.Identifier != r.Licence.Identifier {
			fault("%d licences have number %s, %v", len(found), r.Licence.Number, err)
		}
		q := licence.Request{Issuer: issuer, ID: fmt.Sprintf("R-%d", i), Digest: [32]byte{9}}
		if got, err := store.Requested(ctx, q); err != nil || got.Licence.Identifier != r.Licence.Identifier {
			fault("request %s: %v", q.ID, err)
		}
		s.refused(what, store, r.Licence.Number, fmt.Sprintf("new-%d", i), licence.ErrNumberTaken)
		s.refused(what, store, fmt.Sprintf("new-%d", i), q.ID, licence.ErrRequestReused)
	}
	held, err := store.ByHolder(ctx, licence.IDTypeCitizenNumber, "340199190001010012")
	if err != nil || len(held) != len(p.alive) {
		fault("the holder has %d licences, want %d, %v", len(held), len(p.alive), err)
	}
	s.refused(what, store, "kept", "new-k", licence.ErrNumberTaken)
	s.refused(what, store, "new-k", "E-0", licence.ErrRequestReused)
	s.refused(what, store, "new-r", "E-1", licence.ErrRequestReused)
	free := s.draft("released")
	free.DryRun = true
	if _, err := store.Issue(ctx, free); err != nil {
		fault("a number that an erasure has released: %v", err)
	}
}

// refused wants a licence to be refused.
func (s *suite) refused(what string, store *records.Store, number, request string, want error) {
	s.tb.Helper()
	sub := s.draft(number)
	sub.Request, sub.DryRun = licence.Request{Issuer: issuer, ID: request, Digest: [32]byte{8}}, true
	if _, err := store.Issue(ctx, sub); !errors.Is(err, want) {
		s.tb.Errorf("%s: number %s with request %s: %v, want %v", what, number, request, err, want)
	}
	store.ReleaseIndex(sub.Licence.Status)
}

// sound runs the check of the store.
func (s *suite) sound(what string, store *records.Store) {
	s.tb.Helper()
	_, err := store.Check(ctx, true, nil, func(f records.Fault) { s.tb.Errorf("%s: %+v", what, f) })
	s.check(err)
}

// entries counts what an index holds.
func (s *suite) entries(store *records.Store, index string) int {
	s.tb.Helper()
	c := counter{rows: make(map[string]int)}
	s.check(store.Copy(ctx, func(records.Moment) (records.Sink, error) { return &c, nil }))
	return c.rows[index]
}

// counter is a [records.Sink] that counts.
type counter struct {
	name string
	rows map[string]int
}

func (c *counter) Table(name string) error { return c.Index(name) }

func (c *counter) Index(name string) error {
	c.name = name
	return nil
}

func (c *counter) Row(_, _ []byte) error {
	c.rows[c.name]++
	return nil
}
