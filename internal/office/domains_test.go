package office_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence/catalogue"
	"github.com/elicence/elicence/qr/trust"
	"github.com/elicence/elicence/qr/verify"
)

// TestTwoProvinces: one recognises the other, carries its files, and takes them no more
// when it has withdrawn.
func TestTwoProvinces(t *testing.T) {
	t.Parallel()
	ours := officetest.New(t)
	theirs := officetest.Province(t, time.Now, "330000", "浙江省(测试)")
	dir, theirDir := filepath.Join(t.TempDir(), "trust"), filepath.Join(t.TempDir(), "trust")
	code := func(f *officetest.Fixture, category string) string {
		t.Helper()
		c, err := f.Office.Code(ctx, "test", f.Issue(t, category))
		if err != nil {
			t.Fatal(err)
		}
		return c.Digits
	}
	own, driving, business := code(ours, "004"), code(theirs, "004"), code(theirs, "066")
	if err := theirs.Office.ExportTrust(ctx, "test", theirDir); err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(filepath.Join(theirDir, "1.root"))
	if err != nil {
		t.Fatal(err)
	}
	wants := func(what string, codes map[string]verify.Verdict) {
		t.Helper()
		hall := hallOf(t, ours, dir, time.Now)
		for digits, want := range codes {
			if r := hall.Text(digits); r.Verdict != want {
				t.Errorf("%s: %s (%s), want %s", what, r.Verdict, r.Cause, want)
			}
		}
	}
	wants("before", map[string]verify.Verdict{own: verify.Valid, driving: verify.Untrusted, business: verify.Untrusted})
	for name, tt := range map[string]struct {
		regions    []string
		categories []catalogue.ID
	}{
		"our region":    {[]string{"340100"}, []catalogue.ID{4}},
		"everything":    {[]string{"000000"}, []catalogue.ID{4}},
		"no region":     {nil, []catalogue.ID{4}},
		"no category":   {[]string{"330000"}, nil},
		"not a region":  {[]string{"33"}, []catalogue.ID{4}},
		"not a region.": {[]string{"33000x"}, []catalogue.ID{4}},
	} {
		if _, err := ours.Office.RecogniseDomain(ctx, "test", root, tt.regions, tt.categories); err == nil {
			t.Errorf("%s is recognised", name)
		}
	}
	if _, err := theirs.Office.RecogniseDomain(ctx, "test", root, []string{"320000"}, []catalogue.ID{4}); err == nil {
		t.Error("a domain recognises itself")
	}
	if _, err := ours.Office.CarryDomain(ctx, "test", os.DirFS(theirDir)); !errors.Is(err, office.ErrNotRecognised) {
		t.Errorf("files of a domain that is not recognised: %v", err)
	}
	d, err := ours.Office.RecogniseDomain(ctx, "test", root, []string{"330000"}, []catalogue.ID{4})
	if err != nil || d.RootSM3 != sm3.Sum(root) || d.Domain.Name != "浙江省(测试)" {
		t.Fatalf("%+v, %v", d, err)
	}
	wants("recognised, without files", map[string]verify.Verdict{own: verify.Valid, driving: verify.Untrusted})
	if _, err := ours.Office.CarryDomain(ctx, "test", os.DirFS(theirDir)); err != nil {
		t.Fatal(err)
	}
	wants("carried", map[string]verify.Verdict{own: verify.Valid, driving: verify.Valid, business: verify.OutOfScope})
	if _, err := ours.Office.RecogniseDomain(ctx, "test", root, []string{"330000"}, []catalogue.ID{66}); err != nil {
		t.Fatal(err)
	}
	wants("another category", map[string]verify.Verdict{driving: verify.OutOfScope, business: verify.Valid})
	if all, err := ours.Office.RecognisedDomains(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	// What a neighbour's folder has beside its own does not come along.
	if err := os.WriteFile(filepath.Join(theirDir, "time"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Office.CarryDomain(ctx, "test", os.DirFS(theirDir)); err == nil {
		t.Error("files that do not fit together are carried")
	}
	wants("after a bad carry", map[string]verify.Verdict{own: verify.Valid, business: verify.Valid})
	if err := ours.Office.WithdrawDomain(ctx, "test", sm3.Sum(root)); err != nil {
		t.Fatal(err)
	}
	wants("withdrawn", map[string]verify.Verdict{own: verify.Valid, driving: verify.Untrusted, business: verify.Untrusted})
	if err := ours.Office.WithdrawDomain(ctx, "test", sm3.Sum(root)); !errors.Is(err, office.ErrNotRecognised) {
		t.Errorf("withdrawn again: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(trust.DomainFolder(sm3.Sum(root))), "*")); err != nil || len(left) > 1 {
		t.Errorf("the folder still has %v", left)
	}
}
