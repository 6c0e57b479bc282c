package office_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
)

// TestSealInCMS: a seal in CMS is checked, recorded, and found valid like any, at every level
// and wherever it is put.
func TestSealInCMS(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	travel(t, f, 0)
	place := office.Place{Pages: "1", X: 60, Y: 60}
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
		"straddle":      stamped(office.StampRequest{Straddle: &office.Straddle{Edge: office.RightEdge}}, 4),
		"every page":    stamped(office.StampRequest{Place: office.Place{Pages: "all", X: 60, Y: 60}}, 3),
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
	if found := proven(t, f, plain, early); found.Verdict != verify.Valid || !found.Document.Proofs[0].Counts {
		t.Errorf("with a proof of the log: %s, %+v", found.Cause, found.Document.Proofs)
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
