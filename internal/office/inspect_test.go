package office_test

import (
	"path/filepath"
	"testing"

	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/qr/verify"
)

// TestLicenceOnAnotherList: an issuer that signs a licence with a place in a status
// list that is not its own would hide it from its own revocations.
func TestLicenceOnAnotherList(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	l := f.Issue(t, "066").Licence
	keys, err := keystore.Open(filepath.Join(f.Dir, "keys"), keystore.Unlock{File: filepath.Join(f.Dir, "kek")})
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.Signer(keystore.PurposeAuthority, f.Authority.USCC)
	if err != nil {
		t.Fatal(err)
	}
	l.Status.List = f.Authority.Lists[0] + 1
	signed, err := licence.Sign(l, key)
	if err != nil {
		t.Fatal(err)
	}
	found, err := inspector(t, f).File(ctx, carrying(t, f, signed, f.Seal.ID))
	if err != nil || found.Verdict != verify.OutOfScope {
		t.Errorf("%s (%s), %v, want out_of_scope", found.Verdict, found.Cause, err)
	}
}
