package office_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/readertest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/evidence"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/qr/verify"
)

// stamping is an office whose operator vouches for the clock.
func stamping(tb testing.TB) *officetest.Fixture {
	tb.Helper()
	f := officetest.New(tb)
	if err := f.Office.Close(); err != nil {
		tb.Fatal(err)
	}
	var err error
	f.Office, err = office.Open(f.Dir, office.Options{Clock: tsa.ClockSettings{Probe: tsa.DeclaredClock(100 * time.Millisecond)}})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// pin is SM3 of the first root.
func pin(tb testing.TB, f *officetest.Fixture) *[sm3.Size]byte {
	tb.Helper()
	root, err := f.Office.TrustFile(ctx, "1.root")
	if err != nil {
		tb.Fatal(err)
	}
	sum := sm3.Sum(root)
	return &sum
}

func bundleOf(tb testing.TB, f *officetest.Fixture, r licence.Record, witnesses ...[]byte) []byte {
	tb.Helper()
	archive, err := f.Office.Evidence(ctx, "test", r, witnesses...)
	if err != nil {
		tb.Fatal(err)
	}
	return archive
}

func inspectBundle(tb testing.TB, archive []byte, o inspect.EvidenceOptions) inspect.Inspection {
	tb.Helper()
	o.Second = second.Opinion{}
	found, err := inspect.Evidence(ctx, archive, o)
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	f := stamping(t)
	r := f.Issue(t, "066")
	f.Issue(t, "100")
	archive := bundleOf(t, f, r)
	found := inspectBundle(t, archive, inspect.EvidenceOptions{Pin: pin(t, f)})
	e := found.Evidence
	if found.Verdict != verify.Valid || !e.Pages || e.StampedAt == nil || e.Licence.ID != r.Licence.Identifier.String() {
		t.Fatalf("%s (%s): %+v", found.Verdict, found.Cause, e)
	}
	if len(e.Log) != 1 || e.Log[0].Act != "licence.issue" || len(e.Chain) != 3 {
		t.Errorf("log %v, chain %v", e.Log, e.Chain)
	}
	// An inspector over the domain's own trust files knows the root.
	own, err := inspector(t, f).File(ctx, archive)
	if err != nil || own.Verdict != verify.Valid {
		t.Errorf("by trust files: %s (%s), %v", own.Verdict, own.Cause, err)
	}
	// Another root knows nothing of it.
	if found := inspectBundle(t, archive, inspect.EvidenceOptions{Pin: new([sm3.Size]byte)}); found.Verdict != verify.Untrusted {
		t.Errorf("another pin: %s (%s)", found.Verdict, found.Cause)
	}
	t.Run("second reader", func(t *testing.T) { secondReader(t, f, archive) })
	t.Run("BouncyCastle", func(t *testing.T) { stampedIndependently(t, archive) })
	t.Run("tampered", func(t *testing.T) { tamperedBundles(t, f, archive) })
}

// secondReader has the bundle read by a program that shares nothing with ours.
func secondReader(t *testing.T, f *officetest.Fixture, archive []byte) {
	keys, err := f.Office.AuditLog().Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	point := keys[0].Point()
	e, err := readertest.ReadEvidence(archive, point[:])
	if err != nil || e.Proofs != 1 {
		t.Errorf("%d proofs, %v", e.Proofs, err)
	}
	at := bytes.Index(archive, []byte("elicence/audit-proof/1"))
	changed := bytes.Clone(archive)
	changed[at+100] ^= 1
	if _, err := readertest.ReadEvidence(changed, point[:]); err == nil {
		t.Error("a changed proof was read")
	}
}

// stampedIndependently has BouncyCastle verify the stamp over the manifest.
func stampedIndependently(t *testing.T, archive []byte) {
	b, err := evidence.Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// TimeStampResp: SEQUENCE { SEQUENCE { INTEGER 0 }, token }
	n := len(b.Stamp) + 5
	response := append([]byte{0x30, 0x82, byte(n >> 8), byte(n), 0x30, 3, 2, 1, 0}, b.Stamp...)
	at := bytes.Index(archive, []byte("manifest.cbor")) + len("manifest.cbor")
	manifest := archive[at : bytes.Index(archive, []byte("manifest.tst"))-30]
	if sm3.Sum(manifest) != b.Digest() {
		t.Fatal("the manifest is not where it should be")
	}
	got := tooltest.BouncyCastle(t, "VerifyTimeStamp", "data", write("stamp.tsr", response), write("manifest", manifest),
		"data", write("stamp.tsr", response), write("other", append(bytes.Clone(manifest), 0)))
	if !strings.HasPrefix(got[0], "accepted") || !strings.HasPrefix(got[1], "refused") {
		t.Errorf("%q", got)
	}
}

// restamped is a bundle with other files under a stamp of the service, which stamps for
// everybody.
func restamped(t *testing.T, f *officetest.Fixture, b *evidence.Bundle, files []evidence.File) []byte {
	t.Helper()
	id, err := licence.ParseIdentifier(b.Manifest.Licence)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := evidence.New(id, time.Now(), files)
	if err != nil {
		t.Fatal(err)
	}
	request := tsa.Request{Imprint: tsa.SM3(changed.Digest()), Certificates: true}
	der, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.Office.TimeStamp(ctx, der)
	if err != nil {
		t.Fatal(err)
	}
	response, err := tsa.ParseResponse(answer)
	if err != nil {
		t.Fatal(err)
	}
	changed.Stamp = response.Token
	archive, err := changed.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// tamperedBundles: what matters cannot be changed, not even by who gets a new stamp.
func tamperedBundles(t *testing.T, f *officetest.Fixture, archive []byte) {
	b, err := evidence.Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	o := inspect.EvidenceOptions{Pin: pin(t, f)}
	if found := inspectBundle(t, restamped(t, f, b, b.Files), o); found.Verdict != verify.Valid {
		t.Fatalf("stamped anew: %s (%s)", found.Verdict, found.Cause)
	}
	for i, file := range b.Files {
		step := max(len(file.Data)/12, 1)
		switch folder, _, _ := strings.Cut(file.Name, "/"); {
		case folder == "formats" || folder == evidence.ReadmeName || strings.HasPrefix(file.Name, "trust/crl/"):
			continue // for people; and a list that cannot be read is another test's
		case folder == "certificates" && file.Name != "certificates/issuer.pem":
			continue // not all are needed
		}
		for at := step / 2; at < len(file.Data); at += step {
			files := slices.Clone(b.Files)
			files[i].Data = bytes.Clone(file.Data)
			files[i].Data[at] ^= 4
			if found := inspectBundle(t, restamped(t, f, b, files), o); found.Verdict == verify.Valid {
				t.Errorf("%s: byte %d was changed and nobody noticed", file.Name, at)
			}
		}
	}
	for name, without := range map[string]string{"no proof": "log/1.proof", "no licence": "licence.cose", "no chain": "certificates/issuer.pem", "no lists": "trust/status"} {
		files := slices.DeleteFunc(slices.Clone(b.Files), func(file evidence.File) bool { return file.Name == without })
		if found := inspectBundle(t, restamped(t, f, b, files), o); found.Verdict == verify.Valid {
			t.Errorf("%s: valid", name)
		}
	}
	// The old stamp under new files.
	id, err := licence.ParseIdentifier(b.Manifest.Licence)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := evidence.New(id, time.Now(), b.Files[1:])
	if err != nil {
		t.Fatal(err)
	}
	forged.Stamp = b.Stamp
	again, err := forged.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if found := inspectBundle(t, again, o); found.Verdict != verify.Tampered {
		t.Errorf("another's stamp: %s (%s)", found.Verdict, found.Cause)
	}
	for _, bad := range [][]byte{archive[:len(archive)-1], nil, []byte("PK\x03\x04")} {
		if found := inspectBundle(t, bad, o); found.Verdict != verify.Malformed {
			t.Errorf("%d bytes: %s (%s)", len(bad), found.Verdict, found.Cause)
		}
	}
}

// TestEvidenceOfRevoked: evidence is of how a licence stands, also of one that does not.
func TestEvidenceOfRevoked(t *testing.T) {
	t.Parallel()
	f := stamping(t)
	r := f.Issue(t, "066")
	for _, step := range []struct {
		step    licence.Step
		verdict verify.Verdict
		pages   bool
	}{{licence.Suspend, verify.Suspended, true}, {licence.Revoke, verify.Revoked, false}} {
		var err error
		if r, err = f.Office.Step(ctx, "test", r.Licence.Identifier, step.step, "测试"); err != nil {
			t.Fatal(err)
		}
		found := inspectBundle(t, bundleOf(t, f, r), inspect.EvidenceOptions{Pin: pin(t, f)})
		e := found.Evidence
		if found.Verdict != step.verdict || e.Pages != step.pages || len(e.Chain) != 3 {
			t.Errorf("%s: %s (%s), %+v", step.step, found.Verdict, found.Cause, e)
		}
		if last := e.Log[len(e.Log)-1]; last.Act != "licence."+string(step.step) {
			t.Errorf("%s: the last entry is %s", step.step, last.Act)
		}
	}
}

// TestEvidenceStampedAgain: whoever has a bundle from before a revocation can have its files
// stamped after it, and has proven nothing of that time.
func TestEvidenceStampedAgain(t *testing.T) {
	t.Parallel()
	f := stamping(t)
	r := f.Issue(t, "066")
	archive := bundleOf(t, f, r)
	b, err := evidence.Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	before := inspectBundle(t, archive, inspect.EvidenceOptions{Pin: pin(t, f)})
	if before.Verdict != verify.Valid || before.Evidence.AsOf == nil || !strings.Contains(before.Cause, *before.Evidence.AsOf) {
		t.Fatalf("%s (%s): %+v", before.Verdict, before.Cause, before.Evidence)
	}
	if err := f.Office.Close(); err != nil {
		t.Fatal(err)
	}
	const later = 96 * time.Hour
	system := tsa.SystemClock()
	clock := tsa.ClockSettings{Probe: tsa.DeclaredClock(100 * time.Millisecond), Read: func() tsa.Reading {
		now := system()
		now.Wall = now.Wall.Add(later)
		return now
	}}
	f.Office, err = office.Open(f.Dir, office.Options{Options: datafolder.Options{Now: func() time.Time { return time.Now().Add(later) }}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.Step(ctx, "test", r.Licence.Identifier, licence.Revoke, "测试"); err != nil {
		t.Fatal(err)
	}
	after := inspectBundle(t, restamped(t, f, b, b.Files), inspect.EvidenceOptions{Pin: pin(t, f)})
	if after.Verdict != verify.ValidStale || after.Accepted() || *after.Evidence.AsOf != *before.Evidence.AsOf || *after.Evidence.StampedAt == *before.Evidence.StampedAt {
		t.Errorf("%s (%s): %+v", after.Verdict, after.Cause, after.Evidence)
	}
}

// TestEvidenceWitnessed: what an outside witness has signed before goes with the bundle.
func TestEvidenceWitnessed(t *testing.T) {
	t.Parallel()
	f := stamping(t)
	r := f.Issue(t, "066")
	checkpoint, err := f.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := f.Office.AuditLog().Keys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key := pkitest.NewKey(t)
	w, err := audit.NewCosigner("公证处", key, checkpoint.Origin, keys[0])
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := w.Cosign(checkpoint.Signed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	archive := bundleOf(t, f, r, cosigned)
	o := inspect.EvidenceOptions{Pin: pin(t, f)}
	found := inspectBundle(t, archive, o)
	if found.Verdict != verify.Valid || len(found.Evidence.Witnesses) != 1 || found.Evidence.Witnesses[0].Key != nil {
		t.Fatalf("%s (%s), %+v", found.Verdict, found.Cause, found.Evidence.Witnesses)
	}
	o.Witnesses = []*pki.PublicKey{key.Public()}
	found = inspectBundle(t, archive, o)
	if got := found.Evidence.Witnesses[0]; got.Key == nil || *got.Key != fmt.Sprint(key.Public().Point()) || got.Size != checkpoint.Size {
		t.Errorf("%+v", got)
	}
	// A checkpoint that nobody cosigned is no witness, and one of another log neither.
	if _, err := f.Office.Evidence(ctx, "test", r, checkpoint.Signed); err == nil {
		t.Error("the log is taken for its own witness")
	}
	b, err := evidence.Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	files := slices.Clone(b.Files)
	for i := range files {
		if files[i].Name == "witness/1.consistency" {
			files[i].Data = bytes.Clone(files[i].Data)
			files[i].Data[len(files[i].Data)-1] ^= 1
		}
	}
	if found := inspectBundle(t, restamped(t, f, b, files), o); found.Verdict != verify.Tampered {
		t.Errorf("another way to the witness: %s (%s)", found.Verdict, found.Cause)
	}
}
