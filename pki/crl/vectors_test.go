package crl_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/internal/vectortest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/second"
)

var update = flag.Bool("update", false, "make the published vectors anew, under a new key")

// vectors is the form of testdata/vectors/pki/crl.json, whose README says what the
// fields mean.
type vectors struct {
	Issuer string   `json:"issuer"` // hexadecimal DER
	Tests  []vector `json:"tests"`
}

type vector struct {
	ID      int    `json:"tcId"`
	Comment string `json:"comment"`
	CRL     string `json:"crl"`
	Result  string `json:"result"`
}

var vectorFile = filepath.Join("..", "..", "testdata", "vectors", "pki", "crl.json")

// result puts a verdict into a word.
func result(err error) string {
	switch {
	case err == nil:
		return "valid"
	case errors.Is(err, crl.ErrUnsupported):
		return "unsupported"
	case errors.Is(err, crl.ErrMalformed):
		return "malformed"
	case errors.Is(err, crl.ErrWrongSignature):
		return "signature"
	}
	return err.Error()
}

// makeVectors signs every crafted list, so that each has one fault only.
func makeVectors(tb testing.TB) vectors {
	tb.Helper()
	a := newAuthority(tb, "测试根")
	v := vectors{Issuer: hex.EncodeToString(a.Certificate.DER)}
	add := func(comment string, der []byte, want string) {
		v.Tests = append(v.Tests, vector{len(v.Tests) + 1, comment, hex.EncodeToString(der), want})
	}
	template := a.template(7)
	template.Points, template.FreshestCRL = plan.Points(0), plan.FreshestCRL(0)
	full := a.build(tb, template, entry(1, cert.Unspecified), entry(2, cert.KeyCompromise), entry(3, cert.CertificateHold))
	add("full CRL of a shard", full.DER, "valid")
	template.Number, template.Base, template.FreshestCRL, template.ThisUpdate = 8, 7, nil, now.Add(time.Minute)
	add("delta CRL on top of the one before", a.build(tb, template, entry(3, cert.RemoveFromCRL), entry(4, cert.Superseded)).DER, "valid")
	tampered := bytes.Clone(full.DER)
	tampered[bytes.Index(tampered, serial(2))+15] = 9
	add("a serial number changed after signing", tampered, "signature")
	cases := craftedCases()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := usual()
		cases[name].change(&c)
		add(name, c.signed(tb, a), result(cases[name].want))
	}
	return v
}

func readVectors(tb testing.TB) (vectors, *cert.Certificate) {
	tb.Helper()
	v := vectortest.Load(tb, vectorFile, *update, makeVectors)
	issuer, err := cert.Parse(hexBytes(tb, v.Issuer))
	if err != nil {
		tb.Fatal(err)
	}
	return v, issuer
}

// TestVectors runs the published vectors, and has BouncyCastle verify the valid ones.
func TestVectors(t *testing.T) {
	v, issuer := readVectors(t)
	dir := newFolder(t)
	args := []string{"show", dir.write(t, "ca.pem", issuer.PEM())}
	var valid []vector
	for _, tt := range v.Tests {
		der := hexBytes(t, tt.CRL)
		list, err := crl.Parse(der)
		if err == nil {
			err = list.Verify(issuer, second.Opinion{})
		}
		if got := result(err); got != tt.Result {
			t.Errorf("%d, %s: %s, want %s: %v", tt.ID, tt.Comment, got, tt.Result, err)
		}
		if tt.Result == "valid" {
			valid, args = append(valid, tt), append(args, dir.write(t, fmt.Sprint(tt.ID), der))
		}
	}
	if len(v.Tests) < 50 || len(valid) < 5 {
		t.Errorf("%d vectors, %d of them valid", len(v.Tests), len(valid))
	}
	for i, line := range tooltest.BouncyCastle(t, "ReadCRL", args...) {
		if !strings.HasSuffix(line, " verified") {
			t.Errorf("%d, %s: BouncyCastle says %q", valid[i].ID, valid[i].Comment, line)
		}
	}
}
