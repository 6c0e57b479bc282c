package api

import "testing"

// FuzzFeedQuery: what is taken is within the limits.
func FuzzFeedQuery(f *testing.F) {
	f.Add("after=1&limit=10&list=1,2")
	f.Add("list=%31,2&limit=+1")
	f.Add("after=18446744073709551615")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseFeed(raw)
		if err == nil && (q.Limit < 1 || q.Limit > maxFeedPage || len(q.Lists) > maxLists) {
			t.Errorf("%q: %+v", raw, q)
		}
	})
}
