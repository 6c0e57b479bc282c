package ca_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
)

// places count up, and remember which are given out.
type places struct {
	next  uint32
	taken map[cert.StatusEntry]bool
	err   error
}

func (p *places) ReserveEntry(context.Context) (cert.StatusEntry, error) {
	if p.err != nil {
		return cert.StatusEntry{}, p.err
	}
	p.next++
	e := cert.StatusEntry{List: 9, Index: p.next}
	p.taken[e] = true
	return e, nil
}

func (p *places) ReleaseEntry(e cert.StatusEntry) { delete(p.taken, e) }

// unsure is a ledger that stores an intent and says that it has not.
type unsure struct {
	*pkitest.Ledger
	err error
}

func (l *unsure) IntendCertificate(ctx context.Context, i ca.Intent) error {
	return errors.Join(l.Ledger.IntendCertificate(ctx, i), l.err)
}

// TestPlaceInStatusLists: a certificate has the place that was reserved for it, a renewal
// one of its own, and what was not stored gives its place back.
func TestPlaceInStatusLists(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := pkitest.New(t, time.Now())
	lists := &places{taken: make(map[cert.StatusEntry]bool)}
	ledger := &unsure{Ledger: p.Ledger}
	a, err := ca.New(p.CA.Certificate(), p.CAKey, ca.Environment{Ledger: ledger, Site: p.CA.Site(), StatusLists: lists, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	subject := cert.Name{Country: "CN", CommonName: "制章者"}
	issue := func(r ca.Request) (*cert.Certificate, error) {
		draft, err := a.Prepare(ctx, r)
		if err != nil {
			return nil, err
		}
		return a.Issue(ctx, draft, "test")
	}
	key := pkitest.NewKey(t).Public()
	first, err := issue(ca.Request{Profile: ca.ProfileSealMaker, Subject: subject, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := issue(ca.Request{Profile: ca.ProfileSealMaker, Subject: subject, Key: key, Renews: first})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []*cert.Certificate{first, renewed} {
		if e, found := c.StatusEntry(); !found || e != (cert.StatusEntry{List: 9, Index: uint32(i + 1)}) || !lists.taken[e] {
			t.Errorf("certificate %d has place %+v, %v", i, e, found)
		}
	}
	// Another reader finds the number, and minds the extension so little that the rest counts.
	t.Run("OpenSSL", func(t *testing.T) {
		dir := t.TempDir()
		file := write(t, dir, "c.pem", first.PEM())
		tooltest.Run(t, "openssl", "verify", "-vfyopt", "distid:1234567812345678", "-partial_chain", "-trusted", write(t, dir, "i.pem", p.CA.Certificate().PEM()), file)
		if text := tooltest.Run(t, "openssl", "asn1parse", "-in", file); !strings.Contains(text, ":1.3.6.1.4.1.32473.1.2") || !strings.Contains(text, "[HEX DUMP]:02050900000001") {
			t.Errorf("OpenSSL finds no place:\n%s", text)
		}
	})
	pair, err := a.IssuePair(ctx, ca.Request{Profile: ca.ProfilePerson, Subject: cert.Name{Country: "CN", CommonName: "张样例"}, Key: pkitest.NewKey(t).Public()}, "test")
	if err != nil {
		t.Fatal(err)
	}
	signing, _ := pair.Signing.StatusEntry()
	encryption, _ := pair.Encryption.StatusEntry()
	if signing == encryption || !lists.taken[signing] || !lists.taken[encryption] {
		t.Errorf("a pair has places %+v and %+v", signing, encryption)
	}
	if c, err := issue(ca.Request{Profile: ca.ProfileService, Subject: subject, Key: pkitest.NewKey(t).Public()}); err != nil {
		t.Error(err)
	} else if e, found := c.StatusEntry(); found {
		t.Errorf("a profile that asks for no place has %+v", e)
	}

	before := len(lists.taken)
	fresh := func() *pki.PublicKey { return pkitest.NewKey(t).Public() }
	for name, r := range map[string]ca.Request{
		"a key in use":  {Profile: ca.ProfileSealMaker, Subject: subject, Key: key},
		"a bad subject": {Profile: ca.ProfileSealMaker, Subject: cert.Name{Country: "CN"}, Key: fresh()},
		"a bad number":  {Profile: ca.ProfileOrganizationSeal, Subject: subject, Key: fresh(), OrganizationCode: "1"},
	} {
		if _, err := issue(r); err == nil {
			t.Errorf("%s: issued", name)
		}
		if len(lists.taken) != before {
			t.Errorf("%s: a place is lost", name)
		}
	}
	ledger.err = errors.New("disk full")
	if _, err := issue(ca.Request{Profile: ca.ProfileSealMaker, Subject: subject, Key: fresh()}); !errors.Is(err, ledger.err) {
		t.Errorf("the ledger's error: %v", err)
	}
	if len(lists.taken) != before+1 {
		t.Error("the place of an intent that may be stored was given back")
	}
	ledger.err, lists.err = nil, errors.New("list full")
	if _, err := issue(ca.Request{Profile: ca.ProfileSealMaker, Subject: subject, Key: fresh()}); !errors.Is(err, lists.err) {
		t.Errorf("without a place: %v", err)
	}
}

// overtaken is a ledger beside which another process takes places.
type overtaken struct {
	*pkitest.Ledger
	times int // how many places are gone before they are stored
}

func (l *overtaken) IntendCertificate(ctx context.Context, i ca.Intent) error {
	if l.times > 0 {
		l.times--
		return ca.ErrEntryTaken
	}
	return l.Ledger.IntendCertificate(ctx, i)
}

// TestPlaceIsTaken: who finds the place taken that it had reserved gets the next one.
func TestPlaceIsTaken(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	for times, want := range map[int]error{2: nil, 100: ca.ErrEntryTaken} {
		lists := &places{taken: make(map[cert.StatusEntry]bool)}
		a, err := ca.New(p.CA.Certificate(), p.CAKey, ca.Environment{
			Ledger: &overtaken{p.Ledger, times}, Site: p.CA.Site(), StatusLists: lists, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		d, err := a.Prepare(context.Background(), ca.Request{
			Profile: ca.ProfileSealMaker, Subject: cert.Name{Country: "CN", CommonName: "制章者"}, Key: pkitest.NewKey(t).Public(),
		})
		if !errors.Is(err, want) {
			t.Errorf("%d places taken: %v, want %v", times, err, want)
		}
		if want != nil {
			continue
		}
		c, err := a.Issue(context.Background(), d, "test")
		if err != nil {
			t.Fatal(err)
		}
		if e, _ := c.StatusEntry(); e.Index != uint32(times+1) || len(lists.taken) != 1 {
			t.Errorf("the certificate has place %+v, and %d are reserved", e, len(lists.taken))
		}
	}
}
