package api_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"

	"github.com/elicence/elicence/pki/audit"
)

// TestAudit: a stranger with the log's key follows the log through the API alone,
// with the library's verifier.
func TestAudit(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ask := func(path string, into any) {
		t.Helper()
		response, body := get(t, s.url+path, nil)
		if response.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: status %d: %s", path, response.StatusCode, body)
		}
		if err := json.Unmarshal([]byte(body), into); err != nil {
			t.Fatal(err)
		}
	}
	bytesOf := func(text string) []byte {
		t.Helper()
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	pathOf := func(texts []string) [][]byte {
		var path [][]byte
		for _, text := range texts {
			path = append(path, bytesOf(text))
		}
		return path
	}
	keys, err := s.fixture.Office.AuditLog().Keys(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := func() audit.Checkpoint {
		t.Helper()
		var answer struct {
			Size       uint64
			Root       string
			Checkpoint []byte
		}
		ask("/v1/audit/checkpoint", &answer)
		c, err := audit.OpenCheckpoint(answer.Checkpoint, keys[0])
		if err != nil || c.Size != answer.Size || hex.EncodeToString(c.Root) != answer.Root {
			t.Fatalf("checkpoint %+v, %v: %+v", c, err, answer)
		}
		return c
	}
	first := checkpoint()
	if _, err := s.fixture.Office.Licence(t.Context(), "officer", s.record.Licence.Identifier); err != nil {
		t.Fatal(err)
	}
	second := checkpoint()
	if second.Size <= first.Size {
		t.Fatalf("a look leaves the log at %d entries, it had %d", second.Size, first.Size)
	}
	var consistency struct {
		Path  []string
		Proof []byte
	}
	ask(fmt.Sprintf("/v1/audit/consistency?first=%d&second=%d", first.Size, second.Size), &consistency)
	if err := proof.VerifyConsistency(audit.Hasher{}, first.Size, second.Size, pathOf(consistency.Path), first.Root, second.Root); err != nil {
		t.Error(err)
	}
	if file, err := audit.ParseConsistencyProof(consistency.Proof); err != nil || file.First != first.Size || file.Second != second.Size {
		t.Errorf("the proof as a file: %+v, %v", file, err)
	}
	for _, index := range []uint64{0, first.Size - 1, second.Size - 1} {
		var inclusion struct {
			Leaf string `json:"leaf_hash"`
			Path []string
		}
		ask(fmt.Sprintf("/v1/audit/inclusion?index=%d&size=%d", index, second.Size), &inclusion)
		if err := proof.VerifyInclusion(audit.Hasher{}, index, second.Size, bytesOf(inclusion.Leaf), pathOf(inclusion.Path), second.Root); err != nil {
			t.Errorf("entry %d: %v", index, err)
		}
	}
	for path, status := range map[string]int{
		"/v1/audit/inclusion?index=999999":               404,
		"/v1/audit/inclusion?index=1&size=999999":        404,
		"/v1/audit/inclusion?index=5&size=5":             404,
		"/v1/audit/inclusion":                            422,
		"/v1/audit/inclusion?index=-1":                   422,
		"/v1/audit/inclusion?index=x":                    422,
		"/v1/audit/inclusion?index=18446744073709551616": 422,
		"/v1/audit/inclusion?index=18446744073709551615": 404,
		"/v1/audit/consistency?first=5&second=4":         404,
		"/v1/audit/consistency?first=5&second=999999":    404,
		"/v1/audit/consistency?second=5":                 422,
	} {
		response, body := get(t, s.url+path, nil)
		if response.StatusCode != status || status != 200 && response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("GET %s: status %d, want %d: %s", path, response.StatusCode, status, body)
		}
		if strings.Contains(body, "officer") || strings.Contains(body, s.record.Licence.Identifier.String()) {
			t.Errorf("GET %s shows an entry: %s", path, body)
		}
	}
}
