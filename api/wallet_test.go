package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/internal/trusttest"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// walletService is a service that holders' devices talk to, with what it has logged.
type walletService struct {
	*officetest.Fixture
	url string
	log bytes.Buffer
}

func newWalletService(tb testing.TB, proxies ...netip.Prefix) *walletService {
	tb.Helper()
	s := &walletService{Fixture: officetest.New(tb)}
	server, err := api.New(s.Office, api.Options{Log: slog.New(slog.NewJSONHandler(&s.log, nil)), Metrics: api.NewMetrics(), Proxies: proxies})
	if err != nil {
		tb.Fatal(err)
	}
	listening := httptest.NewServer(server.Handler())
	tb.Cleanup(listening.Close)
	s.url = listening.URL
	return s
}

// ask posts JSON and returns status, header and answer.
func (s *walletService) ask(tb testing.TB, path string, body any, header ...string) (int, http.Header, map[string]any) {
	tb.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		tb.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(content))
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	var answer map[string]any
	if len(all) > 0 {
		if err := json.Unmarshal(all, &answer); err != nil {
			tb.Fatalf("POST %s: status %d, not JSON: %s", path, response.StatusCode, all)
		}
	}
	return response.StatusCode, response.Header, answer
}

// handheld is a wallet that was written from docs/wallet-api.md alone.
type handheld struct {
	*trusttest.Device
	algorithm, key string
	licence, name  string
}

func newHandheld(tb testing.TB, algorithm string) *handheld {
	tb.Helper()
	curve := qr.DeviceP256
	if algorithm == "sm2" {
		curve = qr.DeviceSM2
	}
	h := &handheld{Device: trusttest.NewDevice(tb, curve), algorithm: algorithm}
	point := h.Key.Point()
	h.key = base64.RawURLEncoding.EncodeToString(point[:])
	return h
}

func (h *handheld) proof(lines ...string) string {
	signature := h.Key.Normal(h.Sign([]byte(strings.Join(lines, "\n"))))
	return base64.RawURLEncoding.EncodeToString(signature[:])
}

type object = map[string]any

func (h *handheld) bindings(code string) object {
	return object{
		"code": code, "algorithm": h.algorithm, "device_key": h.key, "profiles": []string{"full"},
		"proof": h.proof("elicence/bind/1", "localhost", code, h.algorithm, h.key, "full"),
	}
}

func (h *handheld) signed(first string, at time.Time, more ...string) object {
	seconds := at.Unix()
	lines := append([]string{first, "localhost", h.licence, h.name, fmt.Sprint(seconds)}, more...)
	return object{"licence": h.licence, "device": h.name, "time": seconds, "proof": h.proof(lines...)}
}

func (h *handheld) presentations(at time.Time, fields ...string) object {
	o := h.signed("elicence/choose/1", at, strings.Join(fields, ","))
	o["fields"] = fields
	return o
}

func (s *walletService) code(tb testing.TB, r licence.Record) string {
	tb.Helper()
	b, err := s.Office.OfferBinding(context.Background(), "officer", r)
	if err != nil {
		tb.Fatal(err)
	}
	return b.Code.Digits()
}

// bind binds a handheld and returns what it got.
func (s *walletService) bind(tb testing.TB, h *handheld, r licence.Record) object {
	tb.Helper()
	status, _, answer := s.ask(tb, "/v1/wallet/bindings", h.bindings(s.code(tb, r)))
	if status != http.StatusOK {
		tb.Fatalf("binding: status %d, %v", status, answer)
	}
	h.licence, h.name = answer["licence"].(string), answer["device"].(string)
	return answer
}

// verdict asks the service what a code is.
func (s *walletService) verdict(tb testing.TB, digits string) string {
	tb.Helper()
	status, _, answer := s.ask(tb, "/v1/verifications", object{"code": digits})
	if status != http.StatusOK {
		tb.Fatalf("verifying: status %d, %v", status, answer)
	}
	return answer["verdict"].(string)
}

func (s *walletService) publish(tb testing.TB) {
	tb.Helper()
	if _, err := s.Office.Publish(context.Background(), "test"); err != nil {
		tb.Fatal(err)
	}
}

// TestWallet: a device of either kind is bound, shows the licence offline and through
// the service, and is unbound, by what docs/wallet-api.md says.
func TestWallet(t *testing.T) {
	t.Parallel()
	s := newWalletService(t)
	r := s.Issue(t, "004")
	s.publish(t)
	for _, algorithm := range []string{"p256", "sm2"} {
		h := newHandheld(t, algorithm)
		held := s.bind(t, h, r)
		want := []string{"choices", "credentials", "device", "licence", "renew_at", "server_time", "summary"}
		if got := members(held); !slices.Equal(got, want) {
			t.Errorf("%s: the answer has %v, want %v", algorithm, got, want)
		}
		summary := held["summary"].(object)
		if summary["holder"] != r.Licence.Holders[0].Name || summary["category"] != "004" || strings.Contains(fmt.Sprint(held), r.Licence.Holders[0].IDNumber) {
			t.Errorf("%s: the summary is %v", algorithm, summary)
		}
		credential, err := base64.RawURLEncoding.DecodeString(held["credentials"].([]any)[0].(object)["credential"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.verdict(t, h.Present(t, credential, time.Now(), nil)); got != string(verify.Valid) {
			t.Errorf("%s: shown offline it is %s", algorithm, got)
		}
		status, header, again := s.ask(t, "/v1/wallet/renewals", h.signed("elicence/renew/1", time.Now()))
		if status != http.StatusOK || fmt.Sprint(again["credentials"]) != fmt.Sprint(held["credentials"]) || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: renewing at once: status %d, %v, %v", algorithm, status, header, again)
		}
		status, _, shown := s.ask(t, "/v1/wallet/presentations", h.presentations(time.Now(), "holder", "validity"))
		if status != http.StatusOK || s.verdict(t, shown["code"].(string)) != string(verify.Valid) {
			t.Errorf("%s: presenting: status %d, %v", algorithm, status, shown)
		}
		for range 2 { // the second time it has what it asks for
			if status, _, answer := s.ask(t, "/v1/wallet/unbindings", h.signed("elicence/unbind/1", time.Now())); status != http.StatusNoContent {
				t.Errorf("%s: unbinding: status %d, %v", algorithm, status, answer)
			}
		}
		s.publish(t)
		if got := s.verdict(t, h.Present(t, credential, time.Now(), nil)); got != string(verify.Revoked) {
			t.Errorf("%s: shown by the unbound device it is %s", algorithm, got)
		}
	}
	for _, personal := range []string{r.Licence.Holders[0].Name, r.Licence.Holders[0].IDNumber, r.Licence.Identifier.String()} {
		if strings.Contains(s.log.String(), personal) {
			t.Errorf("the log holds %q", personal)
		}
	}
}

func members(o object) []string {
	var names []string
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestWalletProblems: every refusal has the status and type that the document gives it,
// and tells a stranger nothing.
func TestWalletProblems(t *testing.T) {
	t.Parallel()
	s := newWalletService(t)
	r := s.Issue(t, "004")
	h, stranger := newHandheld(t, "p256"), newHandheld(t, "sm2")
	s.bind(t, h, r)
	used := h.presentations(time.Now(), "holder")
	s.ask(t, "/v1/wallet/presentations", used)
	suspended := s.Issue(t, "007")
	phone := newHandheld(t, "sm2")
	s.bind(t, phone, suspended)
	if _, err := s.Office.Step(context.Background(), "officer", suspended.Licence.Identifier, licence.Suspend, "测试"); err != nil {
		t.Fatal(err)
	}
	unbound := newHandheld(t, "sm2")
	s.bind(t, unbound, r)
	s.ask(t, "/v1/wallet/unbindings", unbound.signed("elicence/unbind/1", time.Now()))
	full := s.Issue(t, "069")
	for range licence.MaxDevices {
		s.bind(t, newHandheld(t, "sm2"), full)
	}
	with := func(o object, name string, value any) object {
		changed := make(object)
		for k, v := range o {
			changed[k] = v
		}
		changed[name] = value
		return changed
	}
	none, err := licence.NewBindingCode()
	if err != nil {
		t.Fatal(err)
	}
	code := s.code(t, r)
	slip := code[:15] + string('0'+(code[15]-'0'+1)%10)
	strange := *stranger
	strange.licence, strange.name = h.licence, h.name
	renew := func(h *handheld) object { return h.signed("elicence/renew/1", time.Now()) }
	for _, tt := range []struct {
		name, path string
		body       object
		status     int
		want       string // the type, or a part of the errors
	}{
		{"a code that nobody gave out", "bindings", stranger.bindings(none.Digits()), 403, "/docs#binding-code"},
		{"a slip", "bindings", stranger.bindings(slip), 422, "body.code"},
		{"a short code", "bindings", stranger.bindings(code[:15]), 422, "body.code"},
		{"another key's proof", "bindings", with(stranger.bindings(code), "device_key", phone.key), 403, "/docs#device"},
		{"no point", "bindings", with(stranger.bindings(code), "device_key", strings.Repeat("A", 44)), 422, "device key"},
		{"no proof", "bindings", with(stranger.bindings(code), "proof", strings.Repeat("A", 86)), 403, "/docs#device"},
		{"a proof in another alphabet", "bindings", with(stranger.bindings(code), "proof", strings.Repeat("+", 86)), 422, "body.proof"},
		{"a proof with loose bits", "bindings", with(stranger.bindings(code), "proof", strings.Repeat("A", 85)+"B"), 422, "body.proof"},
		{"another algorithm", "bindings", with(stranger.bindings(code), "algorithm", "rsa"), 422, "body.algorithm"},
		{"a profile of no name", "bindings", with(stranger.bindings(code), "profiles", []string{"all"}), 422, "body.profiles"},
		{"a profile twice", "bindings", with(stranger.bindings(code), "profiles", []string{"full", "full"}), 422, "body.profiles"},
		{"no profiles", "bindings", with(stranger.bindings(code), "profiles", []string{}), 422, "body.profiles"},
		{"an unknown member", "bindings", with(stranger.bindings(code), "colour", "red"), 422, "body.colour"},
		{"one device more", "bindings", stranger.bindings(s.code(t, full)), 409, "/docs#devices"},
		{"the unbound device", "bindings", unbound.bindings(s.code(t, r)), 409, "/docs#unbound"},
		{"another device's name", "renewals", with(renew(h), "device", "00000000000000aa"), 403, "/docs#device"},
		{"another device", "renewals", renew(&strange), 403, "/docs#device"},
		{"another licence", "renewals", with(renew(h), "licence", full.Licence.Identifier.String()), 403, "/docs#device"},
		{"no licence", "renewals", with(renew(h), "licence", "1.2.156.3005.2.x"), 422, "body.licence"},
		{"an old request", "renewals", h.signed("elicence/renew/1", time.Now().Add(-6*time.Minute)), 409, "/docs#clock"},
		{"an unbound device", "renewals", renew(unbound), 409, "/docs#unbound"},
		{"a suspended licence", "renewals", renew(phone), 409, "/docs#state"},
		{"a suspended licence", "presentations", phone.presentations(time.Now(), "holder"), 409, "/docs#state"},
		{"the same request", "presentations", used, 409, "/docs#used"},
		{"what it cannot show", "presentations", h.presentations(time.Now().Add(time.Second), "colour"), 422, "each once out of"},
		{"without a time", "unbindings", object{"licence": h.licence, "device": h.name, "proof": h.proof("x")}, 422, "time"},
	} {
		status, header, answer := s.ask(t, "/v1/wallet/"+tt.path, tt.body)
		told := fmt.Sprint(answer["type"], answer["detail"], answer["errors"])
		if status != tt.status || !strings.Contains(told, tt.want) || header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s with %s: status %d, %v, want %d, %s", tt.path, tt.name, status, answer, tt.status, tt.want)
		}
		if said := fmt.Sprint(answer); strings.Contains(said, r.Licence.Holders[0].Name) || strings.Contains(said, r.Licence.Holders[0].IDNumber) {
			t.Errorf("%s with %s: the problem tells whose licence it is: %s", tt.path, tt.name, said)
		}
	}
	if status, _, answer := s.ask(t, "/v1/wallet/bindings", with(stranger.bindings(code), "colour", strings.Repeat("x", 5000))); status != http.StatusRequestEntityTooLarge {
		t.Errorf("5,000 bytes: status %d, %v, want 413", status, answer)
	}
	// None of all that was a try of the code.
	if status, _, answer := s.ask(t, "/v1/wallet/bindings", stranger.bindings(code)); status != http.StatusOK {
		t.Errorf("the right code at last: status %d, %v", status, answer)
	}
}

// TestTriesAreLimited: neither codes nor names can be found out by trying, whatever a
// caller says of its address.
func TestTriesAreLimited(t *testing.T) {
	t.Parallel()
	s := newWalletService(t)
	r := s.Issue(t, "007")
	s.publish(t)
	name := r.Licence.Holders[0].Name
	right := object{"number": r.Licence.Number, "holder": name}
	for range 10 { // who knows the name may ask
		if status, _, answer := s.ask(t, "/v1/verifications", right); status != http.StatusOK || answer["verdict"] != "valid" {
			t.Fatalf("with the right name: status %d, %v", status, answer)
		}
	}
	guess := func(n int) object { return object{"number": r.Licence.Number, "holder": fmt.Sprint("名", n)} }
	for n := range 5 {
		if status, _, answer := s.ask(t, "/v1/verifications", guess(n)); status != http.StatusOK || answer["verdict"] != "no_data" || answer["online"] != true {
			t.Fatalf("guess %d: status %d, %v", n, status, answer)
		}
	}
	// Even the right one, from wherever it says it comes.
	if status, _, answer := s.ask(t, "/v1/verifications", right, "X-Real-IP", "192.0.2.1"); status != http.StatusTooManyRequests {
		t.Errorf("the sixth try of a number: status %d, %v, want 429", status, answer)
	}
	if status, _, answer := s.ask(t, "/v1/verifications", object{"identifier": r.Licence.Identifier.String()}); status != http.StatusOK || answer["verdict"] != "valid" {
		t.Errorf("by its identifier: status %d, %v", status, answer)
	}
	h := newHandheld(t, "sm2")
	limited := false
	for range 40 {
		none, err := licence.NewBindingCode()
		if err != nil {
			t.Fatal(err)
		}
		status, _, _ := s.ask(t, "/v1/wallet/bindings", h.bindings(none.Digits()), "X-Real-IP", "192.0.2.1", "Forwarded", "for=192.0.2.2")
		limited = limited || status == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("40 binding codes can be tried at once")
	}
}

// TestProxies: behind a proxy that is trusted each caller has its own limit, behind
// another the proxy is the caller.
func TestProxies(t *testing.T) {
	t.Parallel()
	s := newWalletService(t, netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32"))
	h := newHandheld(t, "sm2")
	for proxy, want := range map[string]bool{"192.0.2.9": false, "2001:db8::9": false, "198.51.100.9": true, "10.0.0.9": true} {
		limited := false
		for n := range 40 {
			none, err := licence.NewBindingCode()
			if err != nil {
				t.Fatal(err)
			}
			status, _, _ := s.ask(t, "/v1/wallet/bindings", h.bindings(none.Digits()), "X-Forwarded-For", fmt.Sprintf("203.0.113.%d, %s", n, proxy))
			limited = limited || status == http.StatusTooManyRequests
		}
		if limited != want {
			t.Errorf("40 callers behind %s are limited as one: %v, want %v", proxy, limited, want)
		}
	}
}

// TestLookUp: what stands on a torn paper is looked up, and the answer says so.
func TestLookUp(t *testing.T) {
	t.Parallel()
	s := newWalletService(t)
	r := s.Issue(t, "007")
	s.publish(t)
	status, _, answer := s.ask(t, "/v1/verifications", object{"number": r.Licence.Number, "holder": r.Licence.Holders[0].Name})
	if status != http.StatusOK || answer["verdict"] != "valid" || answer["input"] != "number" || answer["online"] != true || answer["wording"] == nil {
		t.Errorf("status %d, %v", status, answer)
	}
	if code := answer["code"].(object); code["kind"] != nil || code["category"] != "007" || code["holder"] == r.Licence.Holders[0].Name {
		t.Errorf("it shows %v", code)
	}
	for name, body := range map[string]object{
		"a number alone":    {"number": r.Licence.Number},
		"a code and more":   {"code": "1", "number": "2"},
		"nothing":           {},
		"a short tail":      {"number": "1", "id_tail": "1"},
		"a category":        {"number": "1", "holder": "x", "category": "x"},
		"another member":    {"number": "1", "name": "x"},
		"a half identifier": {"identifier": "1.2.156"},
	} {
		if status, _, answer := s.ask(t, "/v1/verifications", body); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d, %v, want 422", name, status, answer)
		}
	}
}

// TestWalletIsDescribed: the OpenAPI description has the wallet's operations with their
// refusals.
func TestWalletIsDescribed(t *testing.T) {
	t.Parallel()
	s := newWalletService(t)
	_, body := get(t, s.url+"/openapi.json", nil)
	var spec struct {
		Paths map[string]map[string]struct {
			Responses map[string]any
		}
	}
	if err := json.Unmarshal([]byte(body), &spec); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bindings", "renewals", "presentations", "answers", "unbindings"} {
		post := spec.Paths["/v1/wallet/"+name]["post"]
		for _, status := range []string{"403", "409", "413", "422", "429", "503"} {
			if post.Responses[status] == nil {
				t.Errorf("%s does not say that it answers %s", name, status)
			}
		}
	}
}
