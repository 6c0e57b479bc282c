package records_test

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/sync/errgroup"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/store/records"
	"github.com/elicence/elicence/internal/store/sealed"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/status"
)

// stepDir names, to the process that is killed while it suspends licences, the folder
// with the store and its keys.
const stepDir = "ELICENCE_TEST_STEP_DIR"

const (
	crashLicences    = 6
	crashCredentials = 4 // of each, on as many lists
)

// openFolder opens the store of a folder as [newCrashFolder] makes it.
func openFolder(dir string) (*records.Store, error) {
	box, err := boxOf(dir)
	if err != nil {
		return nil, err
	}
	return openStore(filepath.Join(dir, "store.db"), box)
}

func boxOf(dir string) (*sealed.Box, error) {
	keys, err := keystore.Open(filepath.Join(dir, "keys"), keystore.Unlock{File: filepath.Join(dir, "kek")})
	if err != nil {
		return nil, err
	}
	return sealed.OpenBox(keys, filepath.Join(dir, "record-keys"))
}

// newCrashFolder makes a folder with a store and its keys.
func newCrashFolder(t *testing.T) string {
	t.Helper()
	return newFolder(t, func(keys *keystore.Store, dir string) (*sealed.Box, error) { return sealed.CreateBox(keys, dir) })
}

// newSharedFolder makes a folder of before records had keys of their own.
func newSharedFolder(t *testing.T) string {
	t.Helper()
	return newFolder(t, func(keys *keystore.Store, dir string) (*sealed.Box, error) {
		for _, name := range []string{"bucket", "lookup-1", "record-1"} {
			if _, err := keys.GenerateSecret(keystore.PurposeRegister, name); err != nil {
				return nil, err
			}
		}
		return sealed.OpenBox(keys, dir)
	})
}

func newFolder(t *testing.T, newBox func(keys *keystore.Store, dir string) (*sealed.Box, error)) string {
	t.Helper()
	dir := t.TempDir()
	unlock := keystore.Unlock{File: filepath.Join(dir, "kek")}
	if err := keystore.NewKeyFile(unlock.File); err != nil {
		t.Fatal(err)
	}
	keys, err := keystore.Create(filepath.Join(dir, "keys"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	box, err := newBox(keys, filepath.Join(dir, "record-keys"))
	if err != nil {
		t.Fatal(err)
	}
	s := createStore(t, filepath.Join(dir, "store.db"), box)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func entryOf(act audit.Act, subject string) (audit.Record, error) {
	return audit.NewRecord(audit.Entry{Time: 1700000000, Actor: "officer", Act: act, Subject: subject}, nil)
}

// openIssuing opens a folder with a store, and makes a key to issue licences with.
func openIssuing(dir string) (*records.Store, *pki.Key, error) {
	s, err := openFolder(dir)
	if err != nil {
		return nil, nil, err
	}
	private, err := sm2.GenerateKey(crand.Reader)
	if err != nil {
		return nil, nil, err
	}
	key, err := pki.NewKey(private)
	return s, key, err
}

// draft makes a signed licence.
func draft(s *records.Store, key *pki.Key, n int) (licence.Submission, error) {
	holder := licence.Holder{Name: "张样例", IDType: licence.IDTypeCitizenNumber, IDNumber: "340199190001010012"}
	serial := licence.Serial{Bucket: s.Bucket(holder)}
	copy(serial.Random[:], fmt.Sprintf("%-10d", n))
	id, err := licence.NewIdentifier("11100000000013127D903", "11340000XN0000012E", serial, 1)
	if err != nil {
		return licence.Submission{}, err
	}
	ref, err := s.ReserveIndex(context.Background(), 1)
	if err != nil {
		return licence.Submission{}, err
	}
	l := &licence.Licence{
		Category: 4, Schema: 1, Identifier: id, Number: fmt.Sprint(n), IssuerName: "测试局", Holders: []licence.Holder{holder},
		IssueDay: 20000, FirstDay: 20000, Fields: map[string]licence.Value{}, Status: ref, SignedAt: time.Unix(1700000000, 0).UTC(),
	}
	signed, err := licence.Sign(l, key)
	if err != nil {
		return licence.Submission{}, err
	}
	entry, err := entryOf(audit.ActLicenceIssue, id.String())
	return licence.Submission{Licence: l, Signed: signed, Point: key.Public().Point(), Audit: entry}, err
}

// issueCredentials issues a licence with credentials on several lists.
func issueCredentials(s *records.Store, key *pki.Key, n int) error {
	ctx := context.Background()
	sub, err := draft(s, key, n)
	if err != nil {
		return err
	}
	if _, err := s.Issue(ctx, sub); err != nil {
		return err
	}
	l := sub.Licence
	var all []licence.NewCredential
	for i := range crashCredentials {
		ref, err := s.ReserveIndex(ctx, uint32(i+1))
		if err != nil {
			return err
		}
		all = append(all, licence.NewCredential{Credential: licence.Credential{
			Profile: fmt.Sprint("p", i), Status: ref, Signed: []byte("signed"), Point: key.Public().Point(), SignedAt: l.SignedAt, Expires: l.SignedAt.Add(time.Hour),
		}})
	}
	entry, err := entryOf(audit.ActLicenceIssue, l.Identifier.String())
	if err != nil {
		return err
	}
	return s.PutCredentials(ctx, l.Identifier, all, entry)
}

// stepForEver is the process that [TestCrashInSteps] kills: it suspends and resumes
// licences and says what was acknowledged.
func stepForEver(dir string) error {
	ctx := context.Background()
	s, err := openFolder(dir)
	if err != nil {
		return err
	}
	records, err := s.List(ctx, 0, crashLicences+1)
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, r := range records {
		group.Go(func() error {
			for state := r.State; ; {
				step := licence.Suspend
				if state == licence.Suspended {
					step = licence.Resume
				}
				entry, err := entryOf(audit.Act("licence."+string(step)), r.Licence.Identifier.String())
				if err != nil {
					return err
				}
				after, err := s.Transition(ctx, licence.Transition{Identifier: r.Licence.Identifier, Step: step, Reason: "理由", At: time.Now(), Audit: entry})
				if err != nil {
					return err
				}
				state = after.State
				if _, err := fmt.Fprintf(os.Stdout, "ack %s %d %d\n", r.Licence.Number, after.Revision, state); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// TestCrashInSteps kills a process that suspends and resumes licences at random
// moments. After each time every licence stands where its last acknowledged step has
// led, or one further, and the bits of all its credentials, on whatever list, say the
// same.
func TestCrashInSteps(t *testing.T) {
	t.Parallel()
	dir, key := newCrashFolder(t), pkitest.NewKey(t)
	s, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	for n := range crashLicences {
		if err := issueCredentials(s, key, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged, steps := make(map[string]uint64), 0 // number → revision
	for range 5 {
		killChild(t, stepDir, dir, crashLicences, time.Duration(rand.IntN(120))*time.Millisecond, func(line string) {
			var number string
			var revision uint64
			var state licence.State
			if n, _ := fmt.Sscanf(line, "ack %s %d %d\n", &number, &revision, &state); n != 3 {
				t.Fatalf("the process says %q", line)
			}
			acknowledged[number] = revision
			steps++
		})
		checkCredentials(t, dir, acknowledged)
	}
	if steps < 5*crashLicences {
		t.Errorf("only %d steps were acknowledged: this proves little", steps)
	}
}

func checkCredentials(t *testing.T, dir string, acknowledged map[string]uint64) {
	t.Helper()
	s, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	records, err := s.List(ctx, 0, crashLicences+1)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := s.StatusSets(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lists := make(map[uint32]*status.Set)
	for _, set := range sets {
		lists[set.List] = set
	}
	if len(records) != crashLicences {
		t.Fatalf("%d licences, want %d", len(records), crashLicences)
	}
	for _, r := range records {
		if r.Revision < acknowledged[r.Licence.Number] {
			t.Errorf("licence %s is at revision %d, %d was acknowledged", r.Licence.Number, r.Revision, acknowledged[r.Licence.Number])
		}
		all, err := s.Credentials(ctx, r.Licence.Identifier)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != crashCredentials {
			t.Errorf("licence %s has %d credentials, want %d", r.Licence.Number, len(all), crashCredentials)
		}
		refs := []licence.StatusRef{r.Licence.Status}
		for _, c := range all {
			refs = append(refs, c.Status)
		}
		for _, ref := range refs {
			if got, want := lists[ref.List].Suspended.Has(ref.Index), r.State == licence.Suspended; got != want {
				t.Errorf("licence %s is %s and its place %d of list %d says suspended %v", r.Licence.Number, r.State, ref.Index, ref.List, got)
			}
		}
	}
	err = s.ReadLog(context.Background(), func(log audit.Storage) error {
		_, err := audit.Verify(log)
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}
