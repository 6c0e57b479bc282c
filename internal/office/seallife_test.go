package office_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/elicence/elicence/internal/auditlog"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/qr/verify"
	"github.com/elicence/elicence/seal"
	"github.com/elicence/elicence/seal/placement"
)

func TestSealLife(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	stamp := func() ([]byte, error) {
		sealed, err := f.Office.Stamp(ctx, "甲", blank(t, 1), office.StampRequest{SealID: f.Seal.ID})
		if err != nil {
			return nil, err
		}
		return content(t, sealed), nil
	}
	says := func(document []byte, want verify.Verdict) {
		t.Helper()
		found, err := inspector(t, f).File(ctx, document)
		if err != nil {
			t.Fatal(err)
		}
		if found.Verdict != want {
			t.Errorf("the document is %s (%s), want %s", found.Verdict, found.Cause, want)
		}
	}
	status := func(want seal.State) {
		t.Helper()
		if s, err := f.Office.SealStatus(ctx, f.Seal.ID); err != nil || s.State != string(want) {
			t.Errorf("the public status is %+v, %v, want %s", s, err, want)
		}
	}
	document, err := stamp()
	if err != nil {
		t.Fatal(err)
	}
	says(document, verify.Valid)
	status(seal.InUse)

	if _, err := f.Office.SuspendSeal(ctx, "乙", f.Seal.ID, "印章遗失"); err != nil {
		t.Fatal(err)
	}
	status(seal.Suspended)
	if _, err := stamp(); !errors.Is(err, seal.ErrState) {
		t.Errorf("a suspended seal: %v", err)
	}
	says(document, verify.Suspended)
	if _, err := f.Office.SuspendSeal(ctx, "乙", f.Seal.ID, "印章遗失"); !errors.Is(err, seal.ErrState) {
		t.Errorf("suspended twice: %v", err)
	}
	if _, err := f.Office.ResumeSeal(ctx, "乙", f.Seal.ID, "已找到"); err != nil {
		t.Fatal(err)
	}
	status(seal.InUse)
	says(document, verify.Valid)
	if _, err := stamp(); err != nil {
		t.Errorf("a resumed seal: %v", err)
	}
	if _, err := f.Office.ResumeSeal(ctx, "乙", f.Seal.ID, "已找到"); !errors.Is(err, seal.ErrState) {
		t.Errorf("resumed twice: %v", err)
	}
	if _, err := f.Office.RevokeSeal(ctx, "乙", f.Seal.ID, office.Revocation{Reason: cert.KeyCompromise}); err == nil {
		t.Error("revoked without a word why")
	}
	if _, err := f.Office.RevokeSeal(ctx, "乙", f.Seal.ID, office.Revocation{Reason: cert.KeyCompromise, Note: "私钥泄露"}); err != nil {
		t.Fatal(err)
	}
	status(seal.Revoked)
	found, err := inspector(t, f).File(ctx, document)
	if err != nil || found.Verdict == verify.Valid {
		t.Errorf("after the key was lost the document is %s, %v", found.Verdict, err)
	}
	for name, act := range map[string]func() error{
		"use":    func() error { _, err := stamp(); return err },
		"resume": func() error { _, err := f.Office.ResumeSeal(ctx, "乙", f.Seal.ID, "x"); return err },
		"revoke": func() error {
			_, err := f.Office.RevokeSeal(ctx, "乙", f.Seal.ID, office.Revocation{Reason: cert.Superseded, Note: "x"})
			return err
		},
		"keeper": func() error { _, err := f.Office.AddKeeper(ctx, "乙", f.Seal.ID, "丙"); return err },
		"limit":  func() error { _, err := f.Office.LimitSeal(ctx, "乙", f.Seal.ID, seal.Rules{MaxUses: 1}); return err },
	} {
		if err := act(); !errors.Is(err, seal.ErrState) {
			t.Errorf("%s of a revoked seal: %v", name, err)
		}
	}
	if _, err := f.Office.SealStatus(ctx, "34000000099999"); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("the status of no seal: %v", err)
	}
}

// A run that is cut off between the seal and its certificates is finished by the same
// act again.
func TestSealSuspensionIsFinished(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	if _, err := f.Office.SuspendSeal(ctx, "乙", f.Seal.ID, "遗失"); err != nil {
		t.Fatal(err)
	}
	signer, err := cert.Parse(f.Seal.Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	serial, ok := cert.SerialOf(signer.SerialNumber())
	if !ok {
		t.Fatal("the certificate is none of ours")
	}
	if _, err := f.Office.ReleaseCertificate(ctx, "乙", serial, "as if it had never been on hold"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.SuspendSeal(ctx, "乙", f.Seal.ID, "遗失"); err != nil {
		t.Errorf("again: %v", err)
	}
	if c, err := f.Office.Certificate(ctx, serial); err != nil || c.State.String() != "held" {
		t.Errorf("the certificate is %s, %v, want held", c.State, err)
	}
}

func TestSealRules(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	stamp := func(by string) error {
		_, err := f.Office.Stamp(ctx, by, blank(t, 1), office.StampRequest{SealID: f.Seal.ID})
		return err
	}
	if _, err := f.Office.AddKeeper(ctx, "局长", f.Seal.ID, "甲"); err != nil {
		t.Fatal(err)
	}
	if err := stamp("甲"); err != nil {
		t.Errorf("the keeper: %v", err)
	}
	if err := stamp("乙"); !errors.Is(err, seal.ErrNotKeeper) {
		t.Errorf("another officer: %v", err)
	}
	if _, err := f.Office.RemoveKeeper(ctx, "局长", f.Seal.ID, "甲"); !errors.Is(err, seal.ErrState) {
		t.Errorf("the last keeper goes: %v", err)
	}
	if _, err := f.Office.RemoveKeeper(ctx, "局长", f.Seal.ID, "丁"); !errors.Is(err, seal.ErrNotKeeper) {
		t.Errorf("a keeper who is none goes: %v", err)
	}
	if _, err := f.Office.AddKeeper(ctx, "局长", f.Seal.ID, "乙"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Office.RemoveKeeper(ctx, "局长", f.Seal.ID, "甲"); err != nil {
		t.Fatal(err)
	}
	if err := stamp("甲"); !errors.Is(err, seal.ErrNotKeeper) {
		t.Errorf("who was a keeper: %v", err)
	}
	// Of many uses at once no more than the limit are released.
	if _, err := f.Office.LimitSeal(ctx, "局长", f.Seal.ID, seal.Rules{MaxUses: 4}); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	results := make(chan error, 8)
	for range cap(results) {
		group.Go(func() { results <- stamp("乙") })
	}
	group.Wait()
	close(results)
	done := 0
	for err := range results {
		switch {
		case err == nil:
			done++
		case !errors.Is(err, seal.ErrRules):
			t.Errorf("one of many: %v", err)
		}
	}
	if done != 3 {
		t.Errorf("%d of many uses were released, want the 3 that were left", done)
	}
	if r, err := f.Office.Seal(ctx, f.Seal.ID); err != nil || r.Uses != 4 {
		t.Errorf("%d uses, %v, want 4", r.Uses, err)
	}
	if _, err := f.Office.LimitSeal(ctx, "局长", f.Seal.ID, seal.Rules{From: 5, Until: 4}); !errors.Is(err, office.ErrOutOfRange) {
		t.Errorf("hours that end before they begin: %v", err)
	}
}

// TestSealUseIsInTheLog: each use of a seal is one entry with what was signed of the
// document, by whom, and under the seal's code; a use that is refused is none.
func TestSealUseIsInTheLog(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	uses := func() []auditlog.Entry {
		t.Helper()
		var all []auditlog.Entry
		if err := f.Office.AuditLog().Entries(ctx, func(e auditlog.Entry) error {
			if e.Act == audit.ActSealUse {
				all = append(all, e)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if _, err := f.Office.AddKeeper(ctx, "局长", f.Seal.ID, "甲"); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]office.StampRequest{
		"one place":  {Reason: "合同"},
		"every page": {Reason: "合同", Place: placement.Place{Pages: "all", X: 60, Y: 60}},
		"straddle":   {Reason: "骑缝", Straddle: &placement.Straddle{Edge: placement.RightEdge}},
		"certifying": {Reason: "公文", Certify: 1},
	} {
		before := len(uses())
		r.SealID = f.Seal.ID
		if _, err := f.Office.Stamp(ctx, "乙", blank(t, 3), r); !errors.Is(err, seal.ErrNotKeeper) || len(uses()) != before {
			t.Errorf("%s, by somebody else: %v, %d entries more", name, err, len(uses())-before)
		}
		sealed, err := f.Office.Stamp(ctx, "甲", blank(t, 3), r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after, digest := uses(), sealed.Digest()
		if len(after) != before+1 {
			t.Errorf("%s: %d entries more, want 1", name, len(after)-before)
			continue
		}
		if e := after[before]; e.Actor != "甲" || e.Subject != f.Seal.ID || !bytes.Equal(e.Digest, digest[:]) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
