package path_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/path"
	"github.com/elicence/elicence/pki/second"
)

// pathRow is a hierarchy with a defect, or one that is sound where one might think
// that it has one.
type pathRow struct {
	name  string
	build func(w *world) built
	want  error // nil: valid
	// openssl says why OpenSSL answers otherwise; empty: it agrees.
	openssl string
}

// built is a hierarchy with a question about it.
type built struct {
	anchor  *node
	between []*node
	end     *node
	purpose path.Purpose // zero: PurposePerson
	limits  path.Limits  // zero: the default
	// request changes the question.
	request func(*path.Request)
}

// strange is an extension that nobody knows.
var strange = oid.Of(1, 2, 156, 112600, 99)

var policyA, policyB = oid.Of(1, 2, 156, 112600, 1, 1), oid.Of(1, 2, 156, 112600, 1, 2)

// paths are the rows without name constraints. OpenSSL judges a P-256 twin of each.
var paths = []pathRow{
	{"sound", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A")
		b := w.authority(a, "B")
		return built{anchor: r, between: []*node{b, a}, end: w.end(b, "E")}
	}, nil, ""},
	{"an anchor that is no root", func(w *world) built {
		a := w.authority(w.root("R"), "A")
		return built{anchor: a, end: w.end(a, "E")}
	}, nil, ""},
	{"the link is missing", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(w.authority(r, "A"), "E")}
	}, path.ErrNoIssuer, ""},
	{"another anchor", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A")
		return built{anchor: w.root("other"), between: []*node{a, r}, end: w.end(a, "E")}
	}, path.ErrNoIssuer, ""},
	{"an anchor of the same name", func(w *world) built {
		return built{anchor: w.root("R"), end: w.end(w.root("R"), "E", without(oid.AuthorityKeyID))}
	}, path.ErrSignature, ""},
	{"a self-signed certificate is nobody's", func(w *world) built {
		return built{anchor: w.root("R"), end: w.root("S", usage(cert.KeyCertSign|cert.DigitalSignature))}
	}, path.ErrNoIssuer, ""},
	{"end certificate's signature", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", spoiled)}
	}, path.ErrSignature, ""},
	{"authority's signature", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", spoiled)
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrSignature, ""},
	{"a cheap copy first, the real authority second", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A")
		false1 := w.authority(r, "A", spoiled, sameKey(a))
		return built{anchor: r, between: []*node{false1, a}, end: w.end(a, "E")}
	}, nil, "OpenSSL takes the first certificate that fits by name and key identifier and does not look for another"},

	{"ended", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", dates(now.AddDate(-1, 0, 0), now.Add(-time.Second)))}
	}, path.ErrDates, ""},
	{"ends in this second", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", dates(now, now.Add(time.Second)))}
	}, nil, ""},
	{"not begun", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", dates(now.Add(time.Second), now.AddDate(1, 0, 0)))}
	}, path.ErrDates, ""},
	{"authority ended", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", dates(now.AddDate(-2, 0, 0), now.AddDate(0, -1, 0)))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrDates, ""},
	{"anchor ended", func(w *world) built {
		r := w.root("R", dates(now.AddDate(-2, 0, 0), now.AddDate(0, -1, 0)))
		return built{anchor: r, end: w.end(r, "E")}
	}, path.ErrDates, ""},

	{"a person as authority", func(w *world) built {
		r := w.root("R")
		a := w.end(r, "A")
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrNotAuthority, ""},
	{"basicConstraints say FALSE", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", with(oid.BasicConstraints, true, sequence(func(*cryptobyte.Builder) {})))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrNotAuthority, ""},
	{"no basicConstraints", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", without(oid.BasicConstraints))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrNotAuthority, ""},
	{"version 1 as authority", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", version1)
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", without(oid.AuthorityKeyID))}
	}, path.ErrNotAuthority, ""},
	{"authority without keyCertSign", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", usage(cert.CRLSign|cert.DigitalSignature))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrNotAuthority, ""},
	{"authority without key usage", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", without(oid.KeyUsage))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrNotAuthority, ""},

	{"path length kept", func(w *world) built {
		r := w.root("R", ca(1))
		a := w.authority(r, "A", ca(0))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, nil, ""},
	{"path length of the anchor", func(w *world) built {
		r := w.root("R", ca(0))
		a := w.authority(r, "A")
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrPathLength, ""},
	{"path length of an authority", func(w *world) built {
		r := w.root("R", ca(5))
		a := w.authority(r, "A", ca(0))
		b := w.authority(a, "B", ca(3)) // cannot widen
		return built{anchor: r, between: []*node{a, b}, end: w.end(b, "E")}
	}, path.ErrPathLength, ""},
	{"an authority that issued to its new key does not count", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", ca(0))
		b := w.authority(a, "A", ca(0)) // self-issued
		return built{anchor: r, between: []*node{b, a}, end: w.end(b, "E")}
	}, nil, ""},

	{"unknown critical extension", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", with(strange, true, []byte{5, 0}))}
	}, path.ErrCriticalExtension, ""},
	{"unknown critical extension of an authority", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", with(strange, true, []byte{5, 0}))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrCriticalExtension, ""},
	{"unknown extension that is not critical", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", with(strange, false, []byte{5, 0}))}
	}, nil, ""},

	{"critical clientAuth and emailProtection in a seal", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(true, oid.UsageClientAuth, oid.Of(1, 3, 6, 1, 5, 5, 7, 3, 4))), purpose: path.PurposeSeal}
	}, nil, ""},
	{"a time-stamp authority seals", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(true, oid.UsageTimeStamping)), purpose: path.PurposeSeal}
	}, path.ErrUsage, "asked without a purpose, OpenSSL does not look at the usages of an end certificate"},
	{"time stamps", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(true, oid.UsageTimeStamping)), purpose: path.PurposeTimeStamp}
	}, nil, ""},
	{"time stamps, not critical", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(false, oid.UsageTimeStamping)), purpose: path.PurposeTimeStamp}
	}, path.ErrUsage, ""},
	{"time stamps and more", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(true, oid.UsageTimeStamping, oid.UsageClientAuth)), purpose: path.PurposeTimeStamp}
	}, path.ErrUsage, ""},
	{"any usage is not OCSP", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(false, oid.UsageAny)), purpose: path.PurposeOCSP}
	}, path.ErrUsage, ""},
	{"OCSP", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(false, oid.UsageOCSPSigning)), purpose: path.PurposeOCSP}
	}, nil, ""},
	{"a TLS server", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(false, oid.UsageServerAuth)), purpose: path.PurposeTLSServer}
	}, nil, ""},
	{"a TLS client as server", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", extUsage(false, oid.UsageClientAuth)), purpose: path.PurposeTLSServer}
	}, path.ErrUsage, ""},
	{"an authority for TLS clients makes a server", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", extUsage(false, oid.UsageClientAuth))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", extUsage(false, oid.UsageServerAuth)), purpose: path.PurposeTLSServer}
	}, path.ErrUsage, ""},
	{"an encryption certificate signs", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", usage(cert.KeyEncipherment|cert.DataEncipherment|cert.KeyAgreement))}
	}, path.ErrUsage, "asked without a purpose, OpenSSL does not look at the usages of an end certificate"},
	{"an encryption certificate encrypts", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", usage(cert.KeyEncipherment|cert.DataEncipherment|cert.KeyAgreement)), purpose: path.PurposeEncrypt}
	}, nil, ""},
	{"a certificate without key usage signs", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", without(oid.KeyUsage))}
	}, path.ErrUsage, "GB/T 20518 wants keyUsage in every certificate"},
	{"an authority signs a document", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.authority(r, "E", usage(cert.KeyCertSign|cert.DigitalSignature))}
	}, path.ErrUsage, "asked without a purpose, OpenSSL does not look at the usages of an end certificate"},
	{"a person as authority in question", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E"), purpose: path.PurposeAuthority}
	}, path.ErrNotAuthority, "asked without a purpose, OpenSSL does not look at the usages of an end certificate"},
	{"an authority in question", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.authority(r, "E"), purpose: path.PurposeAuthority}
	}, nil, ""},

	{"names in other string types, cases and spaces", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "Authority One")
		respelt := name(rdn{country, cbasn1.PrintableString, "cn"}, rdn{organization, cbasn1.PrintableString, " PROVINCE"}, rdn{commonName, cbasn1.PrintableString, "authority   one"})
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", issuer(respelt))}
	}, nil, ""},
	{"names in another order", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A")
		turned := name(rdn{organization, cbasn1.UTF8String, "Province"}, rdn{country, cbasn1.PrintableString, "CN"}, rdn{commonName, cbasn1.UTF8String, "A"})
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", issuer(turned))}
	}, path.ErrNoIssuer, ""},
	{"an authority without a name", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", subject(name()), altNames(true, text(cert.FormDNS, "a.example")))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrName, ""},
	{"an end certificate without any name", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", subject(name()))}
	}, path.ErrName, ""},
	{"an end certificate with a critical alternative name only", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", subject(name()), altNames(true, text(cert.FormDNS, "a.example"))), purpose: path.PurposeTLSClient}
	}, nil, ""},
	{"a person with an alternative name only", func(w *world) built {
		r := w.root("R")
		return built{anchor: r, end: w.end(r, "E", subject(name()), altNames(true, text(cert.FormDNS, "a.example")))}
	}, path.ErrName, "a person without a name is refused for the purpose, which OpenSSL was not told"},

	{"a policy that is asked for", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", policies(policyA, policyB))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", policies(policyA)),
			request: func(r *path.Request) { r.Policies = []oid.ID{policyA} }}
	}, nil, ""},
	{"a policy that the authority may not give", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", policies(policyB))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", policies(policyA)),
			request: func(r *path.Request) { r.Policies = []oid.ID{policyA} }}
	}, path.ErrPolicy, ""},
	{"a policy through anyPolicy", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", policies(oid.AnyPolicy))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", policies(policyA)),
			request: func(r *path.Request) { r.Policies = []oid.ID{policyA} }}
	}, nil, ""},
	{"no policy, and none asked for", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", policies(policyB))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, nil, ""},
	{"an authority requires an explicit policy", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", policies(policyA), with(oid.PolicyConstraints, true, []byte{0x30, 3, 0x80, 1, 0}))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E")}
	}, path.ErrPolicy, ""},
	{"an authority inhibits anyPolicy", func(w *world) built {
		r := w.root("R")
		a := w.authority(r, "A", policies(oid.AnyPolicy), with(oid.InhibitAnyPolicy, true, []byte{2, 1, 0}))
		return built{anchor: r, between: []*node{a}, end: w.end(a, "E", policies(oid.AnyPolicy)),
			request: func(r *path.Request) { r.Policies = []oid.ID{policyA} }}
	}, path.ErrPolicy, ""},

	{"a loop of two authorities that certify each other", func(w *world) built {
		a := w.authority(w.root("unknown"), "A")
		b := w.authority(a, "B")
		back := w.authority(b, "A", sameKey(a))
		return built{anchor: w.root("R"), between: []*node{b, back}, end: w.end(a, "E")}
	}, path.ErrNoIssuer, ""},
	{"a way through a cross-certificate", func(w *world) built {
		ours, theirs := w.root("R"), w.root("T")
		cross := w.authority(ours, "T", sameKey(theirs))
		a := w.authority(theirs, "A")
		return built{anchor: ours, between: []*node{theirs, cross, a}, end: w.end(a, "E")}
	}, nil, "OpenSSL takes the other province's root, finds that it is not trusted, and does not look for another way"},
	{"a way around an authority that has ended", func(w *world) built {
		ours, theirs := w.root("R"), w.root("T")
		old := w.authority(ours, "T", sameKey(theirs), dates(now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0)))
		cross := w.authority(ours, "T", sameKey(theirs))
		return built{anchor: ours, between: []*node{old, cross}, end: w.end(theirs, "E")}
	}, nil, ""},
}

func (b built) ask(tb testing.TB, options path.Options) *path.Result {
	tb.Helper()
	options.Anchors, options.Limits, options.Second = []*cert.Certificate{b.anchor.c}, b.limits, second.Opinion{}
	v, err := path.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	r := path.Request{Certificate: b.end.c, Purpose: b.purpose, When: path.Claimed(now)}
	if r.Purpose == 0 {
		r.Purpose = path.PurposePerson
	}
	for _, n := range b.between {
		r.Further = append(r.Further, n.c)
	}
	if b.request != nil {
		b.request(&r)
	}
	return v.Verify(context.Background(), r)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, tt := range paths {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkOutcome(t, tt.build(newWorld(t)).ask(t, path.Options{}), tt.want)
		})
	}
}

// checkOutcome compares verdict and error with what a row wants.
func checkOutcome(t *testing.T, got *path.Result, want error) {
	t.Helper()
	switch {
	case want == nil:
		if got.Verdict != path.Valid || got.Err() != nil {
			t.Errorf("%v, %v, want valid", got.Verdict, got.Err())
		}
		for _, l := range got.Path {
			if l.Err != nil {
				t.Errorf("a valid path has a fault: %v", l.Err)
			}
		}
	case errors.Is(want, path.ErrLimit):
		if got.Verdict != path.CannotSay || !errors.Is(got.Err(), want) || !errors.Is(got.Err(), path.ErrCannotSay) {
			t.Errorf("%v, %v, want cannot say: %v", got.Verdict, got.Err(), want)
		}
	default:
		if got.Verdict != path.Invalid || !errors.Is(got.Err(), want) || !errors.Is(got.Err(), path.ErrUntrusted) {
			t.Errorf("%v, %v, want invalid: %v", got.Verdict, got.Err(), want)
		}
		faults := 0
		for _, l := range got.Path {
			if l.Err != nil {
				faults++
			}
		}
		if faults != 1 {
			t.Errorf("%d links of the path have the fault, want 1", faults)
		}
	}
}

// purposes are the names of OpenSSL.
var purposes = map[path.Purpose]string{path.PurposeTimeStamp: "timestampsign", path.PurposeTLSServer: "sslserver", path.PurposeOCSP: ""}

// TestOpenSSLAgrees has OpenSSL judge the P-256 twins.
func TestOpenSSLAgrees(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "openssl")
	for _, tt := range append(paths[:len(paths):len(paths)], constraintRows()...) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := tt.build(newWorld(t))
			if b.purpose == path.PurposeOCSP {
				t.Skip("openssl verify has no such purpose that it looks at")
			}
			out, err := opensslVerify(t, b)
			agrees := (err == nil) == (tt.want == nil)
			switch {
			case tt.openssl == "" && !agrees:
				t.Errorf("we: %v; OpenSSL: %v\n%s", tt.want, err, out)
			case tt.openssl != "" && agrees:
				t.Errorf("OpenSSL agrees, although %q", tt.openssl)
			}
		})
	}
}

func opensslVerify(t *testing.T, b built) (string, error) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var between bytes.Buffer
	for _, n := range b.between {
		between.Write(n.pem)
	}
	args := []string{"verify", "-partial_chain", "-attime", fmt.Sprint(now.Unix()), "-no-CApath", "-no-CAstore",
		"-CAfile", write("anchor.pem", b.anchor.pem)}
	if between.Len() > 0 {
		args = append(args, "-untrusted", write("between.pem", between.Bytes()))
	}
	if p := purposes[b.purpose]; p != "" {
		args = append(args, "-purpose", p)
	}
	var r path.Request
	if b.request != nil {
		b.request(&r)
	}
	args = append(args, "-policy_check", "-x509_strict")
	for _, id := range r.Policies {
		args = append(args, "-explicit_policy", "-policy", id.String())
	}
	return tooltest.Try(t, "openssl", append(args, write("end.pem", b.end.pem))...)
}
