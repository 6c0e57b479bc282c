// Package storetest is the suite that every store passes: what package licence promises
// of a register and package ca of a ledger, checked against the store and again after
// it was closed and opened.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/qr/status"
)

// Store is what the suite needs of a store.
type Store interface {
	licence.Registry
	licence.Feed
	licence.Proposals
	licence.Erasures
	licence.Credentials
	licence.Devices
	StatusSets(ctx context.Context) ([]*status.Set, error)
	ReadLog(ctx context.Context, f func(audit.Storage) error) error
	Close() error
}

// Opener opens the same store again and again; the suite closes it in between.
type Opener func(testing.TB) Store

// suite is one store under test, with an issuer.
type suite struct {
	tb    testing.TB
	open  Opener
	store Store
	key   *pki.Key
	seq   int
	aside atomic.Uint64 // entries of the log that are none of the test's acts
}

// Issuer of the suite's licences.
const issuer = "11340000XN0000012E"

// Registry runs the suite. New makes an opener of a new, empty store.
func Registry(t *testing.T, newStore func(testing.TB) Opener) {
	for name, test := range map[string]func(*suite){
		"issue and find":                (*suite).issueAndFind,
		"numbers":                       (*suite).numbers,
		"requests":                      (*suite).requests,
		"steps":                         (*suite).steps,
		"versions":                      (*suite).versions,
		"before the publication":        (*suite).undo,
		"conditions and dry runs":       (*suite).conditions,
		"the feed of changes":           (*suite).feed,
		"proposals":                     (*suite).proposals,
		"proposals about a holder":      (*suite).holderProposals,
		"erasures":                      (*suite).erasures,
		"a model of the register":       (*suite).model,
		"indices":                       (*suite).indices,
		"listing":                       (*suite).listing,
		"every act has its log entry":   (*suite).audited,
		"many at once":                  (*suite).concurrent,
		"many in one act":               (*suite).issueAll,
		"counts":                        (*suite).counts,
		"a refused act leaves nothing":  (*suite).refusals,
		"signatures are verified":       (*suite).signatures,
		"a step is for all credentials": (*suite).allCredentials,
		"credentials":                   (*suite).credentials,
		"credentials at once":           (*suite).credentialsAtOnce,
		"binding codes":                 (*suite).bindings,
		"devices":                       (*suite).devices,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &suite{tb: t, open: newStore(t), key: pkitest.NewKey(t)}
			s.store = s.open(t)
			test(s)
			s.check(s.store.Close())
		})
	}
}

func (s *suite) check(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

// reopen closes the store and opens it again: what was acknowledged is there.
func (s *suite) reopen() {
	s.tb.Helper()
	s.check(s.store.Close())
	s.store = s.open(s.tb)
}

var ctx = context.Background()

// draft makes a signed licence under a reserved index.
func (s *suite) draft(number string) licence.Submission {
	s.tb.Helper()
	ref, err := s.store.ReserveIndex(ctx, 1)
	s.check(err)
	s.seq++
	holder := licence.Holder{Name: "张样例", IDType: licence.IDTypeCitizenNumber, IDNumber: "340199190001010012"}
	serial := licence.Serial{Bucket: s.store.Bucket(holder)}
	copy(serial.Random[:], fmt.Sprintf("%010d", s.seq))
	id, err := licence.NewIdentifier("11100000000013127D903", issuer, serial, 1)
	s.check(err)
	l := &licence.Licence{
		Category: 4, Schema: 1, Identifier: id, Number: number, IssuerName: "测试局", Holders: []licence.Holder{holder},
		IssueDay: 20000, FirstDay: 20000, Fields: map[string]licence.Value{}, Status: ref, SignedAt: time.Unix(1700000000, 0).UTC(),
	}
	signed, err := licence.Sign(l, s.key)
	s.check(err)
	return licence.Submission{Licence: l, Signed: signed, Point: s.key.Public().Point(), Audit: s.entry(audit.ActLicenceIssue, id.String())}
}

func (s *suite) entry(act audit.Act, subject string) audit.Record {
	s.tb.Helper()
	r, err := audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "test", Act: act, Subject: subject}, []byte("details"))
	s.check(err)
	return r
}

func (s *suite) issue(number string) licence.Record {
	s.tb.Helper()
	r, err := s.store.Issue(ctx, s.draft(number))
	s.check(err)
	return r
}

func (s *suite) step(id licence.Identifier, step licence.Step) (licence.Record, error) {
	s.tb.Helper()
	return s.store.Transition(ctx, licence.Transition{
		Identifier: id, Step: step, Reason: "因为 " + string(step), At: time.Unix(1700000100, 0), Audit: s.entry(audit.Act("licence."+string(step)), id.String()),
	})
}

func (s *suite) want(what string, got, want licence.Record) {
	s.tb.Helper()
	if got.Licence == nil || got.Licence.Identifier != want.Licence.Identifier || !bytes.Equal(got.Signed, want.Signed) ||
		got.State != want.State || got.Revision != want.Revision || got.Reason != want.Reason || !got.Since.Equal(want.Since) {
		s.tb.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// signatures: what another key has signed than its record says is never given out,
// whether it was refused when it came or is when it is read.
func (s *suite) signatures() {
	sub := s.draft("F1")
	forged, err := licence.Sign(sub.Licence, pkitest.NewKey(s.tb))
	s.check(err)
	sub.Signed = forged
	if _, err = s.store.Issue(ctx, sub); err == nil {
		_, err = s.store.ByIdentifier(ctx, sub.Licence.Identifier)
	}
	if !errors.Is(err, licence.ErrNotSigned) {
		s.tb.Errorf("a licence that another key has signed: %v, want ErrNotSigned", err)
	}
}

func (s *suite) issueAndFind() {
	first := s.issue("A1")
	for _, where := range []string{"at once", "after opening again"} {
		got, err := s.store.ByIdentifier(ctx, first.Licence.Identifier)
		s.check(err)
		s.want("by identifier "+where, got, first)
		byNumber, err := s.store.ByNumber(ctx, 4, "A1")
		s.check(err)
		byHolder, err := s.store.ByHolder(ctx, licence.IDTypeCitizenNumber, "340199190001010012")
		s.check(err)
		if len(byNumber) != 1 || len(byHolder) != 1 {
			s.tb.Fatalf("%s: %d by number, %d by holder, want 1", where, len(byNumber), len(byHolder))
		}
		s.want("by number "+where, byNumber[0], first)
		s.want("by holder "+where, byHolder[0], first)
		s.reopen()
	}
	other := first.Licence.Identifier
	other.Serial.Random[0] ^= 1
	if _, err := s.store.ByIdentifier(ctx, other); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("another identifier: %v, want ErrNotFound", err)
	}
	// The same serial under another issuer is another licence.
	other = first.Licence.Identifier
	other.Issuer = "11100000000013338W"
	if _, err := s.store.ByIdentifier(ctx, other); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("another issuer: %v, want ErrNotFound", err)
	}
	for _, none := range []func() ([]licence.Record, error){
		func() ([]licence.Record, error) { return s.store.ByNumber(ctx, 4, "A") },
		func() ([]licence.Record, error) { return s.store.ByNumber(ctx, 5, "A1") },
		func() ([]licence.Record, error) { return s.store.ByHolder(ctx, "414", "340199190001010012") },
	} {
		if found, err := none(); err != nil || len(found) != 0 {
			s.tb.Errorf("something was found that is not there: %v, %v", found, err)
		}
	}
}

func (s *suite) numbers() {
	first := s.issue("N1")
	if _, err := s.store.Issue(ctx, s.draft("N1")); !errors.Is(err, licence.ErrNumberTaken) {
		s.tb.Errorf("a second licence with the number: %v, want ErrNumberTaken", err)
	}
	_, err := s.step(first.Licence.Identifier, licence.Suspend)
	s.check(err)
	if _, err := s.store.Issue(ctx, s.draft("N1")); !errors.Is(err, licence.ErrNumberTaken) {
		s.tb.Errorf("while the first is suspended: %v, want ErrNumberTaken", err)
	}
	_, err = s.step(first.Licence.Identifier, licence.Revoke)
	s.check(err)
	second := s.issue("N1")
	found, err := s.store.ByNumber(ctx, 4, "N1")
	s.check(err)
	if len(found) != 2 || found[0].Licence.Identifier != second.Licence.Identifier {
		s.tb.Errorf("%d licences with the number, want 2, the newest first", len(found))
	}
}

func (s *suite) requests() {
	draft := s.draft("R1")
	draft.Request = licence.Request{Issuer: issuer, ID: "r", Digest: [32]byte{1}}
	first, err := s.store.Issue(ctx, draft)
	s.check(err)
	s.reopen()
	got, err := s.store.Requested(ctx, draft.Request)
	s.check(err)
	s.want("the same request", got, first)
	other := draft.Request
	other.Digest[0]++
	if _, err := s.store.Requested(ctx, other); !errors.Is(err, licence.ErrRequestReused) {
		s.tb.Errorf("the request with other content: %v, want ErrRequestReused", err)
	}
	other = draft.Request
	other.Issuer = "x"
	if _, err := s.store.Requested(ctx, other); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("another issuer's request: %v, want ErrNotFound", err)
	}
	again := s.draft("R2")
	again.Request = draft.Request
	if _, err := s.store.Issue(ctx, again); !errors.Is(err, licence.ErrRequestReused) {
		s.tb.Errorf("a request stored twice: %v, want ErrRequestReused", err)
	}
}

func (s *suite) steps() {
	id := s.issue("S1").Licence.Identifier
	for _, tt := range []struct {
		step licence.Step
		want licence.State
		err  error
	}{
		{licence.Resume, 0, licence.ErrStep},
		{licence.Suspend, licence.Suspended, nil},
		{licence.Suspend, 0, licence.ErrStep},
		{licence.Resume, licence.Active, nil},
		{licence.Suspend, licence.Suspended, nil},
		{licence.Revoke, licence.Revoked, nil},
		{licence.Revoke, 0, licence.ErrStep},
		{licence.Resume, 0, licence.ErrStep},
		{licence.Suspend, 0, licence.ErrStep},
	} {
		r, err := s.step(id, tt.step)
		if !errors.Is(err, tt.err) {
			s.tb.Fatalf("%s: %v, want %v", tt.step, err, tt.err)
		}
		if err != nil {
			continue
		}
		if r.State != tt.want || r.Reason != "因为 "+string(tt.step) {
			s.tb.Errorf("%s: %s because %q, want %s", tt.step, r.State, r.Reason, tt.want)
		}
		s.reopen()
		stored, err := s.store.ByIdentifier(ctx, id)
		s.check(err)
		s.want("after opening again", stored, r)
	}
	id.Serial.Random[0] ^= 1
	if _, err := s.step(id, licence.Revoke); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("a step of a licence that is not there: %v, want ErrNotFound", err)
	}
}

// indices are drawn from an open window of at least 4,096, never twice, also over
// restarts; what was reserved and given up may be drawn again.
func (s *suite) indices() {
	seen := make(map[uint32]bool)
	highest, ascending := uint32(0), 0
	last := uint32(0)
	for i := range 60 {
		r := s.issue(fmt.Sprintf("I%d", i))
		index := r.Licence.Status.Index
		if seen[index] {
			s.tb.Fatalf("index %d was given out twice", index)
		}
		seen[index] = true
		highest = max(highest, index)
		if index > last {
			ascending++
		}
		last = index
		if i == 30 {
			s.reopen()
		}
	}
	if highest < 1000 || ascending > 55 {
		s.tb.Errorf("60 indices reach %d and %d of them ascend: they are not drawn at random from a wide window", highest, ascending)
	}
	room, err := s.store.ListRoom(ctx, 1)
	s.check(err)
	if want := status.ListSize - len(seen); room != want {
		s.tb.Errorf("there is room for %d, want %d", room, want)
	}
	ref, err := s.store.ReserveIndex(ctx, 1)
	s.check(err)
	if left, err := s.store.ListRoom(ctx, 1); err != nil || left != room-1 {
		s.tb.Errorf("with one more reserved there is room for %d, %v, want %d", left, err, room-1)
	}
	if seen[ref.Index] {
		s.tb.Errorf("index %d is reserved although it was given out", ref.Index)
	}
	s.store.ReleaseIndex(ref)
	if _, err := s.store.ReserveIndices(ctx, 1, room+1); !errors.Is(err, licence.ErrListFull) {
		s.tb.Errorf("more than there is room for: %v, want ErrListFull", err)
	}
	many, err := s.store.ReserveIndices(ctx, 1, 500)
	s.check(err)
	if left, err := s.store.ListRoom(ctx, 1); err != nil || left != room-500 || len(many) != 500 {
		s.tb.Errorf("of %d at once there are %d, and room for %d, %v, want %d", 500, len(many), left, err, room-500)
	}
	for _, ref := range many {
		if seen[ref.Index] {
			s.tb.Errorf("index %d is reserved twice, or was given out", ref.Index)
		}
		seen[ref.Index] = true
	}
	other, err := s.store.ReserveIndex(ctx, 2)
	s.check(err)
	if other.List != 2 {
		s.tb.Errorf("an index of list %d, want 2", other.List)
	}
}

func (s *suite) listing() {
	var issued []licence.Record
	for i := range 5 {
		issued = append(issued, s.issue(fmt.Sprintf("L%d", i)))
	}
	_, err := s.step(issued[1].Licence.Identifier, licence.Suspend)
	s.check(err)
	var got []string
	after := uint64(0)
	for {
		page, err := s.store.List(ctx, after, 2)
		s.check(err)
		if len(page) == 0 {
			break
		}
		if len(page) > 2 {
			s.tb.Fatalf("%d records on a page of 2", len(page))
		}
		for _, r := range page {
			got = append(got, r.Licence.Number)
			after = r.Revision
		}
	}
	if want := "[L0 L2 L3 L4 L1]"; fmt.Sprint(got) != want {
		s.tb.Errorf("listed %v, want %s: each once, by its last change", got, want)
	}
}

func (s *suite) audited() {
	r := s.issue("E1")
	_, err := s.step(r.Licence.Identifier, licence.Suspend)
	s.check(err)
	_, err = s.step(r.Licence.Identifier, licence.Suspend)
	if err == nil {
		s.tb.Error("a second suspension is accepted")
	}
	s.reopen()
	s.check(s.store.ReadLog(ctx, func(log audit.Storage) error {
		size, err := log.Size()
		if err != nil {
			return err
		}
		if size != 2 {
			s.tb.Errorf("%d entries for two acts and a refused one", size)
		}
		for i, want := range []audit.Act{audit.ActLicenceIssue, audit.ActLicenceSuspend} {
			record, err := log.Record(uint64(i))
			if err != nil {
				return err
			}
			e, err := record.Entry()
			if err != nil {
				return err
			}
			if e.Act != want || e.Subject != r.Licence.Identifier.String() || string(record.Details) != "details" {
				s.tb.Errorf("entry %d is %+v, want %s", i, e, want)
			}
		}
		_, err = audit.Verify(log)
		return err
	}))
}

// concurrent issues from many callers and wants every acknowledged licence back.
func (s *suite) concurrent() {
	const callers, each = 8, 12
	drafts := make([]licence.Submission, callers*each)
	for i := range drafts {
		drafts[i] = s.draft(fmt.Sprintf("C%d", i))
	}
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for i := range each {
				if _, err := s.store.Issue(ctx, drafts[c*each+i]); err != nil {
					s.tb.Errorf("caller %d: %v", c, err)
				}
			}
		})
	}
	wait.Wait()
	s.reopen()
	for _, d := range drafts {
		if _, err := s.store.ByIdentifier(ctx, d.Licence.Identifier); err != nil {
			s.tb.Errorf("an acknowledged licence is lost: %v", err)
		}
	}
	if got := s.logSize(); got != callers*each {
		s.tb.Errorf("%d log entries, want %d", got, callers*each)
	}
}

// refusals: an error means that nothing was stored.
func (s *suite) refusals() {
	first := s.issue("F1")
	draft := s.draft("F1")
	draft.Request = licence.Request{Issuer: issuer, ID: "r"}
	if _, err := s.store.Issue(ctx, draft); err == nil {
		s.tb.Fatal("a taken number is accepted")
	}
	// An index that was given out before cannot be stored again.
	twice := s.draft("F2")
	twice.Licence.Status = first.Licence.Status
	if _, err := s.store.Issue(ctx, twice); !errors.Is(err, licence.ErrIndexTaken) {
		s.tb.Errorf("an index is stored twice: %v, want ErrIndexTaken", err)
	}
	s.reopen()
	if _, err := s.store.ByIdentifier(ctx, draft.Licence.Identifier); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("the refused licence: %v, want ErrNotFound", err)
	}
	if _, err := s.store.Requested(ctx, draft.Request); !errors.Is(err, licence.ErrNotFound) {
		s.tb.Errorf("the refused request: %v, want ErrNotFound", err)
	}
	found, err := s.store.ByHolder(ctx, licence.IDTypeCitizenNumber, "340199190001010012")
	s.check(err)
	if len(found) != 1 {
		s.tb.Errorf("%d licences of the holder, want 1", len(found))
	}
	found, err = s.store.ByNumber(ctx, catalogue.ID(4), "F2")
	s.check(err)
	if len(found) != 0 {
		s.tb.Errorf("%d licences with the refused number, want none", len(found))
	}
}

// issueAll stores many at once: each is accepted or refused by itself.
func (s *suite) issueAll() {
	first := s.issue("M0")
	all := []licence.Submission{s.draft("M1"), s.draft("M0"), s.draft("M2"), s.draft("M1"), s.draft("M3"), s.draft("M4"), s.draft("M5"), s.draft("M6")}
	all[5].Licence.Identifier = first.Licence.Identifier
	all[6].Licence.Status = first.Licence.Status
	all[2].Request = licence.Request{Issuer: issuer, ID: "r", Digest: [32]byte{1}}
	all[7].Request = all[2].Request
	records, errs := s.store.IssueAll(ctx, all)
	if len(records) != len(all) || len(errs) != len(all) {
		s.tb.Fatalf("%d records and %d errors for %d licences", len(records), len(errs), len(all))
	}
	for i, want := range []error{nil, licence.ErrNumberTaken, nil, licence.ErrNumberTaken, nil, errAny, licence.ErrIndexTaken, licence.ErrRequestReused} {
		if want == errAny && errs[i] != nil {
			continue
		}
		if !errors.Is(errs[i], want) || want == nil && errs[i] != nil {
			s.tb.Errorf("licence %d: %v, want %v", i, errs[i], want)
		}
	}
	s.reopen()
	for i, sub := range all {
		got, err := s.store.ByNumber(ctx, 4, sub.Licence.Number)
		s.check(err)
		switch {
		case errs[i] == nil && len(got) == 1:
			s.want(sub.Licence.Number, got[0], records[i])
		case i == 1, i == 3: // another has the number
		case len(got) != 0 || errs[i] == nil:
			s.tb.Errorf("%d licences with number %s, error %v", len(got), sub.Licence.Number, errs[i])
		}
	}
	asked, err := s.store.Requested(ctx, all[2].Request)
	s.check(err)
	s.want("by its request", asked, records[2])
	if got := s.logSize(); got != 4 {
		s.tb.Errorf("%d log entries, want 4", got)
	}
	if records, errs := s.store.IssueAll(ctx, nil); len(records) != 0 || len(errs) != 0 {
		s.tb.Errorf("%d records and %d errors for nothing", len(records), len(errs))
	}
}

// errAny stands for any error.
var errAny = errors.New("any")

// counts are right after every act and every refusal.
func (s *suite) counts() {
	want := func(want string) {
		s.tb.Helper()
		counts, err := s.store.Counts(ctx)
		s.check(err)
		got := ""
		for _, c := range counts {
			got += fmt.Sprintf("%s %s %d ", c.Category, c.State, c.Licences)
		}
		if got != want {
			s.tb.Errorf("counted %q, want %q", got, want)
		}
	}
	want("")
	first, second := s.issue("K1"), s.issue("K2")
	_, errs := s.store.IssueAll(ctx, []licence.Submission{s.draft("K3"), s.draft("K1"), s.draft("K4")})
	s.check(errors.Join(errs[0], errs[2]))
	want("004 active 4 ")
	_, err := s.step(first.Licence.Identifier, licence.Suspend)
	s.check(err)
	_, err = s.step(second.Licence.Identifier, licence.Revoke)
	s.check(err)
	want("004 active 2 004 suspended 1 004 revoked 1 ")
	if _, err := s.step(second.Licence.Identifier, licence.Resume); err == nil {
		s.tb.Error("a revoked licence is resumed")
	}
	_, err = s.step(first.Licence.Identifier, licence.Resume)
	s.check(err)
	s.reopen()
	want("004 active 3 004 revoked 1 ")
}
