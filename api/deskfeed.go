package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
)

// Limits of a page of the feed.
const (
	feedPage    = 1000 // if nobody says otherwise
	maxFeedPage = 10_000
	maxLists    = 64
)

// feedPageView is a page of the feed of changes.
type feedPageView struct {
	Changes []office.ChangeView `json:"changes"`
	After   uint64              `json:"after"` // the cursor of the next page
}

// changes answers GET /v1/changes?after=REVISION&limit=N&list=N,… at the desk: every step
// of every licence once, the oldest first. It has the identifiers of licences, which
// nobody may know who has not seen the licence, so it is for programs beside the service
// that can open the socket, and not for the public port.
func (s *Server) changes(w http.ResponseWriter, r *http.Request) {
	q, err := parseFeed(r.URL.RawQuery)
	if err != nil {
		writeProblem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	changes, err := s.office.Changes(r.Context(), q)
	if err != nil {
		s.log.Error("the feed of changes cannot be read", "error", err)
		writeProblem(w, http.StatusServiceUnavailable, "")
		return
	}
	page := feedPageView{Changes: make([]office.ChangeView, len(changes)), After: q.After}
	for i, c := range changes {
		page.Changes[i], page.After = office.ViewChange(c), c.Revision
	}
	writeJSON(w, page)
}

// counts answers GET /v1/counts at the desk: how many licences there are, by category
// and state. The numbers are kept; nothing is scanned.
func (s *Server) counts(w http.ResponseWriter, r *http.Request) {
	views, err := s.office.ViewCounts(r.Context())
	if err != nil {
		s.log.Error("the counts of licences cannot be read", "error", err)
		writeProblem(w, http.StatusServiceUnavailable, "")
		return
	}
	writeJSON(w, views)
}

// parseFeed reads a query: known names, each once.
func parseFeed(raw string) (licence.ChangeQuery, error) {
	q := licence.ChangeQuery{Limit: feedPage}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, errors.New("the query is not one of a URL")
	}
	for name, given := range values {
		if !slices.Contains([]string{"after", "limit", "list"}, name) || len(given) != 1 {
			return q, fmt.Errorf("%s: is not after, limit or list, or stands twice", name)
		}
		switch text := given[0]; name {
		case "after":
			if q.After, err = strconv.ParseUint(text, 10, 64); err != nil {
				return q, fmt.Errorf("after: %q is not a revision", text)
			}
		case "limit":
			if q.Limit, err = strconv.Atoi(text); err != nil || q.Limit < 1 || q.Limit > maxFeedPage {
				return q, fmt.Errorf("limit: %q is not 1 to %d", text, maxFeedPage)
			}
		case "list":
			if q.Lists, err = parseLists(text); err != nil {
				return q, err
			}
		}
	}
	return q, nil
}

func parseLists(text string) ([]uint32, error) {
	parts := strings.Split(text, ",")
	if len(parts) > maxLists {
		return nil, fmt.Errorf("list: at most %d lists are asked for at once", maxLists)
	}
	lists := make([]uint32, len(parts))
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("list: %q is not the number of a status list", part)
		}
		lists[i] = uint32(n)
	}
	return lists, nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the caller may have gone away
}
