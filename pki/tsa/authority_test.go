package tsa_test

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/tooltest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/pki/tsa"
)

// request returns the DER of a request for the digest of some content.
func request(tb testing.TB, content string, change ...func(*tsa.Request)) []byte {
	tb.Helper()
	r := tsa.Request{Imprint: tsa.SM3(sm3.Sum([]byte(content))), Nonce: []byte{0x40, 1, 2}, Certificates: true}
	for _, c := range change {
		c(&r)
	}
	der, err := r.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// token returns the token of a response.
func token(tb testing.TB, response []byte, known ...*cert.Certificate) *tsa.Token {
	tb.Helper()
	r, err := tsa.ParseResponse(response)
	if err != nil {
		tb.Fatal(err)
	}
	t, err := tsa.ParseToken(r.Token, known...)
	if err != nil {
		tb.Fatalf("status %d %v %q: %v", r.Status, r.Failures, r.Text, err)
	}
	return t
}

func TestStamp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := pkitest.NewStamping(t, now)
	settings := s.Settings(t, tsa.SystemClock())
	settings.Named = true
	var issued []tsa.Issue
	settings.Issued = func(_ context.Context, i tsa.Issue) error {
		issued = append(issued, i)
		return nil
	}
	a, err := tsa.NewAuthority(settings)
	if err != nil {
		t.Fatal(err)
	}
	response, err := a.Respond(context.Background(), request(t, "content"))
	if err != nil {
		t.Fatal(err)
	}
	got := token(t, response)
	imprint := tsa.SM3(sm3.Sum([]byte("content")))
	if err := got.Verify(imprint, s.Chain, second.Opinion{}); err != nil {
		t.Errorf("Verify = %v", err)
	}
	if err := got.Verify(tsa.SM3(sm3.Sum([]byte("Content"))), s.Chain, nil); !errors.Is(err, tsa.ErrOtherImprint) {
		t.Errorf("Verify of something else = %v", err)
	}
	if got.Policy != pkitest.StampPolicy || !bytes.Equal(got.Nonce, []byte{0x40, 1, 2}) || got.Accuracy != 1600*time.Millisecond || got.Ordering || got.Name == nil {
		t.Errorf("token %+v", got.Info)
	}
	if got.Time.Nanosecond() != 0 || now.Before(got.Earliest()) || time.Now().After(got.Latest().Add(time.Second)) {
		t.Errorf("time %s ± %s, now %s", got.Time, got.Accuracy, now)
	}
	if len(issued) != 1 || issued[0].TokenSM3 != sm3.Sum(got.DER) || !bytes.Equal(issued[0].Serial, got.Serial) {
		t.Errorf("issued %+v", issued)
	}
	// Without certReq no certificate is in the token.
	response, err = a.Respond(context.Background(), request(t, "content", func(r *tsa.Request) { r.Certificates = false }))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(response, s.Certificate.DER) {
		t.Error("the certificate is in a token that was asked for without")
	}
	if err := token(t, response, s.Certificate).Verify(imprint, s.Chain, nil); err != nil {
		t.Errorf("Verify with a known certificate = %v", err)
	}
}

// refused is a bad request and the failure that RFC 3161 has for it.
type refused struct {
	request []byte
	failure tsa.Failure
}

func refusedRequests(t testing.TB) map[string]refused {
	t.Helper()
	good := request(t, "content")
	replace := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("%x does not hold %x", good, old)
		}
		der := bytes.Replace(good, []byte(old), []byte(new), 1)
		der[1] += byte(len(new) - len(old))
		return der
	}
	sm3OID := string(oid.SM3)
	return map[string]refused{
		"empty":                      {nil, tsa.BadDataFormat},
		"1 MB":                       {make([]byte, 1<<20), tsa.BadDataFormat},
		"trailing byte":              {append(bytes.Clone(good), 0), tsa.BadDataFormat},
		"cut off":                    {good[:len(good)-1], tsa.BadDataFormat},
		"indefinite length":          {append(append([]byte{0x30, 0x80}, good[2:]...), 0, 0), tsa.BadDataFormat},
		"huge length":                {append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, good[2:]...), tsa.BadDataFormat},
		"length not minimal":         {append([]byte{0x30, 0x81}, good[1:]...), tsa.BadDataFormat},
		"version 2":                  {replace("\x02\x01\x01\x30", "\x02\x01\x02\x30"), tsa.BadRequest},
		"version padded":             {replace("\x02\x01\x01\x30", "\x02\x02\x00\x01\x30"), tsa.BadDataFormat},
		"MD5":                        {replace("\x06\x08"+sm3OID, "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05"), tsa.BadAlg},
		"digest of 31 bytes":         {request31(good), tsa.BadDataFormat},
		"nonce padded":               {replace("\x02\x03\x40\x01\x02", "\x02\x03\x00\x01\x02"), tsa.BadDataFormat},
		"nonce of 22 bytes":          {request(t, "content", func(r *tsa.Request) { r.Nonce = bytes.Repeat([]byte{0x40}, 22) }), tsa.BadDataFormat},
		"empty nonce":                {replace("\x02\x03\x40\x01\x02", "\x02\x00"), tsa.BadDataFormat},
		"certReq FALSE":              {replace("\x01\x01\xff", "\x01\x01\x00"), tsa.BadDataFormat},
		"certReq 1":                  {replace("\x01\x01\xff", "\x01\x01\x01"), tsa.BadDataFormat},
		"certReq twice":              {replace("\x01\x01\xff", "\x01\x01\xff\x01\x01\xff"), tsa.BadDataFormat},
		"nonce after certReq":        {replace("\x02\x03\x40\x01\x02\x01\x01\xff", "\x01\x01\xff\x02\x03\x40\x01\x02"), tsa.BadDataFormat},
		"an extension":               {replace("\x01\x01\xff", "\x01\x01\xff\xa0\x0a\x30\x08\x06\x03\x2a\x03\x04\x04\x01\x00"), tsa.UnacceptedExtension},
		"a critical extension":       {replace("\x01\x01\xff", "\x01\x01\xff\xa0\x0d\x30\x0b\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x01\x00"), tsa.UnacceptedExtension},
		"another policy":             {request(t, "content", func(r *tsa.Request) { r.Policy = oid.Of(1, 2, 3) }), tsa.UnacceptedPolicy},
		"hash parameters not NULL":   {replace("\x30\x0a\x06\x08"+sm3OID, "\x30\x0d\x06\x08"+sm3OID+"\x02\x01\x00"), tsa.BadDataFormat},
		"something after the digest": {replace("\x01\x01\xff", "\x01\x01\xff\x05\x00"), tsa.BadDataFormat},
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	a := pkitest.NewStamping(t, time.Now()).Authority(t)
	for name, tt := range refusedRequests(t) {
		response, err := a.Respond(context.Background(), tt.request)
		var refusal *tsa.Refusal
		if !errors.As(err, &refusal) || refusal.Failure != tt.failure {
			t.Errorf("%s: Respond = %v, want %s", name, err, tt.failure)
		}
		r, err := tsa.ParseResponse(response)
		if err != nil {
			t.Errorf("%s: the response is not read: %v", name, err)
			continue
		}
		if r.Status != tsa.Rejection || len(r.Failures) != 1 || r.Failures[0] != tt.failure || r.Token != nil {
			t.Errorf("%s: response %+v, want %s", name, r, tt.failure)
		}
	}
}

// request31 is a request whose digest lacks a byte.
func request31(good []byte) []byte {
	i := bytes.Index(good, []byte{0x04, 32})
	der := append(bytes.Clone(good[:i]), 0x04, 31)
	der = append(append(der, good[i+2:i+33]...), good[i+34:]...)
	der[1]--
	der[6]--
	return der
}

// TestPolicies: a request may name any that is offered, and gets it.
func TestPolicies(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	settings := s.Settings(t, tsa.SystemClock())
	other := oid.Of(1, 2, 3, 4)
	settings.Policies = []oid.ID{other}
	a, err := tsa.NewAuthority(settings)
	if err != nil {
		t.Fatal(err)
	}
	for ask, want := range map[oid.ID]oid.ID{"": pkitest.StampPolicy, pkitest.StampPolicy: pkitest.StampPolicy, other: other} {
		response, err := a.Respond(context.Background(), request(t, "x", func(r *tsa.Request) { r.Policy = ask }))
		if err != nil {
			t.Fatal(err)
		}
		if got := token(t, response).Policy; got != want {
			t.Errorf("asked for %q, got %s, want %s", ask, got, want)
		}
	}
}

// TestSerialNumbersGrow: also from many callers at once, and in a second process.
func TestSerialNumbersGrow(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	var mu sync.Mutex
	var all []*big.Int
	settings := s.Settings(t, tsa.SystemClock())
	settings.Issued = func(_ context.Context, i tsa.Issue) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, new(big.Int).SetBytes(i.Serial))
		return nil
	}
	for range 2 {
		a, err := tsa.NewAuthority(settings)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if _, err := a.Respond(context.Background(), request(t, "x")); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if err := a.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]bool)
	for _, n := range all {
		if seen[n.String()] || n.Sign() <= 0 || n.BitLen() > 159 {
			t.Errorf("serial number %x is not new, positive and short", n)
		}
		seen[n.String()] = true
	}
	for i, n := range all[160:] {
		for _, before := range all[:160] {
			if n.Cmp(before) <= 0 {
				t.Fatalf("number %d of the second process, %x, is not above %x of the first", i, n, before)
			}
		}
	}
	if sets := s.Marks.Sets(); sets > 20 {
		t.Errorf("320 stamps wrote %d marks", sets)
	}
}

func TestIssuedKeepsBack(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	settings := s.Settings(t, tsa.SystemClock())
	full := errors.New("disk full")
	settings.Issued = func(context.Context, tsa.Issue) error { return full }
	a, err := tsa.NewAuthority(settings)
	if err != nil {
		t.Fatal(err)
	}
	response, err := a.Respond(context.Background(), request(t, "x"))
	if !errors.Is(err, full) {
		t.Errorf("Respond = %v", err)
	}
	r, err := tsa.ParseResponse(response)
	if err != nil || r.Token != nil || r.Failures[0] != tsa.SystemFailure || strings.Contains(strings.Join(r.Text, ""), "disk") {
		t.Errorf("response %+v, %v", r, err)
	}
}

func TestNewAuthorityRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	usages := wrongUsages()
	usages["a certificate authority"] = func(c *cert.Template) { c.IsCA, c.Usage = true, cert.KeyCertSign }
	for name, change := range usages {
		s := pkitest.NewStamping(t, now, change)
		if _, err := tsa.NewAuthority(s.Settings(t, tsa.SystemClock())); !errors.Is(err, tsa.ErrNotAuthority) {
			t.Errorf("%s: NewAuthority = %v, want ErrNotAuthority", name, err)
		}
	}
	s := pkitest.NewStamping(t, now)
	settings := s.Settings(t, tsa.SystemClock())
	settings.Accuracy = time.Second
	if _, err := tsa.NewAuthority(settings); err == nil || !strings.Contains(err.Error(), "accuracy") {
		t.Errorf("an accuracy that is not true: %v", err)
	}
	settings = s.Settings(t, tsa.SystemClock())
	settings.Key = pkitest.NewKey(t)
	if _, err := tsa.NewAuthority(settings); err == nil {
		t.Error("a certificate of another key is taken")
	}
}

// TestIndependent: requests by OpenSSL, with both hashes; the responses read by OpenSSL
// and verified by BouncyCastle, which refuses them when a byte is changed.
//
// OpenSSL 3.0 cannot verify them: `openssl ts -verify` sets no SM2 user ID, so the
// signature of the authority's certificate fails.
func TestIndependent(t *testing.T) {
	t.Parallel()
	s := pkitest.NewStamping(t, time.Now())
	a := s.Authority(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, b []byte) string {
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	data, other := write("data", []byte("content")), write("other", []byte("Content"))
	root := write("root.pem", s.Root.PEM())
	var args, names []string
	var accept []bool
	ask := func(name string, want bool, three ...string) {
		args, names, accept = append(args, three...), append(names, name), append(accept, want)
	}
	for _, hash := range []string{"-sm3", "-sha256"} {
		query := path("query" + hash)
		tooltest.Run(t, "openssl", "ts", "-query", "-data", data, hash, "-cert", "-out", query)
		der, err := os.ReadFile(query)
		if err != nil {
			t.Fatal(err)
		}
		response, err := a.Respond(context.Background(), der)
		if err != nil {
			t.Fatalf("%s: %v", hash, err)
		}
		reply := write("reply"+hash, response)
		text := tooltest.Run(t, "openssl", "ts", "-reply", "-in", reply, "-text")
		got := token(t, response)
		for _, want := range []string{
			"Status: Granted.", "Policy OID: " + pkitest.StampPolicy.String(), "Hash Algorithm: " + hash[1:], "Time stamp: " + got.Time.Format("Jan _2 15:04:05 2006 GMT"),
			"Accuracy: 0x01 seconds, 0x0258 millis", "Ordering: no",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: OpenSSL does not print %q:\n%s", hash, want, text)
			}
		}
		if out, err := tooltest.Try(t, "openssl", "ts", "-verify", "-in", reply, "-data", data, "-CAfile", root); err == nil {
			t.Errorf("%s: this OpenSSL verifies time stamps with SM2: say so in docs/independent.md\n%s", hash, out)
		}
		ask(hash, true, "response", reply, query)
		ask(hash, true, "data", reply, data)
		ask(hash+" for other data", false, "data", reply, other)
		// The last bytes are the signature's, those before them the attributes'.
		for i, at := range []int{len(response) - 3, bytes.LastIndex(response, []byte(oid.SigningCertificateV2)) + 60, bytes.Index(response, got.Imprint.Digest[:])} {
			spoilt := bytes.Clone(response)
			spoilt[at] ^= 1
			ask(hash+" with a byte changed", false, "data", write("spoilt"+hash+string(rune('0'+i)), spoilt), data)
		}
	}
	refusal, err := a.Respond(context.Background(), nil)
	if err == nil {
		t.Fatal("no refusal")
	}
	refused := write("refusal", refusal)
	if text := tooltest.Run(t, "openssl", "ts", "-reply", "-in", refused, "-text"); !strings.Contains(text, "Status: Rejected.") || !strings.Contains(text, "the data submitted has the wrong format") {
		t.Errorf("OpenSSL prints\n%s", text)
	}
	ask("refusal", false, "data", refused, data)
	for i, answer := range tooltest.BouncyCastle(t, "VerifyTimeStamp", args...) {
		if strings.HasPrefix(answer, "accepted") != accept[i] {
			t.Errorf("BouncyCastle, %s: %s, want accepted %v", names[i], answer, accept[i])
		}
	}
}
