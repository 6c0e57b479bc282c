package api_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/golang-jwt/jwt/v5"

	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/qr/verify"
)

// tokenStatus is what a third party learns of an index: it takes the key from the JWK Set,
// and verifies the token with a library that knows nothing of us.
func (s *service) tokenStatus(tb testing.TB, list, index uint32) byte {
	tb.Helper()
	var set struct{ Keys []struct{ Kid, X, Y string } }
	if err := json.Unmarshal(s.get(tb, "/token-status/jwks.json", "", http.StatusOK), &set); err != nil || len(set.Keys) != 1 {
		tb.Fatalf("JWK Set: %v", err)
	}
	x, xErr := base64.RawURLEncoding.DecodeString(set.Keys[0].X)
	y, yErr := base64.RawURLEncoding.DecodeString(set.Keys[0].Y)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err = errors.Join(xErr, yErr, err); err != nil {
		tb.Fatal(err)
	}
	token := s.get(tb, fmt.Sprintf("/token-status/%d", list), "application/statuslist+jwt", http.StatusOK)
	var claims struct {
		jwt.RegisteredClaims
		StatusList struct {
			Bits int    `json:"bits"`
			List string `json:"lst"`
		} `json:"status_list"`
	}
	parsed, err := jwt.ParseWithClaims(string(token), &claims, func(t *jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{"ES256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err != nil {
		tb.Fatalf("the token: %v", err)
	}
	if want := fmt.Sprintf("https://%s/token-status/%d", s.fixture.Office.Config().Host, list); claims.Subject != want || parsed.Header["kid"] != set.Keys[0].Kid || claims.StatusList.Bits != 2 {
		tb.Errorf("subject %s, want %s; header %v", claims.Subject, want, parsed.Header)
	}
	packed, err := base64.RawURLEncoding.DecodeString(claims.StatusList.List)
	if err != nil {
		tb.Fatal(err)
	}
	return statusAt(tb, packed, index)
}

func statusAt(tb testing.TB, packed []byte, index uint32) byte {
	tb.Helper()
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		tb.Fatal(err)
	}
	statuses, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return statuses[index/4] >> (index % 4 * 2) & 3
}

// get asks for a path and wants a status.
func (s *service) get(tb testing.TB, path, accept string, want int) []byte {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if answer.StatusCode != want {
		tb.Fatalf("GET %s (%s): %d, want %d: %s", path, accept, answer.StatusCode, want, content)
	}
	if origin := answer.Header.Get("Access-Control-Allow-Origin"); origin != "*" {
		tb.Errorf("GET %s: pages of others may not read it (%q)", path, origin)
	}
	return content
}

// TestTokenStatus: what is suspended and revoked here is so for who reads the token, with
// the next publication.
func TestTokenStatus(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ctx := context.Background()
	inspector, err := s.fixture.Office.Inspector(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := inspector.Code(s.code)
	if found.Verdict != verify.Valid || found.Code.Status == nil {
		t.Fatalf("the code: %s", found.Verdict)
	}
	list, index := uint32(*found.Code.Status>>32), uint32(*found.Code.Status)
	for _, next := range []struct {
		step licence.Step
		want byte
	}{{"", 0}, {licence.Suspend, 2}, {licence.Resume, 0}, {licence.Revoke, 1}} {
		if next.step != "" {
			if _, err := s.fixture.Office.Step(ctx, "test", s.record.Licence.Identifier, next.step, "调查"); err != nil {
				t.Fatal(err)
			}
			if _, err := s.fixture.Office.Publish(ctx, "test"); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.tokenStatus(t, list, index); got != next.want {
			t.Errorf("after %q the status is %d, want %d", next.step, got, next.want)
		}
	}
	path := fmt.Sprintf("/token-status/%d", list)
	var message cbor.Tag
	if err := cbor.Unmarshal(s.get(t, path, "text/html, application/statuslist+cwt;q=0.9", http.StatusOK), &message); err != nil || message.Number != 18 {
		t.Fatalf("a CWT: tag %d, %v", message.Number, err)
	}
	var claims map[int]any
	if err := cbor.Unmarshal(message.Content.([]any)[2].([]byte), &claims); err != nil {
		t.Fatal(err)
	}
	if got := statusAt(t, claims[65533].(map[any]any)["lst"].([]byte), index); got != 1 {
		t.Errorf("in the CWT the status is %d, want 1", got)
	}
	s.get(t, path, "*/*", http.StatusOK)
	s.get(t, path, "text/html", http.StatusNotAcceptable)
	for _, wrong := range []string{"/token-status/0", "/token-status/01", "/token-status/999", "/token-status/-1", "/token-status/4294967296", "/token-status/jwks"} {
		s.get(t, wrong, "", http.StatusNotFound)
	}
	if first, second := s.get(t, path, "", http.StatusOK), s.get(t, path, "", http.StatusOK); !bytes.Equal(first, second) {
		t.Error("one publication is signed twice")
	}
}
