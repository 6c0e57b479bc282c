package crl_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
)

// folder is a temporary folder for other programs.
type folder string

func newFolder(tb testing.TB) folder {
	tb.Helper()
	return folder(tb.TempDir())
}

func (f folder) write(tb testing.TB, name string, content []byte) string {
	tb.Helper()
	path := filepath.Join(string(f), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// house is two shards and a delta of the first, as certificates name them.
type house struct {
	authority
	plan                crl.Plan
	zero, delta, one    *crl.List
	good, revoked, held *cert.Certificate // in shard 0; the hold was taken back in the delta
	late, other         *cert.Certificate // revoked in the delta; good, in shard 1
}

func newHouse(tb testing.TB) house {
	tb.Helper()
	h := house{authority: newAuthority(tb, "测试根"), plan: plan}
	points := func(shard int) []string { return h.plan.Points(shard) }
	h.good, h.revoked, h.held = h.Person(tb, 10, points(0)...), h.Person(tb, 12, points(0)...), h.Person(tb, 14, points(0)...)
	h.late, h.other = h.Person(tb, 16, points(0)...), h.Person(tb, 11, points(1)...)
	template := h.template(5)
	template.Points, template.FreshestCRL = points(0), h.plan.FreshestCRL(0)
	h.zero = h.build(tb, template, entry(12, cert.KeyCompromise), entry(14, cert.CertificateHold))
	template.Points, template.FreshestCRL = points(1), h.plan.FreshestCRL(1)
	h.one = h.build(tb, template, entry(13, cert.Superseded))
	template = h.template(6)
	template.Points, template.Base, template.ThisUpdate = points(0), 5, now.Add(time.Minute)
	h.delta = h.build(tb, template, entry(14, cert.RemoveFromCRL), entry(16, cert.CessationOfOperation))
	return h
}

func TestBouncyCastleReads(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t), newFolder(t)
	tampered := bytes.Clone(h.zero.DER)
	i := bytes.Index(tampered, serial(12))
	tampered[i+15] = 10 // another certificate is revoked
	stranger := newAuthority(t, "测试根")
	args := []string{"show", dir.write(t, "ca.pem", h.Certificate.PEM())}
	for i, der := range [][]byte{h.zero.DER, h.delta.DER, h.one.DER, tampered, stranger.build(t, stranger.template(1)).DER, h.zero.DER[:99]} {
		args = append(args, dir.write(t, fmt.Sprintf("%d.crl", i), der))
	}
	want := []string{
		"5 - [4000000000000000000000000000000c=KEY_COMPROMISE, 4000000000000000000000000000000e=CERTIFICATE_HOLD] verified",
		"6 5 [4000000000000000000000000000000e=REMOVE_FROM_CRL, 40000000000000000000000000000010=CESSATION_OF_OPERATION] verified",
		"5 - [4000000000000000000000000000000d=SUPERSEDED] verified",
		"5 - [4000000000000000000000000000000a=KEY_COMPROMISE, 4000000000000000000000000000000e=CERTIFICATE_HOLD] refused",
		"1 - [] refused",
		"unreadable",
	}
	if got := tooltest.BouncyCastle(t, "ReadCRL", args...); !slices.Equal(got, want) {
		t.Errorf("BouncyCastle reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestBouncyCastleJudges: BouncyCastle's path validation comes to the same answers as
// ours, with and without the delta, and has none where the shard is missing.
func TestBouncyCastleJudges(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t), newFolder(t)
	ca := dir.write(t, "ca.pem", h.Certificate.PEM())
	zero, delta, one := dir.write(t, "0.crl", h.zero.DER), dir.write(t, "delta.crl", h.delta.DER), dir.write(t, "1.crl", h.one.DER)
	var names, files []string
	certificates := map[string]*cert.Certificate{"good": h.good, "revoked": h.revoked, "held": h.held, "late": h.late, "other": h.other}
	for name, c := range certificates {
		names, files = append(names, name), append(files, dir.write(t, name+".pem", c.PEM()))
	}
	at := now.Add(time.Hour)
	joined, err := h.zero.WithDelta(h.delta)
	if err != nil {
		t.Fatal(err)
	}
	ours := func(lists ...*crl.List) map[string]string {
		answers := map[string]string{}
		for name, c := range certificates {
			for _, list := range lists {
				if !list.Covers(c) || !list.CurrentAt(at) {
					continue
				}
				answers[name] = "valid"
				if r, revoked := list.Find(c.SerialNumber()); revoked {
					answers[name] = r.Reason.String()
				}
			}
		}
		return answers
	}
	cases := []struct {
		name, lists string
		ours        map[string]string
	}{
		{"without the delta", zero + "," + one, ours(h.zero, h.one)},
		{"with the delta", zero + "," + one + "," + delta, ours(joined, h.one)},
		{"without a shard", zero, ours(h.zero)},
	}
	sets := make([]string, len(cases))
	for i := range cases {
		sets[i] = cases[i].lists
	}
	theirs := tooltest.BouncyCastle(t, "ReadCRL", append([]string{"judge", ca, fmt.Sprint(at.Unix()), strings.Join(sets, ":")}, files...)...)
	for i, tt := range cases {
		for j, c := range names {
			says := theirs[i*len(names)+j]
			if _, reason, revoked := strings.Cut(says, "reason: "); revoked {
				says = reason
			}
			if want, answered := tt.ours[c]; answered && says != want || !answered && !strings.Contains(says, "CRL") {
				t.Errorf("%s: %s: BouncyCastle says %q, we say %q", tt.name, c, says, want)
			}
		}
	}
	if got := ours(joined, h.one); got["held"] != "valid" || got["late"] != "cessationOfOperation" || got["revoked"] != "keyCompromise" || got["other"] != "valid" {
		t.Errorf("with the delta: %v", got)
	}
}

// TestOpenSSLReads: OpenSSL 3.0 reads every field. It has no way to be told the SM2 ID
// for a CRL, so the signature is put to it as bare bytes.
func TestOpenSSLReads(t *testing.T) {
	t.Parallel()
	h, dir := newHouse(t), newFolder(t)
	for file, want := range map[string][]string{
		dir.write(t, "zero.crl", h.zero.DER): {
			"Version 2", "SM2-with-SM3", "Next Update: Mar  2 08:00:00 2026 GMT", "X509v3 CRL Number: \n                5", "Issuing Distribution Point: critical",
			"URI:http://localhost/crl/issuers-2-0.crl", "X509v3 Freshest CRL", "URI:http://localhost/crl/issuers-2-0-delta.crl",
			"Serial Number: 4000000000000000000000000000000C", "Key Compromise", "Certificate Hold", "X509v3 Authority Key Identifier",
		},
		dir.write(t, "delta.crl", h.delta.DER): {"Delta CRL Indicator: critical\n                5", "Remove From CRL", "Cessation Of Operation"},
	} {
		text := tooltest.Run(t, "openssl", "crl", "-inform", "DER", "-in", file, "-noout", "-text", "-nameopt", "utf8")
		for _, line := range want {
			if !strings.Contains(text, line) {
				t.Errorf("OpenSSL's text lacks %q:\n%s", line, text)
			}
		}
		tooltest.SM2Verify(t, dir.write(t, "ca.pem", h.Certificate.PEM()), file, 0)
	}
}
