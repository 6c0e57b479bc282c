package audit

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/detcbor"
)

func TestNewRecordRefuses(t *testing.T) {
	t.Parallel()
	good := Entry{Time: 1, Actor: "officer", Act: ActLicenceLook, Subject: "x"}
	for name, tt := range map[string]struct {
		change  func(*Entry)
		details []byte
	}{
		"no actor":     {func(e *Entry) { e.Actor = "" }, nil},
		"long actor":   {func(e *Entry) { e.Actor = strings.Repeat("a", MaxActorSize+1) }, nil},
		"no act":       {func(e *Entry) { e.Act = "" }, nil},
		"long subject": {func(e *Entry) { e.Subject = strings.Repeat("a", MaxSubjectSize+1) }, nil},
		"short digest": {func(e *Entry) { e.Digest = make([]byte, 31) }, nil},
		"before 1970":  {func(e *Entry) { e.Time = -1 }, nil},
		"no UTF-8":     {func(e *Entry) { e.Actor = "\xff" }, nil},
		"long details": {func(*Entry) {}, make([]byte, MaxDetailsSize+1)},
	} {
		e := good
		tt.change(&e)
		if _, err := NewRecord(e, tt.details); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewRecord(good, nil); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// TestBlinding: two entries that say the same have different hashes, with details
// and without.
func TestBlinding(t *testing.T) {
	t.Parallel()
	for _, details := range [][]byte{nil, []byte("reason")} {
		var hashes [2][]byte
		for i := range hashes {
			r, err := NewRecord(Entry{Time: 1, Actor: "officer", Act: ActLicenceLook, Subject: "x"}, details)
			if err != nil {
				t.Fatal(err)
			}
			hashes[i] = Hasher{}.HashLeaf(r.Leaf)
		}
		if bytes.Equal(hashes[0], hashes[1]) {
			t.Errorf("details %q: an entry's hash can be found by trial", details)
		}
	}
}

// TestEarlierEntries: entries without details had no blinding in the first version
// and are read for ever.
func TestEarlierEntries(t *testing.T) {
	t.Parallel()
	leaf, err := detcbor.Marshal(Entry{Time: 1, Actor: "officer", Act: ActSealMake, Subject: "34000000000001"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Record{Leaf: leaf}).Entry(); err != nil {
		t.Error(err)
	}
}

// FuzzEntry: what is accepted encodes to the same bytes and keeps the limits.
func FuzzEntry(f *testing.F) {
	for i, details := range [][]byte{nil, []byte("reason")} {
		r, err := NewRecord(Entry{Time: int64(i), Actor: "officer", Act: ActLicenceRevoke, Subject: "x", Digest: make([]byte, 32)}, details)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.Leaf, r.Key, r.Details)
	}
	erasure, err := NewErasure(7, Entry{}.At(), "officer", "order")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(erasure.Leaf, erasure.Key, erasure.Details)
	f.Fuzz(func(t *testing.T, leaf, key, details []byte) {
		e, err := ParseEntry(leaf)
		if err != nil {
			if !errors.Is(err, ErrEntry) {
				t.Errorf("%v does not wrap ErrEntry", err)
			}
			return
		}
		again, err := detcbor.Marshal(e)
		if err != nil || !bytes.Equal(again, leaf) {
			t.Errorf("%x is accepted and encodes as %x, %v", leaf, again, err)
		}
		if _, err := (Record{Leaf: leaf, Key: key, Details: details}).Entry(); err == nil && len(key) > 0 && !bytes.Equal(commit(key, details), e.Commitment) {
			t.Error("details are accepted that the entry does not commit to")
		}
		if index, ok := e.Erases(); ok && e.Act != ActDetailsErase {
			t.Errorf("%s erases %d", e.Act, index)
		}
	})
}

// TestEntryEncodes: what is written item by item is what the library writes.
func TestEntryEncodes(t *testing.T) {
	t.Parallel()
	for _, e := range []Entry{
		{Time: 1, Actor: "a", Act: ActLicenceLook},
		{Time: 1_700_000_000, Actor: "安徽省样例局", Act: ActLicenceIssue, Subject: strings.Repeat("1.", 40), Digest: make([]byte, 32), Commitment: make([]byte, blindingSize)},
		{Time: 1 << 40, Actor: strings.Repeat("a", MaxActorSize), Act: Act(strings.Repeat("b", MaxActSize)), Subject: strings.Repeat("c", MaxSubjectSize), Digest: make([]byte, 32), Commitment: make([]byte, commitmentSize)},
	} {
		want, err := detcbor.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.encode(); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
}
