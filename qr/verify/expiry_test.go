package verify_test

import (
	"testing"
	"time"

	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/qr/verify"
)

// TestExpiresInUse: a verifier that runs on says nothing from files that have expired
// since it was made, ours or a neighbour's, and goes by nobody's but the signer's.
func TestExpiresInUse(t *testing.T) {
	t.Parallel()
	n := newNeighbours(t)
	over := now.Add(10 * time.Minute)
	n.theirs.Catalogue.Expires = over.Unix()
	clock := now
	v := verify.New(n.load(t, n.files(t), now), verify.Options{Second: second.Opinion{}, Now: func() time.Time { return clock }})
	ours := trusttest.Code(t, n.ours.Credential(now.Add(-time.Hour)), n.ours.IssuerKey)
	theirs := trusttest.Code(t, n.theirs.Credential(now.Add(-time.Hour)), n.theirs.IssuerKey)
	check := func(when, code string, want verify.Verdict, cause verify.CauseCode) {
		t.Helper()
		if r := v.Text(code); r.Verdict != want || r.CauseCode != cause {
			t.Errorf("%s: %s (%s), want %s (%s)", when, r.Verdict, r.CauseCode, want, cause)
		}
	}
	clock = over
	check("theirs in the last second", theirs, verify.Valid, verify.CauseInOrder)
	clock = over.Add(time.Second)
	check("theirs a second later", theirs, verify.NoData, verify.CauseDataExpired)
	check("ours meanwhile", ours, verify.Valid, verify.CauseInOrder)
	clock = time.Unix(n.ours.Time.Expires+1, 0)
	check("ours when it is over", ours, verify.NoData, verify.CauseDataExpired)
	check("a misread all the same", "12", verify.Malformed, verify.CauseLength)
}
