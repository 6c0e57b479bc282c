package office_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/atrest"
	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pgtest"
	"github.com/elicence/elicence/internal/store/keytree"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/disclose"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
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
		if _, _, err := o.AuditLog().Verify(ctx); err != nil {
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
	if _, err := office.Open(mine.Dir, office.Options{Options: datafolder.Options{Store: yours}}); !errors.Is(err, datafolder.ErrStoreOfOthers) {
		t.Errorf("the database of %s opens with other keys: %v", theirs.Dir, err)
	}
	if _, err := office.Open(mine.Dir, office.Options{}); !errors.Is(err, datafolder.ErrNoRecords) {
		t.Errorf("without its database: %v", err)
	}
	if _, err := office.Open(t.TempDir(), office.Options{Options: datafolder.Options{Store: yours}}); !errors.Is(err, datafolder.ErrNotDataFolder) {
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

// TestNodesStopBatch: what an officer stops at one node stops the batch of another.
func TestNodesStopBatch(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for name, stop := range sealStops() {
		t.Run(name, func(t *testing.T) {
			f := officetest.On(t, server.Database(t))
			stopsBatch(t, f, f.Node(t), stop)
		})
	}
}

// TestNodesDestroyKeys: nodes on one database have record keys of their own. What one has
// erased no other can read any more: one that runs destroys the key when it looks what
// others did, one that was off when it starts. New keys are used when each node has them,
// and a node that does not refuses.
func TestNodesDestroyKeys(t *testing.T) {
	t.Parallel()
	address := pgtest.Start(t).Database(t)
	f := officetest.On(t, address)
	gone, kept := f.Issue(t, "066"), f.Issue(t, "110")
	id := gone.Licence.Identifier
	if _, err := f.Office.Step(ctx, "test", id, licence.Revoke, "x"); err != nil {
		t.Fatal(err)
	}
	runs, off := officetest.CopyOf(t, f.Dir), officetest.CopyOf(t, f.Dir)
	open := func(dir string) *office.Office {
		t.Helper()
		o, err := office.Open(dir, office.Options{Options: datafolder.Options{Store: address}})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	node := open(runs)
	defer func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := f.Office.ApplyErasure(ctx, "甲", id, false, "依法"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.ApproveErasure(ctx, "乙", id); err != nil {
		t.Fatal(err)
	}
	leaf := sealed.LeafOf(gone.Licence.Status)
	destroyed := func(dir string, want bool) {
		t.Helper()
		keys, err := keystore.Open(filepath.Join(dir, "keys"), keystore.Unlock{File: filepath.Join(dir, "kek")})
		if err != nil {
			t.Fatal(err)
		}
		folder, err := keytree.Open(filepath.Join(dir, "record-keys"), keys)
		if err != nil {
			t.Fatal(err)
		}
		got, err := folder.Destroyed(uint8(sealed.First), leaf)
		if err := errors.Join(err, keys.Close()); err != nil || got != want {
			t.Errorf("the key in %s is destroyed: %t, %v, want %t", filepath.Base(filepath.Dir(dir)), got, err, want)
		}
	}
	destroyed(f.Dir, true)
	destroyed(runs, false)
	if err := node.FollowOthers(ctx); err != nil {
		t.Fatal(err)
	}
	destroyed(runs, true)
	destroyed(off, false)
	if err := open(off).Close(); err != nil {
		t.Fatal(err)
	}
	destroyed(off, true)

	if _, err := atrest.Rekey(ctx, f.Office.Folder(), "test", atrest.RekeyOptions{}); !errors.Is(err, atrest.ErrNotPrepared) {
		t.Errorf("rekeyed without new keys on the nodes: %v, want ErrNotPrepared", err)
	}
	prepared, err := atrest.Rekey(ctx, f.Office.Folder(), "test", atrest.RekeyOptions{PrepareOnly: true})
	if err != nil || prepared.Prepared == nil {
		t.Fatalf("prepared %+v, %v", prepared, err)
	}
	done, err := atrest.Rekey(ctx, f.Office.Folder(), "test", atrest.RekeyOptions{})
	if err != nil || done.Done.Licences != 1 || done.Generation != *prepared.Prepared {
		t.Fatalf("rekeyed %+v, %v", done, err)
	}
	other := officetest.Around(t, runs, node)
	c, a := other.Company(t)
	if _, err := node.Issue(ctx, "test", c.ID, a, office.IssueOptions{}); !errors.Is(err, datafolder.ErrRecordKeys) {
		t.Errorf("issued by a node without the new keys: %v, want ErrRecordKeys", err)
	}
	for _, name := range []string{"keys/register/record-3.key", "record-keys/3-top.keys"} {
		b, err := os.ReadFile(filepath.Join(f.Dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(runs, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := node.Issue(ctx, "test", c.ID, a, office.IssueOptions{}); err != nil {
		t.Errorf("with the new keys: %v", err)
	}
	if got, err := node.Licence(ctx, "test", kept.Licence.Identifier); err != nil || got.Licence.Number != kept.Licence.Number {
		t.Errorf("what was encrypted again: %v", err)
	}
	ended, err := atrest.Rekey(ctx, f.Office.Folder(), "test", atrest.RekeyOptions{EndOld: true})
	if err != nil || len(ended.Ended) != 1 {
		t.Errorf("ended %+v, %v", ended, err)
	}
	officetest.Whole(t, f.Office)
}

// TestNodesRenewLookups: look-up keys are renewed when each node has the new secret. One that
// has none, or made one of its own, refuses rather than issue what it takes to be free.
func TestNodesRenewLookups(t *testing.T) {
	t.Parallel()
	address := pgtest.Start(t).Database(t)
	f := officetest.On(t, address)
	kept := f.Issue(t, "110")
	dir := officetest.CopyOf(t, f.Dir)
	node, err := office.Open(dir, office.Options{Options: datafolder.Options{Store: address}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := atrest.RenewLookups(ctx, f.Office.Folder(), "test", atrest.RenewalOptions{}); !errors.Is(err, atrest.ErrLookupsNotPrepared) {
		t.Errorf("renewed without a new secret on the nodes: %v, want ErrLookupsNotPrepared", err)
	}
	prepared, err := atrest.RenewLookups(ctx, f.Office.Folder(), "test", atrest.RenewalOptions{PrepareOnly: true})
	if err != nil || prepared.Prepared == nil || *prepared.Prepared != 2 {
		t.Fatalf("prepared %+v, %v", prepared, err)
	}
	renewed, err := atrest.RenewLookups(ctx, f.Office.Folder(), "test", atrest.RenewalOptions{})
	if err != nil || renewed.Generation != 2 || renewed.Entries < 2 {
		t.Fatalf("renewed %+v, %v", renewed, err)
	}
	other := officetest.Around(t, dir, node)
	c, a := other.Company(t)
	issue := func(o *office.Office) error {
		_, err := o.Issue(ctx, "test", c.ID, a, office.IssueOptions{RequestID: "R-1"})
		return err
	}
	holder := kept.Licence.Holders[0]
	refuses := func(want error) {
		t.Helper()
		if err := issue(node); !errors.Is(err, want) {
			t.Errorf("issued by a node without the secret: %v, want %v", err, want)
		}
		if found, err := node.HolderLicences(ctx, "test", holder.IDType, holder.IDNumber); !errors.Is(err, want) {
			t.Errorf("%d licences of a holder, %v, want %v", len(found), err, want)
		}
	}
	refuses(datafolder.ErrLookups)
	key, own := filepath.Join(f.Dir, "keys/register/lookup-2.key"), filepath.Join(dir, "keys/register/lookup-2.key")
	// The node makes one of its own, as where the command is given on each.
	twin, err := keystore.Open(filepath.Join(dir, "keys"), keystore.Unlock{File: filepath.Join(dir, "kek")})
	if err == nil {
		_, err = twin.GenerateSecret(keystore.PurposeRegister, "lookup-2")
	}
	if err := errors.Join(err, twin.Close()); err != nil {
		t.Fatal(err)
	}
	refuses(datafolder.ErrOtherLookups)
	if o, err := office.Open(dir, office.Options{Options: datafolder.Options{Store: address}}); !errors.Is(err, datafolder.ErrOtherLookups) {
		t.Errorf("opened with another secret: %v, want ErrOtherLookups", err)
		if err == nil {
			_ = o.Close()
		}
	}
	b, err := os.ReadFile(key)
	if err == nil {
		err = os.WriteFile(own, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(issue(node), issue(f.Office)); err != nil {
		t.Errorf("one request on both nodes: %v", err)
	}
	for _, o := range []*office.Office{f.Office, node} {
		found, err := o.HolderLicences(ctx, "test", holder.IDType, holder.IDNumber)
		if err != nil || len(found) != 1 || found[0].Licence.Identifier != kept.Licence.Identifier {
			t.Errorf("%d licences of the holder, %v", len(found), err)
		}
		if _, err := o.Issue(ctx, "test", c.ID, a, office.IssueOptions{}); !errors.Is(err, licence.ErrNumberTaken) {
			t.Errorf("the number again: %v, want ErrNumberTaken", err)
		}
	}
	officetest.Whole(t, f.Office)
}
