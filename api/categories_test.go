package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestCategories(t *testing.T) {
	t.Parallel()
	s := newService(t)
	get := func(path string) (int, http.Header, []byte) {
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
		return answer.StatusCode, answer.Header, body
	}
	for query, want := range map[string]struct {
		first string
		count int // 0: any
	}{"": {"001", 195}, "?q=" + url.QueryEscape("房本"): {"087", 1}, "?q=yyzz": {"066", 0}} {
		status, _, body := get("/v1/categories" + query)
		var found []struct{ ID, Name string }
		if err := json.Unmarshal(body, &found); err != nil || status != 200 || len(found) == 0 {
			t.Errorf("%q: %d %.200s", query, status, body)
			continue
		}
		if found[0].ID != want.first || want.count != 0 && len(found) != want.count {
			t.Errorf("%q: %d categories, first %s, want %s", query, len(found), found[0].ID, want.first)
		}
	}
	if status, _, body := get("/v1/categories?q=" + url.QueryEscape("没有这种证照")); status != 200 || string(body) != "[]\n" {
		t.Errorf("nothing found: %d %q", status, body)
	}
	status, header, body := get("/v1/categories/004/schema")
	var schema struct{ Title string }
	if err := json.Unmarshal(body, &schema); err != nil || status != 200 || schema.Title != "机动车驾驶证" || header.Get("Content-Type") != "application/schema+json" {
		t.Errorf("schema: %d %s %.200s", status, header.Get("Content-Type"), body)
	}
	for path, want := range map[string]int{"/v1/categories/999/schema": 404, "/v1/categories/000/schema": 404, "/v1/categories/4/schema": 422, "/v1/categories?q=" + strings.Repeat("a", 129): 422} {
		if status, _, body := get(path); status != want {
			t.Errorf("%s: %d, want %d: %s", path, status, want, body)
		}
	}
}
