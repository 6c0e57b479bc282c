package tsa_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/internal/vectortest"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
	"github.com/elicence/elicence/pki/tsa"
)

var update = flag.Bool("update", false, "make the published vectors anew, under new keys")

var vectorFile = filepath.Join("..", "..", "testdata", "vectors", "pki", "tsa", "tsa.json")

// vectors is the form of tsa.json, whose README says what the fields mean.
type vectors struct {
	Root  string   `json:"root"` // hexadecimal DER
	Data  string   `json:"data"` // hexadecimal
	Tests []vector `json:"tests"`
}

type vector struct {
	ID      int    `json:"tcId"`
	Comment string `json:"comment"`
	Kind    string `json:"kind"`
	DER     string `json:"der"`
	Result  string `json:"result"`
}

// granted is the response of a token.
func granted(token []byte) []byte {
	status := []byte{0x30, 3, 2, 1, 0}
	n := len(status) + len(token)
	return slices.Concat([]byte{0x30, 0x82, byte(n >> 8), byte(n)}, status, token)
}

// verdict says in a word what we make of a proof for a digest.
func verdict(err error) string {
	for word, sentinel := range map[string]error{
		"malformed": tsa.ErrMalformed, "imprint": tsa.ErrOtherImprint, "signature": tsa.ErrForged, "authority": tsa.ErrNotAuthority,
	} {
		if errors.Is(err, sentinel) {
			return word
		}
	}
	if err != nil {
		return err.Error()
	}
	return "valid"
}

// result says in a word what we make of a vector.
func result(kind string, der []byte, digest [sm3.Size]byte, chain tsa.ChainVerifier) string {
	switch kind {
	case "request":
		_, err := tsa.ParseRequest(der)
		var refusal *tsa.Refusal
		if errors.As(err, &refusal) {
			return refusal.Failure.String()
		}
		return verdict(err)
	case "response":
		r, err := tsa.ParseResponse(der)
		if err != nil {
			return verdict(err)
		}
		token, err := tsa.ParseToken(r.Token)
		if err != nil {
			return verdict(err)
		}
		return verdict(token.Verify(tsa.SM3(digest), chain, second.Opinion{}))
	default:
		e, err := tsa.ParseEvidence(der)
		if err != nil {
			return verdict(err)
		}
		return verdict(e.Verify(digest, chain, second.Opinion{}))
	}
}

func makeVectors(tb testing.TB) vectors {
	tb.Helper()
	now := time.Now().UTC()
	s := pkitest.NewStamping(tb, now)
	a := s.Authority(tb)
	data := []byte{} // that of stampInfos
	v := vectors{Root: hex.EncodeToString(s.Root.DER), Data: hex.EncodeToString(data)}
	add := func(kind, comment string, der []byte, want string) {
		if len(der) > 8<<10 {
			return // only large
		}
		v.Tests = append(v.Tests, vector{len(v.Tests) + 1, comment, kind, hex.EncodeToString(der), want})
	}
	add("request", "with nonce and certReq", request(tb, ""), "valid")
	add("request", "SHA-256 and a policy", request(tb, "", func(r *tsa.Request) { r.Imprint.Algorithm, r.Policy = oid.SHA256, pkitest.StampPolicy }), "valid")
	refused := refusedRequests(tb)
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		if refused[name].failure != tsa.UnacceptedPolicy { // which depends on what is offered
			add("request", name, refused[name].request, refused[name].failure.String())
		}
	}
	respond := func(content string) []byte {
		response, err := a.Respond(context.Background(), request(tb, content))
		if err != nil {
			tb.Fatal(err)
		}
		return response
	}
	right := respond("")
	add("response", "a stamp of the data", right, "valid")
	add("response", "a stamp of something else", respond("something else"), "imprint")
	add("response", "the signature changed", spoilt(right), "signature")
	add("response", "something behind", append(bytes.Clone(right), 0), "malformed")
	plain := stampInfos(now.Format("20060102150405Z"))["plain"].content
	usages := wrongUsages()
	for _, name := range slices.Sorted(maps.Keys(usages)) {
		add("response", "the signer's certificate: "+name, granted(sign(tb, s.Certify(tb, now, usages[name]), plain)), "authority")
	}
	infos := stampInfos(now.Format("20060102150405Z"))
	for _, name := range slices.Sorted(maps.Keys(infos)) {
		want := "valid"
		if infos[name].want != "" {
			want = "malformed"
		}
		add("response", name, granted(sign(tb, s, infos[name].content)), want)
	}
	addEvidence(tb, s, a, data, add)
	return v
}

// addEvidence adds records of batches of several sizes.
func addEvidence(tb testing.TB, s *pkitest.Stamping, a *tsa.Authority, data []byte, add func(kind, comment string, der []byte, want string)) {
	tb.Helper()
	client := newClient(network{"tsa": a.Respond}, tsa.Source{Name: "tsa", URL: "tsa", Chain: s.Chain})
	digests := [][sm3.Size]byte{sm3.Sum(data), sm3.Sum([]byte("a")), sm3.Sum([]byte("b")), sm3.Sum([]byte("c")), sm3.Sum([]byte("d"))}
	for _, size := range []int{1, 2, 3, 5} {
		batch, err := client.StampBatch(context.Background(), digests[:size])
		if err != nil {
			tb.Fatal(err)
		}
		der, err := batch.Evidence(digests[0])
		if err != nil {
			tb.Fatal(err)
		}
		comment := []string{"", "alone", "one of two", "one of three", "", "one of five"}[size]
		add("evidence", comment, der, "valid")
		add("evidence", comment+", the signature changed", spoilt(der), "signature")
		if size > 1 {
			other, err := batch.Evidence(digests[1])
			if err != nil {
				tb.Fatal(err)
			}
			add("evidence", comment+", of another", other, "imprint")
		}
	}
}

// TestVectors runs the published vectors.
func TestVectors(t *testing.T) {
	v := vectortest.Load(t, vectorFile, *update, makeVectors)
	unhex := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	root, err := cert.Parse(unhex(v.Root))
	if err != nil {
		t.Fatal(err)
	}
	s := pkitest.Stamping{Root: root}
	seen := make(map[string]int)
	for _, tt := range v.Tests {
		if got := result(tt.Kind, unhex(tt.DER), sm3.Sum(unhex(v.Data)), s.Chain); got != tt.Result {
			t.Errorf("%d, %s %s: %s, want %s", tt.ID, tt.Kind, tt.Comment, got, tt.Result)
		}
		seen[tt.Kind+" "+tt.Result]++
	}
	if seen["request badDataFormat"] < 10 || seen["response valid"] < 6 || seen["response malformed"] < 15 || seen["evidence valid"] < 4 {
		t.Errorf("vectors %v", seen)
	}
}
