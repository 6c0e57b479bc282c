package crl

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Plan says which lists an authority publishes, where and when.
type Plan struct {
	// Name is the authority's in file names: lower-case letters, digits, '-' and '.'.
	Name string
	// URL is what file names are put behind, with its last '/'.
	URL string
	// Shards is how many lists the certificates are spread over; 0: one list for
	// every certificate of the authority. The number is part of the lists' names, as a
	// certificate keeps its list when there are more of them, and so one shard is
	// not the same as none.
	Shards int
	// Every is the time between full lists, DeltaEvery between delta lists. Without
	// the latter there are none.
	Every, DeltaEvery time.Duration
	// Overlap is how long a list is still current after its successor is due: the
	// time in which a failure of publishing hurts nobody.
	Overlap time.Duration
	// Jitter is how much earlier than due a list may be published, so that the
	// shards of many authorities do not come at once.
	Jitter time.Duration
}

// Check refuses plans that cannot be kept.
func (p Plan) Check() error {
	bad := func(what string) error { return fmt.Errorf("CRL plan of %q: %s", p.Name, what) }
	if p.Name == "" || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return bad("the name is not of lower-case letters, digits, '-' and '.'")
	}
	switch {
	case !strings.HasSuffix(p.URL, "/"):
		return bad("the URL does not end with '/'")
	case p.Shards < 0 || p.Shards > 1<<16:
		return bad("the number of shards is not 0 to 65536")
	case p.Every < time.Minute || p.DeltaEvery != 0 && (p.DeltaEvery < time.Minute || p.DeltaEvery >= p.Every):
		return bad("lists come more often than every minute, or deltas not more often than full lists")
	case p.Overlap < time.Minute:
		return bad("the overlap is less than a minute")
	case p.Jitter < 0 || p.Jitter >= p.Every || p.DeltaEvery != 0 && p.Jitter >= p.DeltaEvery:
		return bad("the jitter is not less than the time between lists")
	}
	return nil
}

// ErrNoShard says that a plan does not have this shard.
var ErrNoShard = errors.New("no such shard")

// Lists returns how many full lists there are. The only list of an authority without
// shards is number 0.
func (p Plan) Lists() int { return max(p.Shards, 1) }

// FileName returns the name of a shard's full list: NAME-SHARDS-SHARD.crl, or NAME.crl.
func (p Plan) FileName(shard int) string { return p.stem(shard) + ".crl" }

// DeltaName returns the name of a shard's delta list.
func (p Plan) DeltaName(shard int) string { return p.stem(shard) + "-delta.crl" }

func (p Plan) stem(shard int) string {
	if p.Shards == 0 {
		return p.Name
	}
	return fmt.Sprintf("%s-%d-%d", p.Name, p.Shards, shard)
}

// Points returns the distribution point of a shard's certificates.
func (p Plan) Points(shard int) []string { return []string{p.URL + p.FileName(shard)} }

// FreshestCRL returns the place of a shard's delta list, or nil.
func (p Plan) FreshestCRL(shard int) []string {
	if p.DeltaEvery == 0 {
		return nil
	}
	return []string{p.URL + p.DeltaName(shard)}
}
