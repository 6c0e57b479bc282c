package lint_test

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the profile's key identifier
	"errors"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/ca/lint"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// node is a DER element that a test may change. A constructed one has children.
type node struct {
	tag      byte
	content  []byte
	children []*node
}

// parse takes DER with one-byte tags to pieces. OCTET STRINGs stay whole.
func parse(tb testing.TB, der []byte) []*node {
	tb.Helper()
	var all []*node
	for len(der) > 0 {
		n := &node{tag: der[0]}
		length, head := int(der[1]), 2
		if length >= 0x80 {
			count := length & 0x7f
			length = 0
			for i := range count {
				length = length<<8 | int(der[2+i])
			}
			head += count
		}
		n.content = bytes.Clone(der[head : head+length])
		if n.tag&0x20 != 0 {
			n.children = parse(tb, n.content)
		}
		all = append(all, n)
		der = der[head+length:]
	}
	return all
}

func (n *node) der() []byte {
	content := n.content
	if n.tag&0x20 != 0 {
		content = nil
		for _, c := range n.children {
			content = append(content, c.der()...)
		}
	}
	head := []byte{n.tag}
	switch l := len(content); {
	case l < 0x80:
		head = append(head, byte(l))
	case l < 0x100:
		head = append(head, 0x81, byte(l))
	default:
		head = append(head, 0x82, byte(l>>8), byte(l))
	}
	return append(head, content...)
}

// The members of a TBSCertificate with a version.
const (
	atVersion = iota
	atSerial
	atAlgorithm
	atIssuer
	atValidity
	atSubject
	atKey
	atExtensions
)

func (n *node) extensions() *node { return n.children[len(n.children)-1].children[0] }

// extension returns an extension with all its members.
func (n *node) extension(id oid.ID) *node {
	for _, e := range n.extensions().children {
		if string(e.children[0].content) == string(id) {
			return e
		}
	}
	panic("no extension " + id.String())
}

// value returns the OCTET STRING of an extension.
func (n *node) value(id oid.ID) *node {
	e := n.extension(id)
	return e.children[len(e.children)-1]
}

func (n *node) remove(id oid.ID) {
	list := n.extensions()
	for i, e := range list.children {
		if string(e.children[0].content) == string(id) {
			list.children = append(list.children[:i:i], list.children[i+1:]...)
			return
		}
	}
}

// fixedKey is the same key every time, as fuzzing wants it.
func fixedKey(tb testing.TB, fill byte) *pki.PublicKey {
	tb.Helper()
	private, err := sm2.NewPrivateKey(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		tb.Fatal(err)
	}
	key, err := pki.NewPublicKey(&private.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

var noon = time.Date(2026, 5, 1, 4, 0, 0, 0, time.UTC)

// end and authority are an end certificate and an authority's with every extension that
// they may have, and the rules that they keep.
func end(tb testing.TB) (*cert.Template, *lint.Rules) {
	tb.Helper()
	issuer := cert.Name{Country: "CN", CommonName: "中级证书"}
	issuerDER, err := issuer.DER()
	if err != nil {
		tb.Fatal(err)
	}
	issuerKey := fixedKey(tb, 0x21)
	t := &cert.Template{
		Issuer: issuer, Subject: cert.Name{Country: "CN", Province: "安徽省", Locality: "合肥市", Organization: "测试局", Unit: "一处", Serial: "A1", CommonName: "测试"},
		NotBefore: noon, NotAfter: noon.AddDate(0, 6, 0), Key: fixedKey(tb, 0x42), IssuerKey: issuerKey, Usage: cert.DigitalSignature | cert.NonRepudiation,
		ExtUsages: []oid.ID{oid.UsageOCSPSigning}, Policies: []oid.ID{oid.Of(1, 2, 3)}, DNSNames: []string{"a.example", "b.example"}, IPs: []netip.Addr{netip.MustParseAddr("10.0.0.1")},
		CRLPoints: []string{"http://h/crl/a-1-0.crl"}, FreshestCRL: []string{"http://h/crl/a-1-0-delta.crl"}, OCSP: []string{"http://h/ocsp"}, CAIssuers: []string{"http://h/ca/a.cer"},
		StatusEntry: cert.StatusEntry{List: 1 << 31, Index: 7}, OCSPNoCheck: true, OrganizationCode: "11100000000013338W", InsuranceNumber: "1", RegistrationNumber: "2", TaxationNumber: "3",
	}
	if t.Serial, err = cert.NewSerial(strings.NewReader("a serial number.")); err != nil {
		tb.Fatal(err)
	}
	r := &lint.Rules{
		IssuerName: issuerDER, IssuerKeyID: cert.KeyID(issuerKey), NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(40, 0, 0), Longest: 365 * 24 * time.Hour,
		SubjectRequired: []string{"C", "CN"}, SubjectOptional: []string{"ST", "L", "O", "OU", "SERIALNUMBER"}, Usage: t.Usage, ExtUsages: t.ExtUsages, Policies: t.Policies,
		CRL: func(cert.Serial) string { return t.CRLPoints[0] }, Delta: func(cert.Serial) string { return t.FreshestCRL[0] }, OCSP: t.OCSP[0], CAIssuers: t.CAIssuers[0],
		StatusEntry: t.StatusEntry.Packed(),
		WeakKey:     func([]byte) bool { return false },
	}
	for _, id := range []oid.ID{
		oid.AuthorityKeyID, oid.SubjectKeyID, oid.ExtKeyUsage, oid.Policies, oid.SubjectAltName, oid.CRLPoints, oid.FreshestCRL, oid.AuthorityInfo, oid.StatusEntry, oid.OCSPNoCheck,
		oid.OrganizationCode, oid.InsuranceNumber, oid.RegistrationNumber, oid.TaxationNumber,
	} {
		r.Extensions = append(r.Extensions, lint.Extension{ID: id})
	}
	r.Extensions = append(r.Extensions, lint.Extension{ID: oid.KeyUsage, Critical: true})
	return t, r
}

func authority(tb testing.TB) (*cert.Template, *lint.Rules) {
	tb.Helper()
	t, r := end(tb)
	directory, err := (cert.Name{Country: "CN", Province: "浙江省", CommonName: "x"}).DER()
	if err != nil {
		tb.Fatal(err)
	}
	t.IsCA, t.PathLen, t.Usage = true, 0, cert.KeyCertSign|cert.CRLSign
	t.NameConstraints = &cert.NameConstraints{PermittedDirectories: [][]byte{directory}, PermittedDNS: []string{"zj.example"}, ExcludedDNS: []string{"x.zj.example"}}
	t.NotBefore, t.NotAfter, r.Longest = noon.AddDate(10, 0, 0), noon.AddDate(30, 0, 0), 30*366*24*time.Hour
	r.CA, r.Usage = true, t.Usage
	r.Extensions = append(r.Extensions, lint.Extension{ID: oid.BasicConstraints, Critical: true}, lint.Extension{ID: oid.NameConstraints, Critical: true})
	return t, r
}

// TestEveryRule: for every rule there is a certificate that it alone refuses.
func TestEveryRule(t *testing.T) {
	t.Parallel()
	set := func(b ...byte) []byte { return b }
	ext := func(id oid.ID, content ...byte) func(*node) { return func(n *node) { n.value(id).content = content } }
	text := func(at int, value string) func(*node) {
		return func(n *node) { n.children[atSubject].children[at].children[0].children[1].content = []byte(value) }
	}
	date := func(at int, tag byte, value string) func(*node) {
		return func(n *node) { n.children[atValidity].children[at] = &node{tag: tag, content: []byte(value)} }
	}
	for _, tt := range []struct {
		name, rule string
		breaks     func(*node)
		ca         bool
		rules      func(*lint.Rules)
	}{
		{name: "version 1", rule: "version", breaks: func(n *node) { n.children = n.children[1:] }},
		{name: "version 2", rule: "version", breaks: func(n *node) { n.children[atVersion].children[0].content = set(1) }},
		{name: "negative", rule: "serial number", breaks: func(n *node) { n.children[atSerial].content[0] |= 0x80 }},
		{name: "short", rule: "serial number", breaks: func(n *node) { n.children[atSerial].content = set(1, 2, 3) }},
		{name: "not full", rule: "serial number", breaks: func(n *node) { n.children[atSerial].content[0] = 1 }},
		{name: "padded", rule: "serial number", breaks: func(n *node) { n.children[atSerial].content[0], n.children[atSerial].content[1] = 0, 1 }},
		{name: "parameters NULL", rule: "signature algorithm", breaks: func(n *node) {
			n.children[atAlgorithm].children = append(n.children[atAlgorithm].children, &node{tag: 5})
		}},
		{name: "ECDSA", rule: "signature algorithm", breaks: func(n *node) { n.children[atAlgorithm].children[0].content = []byte(oid.ECPublic) }},
		{name: "another issuer", rule: "issuer", breaks: func(n *node) {
			n.children[atIssuer].children[1].children[0].children[1].content = []byte("别的证书")
		}},
		{name: "issuer's string type", rule: "issuer", breaks: func(n *node) { n.children[atIssuer].children[0].children[0].children[1].tag = 0x0c }},
		{name: "no seconds", rule: "form of the dates", breaks: date(0, 0x17, "2605010400Z")},
		{name: "offset", rule: "form of the dates", breaks: date(0, 0x17, "260501040000+0800")},
		{name: "fraction", rule: "form of the dates", breaks: date(1, 0x18, "20260901040000.5Z")},
		{name: "GeneralizedTime too early", rule: "form of the dates", breaks: date(1, 0x18, "20260901040000Z")},
		{name: "no such day", rule: "form of the dates", breaks: date(1, 0x17, "260231040000Z")},
		{name: "text", rule: "form of the dates", breaks: date(1, 0x0c, "260901040000Z")},
		{name: "three dates", rule: "form of the dates", breaks: func(n *node) {
			n.children[atValidity].children = append(n.children[atValidity].children, n.children[atValidity].children[0])
		}},
		{name: "UTCTime of the last century", rule: "validity", breaks: date(1, 0x17, "560501040000Z")},
		{name: "ends before", rule: "validity", breaks: date(1, 0x17, "260501040000Z")},
		{name: "too long", rule: "validity", breaks: date(1, 0x17, "280501040000Z")},
		{name: "beyond its issuer", rule: "validity", rules: func(r *lint.Rules) { r.NotAfter = noon.AddDate(0, 5, 0) }},
		{name: "before its issuer", rule: "validity", rules: func(r *lint.Rules) { r.NotBefore = noon.Add(time.Second) }},
		{name: "PrintableString for a name", rule: "subject", breaks: func(n *node) {
			n.children[atSubject].children[6].children[0].children[1] = &node{tag: 0x13, content: []byte("test")}
		}},
		{name: "BMPString", rule: "subject", breaks: func(n *node) { n.children[atSubject].children[6].children[0].children[1].tag = 0x1e }},
		{name: "country in UTF8String", rule: "subject", breaks: func(n *node) { n.children[atSubject].children[0].children[0].children[1].tag = 0x0c }},
		{name: "country in lower case", rule: "subject", breaks: text(0, "cn")},
		{name: "country of three letters", rule: "subject", breaks: text(0, "CHN")},
		{name: "empty text", rule: "subject", breaks: text(1, "")},
		{name: "text too long", rule: "subject", breaks: text(3, string(bytes.Repeat([]byte("长"), 65)))},
		{name: "hidden character", rule: "subject", breaks: text(3, "测\u200b试")},
		{name: "not UTF-8", rule: "subject", breaks: text(3, "\xff")},
		{name: "serial with a star", rule: "subject", breaks: text(5, "A*1")},
		{name: "attribute twice", rule: "subject", breaks: func(n *node) {
			s := n.children[atSubject]
			s.children = append(s.children, s.children[6])
		}},
		{name: "out of order", rule: "subject", breaks: func(n *node) {
			s := n.children[atSubject].children
			s[1], s[2] = s[2], s[1]
		}},
		{name: "two attributes in one RDN", rule: "subject", breaks: func(n *node) {
			s := n.children[atSubject].children
			s[0].children = append(s[0].children, s[1].children...)
		}},
		{name: "unknown attribute", rule: "subject", breaks: func(n *node) {
			n.children[atSubject].children[6].children[0].children[0].content = set(0x55, 4, 42)
		}},
		{name: "required attribute missing", rule: "subject", breaks: func(n *node) { n.children[atSubject].children = n.children[atSubject].children[:6] }},
		{name: "attribute not allowed", rule: "subject", rules: func(r *lint.Rules) { r.SubjectOptional = r.SubjectOptional[:4] }},
		{name: "not the other root's name", rule: "subject", rules: func(r *lint.Rules) { r.SubjectDER = []byte{0x30, 0} }},
		{name: "algorithm of the key", rule: "key", breaks: func(n *node) { n.children[atKey].children[0].children[0].content = []byte(oid.SM2Curve) }},
		{name: "P-256", rule: "key", breaks: func(n *node) {
			n.children[atKey].children[0].children[1].content = set(0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7)
		}},
		{name: "off the curve", rule: "key", breaks: func(n *node) {
			b := n.children[atKey].children[1].content
			b[len(b)-1] ^= 1
			n.value(oid.SubjectKeyID).content = append(set(4, 20), keyID(b[1:])...)
		}},
		{name: "weak", rule: "weak key", rules: func(r *lint.Rules) { r.WeakKey = func([]byte) bool { return true } }},
		{name: "unique identifier", rule: "unique identifiers", breaks: func(n *node) {
			n.children = append(n.children[:atExtensions:atExtensions], &node{tag: 0x82, content: set(0, 1)}, n.children[atExtensions])
		}},
		{name: "twice", rule: "extensions once", breaks: func(n *node) { n.extensions().children = append(n.extensions().children, n.extension(oid.KeyUsage)) }},
		{name: "an unknown one", rule: "known extensions", breaks: func(n *node) {
			n.extensions().children = append(n.extensions().children, &node{tag: 0x30, children: []*node{{tag: 6, content: set(0x2a, 3)}, {tag: 4}}})
		}},
		{name: "a citizen's number's extension", rule: "known extensions", breaks: func(n *node) {
			n.extensions().children = append(n.extensions().children, &node{tag: 0x30, children: []*node{{tag: 6, content: []byte(oid.IdentifyCode)}, {tag: 4, content: set(0x80, 1, '1')}}})
		}},
		{name: "an end certificate as an authority", rule: "known extensions", breaks: func(n *node) {
			n.extensions().children = append(n.extensions().children, &node{tag: 0x30, children: []*node{
				{tag: 6, content: []byte(oid.BasicConstraints)}, {tag: 1, content: set(0xff)}, {tag: 4, content: set(0x30, 3, 1, 1, 0xff)},
			}})
		}},
		{name: "no key usage", rule: "required extensions", breaks: func(n *node) { n.remove(oid.KeyUsage) }},
		{name: "no basic constraints", rule: "required extensions", ca: true, breaks: func(n *node) { n.remove(oid.BasicConstraints) }},
		{name: "no list", rule: "required extensions", breaks: func(n *node) { n.remove(oid.CRLPoints) }},
		{name: "not critical", rule: "criticality", breaks: func(n *node) {
			e := n.extension(oid.KeyUsage)
			e.children = []*node{e.children[0], e.children[2]}
		}},
		{name: "critical", rule: "criticality", breaks: func(n *node) {
			e := n.extension(oid.SubjectAltName)
			e.children = []*node{e.children[0], {tag: 1, content: set(0xff)}, e.children[1]}
		}},
		{name: "FALSE written", rule: "criticality", breaks: func(n *node) {
			e := n.extension(oid.SubjectAltName)
			e.children = []*node{e.children[0], {tag: 1, content: set(0)}, e.children[1]}
		}},
		{name: "another's key", rule: "authorityKeyIdentifier", breaks: func(n *node) { n.value(oid.AuthorityKeyID).content[5] ^= 1 }},
		{name: "with issuer and serial", rule: "authorityKeyIdentifier", breaks: func(n *node) {
			c := n.value(oid.AuthorityKeyID).content
			n.value(oid.AuthorityKeyID).content = append(append(set(0x30, c[1]+3), c[2:]...), 0x82, 1, 1)
		}},
		{name: "another key's", rule: "subjectKeyIdentifier", breaks: func(n *node) { n.value(oid.SubjectKeyID).content[5] ^= 1 }},
		{name: "not the other root's", rule: "subjectKeyIdentifier", rules: func(r *lint.Rules) { r.SubjectKeyID = []byte{1} }},
		{name: "path length", rule: "basicConstraints", ca: true, breaks: ext(oid.BasicConstraints, 0x30, 6, 1, 1, 0xff, 2, 1, 1)},
		{name: "no path length", rule: "basicConstraints", ca: true, breaks: ext(oid.BasicConstraints, 0x30, 3, 1, 1, 0xff)},
		{name: "cA FALSE", rule: "basicConstraints", ca: true, breaks: ext(oid.BasicConstraints, 0x30, 6, 1, 1, 0, 2, 1, 0)},
		{name: "one bit more", rule: "keyUsage", breaks: ext(oid.KeyUsage, 3, 2, 2, 0xc4)},
		{name: "one bit less", rule: "keyUsage", breaks: ext(oid.KeyUsage, 3, 2, 7, 0x80)},
		{name: "trailing zeros", rule: "keyUsage", breaks: ext(oid.KeyUsage, 3, 2, 5, 0xc0)},
		{name: "no bits", rule: "keyUsage", breaks: ext(oid.KeyUsage, 3, 1, 0)},
		{name: "another usage", rule: "extKeyUsage", breaks: ext(oid.ExtKeyUsage, append(set(0x30, 10, 6, 8), oid.UsageTimeStamping...)...)},
		{name: "any usage besides", rule: "extKeyUsage", breaks: func(n *node) {
			n.value(oid.ExtKeyUsage).content = append(append(append(set(0x30, 16, 6, 8), oid.UsageOCSPSigning...), 6, 4), oid.UsageAny...)
		}},
		{name: "no usage", rule: "extKeyUsage", breaks: ext(oid.ExtKeyUsage, 0x30, 0)},
		{name: "another policy", rule: "certificatePolicies", breaks: ext(oid.Policies, 0x30, 6, 0x30, 4, 6, 2, 0x2a, 4)},
		{name: "qualifier", rule: "certificatePolicies", breaks: ext(oid.Policies, 0x30, 8, 0x30, 6, 6, 2, 0x2a, 3, 0x30, 0)},
		{name: "no name", rule: "subjectAltName", breaks: ext(oid.SubjectAltName, 0x30, 0)},
		{name: "a mail address", rule: "subjectAltName", breaks: ext(oid.SubjectAltName, 0x30, 5, 0x81, 3, 'a', '@', 'b')},
		{name: "upper case", rule: "subjectAltName", breaks: ext(oid.SubjectAltName, 0x30, 3, 0x82, 1, 'A')},
		{name: "a name twice", rule: "subjectAltName", breaks: ext(oid.SubjectAltName, 0x30, 6, 0x82, 1, 'a', 0x82, 1, 'a')},
		{name: "an address of 5 bytes", rule: "subjectAltName", breaks: ext(oid.SubjectAltName, 0x30, 7, 0x87, 5, 1, 2, 3, 4, 5)},
		{name: "permits everything", rule: "nameConstraints", ca: true, breaks: ext(oid.NameConstraints, 0x30, 0)},
		{name: "excludes only", rule: "nameConstraints", ca: true, breaks: ext(oid.NameConstraints, 0x30, 7, 0xa1, 5, 0x30, 3, 0x82, 1, 'a')},
		{name: "permits an empty list", rule: "nameConstraints", ca: true, breaks: ext(oid.NameConstraints, 0x30, 2, 0xa0, 0)},
		{name: "minimum", rule: "nameConstraints", ca: true, breaks: ext(oid.NameConstraints, 0x30, 10, 0xa0, 8, 0x30, 6, 0x82, 1, 'a', 0x80, 1, 1)},
		{name: "another list", rule: "cRLDistributionPoints", breaks: func(n *node) { c := n.value(oid.CRLPoints).content; c[len(c)-1] = 'x' }},
		{name: "two points", rule: "cRLDistributionPoints", breaks: func(n *node) {
			v := n.value(oid.CRLPoints)
			v.content = append(set(0x30, 2*v.content[1]), append(bytes.Clone(v.content[2:]), v.content[2:]...)...)
		}},
		{name: "another place", rule: "status entry", breaks: func(n *node) { n.value(oid.StatusEntry).content[10] ^= 1 }},
		{name: "a place in two numbers", rule: "status entry", breaks: ext(oid.StatusEntry, 0x30, 6, 2, 1, 1, 2, 1, 7)},
		{name: "a place below zero", rule: "status entry", breaks: ext(oid.StatusEntry, 2, 1, 0xff)},
		{name: "another delta", rule: "freshestCRL", breaks: func(n *node) { c := n.value(oid.FreshestCRL).content; c[len(c)-1] = 'x' }},
		{name: "another responder", rule: "authorityInfoAccess", breaks: func(n *node) {
			v := n.value(oid.AuthorityInfo)
			v.content = bytes.Replace(v.content, []byte("ocsp"), []byte("ocsq"), 1)
		}},
		{name: "another issuer's file", rule: "authorityInfoAccess", breaks: func(n *node) { c := n.value(oid.AuthorityInfo).content; c[len(c)-1] = 'x' }},
		{name: "empty", rule: "authorityInfoAccess", breaks: ext(oid.AuthorityInfo, 0x30, 0)},
		{name: "not NULL", rule: "ocsp-nocheck", breaks: ext(oid.OCSPNoCheck, 0x30, 0)},
		{name: "number in UTF8String", rule: "organisation numbers", breaks: ext(oid.TaxationNumber, 0x0c, 1, '3')},
		{name: "check character", rule: "organisation numbers", breaks: func(n *node) { c := n.value(oid.OrganizationCode).content; c[len(c)-1] = 'X' }},
		{name: "lower case", rule: "organisation numbers", breaks: ext(oid.TaxationNumber, 0x13, 1, 'a')},
		{name: "in the subject", rule: "personal numbers", breaks: text(4, "号11010519491231002X")},
		{name: "in a number", rule: "personal numbers", breaks: ext(oid.TaxationNumber, append(set(0x13, 18), "11010519491231002X"...)...)},
		{name: "something behind", rule: "structure", breaks: func(n *node) { n.children = append(n.children, &node{tag: 5}) }},
	} {
		t.Run(tt.rule+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			template, rules := end(t)
			if tt.ca {
				template, rules = authority(t)
			}
			tbs, err := template.TBS()
			if err != nil {
				t.Fatal(err)
			}
			if err := rules.Check(tbs); err != nil {
				t.Fatalf("before it is broken: %v", err)
			}
			if tt.rules != nil {
				tt.rules(rules)
			} else {
				n := parse(t, tbs)[0]
				if !bytes.Equal(n.der(), tbs) {
					t.Fatal("the test's own DER is not what it read")
				}
				tt.breaks(n)
				tbs = n.der()
			}
			err = rules.Check(tbs)
			var found *lint.Error
			if !errors.As(err, &found) || len(found.Findings) != 1 || !lint.Broken(err, tt.rule) {
				t.Errorf("Check = %v, want the rule %q alone", err, tt.rule)
			}
		})
	}
}

func keyID(point []byte) []byte {
	sum := sha1.Sum(point) //nolint:gosec // the profile's key identifier
	return sum[:]
}

// TestNothingMayFollow: bytes behind the SEQUENCE, and bytes missing from it.
func TestNothingMayFollow(t *testing.T) {
	t.Parallel()
	template, rules := authority(t)
	tbs, err := template.TBS()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"one more": append(bytes.Clone(tbs), 0), "one less": tbs[:len(tbs)-1], "nothing": nil} {
		if err := rules.Check(b); !lint.Broken(err, "structure") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	template, rules := authority(f)
	tbs, err := template.TBS()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tbs)
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Add(big.NewInt(1).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := rules.Check(b); err == nil && !bytes.Equal(b, tbs) {
			// What passes differs from the template in names only, and can be read.
			if _, err := cert.Assemble(b, pki.Signature{31: 1, 63: 1}); err != nil {
				t.Error(err)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	template, rules := end(b)
	tbs, err := template.TBS()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := rules.Check(tbs); err != nil {
			b.Fatal(err)
		}
	}
}
