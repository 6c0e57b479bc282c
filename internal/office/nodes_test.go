package office_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/qr/trust"
)

// TestTwoNodes lets two nodes on one database issue, suspend, print, present and publish
// at once: no place in a status list is given out twice, each sees what the other did,
// the audit log is whole, and what is published fits together.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	f := officetest.On(t, pgtest.Start(t).Database(t))
	other := f.Node(t)
	const callers, each = 4, 6
	var mu sync.Mutex
	places := make(map[licence.StatusRef]licence.Identifier)
	issued := make(map[licence.Identifier]licence.State)

	work, publishing := new(errgroup.Group), new(errgroup.Group)
	for node, o := range []*office.Office{f.Office, other} {
		peer := []*office.Office{other, f.Office}[node]
		for range callers {
			work.Go(func() error {
				for range each {
					category, application := f.Company(t)
					r, err := o.Issue(ctx, "test", category.ID, application, office.IssueOptions{})
					if err != nil {
						return err
					}
					id := r.Licence.Identifier
					mu.Lock()
					if first, taken := places[r.Licence.Status]; taken {
						t.Errorf("place %v was given to %s and to %s", r.Licence.Status, first, id)
					}
					places[r.Licence.Status] = id
					mu.Unlock()
					// The other node goes on with it.
					if _, err := peer.Step(ctx, "test", id, licence.Suspend, "x"); err != nil {
						return err
					}
					seen, err := o.Licence(ctx, "test", id)
					if err != nil {
						return err
					}
					mu.Lock()
					issued[id] = seen.State
					mu.Unlock()
					if _, err := o.Step(ctx, "test", id, licence.Resume, "x"); err != nil {
						return err
					}
					if _, err := o.Code(ctx, "test", r); err != nil {
						return err
					}
					if _, err := peer.Present(ctx, "test", r, nil); err != nil {
						return err
					}
				}
				return nil
			})
		}
		publishing.Go(func() error {
			for range 4 {
				if _, err := o.Publish(ctx, "test"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := errors.Join(work.Wait(), publishing.Wait()); err != nil {
		t.Fatal(err)
	}
	if want := 2 * callers * each; len(issued) != want {
		t.Errorf("%d licences, want %d", len(issued), want)
	}
	for id, state := range issued {
		if state != licence.Suspended {
			t.Errorf("%s was %s for the node that did not suspend it", id, state)
		}
	}
	if _, err := f.Office.Publish(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	state, err := trust.OpenState(t.TempDir(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	publishedIn(t, other, time.Now(), state)
	for _, o := range []*office.Office{f.Office, other} {
		if _, _, err := o.VerifyLog(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestPlacesOnTwoNodes: a node that does not know what another one has given out prints
// and binds all the same. Of the hundred places that it draws, a tenth are taken.
func TestPlacesOnTwoNodes(t *testing.T) {
	t.Parallel()
	f := officetest.On(t, pgtest.Start(t).Database(t))
	other := f.Node(t)
	issue := func(o *office.Office) (licence.Record, error) {
		category, application := f.Company(t)
		return o.Issue(ctx, "test", category.ID, application, office.IssueOptions{})
	}
	// Now it has read the list.
	if _, err := issue(other); err != nil {
		t.Fatal(err)
	}
	records := make(chan licence.Record, 400)
	var issuing errgroup.Group
	for range 16 {
		issuing.Go(func() error {
			for range cap(records) / 16 {
				r, err := issue(f.Office)
				if err != nil {
					return err
				}
				records <- r
			}
			return nil
		})
	}
	if err := issuing.Wait(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := other.CodeOf(ctx, "test", <-records, disclose.Minimal); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRequestOnTwoNodes: one request that comes to two nodes at once is one licence.
func TestRequestOnTwoNodes(t *testing.T) {
	t.Parallel()
	f := officetest.On(t, pgtest.Start(t).Database(t))
	other := f.Node(t)
	category, application := f.Company(t)
	var mu sync.Mutex
	answers := make(map[licence.Identifier]int)
	var group errgroup.Group
	for range 4 {
		for _, o := range []*office.Office{f.Office, other} {
			group.Go(func() error {
				r, err := o.Issue(ctx, "test", category.ID, application, office.IssueOptions{RequestID: "R-1"})
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				answers[r.Licence.Identifier]++
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(answers) != 1 {
		t.Errorf("one request became %d licences", len(answers))
	}
}

// TestForeignKeys: a database opens only with the keys that it was made with, and a
// folder without records says where to look.
func TestForeignKeys(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	mine, yours := officetest.On(t, server.Database(t)), server.Database(t)
	theirs := officetest.On(t, yours)
	if _, err := office.Open(mine.Dir, office.Options{Store: yours}); !errors.Is(err, office.ErrStoreOfOthers) {
		t.Errorf("the database of %s opens with other keys: %v", theirs.Dir, err)
	}
	if _, err := office.Open(mine.Dir, office.Options{}); !errors.Is(err, office.ErrNoRecords) {
		t.Errorf("without its database: %v", err)
	}
	if _, err := office.Open(t.TempDir(), office.Options{Store: yours}); !errors.Is(err, office.ErrNotDataFolder) {
		t.Errorf("without keys: %v", err)
	}
}

// TestRevocationOnAnotherNode: what a node has made ahead does not outlive a revocation
// that came to another one.
func TestRevocationOnAnotherNode(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	f := officetest.OnAt(t, pgtest.Start(t).Database(t), c.now)
	other := f.Node(t)
	responder, err := other.OCSP(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	signers := make(map[string]*cert.Certificate)
	issuers := make(map[string]*cert.Certificate)
	err = other.Certificates(ctx, func(r office.CertificateRecord) error {
		parsed, err := cert.Parse(r.DER)
		if err == nil {
			signers[string(r.Profile)] = parsed
			issuers[parsed.Subject.CommonName] = parsed
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	says := func(signer *cert.Certificate) ocsp.Status {
		t.Helper()
		issuer := issuers[signer.Issuer.CommonName]
		id, err := ocsp.NewCertID(oid.SHA1, issuer, signer.SerialNumber())
		if err != nil {
			t.Fatal(err)
		}
		request, err := (&ocsp.Request{IDs: []ocsp.CertID{id}}).DER()
		if err != nil {
			t.Fatal(err)
		}
		answer, err := ocsp.ParseResponse(responder.Respond(ctx, request).DER)
		if err != nil {
			t.Fatal(err)
		}
		return answer.Singles[0].Status
	}
	revoke := func(signer *cert.Certificate) {
		t.Helper()
		serial, _ := cert.SerialOf(signer.SerialNumber())
		if _, err := f.Office.RevokeCertificate(ctx, "test", serial, office.Revocation{Reason: cert.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
	}
	if made, err := responder.Produce(ctx); err != nil || made == 0 {
		t.Fatalf("%d answers made ahead, %v", made, err)
	}
	seal, maker := signers[string(ca.ProfileOrganizationSeal)], signers[string(ca.ProfileSealMaker)]
	if says(seal) != ocsp.Good || says(maker) != ocsp.Good {
		t.Fatal("what is good is not said to be")
	}
	revoke(seal)
	if err := other.FollowOthers(ctx); err != nil {
		t.Fatal(err)
	}
	if got := says(seal); got != ocsp.Revoked {
		t.Errorf("a node that follows says %v of what another one revoked", got)
	}
	revoke(maker)
	c.at = c.at.Add(time.Minute)
	if got := says(maker); got != ocsp.Revoked {
		t.Errorf("a node that does not follow says %v of what another one revoked", got)
	}
}
