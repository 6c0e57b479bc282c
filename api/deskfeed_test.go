package api_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/elicence/elicence/api"
	"github.com/elicence/elicence/internal/desk"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/internal/officetest"
	"github.com/elicence/elicence/licence"
)

// TestFeedAtDesk: programs beside the service read every change once, page by page, and
// the counts; nobody else reaches them.
func TestFeedAtDesk(t *testing.T) {
	t.Parallel()
	f := officetest.New(t)
	first := f.Issue(t, "004").Licence.Identifier
	f.Issue(t, "066")
	if _, err := f.Office.Take(t.Context(), "officer", first, office.StepRequest{Step: licence.Suspend, Reason: "调查"}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	s, err := api.New(f.Office, api.Options{Log: slog.New(slog.DiscardHandler), Metrics: api.NewMetrics(), Desk: socket})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended, ready := make(chan error, 1), make(chan string, 1)
	go func() {
		ended <- s.Run(ctx, "127.0.0.1:0", func(addr string) error {
			ready <- addr
			return nil
		})
	}()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	address := <-ready
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%+v, %v: want a socket that only its owner opens", info, err)
	}
	service, running := desk.Find(t.Context(), socket)
	if !running {
		t.Fatal("nobody is at the desk")
	}
	client := &http.Client{Transport: &http.Transport{DialContext: service.Dial, DisableKeepAlives: true}}
	get := func(path string, into any) int {
		t.Helper()
		r, err := client.Get("http://desk" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode == http.StatusOK {
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatalf("%s: %v", b, err)
			}
		} else if r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s is no problem", path, b)
		}
		return r.StatusCode
	}

	type page struct {
		Changes []office.ChangeView
		After   uint64
	}
	var steps []string
	for after := uint64(0); ; {
		var p page
		if code := get("/v1/changes?limit=1&after="+strconv.FormatUint(after, 10), &p); code != http.StatusOK {
			t.Fatalf("status %d", code)
		}
		if len(p.Changes) == 0 {
			if p.After != after {
				t.Errorf("the cursor moves from %d to %d at the end", after, p.After)
			}
			break
		}
		steps, after = append(steps, p.Changes[0].Step), p.After
	}
	if len(steps) != 3 || steps[0] != "issue" || steps[2] != "suspend" {
		t.Errorf("the steps are %q", steps)
	}
	var p page
	if get("/v1/changes?list=999", &p); len(p.Changes) != 0 {
		t.Errorf("changes of a list that is not there: %+v", p)
	}
	var counts []office.CountView
	get("/v1/counts", &counts)
	if len(counts) != 2 || counts[0].ID != "004" || counts[0].States["suspended"] != 1 || counts[1].All != 1 || counts[1].Name != "营业执照" {
		t.Errorf("the counts are %+v", counts)
	}
	for _, query := range []string{"after=x", "after=-1", "limit=0", "limit=10001", "list=", "list=1,x", "list=4294967296", "limit=1&limit=2", "page=1", "%zz"} {
		if code := get("/v1/changes?"+query, nil); code != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d", query, code)
		}
	}
	for _, path := range []string{"/v1/changes", "/v1/counts", "/command", "/backup"} {
		r, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s is served to the public: status %d", path, r.StatusCode)
		}
	}
}
