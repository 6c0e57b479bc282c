package office_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal/placement"
)

// proven inspects a file beside proofs of the audit log.
func proven(tb testing.TB, f *officetest.Fixture, file []byte, proofs ...[]byte) inspect.Inspection {
	tb.Helper()
	i, err := inspector(tb, f).WithProofs(proofs...)
	if err != nil {
		tb.Fatal(err)
	}
	found, err := i.File(ctx, file)
	if err != nil {
		tb.Fatal(err)
	}
	if len(found.Document.Proofs) != len(proofs) {
		tb.Fatalf("%d proofs were given, %d are spoken of", len(proofs), len(found.Document.Proofs))
	}
	return found
}

func proofOf(tb testing.TB, f *officetest.Fixture, file []byte, field string, kept []byte) []byte {
	tb.Helper()
	proof, err := f.Office.AuditLog().ProveUse(ctx, open(tb, file), field, kept)
	if err != nil {
		tb.Fatal(err)
	}
	return proof
}

// TestLogProofIsProofOfTime: where the certificate of a seal has ended, the audit log's proof
// that it was used before makes the difference, and nothing else does.
func TestLogProofIsProofOfTime(t *testing.T) {
	t.Parallel()
	f, strangers := officetest.New(t), officetest.Province(t, time.Now, "330000", "浙江省(测试)")
	travel(t, f, 0)
	file := leveled(t, f, office.LevelB)
	sealed, err := f.Office.Stamp(ctx, "test", blank(t, 2), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	other := content(t, sealed)
	early := proofOf(t, f, file, "", nil)
	kept, err := f.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if found := proven(t, f, file, early); found.Verdict != verify.Valid || !found.Document.Proofs[0].Counts ||
		found.Document.Signatures[0].ProvenAt == "" || !strings.Contains(found.Document.Signatures[0].ProvenBy, "安徽省(测试)") {
		t.Errorf("at once: %s, %+v, proven %q by %q", found.Cause, found.Document.Proofs, found.Document.Signatures[0].ProvenAt, found.Document.Signatures[0].ProvenBy)
	}

	travel(t, f, 500*24*time.Hour)
	if _, err := f.Office.PublishRootCRL(ctx, "test", offlineOf(t, f), 0); err != nil {
		t.Fatal(err)
	}
	forged := bytes.Clone(early)
	forged[len(forged)/2] ^= 1
	unsigned := bytes.Clone(early)
	unsigned[len("elicence/audit-proof/1")+300] ^= 1 // in the checkpoint's signature
	strange := leveled(t, strangers, office.LevelB)
	about, err := f.Office.AuditLog().Prove(ctx, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		proofs [][]byte
		counts string // of each
		want   verify.Verdict
	}{
		{"no proof", nil, "", verify.NoData},
		{"the proof of then", [][]byte{early}, "yes", verify.Valid},
		{"a proof of today", [][]byte{proofOf(t, f, file, "", nil)}, "no", verify.NoData},
		{"under a checkpoint that was kept", [][]byte{proofOf(t, f, file, "", kept.Signed)}, "yes", verify.Valid},
		{"under that of a proof", [][]byte{proofOf(t, f, file, "", early)}, "yes", verify.Valid},
		{"of another document", [][]byte{proofOf(t, f, other, "", kept.Signed)}, "no", verify.NoData},
		{"of another log", [][]byte{proofOf(t, strangers, strange, "", nil)}, "no", verify.NoData},
		{"of something else", [][]byte{about}, "no", verify.NoData},
		{"changed", [][]byte{forged}, "no", verify.NoData},
		{"of nobody's key", [][]byte{unsigned}, "no", verify.NoData},
		{"the right one among others", [][]byte{about, proofOf(t, f, other, "", kept.Signed), early}, "no no yes", verify.Valid},
	} {
		found := proven(t, f, file, tt.proofs...)
		var counts []string
		for _, p := range found.Document.Proofs {
			counts = append(counts, map[bool]string{true: "yes", false: "no"}[p.Counts])
			if p.Counts == (p.Cause != "") {
				t.Errorf("%s: counts %t because of %q", tt.name, p.Counts, p.Cause)
			}
		}
		if found.Verdict != tt.want || strings.Join(counts, " ") != tt.counts || tt.want == verify.NoData && found.CauseCode != "time_not_proven" {
			t.Errorf("%s: %s (%s), counts %v, want %s and %q", tt.name, found.Verdict, found.Cause, counts, tt.want, tt.counts)
		}
	}
	// It proves a time, and no more: a changed file stays one.
	broken := bytes.Clone(file)
	broken[len(broken)/3] ^= 1
	i, err := inspector(t, f).WithProofs(early)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := i.File(ctx, broken); err == nil && found.Verdict != verify.Tampered {
		t.Errorf("a changed file: %s, %s", found.Verdict, found.Cause)
	}
	if _, err := inspector(t, f).WithProofs([]byte("x")); !errors.Is(err, audit.ErrProofFile) {
		t.Errorf("what is no proof file: %v", err)
	}
	if _, err := inspector(t, f).WithProofs(make([][]byte, inspect.MaxProofs+1)...); !errors.Is(err, audit.ErrProofFile) {
		t.Errorf("too many: %v", err)
	}
}

// TestProveUse: what cannot be proven is said so.
func TestProveUse(t *testing.T) {
	t.Parallel()
	f, strangers := officetest.New(t), officetest.Province(t, time.Now, "330000", "浙江省(测试)")
	before, err := f.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	one := content(t, first)
	second, err := f.Office.Stamp(ctx, "test", open(t, one), office.StampRequest{SealID: f.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 160}})
	if err != nil {
		t.Fatal(err)
	}
	two := content(t, second)
	foreign, err := strangers.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: strangers.Seal.ID, Place: placement.Place{Pages: "1", X: 60, Y: 60}})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := strangers.Office.AuditLog().Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, field string
		file, kept  []byte
		want        error
	}{
		{"one seal", "", one, nil, nil},
		{"the first of two", "Seal1", two, nil, nil},
		{"the second of two", "Seal2", two, nil, nil},
		{"one of two", "", two, nil, auditlog.ErrWhichSeal},
		{"a field that is not there", "Seal3", two, nil, auditlog.ErrNoUse},
		{"a document without seal", "", rawPDF([]string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>"}), nil, auditlog.ErrNoUse},
		{"another house's seal", "", content(t, foreign), nil, auditlog.ErrNoUse},
		{"a checkpoint from before", "", one, before.Signed, auditlog.ErrNoEntry},
		{"another log's checkpoint", "", one, theirs.Signed, audit.ErrCheckpoint},
		{"no checkpoint", "", one, []byte("x"), audit.ErrProofFile},
	} {
		proof, err := f.Office.AuditLog().ProveUse(ctx, open(t, tt.file), tt.field, tt.kept)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err == nil {
			if found := proven(t, f, tt.file, proof); !found.Document.Proofs[0].Counts {
				t.Errorf("%s: it does not count: %s", tt.name, found.Document.Proofs[0].Cause)
			}
		}
	}
}

// TestKeptCheckpoint: the house keeps a checkpoint a day of what it publishes, so that a proof
// can be made when it is needed; its own verification needs none.
func TestKeptCheckpoint(t *testing.T) {
	t.Parallel()
	f, strangers := officetest.New(t), officetest.Province(t, time.Now, "330000", "浙江省(测试)")
	travel(t, f, 0)
	file := leveled(t, f, office.LevelB)
	publish := func() {
		t.Helper()
		if _, err := f.Office.Publish(ctx, "test"); err != nil {
			t.Fatal(err)
		}
	}
	// Of what was published before, none has the use in it.
	if found := proven(t, f, file, proofOf(t, f, file, "", nil)); !found.Document.Proofs[0].Counts {
		t.Errorf("a proof of this moment: %s", found.Document.Proofs[0].Cause)
	}
	travel(t, f, 25*time.Hour)
	publish()
	atOnce := proofOf(t, f, file, "", nil)
	travel(t, f, 26*time.Hour)
	publish() // on the same day: not kept
	travel(t, f, 60*time.Hour)
	publish()
	if !bytes.Equal(proofOf(t, f, file, "", nil), atOnce) {
		t.Error("a later checkpoint is preferred to an earlier one")
	}
	if n, err := f.Office.KeptCheckpoints(ctx); err != nil || n != 3 {
		t.Errorf("%d checkpoints were kept, want 3, %v", n, err)
	}

	travel(t, f, 500*24*time.Hour)
	if _, err := f.Office.PublishRootCRL(ctx, "test", offlineOf(t, f), 0); err != nil {
		t.Fatal(err)
	}
	publish()
	late := proofOf(t, f, file, "", nil)
	if !bytes.Equal(late, atOnce) {
		t.Error("the proof is another one when it is made late")
	}
	if found := proven(t, f, file, late); found.Verdict != verify.Valid || !found.Document.Proofs[0].Counts {
		t.Errorf("made late: %s, %+v", found.Cause, found.Document.Proofs)
	}
	dir := t.TempDir()
	if err := f.Office.ExportTrust(ctx, "test", dir); err != nil {
		t.Fatal(err)
	}
	away, err := inspect.New(os.DirFS(dir), trust.Options{Second: second.Opinion{}, Now: func() time.Time { return time.Now().Add(500 * 24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := away.File(ctx, file); err != nil || found.Verdict != verify.NoData || found.CauseCode != "time_not_proven" {
		t.Errorf("away from the house, without a proof: %s, %s, %v", found.Verdict, found.Cause, err)
	}
	house, err := f.Office.Inspector(ctx, second.Opinion{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := house.File(ctx, file)
	if err != nil || found.Verdict != verify.Valid || len(found.Document.Proofs) != 1 || !found.Document.Proofs[0].Counts || found.Document.Signatures[0].ProvenAt == "" {
		t.Errorf("in the house: %s, %s, %v", found.Verdict, found.Cause, err)
	}
	broken := bytes.Clone(file)
	broken[len(broken)/3] ^= 1
	if found, err := house.File(ctx, broken); err == nil && found.Verdict != verify.Tampered {
		t.Errorf("a changed file, in the house: %s, %s", found.Verdict, found.Cause)
	}
	// What another house has sealed it has no entry of.
	if found, err := house.File(ctx, leveled(t, strangers, office.LevelB)); err != nil || found.Verdict == verify.Valid {
		t.Errorf("another house's, in the house: %s, %v", found.Verdict, err)
	}
}
