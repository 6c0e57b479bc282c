package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/crl"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/pki/tsa"
	"github.com/elicence/elicence/pki/tsa/tsahttp"
)

var uris = regexp.MustCompile(`URI:(\S+)`)

// addresses returns the addresses in a certificate, as OpenSSL reads them, whose paths
// end so.
func addresses(t *testing.T, file, ending string) []string {
	t.Helper()
	var found []string
	for _, m := range uris.FindAllStringSubmatch(tooltest.Run(t, "openssl", "x509", "-in", file, "-noout", "-text"), -1) {
		if strings.HasSuffix(m[1], ending) {
			found = append(found, m[1])
		}
	}
	return found
}

func parsePEM(t *testing.T, file string) *cert.Certificate {
	t.Helper()
	c, err := cert.ParsePEM([]byte(read(t, file)))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

// house is a data folder with a revoked certificate. The folder work has root.pem and
// services.pem, which are authorities, and of services: tsa.pem, which is good, server.pem,
// which is revoked, and never.pem, which was not issued.
type house struct{ data, work string }

func (h house) file(name string) string { return filepath.Join(h.work, name) }

func newHouse(t *testing.T) house {
	t.Helper()
	dir := t.TempDir()
	h := house{data: filepath.Join(dir, "data"), work: t.TempDir()}
	elicence := func(args ...string) string { return yes(t, "elicence", append(args, "--data", h.data)...) }
	write(t, h.file("pass"), "x\n")
	elicence("init", "--root-passphrase-file", h.file("pass"))

	tooltest.Run(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", h.file("server.key"))
	tooltest.Run(t, "openssl", "req", "-new", "-utf8", "-key", h.file("server.key"), "-sm3", "-sigopt", "distid:1234567812345678",
		"-subj", "/C=CN/O=样例局/CN=服务器", "-addext", "subjectAltName=DNS:server.example", "-out", h.file("server.csr"))
	elicence("ca", "issue", "--profile", "tls-server", "--csr", h.file("server.csr"), "-o", h.file("server.pem"))
	server := parsePEM(t, h.file("server.pem"))
	elicence("ca", "revoke", server.Serial(), "--reason", "keyCompromise")
	elicence("ca", "crl", "services")

	for _, c := range certificates(t, h.data) {
		switch {
		case c.Profile == "root":
			write(t, h.file("root.pem"), c.PEM)
		case c.Profile == "tsa":
			write(t, h.file("tsa.pem"), c.PEM)
		case c.Subject == server.Issuer.String():
			write(t, h.file("services.pem"), c.PEM)
		}
	}
	// As only the issuer could have made it: its signature is wrong, but nobody who
	// asks about a serial number looks at that.
	good := parsePEM(t, h.file("tsa.pem"))
	serial := slices.Clone(good.SerialNumber())
	serial[len(serial)-1] ^= 1
	never := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bytes.Replace(good.DER, good.SerialNumber(), serial, 1)})
	write(t, h.file("never.pem"), string(never))
	return h
}

// stampPolicy is not the example's.
const stampPolicy = "1.2.156.10260.999.7"

// TestStatus has other people's programs ask the running service for what they need
// before they trust a certificate or a time: OCSP, revocation lists, the issuers'
// certificates and time stamps.
func TestStatus(t *testing.T) {
	t.Parallel()
	tooltest.Need(t, "openssl")
	h := newHouse(t)
	query := h.file("query")
	write(t, h.file("document"), "一份文件 a document\n")
	tooltest.Run(t, "openssl", "ts", "-query", "-data", h.file("document"), "-sm3", "-cert", "-out", query)

	t.Run("unproven clock", func(t *testing.T) { unprovenClock(t, h, query) })
	alone, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, h.data, "--clock-error", "100ms", "--ocsp-listen", alone, "--tsa-policy", stampPolicy)
	var stamps []*tsa.Token
	t.Run("asks", func(t *testing.T) {
		for _, tt := range []struct{ name, issuer, want, reason string }{
			{"tsa", "services", "good", ""},
			{"server", "services", "revoked", "Reason: keyCompromise"},
			{"never", "services", "unknown", ""},
			{"services", "root", "good", ""},
		} {
			t.Run("ocsp of "+tt.name, func(t *testing.T) {
				t.Parallel()
				statusOCSP(t, h, s, tt.name, tt.issuer, tt.want, tt.reason)
			})
			t.Run("ocsp alone of "+tt.name, func(t *testing.T) {
				t.Parallel()
				statusOCSP(t, h, &service{base: "http://" + alone}, tt.name, tt.issuer, tt.want, tt.reason)
			})
		}
		t.Run("lists", func(t *testing.T) { t.Parallel(); statusLists(t, h, s) })
		t.Run("time stamps", func(t *testing.T) { t.Parallel(); stamps = statusStamps(t, h, s, query) })
	})
	s.end(t)
	if !t.Failed() {
		stampsInLog(t, h, stamps)
	}
}

// statusOCSP asks about a certificate by POST with a nonce, as OpenSSL does by itself,
// and by GET without.
func statusOCSP(t *testing.T, h house, s *service, name, issuer, want, reason string) {
	file, ca := h.file(name+".pem"), h.file(issuer+".pem")
	work := t.TempDir()
	posted, got, request := filepath.Join(work, "posted"), filepath.Join(work, "got"), filepath.Join(work, "request")
	found := addresses(t, file, "/ocsp")
	if len(found) != 1 {
		t.Fatalf("%s names %q for OCSP", name, found)
	}
	address := s.at(t, found[0])
	out, err := tooltest.Try(t, "openssl", "ocsp", "-url", address, "-issuer", ca, "-cert", file, "-nonce", "-noverify", "-resp_text", "-respout", posted)
	if err != nil || !strings.Contains(out, file+": "+want) || !strings.Contains(out, "Cert Status: "+want) || !strings.Contains(out, reason) || strings.Contains(out, "WARNING") {
		t.Errorf("openssl ocsp: %v, want %s %s\n%s", err, want, reason, out)
	}
	tooltest.Run(t, "openssl", "ocsp", "-issuer", ca, "-cert", file, "-no_nonce", "-reqout", request)
	get(t, address+"/"+url.PathEscape(base64.StdEncoding.EncodeToString([]byte(read(t, request)))), "application/ocsp-response", got)

	c, authority := parsePEM(t, file), parsePEM(t, ca)
	nonces := make(map[string][]byte)
	for _, path := range []string{posted, got} {
		r, err := ocsp.ParseResponse([]byte(read(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		single, found := r.Find(c, authority)
		if err := r.Verify(authority, time.Now(), second.Opinion{}); err != nil || !found || single.Status.String() != want || !single.CurrentAt(time.Now()) {
			t.Errorf("our reader: %+v, %v; want %s", single, err, want)
		}
		nonces[path] = r.Nonce
	}
	if len(nonces[posted]) == 0 || len(nonces[got]) != 0 {
		t.Fatalf("nonces %x and %x, want one and none", nonces[posted], nonces[got])
	}

	// The control: another nonce than the signed one.
	other := slices.Clone(nonces[posted])
	other[0] ^= 1
	changed := filepath.Join(work, "changed")
	write(t, changed, strings.Replace(read(t, posted), string(nonces[posted]), string(other), 1))
	if want == "revoked" {
		want += ":1" // keyCompromise
	}
	lines := []string{fmt.Sprintf("%s %x verified", want, nonces[posted]), want + " - verified", fmt.Sprintf("%s %x refused", want, other)}
	if theirs := tooltest.BouncyCastle(t, "ReadOCSP", "read", ca, file, posted, got, changed); !slices.Equal(theirs, lines) {
		t.Errorf("BouncyCastle says %q, want %q", theirs, lines)
	}
}

// statusLists fetches the lists and the issuer's certificate that stand in a revoked
// certificate, and in that of its authority.
func statusLists(t *testing.T, h house, s *service) {
	revoked := parsePEM(t, h.file("server.pem"))
	work := t.TempDir()
	file := func(uri string) string { return filepath.Join(work, path.Base(uri)) }
	for _, tt := range []struct {
		name, issuer string
		lists        []string
	}{
		{"server", "services", []string{"http://localhost/crl/services-1-0.crl", "http://localhost/crl/services-1-0-delta.crl"}},
		{"services", "root", []string{"http://localhost/crl/root.crl"}},
	} {
		certificate, ca := h.file(tt.name+".pem"), h.file(tt.issuer+".pem")
		issuer := parsePEM(t, ca)
		issuers := addresses(t, certificate, ".cer")
		if len(issuers) != 1 {
			t.Errorf("%s names %q for its issuer's certificate", tt.name, issuers)
		}
		for _, uri := range issuers {
			get(t, s.at(t, uri), "application/pkix-cert", file(uri))
			if read(t, file(uri)) != string(issuer.DER) {
				t.Errorf("%s is not the certificate of %s", uri, tt.issuer)
			}
			if out := tooltest.Run(t, "openssl", "x509", "-inform", "DER", "-in", file(uri)); out != read(t, ca) {
				t.Errorf("OpenSSL reads from %s\n%s", uri, out)
			}
		}
		if found := addresses(t, certificate, ".crl"); !slices.Equal(found, tt.lists) {
			t.Errorf("%s names the lists %q, want %q", tt.name, found, tt.lists)
		}
		for _, uri := range tt.lists {
			get(t, s.at(t, uri), "application/pkix-crl", file(uri))
			list, err := crl.Parse([]byte(read(t, file(uri))))
			if err != nil || list.Verify(issuer, second.Opinion{}) != nil || !list.CurrentAt(time.Now()) {
				t.Fatalf("our reader of %s: %+v, %v", uri, list, err)
			}
			tooltest.SM2Verify(t, ca, file(uri), 0)
		}
	}

	full := file("services-1-0.crl")
	list, err := crl.Parse([]byte(read(t, full)))
	if err != nil {
		t.Fatal(err)
	}
	if r, found := list.Find(revoked.SerialNumber()); !found || r.Reason != cert.KeyCompromise || !list.Covers(revoked) {
		t.Errorf("the list says %+v of the revoked certificate, %v", r, found)
	}
	text := tooltest.Run(t, "openssl", "crl", "-inform", "DER", "-in", full, "-noout", "-text")
	for _, want := range []string{"Serial Number: " + strings.ToUpper(revoked.Serial()) + "\n", "Key Compromise"} {
		if !strings.Contains(text, want) {
			t.Errorf("OpenSSL's text lacks %q:\n%s", want, text)
		}
	}
	if text := tooltest.Run(t, "openssl", "crl", "-inform", "DER", "-in", file("root.crl"), "-noout", "-text"); !strings.Contains(text, "No Revoked Certificates.") {
		t.Errorf("OpenSSL reads from the root's list\n%s", text)
	}
	// Each list under its own issuer, and as a control under the other one.
	for issuer, want := range map[string][]string{"services": {"verified", "verified", "refused"}, "root": {"refused", "refused", "verified"}} {
		theirs := tooltest.BouncyCastle(t, "ReadCRL", "show", h.file(issuer+".pem"), full, file("services-1-0-delta.crl"), file("root.crl"))
		if len(theirs) != len(want) || !strings.Contains(theirs[0], "["+revoked.Serial()+"=KEY_COMPROMISE]") {
			t.Fatalf("BouncyCastle says %q", theirs)
		}
		for i, line := range theirs {
			if !strings.HasSuffix(line, " "+want[i]) {
				t.Errorf("BouncyCastle says %q of list %d with the key of %s, want %s", line, i, issuer, want[i])
			}
		}
	}
}

// stamp asks for a time stamp; the service must answer with a response of RFC 3161.
func stamp(t *testing.T, s *service, query string) (string, *tsa.Response) {
	t.Helper()
	a := ask(t, http.MethodPost, s.base+"/tsa", tsahttp.MediaTypeQuery, strings.NewReader(read(t, query)))
	response, err := tsa.ParseResponse([]byte(a.body))
	if err != nil || a.status != http.StatusOK || a.mediaType != tsahttp.MediaTypeReply {
		t.Fatalf("POST /tsa: %d %s %.200q: %v", a.status, a.mediaType, a.body, err)
	}
	return a.body, response
}

// unprovenClock asks for a time stamp where nobody vouches for the clock.
func unprovenClock(t *testing.T, h house, query string) {
	if known, err := tsa.KernelClock(t.Context()); err == nil && known.MaxError <= tsa.MaxClockError {
		t.Skip("the kernel says that the clock of this machine is synchronised")
	}
	s := serve(t, h.data)
	der, r := stamp(t, s, query)
	if r.Status != tsa.Rejection || !slices.Equal(r.Failures, []tsa.Failure{tsa.TimeNotAvailable}) || r.Token != nil {
		t.Errorf("the response is %+v, want timeNotAvailable", r)
	}
	reply := filepath.Join(t.TempDir(), "reply")
	write(t, reply, der)
	if text := tooltest.Run(t, "openssl", "ts", "-reply", "-in", reply, "-text"); !strings.Contains(text, "Status: Rejected.") || !strings.Contains(text, "time source is not available") {
		t.Errorf("OpenSSL prints\n%s", text)
	}
	s.end(t)
}

// statusStamps sends one request twice, and some that are none, and returns the stamps.
func statusStamps(t *testing.T, h house, s *service, query string) []*tsa.Token {
	large := strings.Repeat("x", 1<<20)
	for name, tt := range map[string]struct {
		mediaType string
		body      io.Reader
		status    int
	}{
		"a wrong type":              {"application/octet-stream", strings.NewReader(read(t, query)), http.StatusUnsupportedMediaType},
		"no type":                   {"", strings.NewReader(read(t, query)), http.StatusUnsupportedMediaType},
		"1 MB":                      {tsahttp.MediaTypeQuery, strings.NewReader(large), http.StatusRequestEntityTooLarge},
		"1 MB of a length not told": {tsahttp.MediaTypeQuery, io.MultiReader(strings.NewReader(large)), http.StatusRequestEntityTooLarge},
	} {
		if a := ask(t, http.MethodPost, s.base+"/tsa", tt.mediaType, tt.body); a.status != tt.status {
			t.Errorf("%s: %d %.200q, want %d", name, a.status, a.body, tt.status)
		}
	}

	services, root := parsePEM(t, h.file("services.pem")), parsePEM(t, h.file("root.pem"))
	chain := func(signer *cert.Certificate, _ time.Time, _ []*cert.Certificate) error {
		return errors.Join(signer.SignedBy(services.Key, nil), services.SignedBy(root.Key, nil))
	}
	imprint := tsa.SM3(sm3.Sum([]byte(read(t, h.file("document")))))
	work := t.TempDir()
	var stamps []*tsa.Token
	var args []string
	for _, name := range []string{"first", "replayed"} {
		der, r := stamp(t, s, query)
		reply := filepath.Join(work, name)
		write(t, reply, der)
		text := tooltest.Run(t, "openssl", "ts", "-reply", "-in", reply, "-text")
		token, err := tsa.ParseToken(r.Token)
		if err != nil {
			t.Fatal(err)
		}
		if err := token.Verify(imprint, chain, second.Opinion{}); err != nil {
			t.Errorf("our reader: %v", err)
		}
		if now := time.Now(); now.Before(token.Earliest()) || token.Latest().Before(now.Add(-time.Minute)) {
			t.Errorf("stamped between %s and %s, it is %s", token.Earliest(), token.Latest(), now)
		}
		for _, want := range []string{"Status: Granted.", "Hash Algorithm: sm3", "Policy OID: " + stampPolicy + "\n", fmt.Sprintf("Serial number: 0x%X\n", token.Serial)} {
			if !strings.Contains(text, want) {
				t.Errorf("OpenSSL's text lacks %q:\n%s", want, text)
			}
		}
		stamps = append(stamps, token)
		args = append(args, "response", reply, query, "data", reply, h.file("document"), "data", reply, h.file("pass"))
	}
	if bytes.Equal(stamps[0].Serial, stamps[1].Serial) {
		t.Errorf("a replayed request gets the serial number %x again", stamps[0].Serial)
	}
	t.Run("BouncyCastle", func(t *testing.T) {
		wants := []string{"accepted", "accepted", "refused"} // the last is other data
		theirs := tooltest.BouncyCastle(t, "VerifyTimeStamp", args...)
		for i, line := range theirs {
			if verdict, _, _ := strings.Cut(line, " "); verdict != wants[i%len(wants)] {
				t.Errorf("BouncyCastle says %q of %q, want %s", line, args[3*i:3*i+3], wants[i%len(wants)])
			}
		}
		if len(theirs) != len(args)/3 {
			t.Errorf("BouncyCastle says %q", theirs)
		}
	})
	return stamps
}

// stampsInLog wants an entry of the audit log for each stamp, and none for a refusal.
func stampsInLog(t *testing.T, h house, stamps []*tsa.Token) {
	var entries []struct{ Act, Subject, Digest string }
	if err := json.Unmarshal([]byte(yes(t, "elicence", "audit", "show", "--data", h.data, "--json")), &entries); err != nil {
		t.Fatal(err)
	}
	var logged, want []string
	for _, e := range entries {
		if e.Act == "time.stamp" {
			logged = append(logged, e.Subject+" "+e.Digest)
		}
	}
	for _, s := range stamps {
		want = append(want, fmt.Sprintf("%x %x", s.Serial, sm3.Sum(s.DER)))
	}
	if len(want) != 2 || !slices.Equal(logged, want) {
		t.Errorf("the log has the time stamps %q, want %q", logged, want)
	}
	yes(t, "elicence", "audit", "verify", "--data", h.data)
}
