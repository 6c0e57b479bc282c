package api_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestSealStatus(t *testing.T) {
	t.Parallel()
	s := newService(t)
	get := func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	id := s.fixture.Seal.ID
	status, body := get("/v1/seals/" + id)
	if status != 200 || !strings.Contains(body, `"state":"approved"`) || !strings.Contains(body, `"id":"`+id+`"`) {
		t.Errorf("a seal in use: %d %s", status, body)
	}
	if _, err := s.fixture.Office.SuspendSeal(context.Background(), "test", id, "印章遗失"); err != nil {
		t.Fatal(err)
	}
	// Why is the owner's business.
	if status, body := get("/v1/seals/" + id); status != 200 || !strings.Contains(body, `"state":"suspended"`) || strings.Contains(body, "遗失") {
		t.Errorf("a suspended seal: %d %s", status, body)
	}
	for path, want := range map[string]int{"/v1/seals/99999999999999": 404, "/v1/seals/1": 422} {
		if status, body := get(path); status != want {
			t.Errorf("%s: %d, want %d: %s", path, status, want, body)
		}
	}
}
