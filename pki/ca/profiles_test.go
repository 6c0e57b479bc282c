package ca_test

import (
	"crypto/rand"
	"errors"
	"math/big"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
)

// TestProfiles issues by every profile and reads the result with OpenSSL: every
// extension as it is meant, and the signature accepted.
func TestProfiles(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	const (
		signs    = "Digital Signature, Non Repudiation"
		encrypts = "Key Encipherment, Data Encipherment, Key Agreement"
	)
	profiles, err := ca.DefaultProfiles()
	if err != nil {
		t.Fatal(err)
	}
	tested := map[ca.ProfileName]bool{ca.ProfileRoot: true, ca.ProfileCross: true, ca.ProfileRootLink: true} // below, TestCross and TestRootLink
	for _, tt := range []struct {
		profile  ca.ProfileName
		issuer   *ca.Authority
		want     []string
		lacks    []string
		critical bool // keyUsage
	}{
		{ca.ProfileIntermediate, p.Root, []string{"CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "URI:http://localhost/crl/root.crl", "OCSP - URI:http://localhost/ocsp", "CA Issuers - URI:http://localhost/ca/root.cer"}, []string{"Freshest"}, true},
		{ca.ProfileAuthority, p.CA, []string{signs, "1.2.156.10260.4.1.4", "URI:http://localhost/crl/ca-1-0.crl", "X509v3 Freshest CRL", "URI:http://localhost/crl/ca-1-0-delta.crl", "CA Issuers - URI:http://localhost/ca/ca.cer"}, nil, true},
		{ca.ProfileService, p.CA, []string{signs}, nil, true},
		{ca.ProfileSealMaker, p.CA, []string{signs, "URI:http://localhost/crl/ca-1-0.crl"}, []string{"Freshest"}, true},
		{ca.ProfileOrganizationSeal, p.CA, []string{signs, "1.2.156.10260.4.1.4", "OCSP - URI:http://localhost/ocsp"}, []string{"Freshest"}, true},
		{ca.ProfileOrganizationEncryption, p.CA, []string{encrypts, "1.2.156.10260.4.1.4"}, []string{"Digital Signature"}, true},
		{ca.ProfilePerson, p.CA, []string{signs, "serialNumber"}, nil, false},
		{ca.ProfilePersonEncryption, p.CA, []string{encrypts, "serialNumber"}, []string{"Digital Signature"}, true},
		{ca.ProfileOCSP, p.CA, []string{signs, "OCSP Signing", "OCSP No Check"}, []string{"CRL Distribution", "OCSP - URI"}, true},
		{ca.ProfileTSA, p.CA, []string{signs, "X509v3 Extended Key Usage: critical", "Time Stamping"}, nil, true},
		{ca.ProfileTLSServer, p.CA, []string{"TLS Web Server Authentication", "DNS:localhost"}, []string{"Non Repudiation"}, true},
		{ca.ProfileTLSClient, p.CA, []string{"TLS Web Client Authentication"}, []string{"Alternative"}, true},
	} {
		tested[tt.profile] = true
		t.Run(string(tt.profile), func(t *testing.T) {
			t.Parallel()
			c := pkitest.Certify(t, tt.issuer, tt.profile, "测试持有者", pkitest.NewKey(t))
			dir := t.TempDir()
			file := write(t, dir, "c.pem", c.PEM())
			tooltest.Run(t, "openssl", "verify", "-vfyopt", "distid:1234567812345678", "-partial_chain", "-trusted", write(t, dir, "i.pem", tt.issuer.Certificate().PEM()), file)
			text := tooltest.Run(t, "openssl", "x509", "-in", file, "-noout", "-text", "-nameopt", "utf8")
			want := append(tt.want, "Version: 3", "Signature Algorithm: SM2-with-SM3", "X509v3 Authority Key Identifier", "X509v3 Subject Key Identifier", "CN=测试持有者")
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("OpenSSL's text lacks %q:\n%s", w, text)
				}
			}
			for _, w := range tt.lacks {
				if strings.Contains(text, w) {
					t.Errorf("OpenSSL's text has %q:\n%s", w, text)
				}
			}
			if critical := strings.Contains(text, "X509v3 Key Usage: critical"); critical != tt.critical {
				t.Errorf("key usage critical: %v, want %v", critical, tt.critical)
			}
			if c.IsCA() != (tt.profile == ca.ProfileIntermediate) {
				t.Errorf("an authority: %v", c.IsCA())
			}
			// The whole is DER that another reader takes to pieces.
			tooltest.Run(t, "openssl", "asn1parse", "-in", file)
		})
	}
	for _, name := range profiles.Names() {
		if !tested[name] {
			t.Errorf("profile %s is not tested", name)
		}
	}
	for _, point := range p.Root.Certificate().CRLPoints() {
		t.Errorf("a root names a list of its own: %s", point)
	}
}

// TestRandomSerial: a person's subject has a serial number that says nothing.
func TestRandomSerial(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	a := pkitest.Certify(t, p.CA, ca.ProfilePerson, "张样例", pkitest.NewKey(t))
	b := pkitest.Certify(t, p.CA, ca.ProfilePerson, "张样例", pkitest.NewKey(t))
	if len(a.Subject.Serial) != ca.SubjectSerialSize || a.Subject.Serial == b.Subject.Serial {
		t.Errorf("subject serials %q and %q", a.Subject.Serial, b.Subject.Serial)
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	const citizen = "11010519491231002X"
	for name, tt := range map[string]struct {
		profile ca.ProfileName
		change  func(*ca.Request)
		want    error
	}{
		"citizen number as common name": {ca.ProfileService, func(r *ca.Request) { r.Subject.CommonName = "张" + citizen }, ca.ErrPersonalNumber},
		"citizen number as serial":      {ca.ProfileService, func(r *ca.Request) { r.Profile = ca.ProfilePerson; r.Subject.Serial = citizen }, ca.ErrPersonalNumber},
		"citizen number in full width":  {ca.ProfileService, func(r *ca.Request) { r.Subject.Unit = "１１０１０５１９４９１２３１００２Ｘ" }, ca.ErrPersonalNumber},
		"citizen number as tax number":  {ca.ProfileOrganizationSeal, func(r *ca.Request) { r.OrganizationCode = "11100000000013338W"; r.TaxationNumber = citizen }, ca.ErrPersonalNumber},
		"citizen number as host": {ca.ProfileTLSServer, func(r *ca.Request) {
			r.DNSNames = []string{"110105194912310022.example", "a" + strings.ToLower(citizen) + ".example"}
		}, ca.ErrPersonalNumber},
		"digest as a person's serial":     {ca.ProfilePerson, func(r *ca.Request) { r.Subject.Serial = strings.Repeat("0f", 32) }, ca.ErrRequest},
		"no key":                          {ca.ProfileService, func(r *ca.Request) { r.Key = nil }, ca.ErrRequest},
		"a root under another":            {ca.ProfileRoot, func(*ca.Request) {}, ca.ErrRequest},
		"an authority below the last":     {ca.ProfileIntermediate, func(*ca.Request) {}, ca.ErrRequest},
		"a cross-certificate of nothing":  {ca.ProfileCross, func(*ca.Request) {}, ca.ErrRequest},
		"no organisation's code":          {ca.ProfileOrganizationSeal, func(*ca.Request) {}, ca.ErrRequest},
		"an organisation's code too many": {ca.ProfilePerson, func(r *ca.Request) { r.OrganizationCode = "11100000000013338W" }, ca.ErrRequest},
		"no host name":                    {ca.ProfileTLSServer, func(*ca.Request) {}, ca.ErrRequest},
		"a host name too many":            {ca.ProfileService, func(r *ca.Request) { r.DNSNames = []string{"a"} }, ca.ErrRequest},
		"an address too many":             {ca.ProfileService, func(r *ca.Request) { r.IPs = []netip.Addr{netip.MustParseAddr("::1")} }, ca.ErrRequest},
		"no pair":                         {ca.ProfileService, func(r *ca.Request) { r.Pair = true }, ca.ErrRequest},
		"no profile":                      {"nonsense", func(*ca.Request) {}, ca.ErrNoProfile},
		"the authority's own key":         {ca.ProfileService, func(r *ca.Request) { r.Key = p.CA.Certificate().Key }, ca.ErrKeyInUse},
		"the root's key":                  {ca.ProfileService, func(r *ca.Request) { r.Key = p.Root.Certificate().Key }, ca.ErrKeyInUse},
	} {
		r := ca.Request{Profile: tt.profile, Key: pkitest.NewKey(t).Public(), Subject: cert.Name{Country: "CN", Organization: "测试", CommonName: "测试"}}
		tt.change(&r)
		before := len(p.Ledger.Records)
		if _, err := p.CA.Prepare(ctx, r); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		} else if tt.want == ca.ErrPersonalNumber && strings.Contains(err.Error(), "1949") {
			t.Errorf("%s: the error repeats the number: %v", name, err)
		}
		if len(p.Ledger.Records) != before {
			t.Errorf("%s: something was intended", name)
		}
	}
	// A code that ends in another check character is no code.
	if _, err := p.CA.Prepare(ctx, ca.Request{Profile: ca.ProfileOrganizationSeal, Key: pkitest.NewKey(t).Public(), OrganizationCode: "11100000000013338X",
		Subject: cert.Name{Country: "CN", Organization: "测试", CommonName: "测试"}}); err == nil {
		t.Error("a wrong unified social credit code is accepted")
	}
}

// TestRefusedHostNames: the linter is the last to look.
func TestRefusedHostNames(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	for _, name := range []string{"", "A.example", "a..b", "a b", "a_b", "-a", "*", "a.*", "例.cn", strings.Repeat("a", 64)} {
		if _, err := p.CA.Prepare(ctx, ca.Request{Profile: ca.ProfileTLSServer, Key: pkitest.NewKey(t).Public(), DNSNames: []string{name}, Subject: cert.Name{Country: "CN", CommonName: "x"}}); err == nil {
			t.Errorf("host name %q is accepted", name)
		}
	}
}

// TestOverrides: what an operator may change, and what not.
func TestOverrides(t *testing.T) {
	t.Parallel()
	load := func(name, content string) (*ca.Profiles, error) {
		return ca.LoadProfiles(fstest.MapFS{name: &fstest.MapFile{Data: []byte(content)}})
	}
	profiles, err := load("tls-client.yaml", "life-days: 30\npolicies: [1.2.156.1, 2.5.29.32.0]\next-key-usage: [emailProtection]\nhost: status.example.cn:8080\n")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ledger := pkitest.NewLedger()
	env := ca.Environment{Ledger: ledger, Profiles: profiles, Site: ca.Site{Host: "localhost", Name: "root", Shards: 2}, Now: func() time.Time { return now }}
	root, err := ca.NewRoot(ctx, cert.Name{Country: "CN", CommonName: "根"}, pkitest.NewKey(t), "test", env)
	if err != nil {
		t.Fatal(err)
	}
	c := pkitest.Certify(t, root, ca.ProfileTLSClient, "客户端", pkitest.NewKey(t))
	if life := c.NotAfter().Sub(c.NotBefore()); life > 30*24*time.Hour {
		t.Errorf("lives %v", life)
	}
	if usages := c.ExtUsages(); len(usages) != 2 || usages[0] != oid.UsageClientAuth {
		t.Errorf("usages %v", usages)
	}
	if _, _, found := c.Extension(oid.Policies); !found {
		t.Error("no policies")
	}
	if got := c.OCSP(); len(got) != 1 || got[0] != "http://status.example.cn:8080/ocsp" {
		t.Errorf("OCSP at %v", got)
	}
	for name, content := range map[string]string{
		"longer than the longest":  "life-days: 826",
		"no day":                   "life-days: -1",
		"an authority":             "authority: {path-length: 0}",
		"key usage":                "key-usage: {bits: [keyCertSign], critical: always}",
		"no status":                "revocation: none",
		"a subject":                "subject: {required: [CN]}",
		"an OCSP responder":        "ext-key-usage: [OCSPSigning]",
		"a time stamper":           "ext-key-usage: [timeStamping]",
		"any usage":                "ext-key-usage: [anyExtendedKeyUsage]",
		"a policy of letters":      "policies: [abc]",
		"a policy of one arc":      "policies: ['1']",
		"a policy that is none":    "policies: [1.99.1]",
		"a policy twice":           "policies: [1.2.3, 1.2.3]",
		"a host with a path":       "host: a/b",
		"a host in upper case":     "host: A",
		"two documents":            "life-days: 1\n---\nlife-days: 2",
		"a field twice":            "life-days: 1\nlife-days: 2",
		"not YAML":                 "\t{",
		"another type":             "life-days: many",
		"a second opinion less":    "second-opinion: false",
		"beyond any size":          strings.Repeat("#", 17<<10),
		"an alias that is a bomb":  "policies: &a [*a]",
		"by request":               "by-request: true",
		"a list where a number is": "life-days: [1]",
	} {
		if _, err := load("tls-client.yaml", content); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, closed := range []string{"tsa.yaml", "ocsp.yaml", "root.yaml", "intermediate.yaml"} {
		if _, err := load(closed, "ext-key-usage: [clientAuth]"); err == nil {
			t.Errorf("%s: a usage is added to a closed list", closed)
		}
	}
	for _, name := range []string{"nonsense.yaml", "person.yml", "person.yaml~"} {
		if _, err := load(name, "life-days: 1"); err == nil {
			t.Errorf("file %s: accepted", name)
		}
	}
	if p, err := ca.LoadProfiles(os.DirFS("/nonexistent")); err != nil || len(p.Names()) == 0 {
		t.Errorf("no folder: %v", err)
	}
	if _, err := load("person.yaml", ""); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

// TestShards: a shard's list is in the certificate, and stays when there are more.
func TestShards(t *testing.T) {
	t.Parallel()
	p := pkitest.New(t, time.Now())
	for _, count := range []uint32{0, 1, 3, 4096} {
		a, err := ca.New(p.CA.Certificate(), p.CAKey, ca.Environment{Ledger: p.Ledger, Site: ca.Site{Host: "h:8080", Name: "persons.2", Shards: count}, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c := pkitest.Certify(t, a, ca.ProfileService, "服务", pkitest.NewKey(t))
			serial, ok := cert.SerialOf(c.SerialNumber())
			if !ok {
				t.Fatal("no serial number of ours")
			}
			shard := p.Ledger.Records[pkitest.LedgerKey{Issuer: p.CAKey.Public().Point(), Serial: serial}].Shard
			if shard != ca.ShardOf(serial, count) {
				t.Errorf("shard %v, want %v", shard, ca.ShardOf(serial, count))
			}
			if got, want := c.CRLPoints(), "http://h:8080/crl/"+shard.CRL("persons.2"); len(got) != 1 || got[0] != want {
				t.Errorf("list %v, want %s", got, want)
			}
			if _, _, found := c.Extension(oid.FreshestCRL); found != (count > 0) {
				t.Errorf("%d shards: a delta's place %v", count, found)
			}
			back, err := ca.ParseShard(shard.String())
			if err != nil || back != shard {
				t.Errorf("ParseShard(%q) = %v, %v", shard, back, err)
			}
		}
	}
	for _, text := range []string{"1", "0-0", "1-1", "4-4", "01-0", "-", "1--1", "4097-0", "a-b", "1-0 "} {
		if _, err := ca.ParseShard(text); err == nil {
			t.Errorf("ParseShard(%q) is accepted", text)
		}
	}
	for _, site := range []ca.Site{{}, {Host: "h"}, {Name: "n"}, {Host: "H", Name: "n"}, {Host: "h", Name: "a/b"}, {Host: "h", Name: "n", Shards: 4097}} {
		if _, err := ca.New(p.CA.Certificate(), p.CAKey, ca.Environment{Ledger: p.Ledger, Site: site, Now: time.Now}); err == nil {
			t.Errorf("site %+v is accepted", site)
		}
	}
}

// TestSerialMod compares with the arithmetic of math/big.
func TestSerialMod(t *testing.T) {
	t.Parallel()
	for range 100 {
		s, err := cert.NewSerial(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []uint32{1, 2, 7, 4096, 1<<32 - 1} {
			if got, want := s.Mod(n), new(big.Int).Mod(new(big.Int).SetBytes(s[:]), big.NewInt(int64(n))).Uint64(); uint64(got) != want {
				t.Errorf("%s mod %d = %d, want %d", s, n, got, want)
			}
		}
	}
}

func FuzzOverride(f *testing.F) {
	f.Add("tls-client", []byte("life-days: 30\npolicies: [1.2.156.1]\next-key-usage: [emailProtection]\nhost: a.example\n"))
	f.Add("root", []byte("authority: {path-length: 5}"))
	f.Add("person", []byte("&a [*a]"))
	defaults, err := ca.DefaultProfiles()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		if _, err := defaults.Profile(ca.ProfileName(name)); err != nil {
			return
		}
		all, err := ca.LoadProfiles(fstest.MapFS{name + ".yaml": &fstest.MapFile{Data: content}})
		if err != nil {
			return
		}
		// Whatever is accepted leaves what makes the profile what it is.
		before, err := defaults.Profile(ca.ProfileName(name))
		if err != nil {
			t.Fatal(err)
		}
		after, err := all.Profile(ca.ProfileName(name))
		if err != nil || after.IsCA() != before.IsCA() || after.ByRequest() != before.ByRequest() || after.IssuedBy() != before.IssuedBy() || after.Life() <= 0 {
			t.Errorf("%s became %+v, %v", name, after, err)
		}
	})
}
