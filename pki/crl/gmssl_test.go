package crl_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cert"
)

// TestGmSSLVerifies: GmSSL accepts a full list and refuses a changed one and one of a
// stranger with the same name. It follows no critical extension, so shards and deltas,
// which are marked as what they are, must be refused.
func TestGmSSLVerifies(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "gmssl")
	a, dir := newAuthority(t, "测试根"), newFolder(t)
	list := func(a authority, points ...string) []byte {
		template := a.template(1)
		template.Points = points
		template.ThisUpdate = time.Now().UTC().Truncate(time.Second) // it judges as of now
		template.NextUpdate = template.ThisUpdate.Add(time.Hour)
		return a.build(t, template, entry(12, cert.KeyCompromise), entry(14, cert.CertificateHold)).DER
	}
	full := list(a)
	tampered := bytes.Clone(full)
	tampered[bytes.Index(tampered, serial(12))+15] = 10
	ca := dir.write(t, "ca.pem", a.Certificate.PEM())
	for name, tt := range map[string]struct {
		der    []byte
		accept bool
	}{
		"full":     {full, true},
		"tampered": {tampered, false},
		"stranger": {list(newAuthority(t, "测试根")), false},
		"shard":    {list(a, plan.Points(0)...), false},
	} {
		out, err := tooltest.Try(t, "gmssl", "crlverify", "-in", dir.write(t, name, tt.der), "-cacert", ca)
		if (err == nil) != tt.accept {
			t.Errorf("%s: GmSSL says %q (%v), want accepted %v", name, out, err, tt.accept)
		}
	}
}
