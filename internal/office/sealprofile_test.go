package office_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/inspect"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/placement"
)

// TestSealInCMS: a seal in CMS is checked, recorded, and found valid like any, at every level
// and wherever it is put.
func TestSealInCMS(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	travel(t, f, 0)
	place := placement.Place{Pages: "1", X: 60, Y: 60}
	stamped := func(r office.StampRequest, pages int) []byte {
		t.Helper()
		r.SealID, r.Profile = f.Seal.ID, seal.ProfileCAdES
		sealed, err := f.Office.Stamp(ctx, "test", blank(t, pages), r)
		if err != nil {
			t.Fatal(err)
		}
		return content(t, sealed)
	}
	plain := stamped(office.StampRequest{Place: place}, 1)
	timed := stamped(office.StampRequest{Place: place, TimeStamp: true}, 1)
	early := proofOf(t, f, plain, "", nil)
	files := map[string][]byte{
		"b-b":           plain,
		"b-t":           timed,
		"b-lt":          preserved(t, f, timed, office.LevelLT),
		"b-lta":         preserved(t, f, timed, office.LevelLTA),
		"straddle":      stamped(office.StampRequest{Straddle: &placement.Straddle{Edge: placement.RightEdge}}, 4),
		"every page":    stamped(office.StampRequest{Place: placement.Place{Pages: "all", X: 60, Y: 60}}, 3),
		"a code beside": stamped(office.StampRequest{Place: place, Number: "皖样〔2026〕1号"}, 1),
	}
	for name, file := range files {
		found := says(t, f, file)
		s := found.Document.Signatures[0]
		if found.Verdict != verify.Valid || s.Kind != "seal" || *s.Seal != f.Seal.ID || s.SealInfo.Profile != "cades" || len(s.SealInfo.Picture) == 0 || len(s.Seen) == 0 {
			t.Errorf("%s: %s, %s, %+v", name, found.Verdict, found.Cause, s)
		}
		if want := map[bool]string{true: "slice", false: "same"}[name == "straddle"]; s.SealInfo.OnPage != want {
			t.Errorf("%s: the page shows %s, want %s", name, s.SealInfo.OnPage, want)
		}
		broken := bytes.Clone(file)
		broken[len(broken)/3] ^= 1
		if found, err := inspector(t, f).File(ctx, broken); err == nil && found.Verdict == verify.Valid {
			t.Errorf("%s: a changed file is valid", name)
		}
	}
	usual, err := f.Office.Stamp(ctx, "test", blank(t, 1), office.StampRequest{SealID: f.Seal.ID, Place: place})
	if err != nil {
		t.Fatal(err)
	}
	if found := says(t, f, content(t, usual)); found.Document.Signatures[0].SealInfo.Profile != "ses" {
		t.Errorf("without a profile: %+v", found.Document.Signatures[0].SealInfo)
	}
	t.Logf("a blank page: %d bytes sealed by GB/T 38540, %d in CMS", len(content(t, usual)), len(plain))

	// When its certificate has ended, what proves the time is what counts.
	travel(t, f, 500*24*time.Hour)
	if _, err := f.Office.PublishRootCRL(ctx, "test", offlineOf(t, f), 0); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]verify.Verdict{"b-b": verify.NoData, "b-t": verify.Valid, "b-lta": verify.Valid} {
		if found := says(t, f, files[name]); found.Verdict != want {
			t.Errorf("%s after the certificate: %s, %s, want %s", name, found.Verdict, found.Cause, want)
		}
	}
	away, err := inspect.New(folderOf(t, f), trust.Options{Second: second.Opinion{}, Now: func() time.Time { return time.Now().Add(500 * 24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]verify.Verdict{"b-b": verify.NoData, "b-lt": verify.Valid, "b-lta": verify.Valid} {
		if found, err := away.File(ctx, files[name]); err != nil || found.Verdict != want {
			t.Errorf("%s after the certificate, away from the house: %s, %s, %v, want %s", name, found.Verdict, found.Cause, err, want)
		}
	}
	if found := proven(t, f, plain, early); found.Verdict != verify.Valid || !found.Document.Proofs[0].Counts {
		t.Errorf("with a proof of the log: %s, %+v", found.Cause, found.Document.Proofs)
	}
}

// TestProfilesLiveAlike: whatever becomes of a seal, its signatures in both forms are judged
// alike, with the house's own log and without.
func TestProfilesLiveAlike(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	travel(t, f, 0)
	files := make(map[string][]byte)
	stamp := func(name string, r office.StampRequest) {
		t.Helper()
		r.SealID, r.Place = f.Seal.ID, placement.Place{Pages: "1", X: 60, Y: 60}
		for _, r.Profile = range seal.Profiles() {
			sealed, err := f.Office.Stamp(ctx, "test", blank(t, 1), r)
			if err != nil {
				t.Fatal(err)
			}
			files[name+", "+string(r.Profile)] = content(t, sealed)
		}
	}
	done := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// wanted judges the documents in both forms.
	wanted := func(when, name string, want verify.Verdict, cause verify.CauseCode, proofs int) {
		t.Helper()
		for _, p := range seal.Profiles() {
			found := says(t, f, files[name+", "+string(p)])
			if found.Verdict != want || found.CauseCode != cause || len(found.Document.Proofs) != proofs {
				t.Errorf("%s: %s, %s: %s, %s: %s, %d proofs, want %s, %s, %d", when, name, p, found.Verdict, found.CauseCode, found.Cause, len(found.Document.Proofs), want, cause, proofs)
			}
		}
	}
	stamp("first", office.StampRequest{})
	stamp("timed", office.StampRequest{TimeStamp: true})
	wanted("at once", "first", verify.Valid, "signatures_in_order", 0)

	_, err := f.Office.SuspendSeal(ctx, "乙", f.Seal.ID, "遗失")
	done(err)
	wanted("suspended", "first", verify.Suspended, "signer_suspended", 0)
	wanted("suspended", "timed", verify.Suspended, "signer_suspended", 0)
	_, err = f.Office.ResumeSeal(ctx, "乙", f.Seal.ID, "已找到")
	done(err)
	wanted("resumed", "first", verify.Valid, "signatures_in_order", 0)

	travel(t, f, 25*time.Hour) // a checkpoint is kept
	wanted("a day later", "first", verify.Valid, "signatures_in_order", 0)
	travel(t, f, 200*24*time.Hour)
	renewed, err := f.Office.RenewSeals(ctx, "test", 180*24*time.Hour)
	if err != nil || len(renewed) != 1 || bytes.Equal(renewed[0].SESeal, f.Seal.SESeal) {
		t.Fatalf("%d seals are made anew, %v", len(renewed), err)
	}
	wanted("made anew", "first", verify.Valid, "signatures_in_order", 0)
	stamp("second", office.StampRequest{})
	wanted("with the new seal", "second", verify.Valid, "signatures_in_order", 0)

	travel(t, f, 390*24*time.Hour)
	_, err = f.Office.PublishRootCRL(ctx, "test", offlineOf(t, f), 0)
	done(err)
	wanted("after its certificate", "first", verify.Valid, "signatures_in_order", 1)
	wanted("after its certificate", "timed", verify.Valid, "signatures_in_order", 0)

	_, err = f.Office.RevokeSeal(ctx, "乙", f.Seal.ID, office.Revocation{Reason: cert.KeyCompromise, Note: "私钥泄露"})
	done(err)
	wanted("its key is lost", "second", verify.Revoked, "signer_revoked", 0)
}

// TestFieldThatAsksForCMS: a form of somebody who knows only CMS says so, and is sealed in
// it.
func TestFieldThatAsksForCMS(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	form := rawPDF([]string{
		"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[4 0 R]>>",
		"<</Type/Annot/Subtype/Widget/FT/Sig/T(f)/F 4/Rect[100 100 260 260]/P 3 0 R/SV<</Type/SV/Ff 2/SubFilter[/ETSI.CAdES.detached]>>>>",
	})
	stamp := func(p seal.Profile) ([]byte, error) {
		sealed, err := f.Office.Stamp(ctx, "test", open(t, form), office.StampRequest{SealID: f.Seal.ID, Field: "f", Profile: p})
		if err != nil {
			return nil, err
		}
		return content(t, sealed), nil
	}
	if _, err := stamp(seal.ProfileSES); err == nil || !strings.Contains(err.Error(), "/SubFilter") {
		t.Errorf("by GB/T 38540: %v", err)
	}
	file, err := stamp(seal.ProfileCAdES)
	if err != nil {
		t.Fatal(err)
	}
	if found := says(t, f, file); found.Verdict != verify.Valid || found.Document.Signatures[0].Field != "f" {
		t.Errorf("in CMS: %s, %+v", found.Cause, found.Document.Signatures)
	}
}

// TestSealInCMSIsRefused: whoever may not use the seal may not in this form either, and there
// is no third form.
func TestSealInCMSIsRefused(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	request := office.StampRequest{SealID: f.Seal.ID, Profile: "pades"}
	if _, err := f.Office.Stamp(ctx, "test", blank(t, 1), request); !errors.Is(err, office.ErrOutOfRange) {
		t.Errorf("another profile: %v", err)
	}
	if _, err := f.Office.SuspendSeal(ctx, "test", f.Seal.ID, "审查"); err != nil {
		t.Fatal(err)
	}
	request.Profile = seal.ProfileCAdES
	if _, err := f.Office.Stamp(ctx, "test", blank(t, 1), request); !errors.Is(err, seal.ErrState) {
		t.Errorf("a suspended seal: %v", err)
	}
}
