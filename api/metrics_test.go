package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/office"
)

// TestMetrics: requests are counted by route and status, events from zero on, and
// nothing that a caller sent becomes a label.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, target := range []string{"/verify", "/trust/time", "/trust/340104199001011234", "/34010419900101123X"} {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text := scrape(t, s.metrics)
	for _, want := range []string{
		`elicence_http_requests_total{code="200",method="GET",route="/verify"} 1`,
		`elicence_http_requests_total{code="200",method="GET",route="/trust/*"} 1`,
		`elicence_http_requests_total{code="404",method="GET",route="/trust/*"} 1`,
		`elicence_events_total{event="signature.disagreement"} 0`,
		`elicence_http_request_seconds_count{route="/verify"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	if strings.Contains(text, "3401") {
		t.Errorf("what a caller sent is in the metrics:\n%s", text)
	}
	s.metrics.Observe(office.Event{Kind: office.EventDisagreement, Subject: "x"})
	if want := `elicence_events_total{event="signature.disagreement"} 1`; !strings.Contains(scrape(t, s.metrics), want) {
		t.Errorf("%s is not in the metrics after an event", want)
	}
}

func scrape(t *testing.T, m *api.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d", answer.Code)
	}
	return answer.Body.String()
}
