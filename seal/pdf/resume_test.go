package pdf

import (
	"bytes"
	"context"
	"testing"

	"github.com/elicence/elicence/seal/pdf/syntax"
)

// unsigned is a file with a prepared stamp that waits.
func unsigned(tb testing.TB, file []byte, stamp Stamp) ([]byte, *Prepared) {
	tb.Helper()
	p, err := open(tb, file).Prepare(stamp)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := p.WriteUnsigned(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes(), p
}

func resume(file []byte) (*Prepared, error) {
	return Resume(bytes.NewReader(file), int64(len(file)))
}

// TestResume: who signs elsewhere needs nothing but the file, and gets the same file as
// who signs at once.
func TestResume(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	sealed := put(t, victim.bytes(), s.stamp(120), s.sealContents)
	for name, base := range map[string][]byte{"plain": victim.bytes(), "a cross-reference stream": sample{stream: true}.bytes(), "signed before": sealed} {
		waiting, direct := unsigned(t, base, personStamp())
		later, err := resume(waiting)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if later.Digest() != direct.Digest() || later.ByteRange() != direct.ByteRange() || later.Field() != direct.Field() {
			t.Errorf("%s: resumed as another stamp", name)
		}
		contents := s.personContents(t, later)
		for _, p := range []*Prepared{later, direct} {
			if err := p.Complete(contents); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(fileOf(t, later), fileOf(t, direct)) {
			t.Errorf("%s: another file", name)
		}
		doc, err := later.Document()
		if err != nil {
			t.Fatal(err)
		}
		report, err := doc.Verify(context.Background(), s.trust)
		if err != nil || !report.Valid() {
			t.Errorf("%s: %v, %v", name, err, report.Err())
		}
		if again, err := doc.Prepare(s.stamp(20)); err != nil || again.Complete(der(300)) != nil {
			t.Errorf("%s: going on: %v", name, err)
		}
	}
}

// TestResumeRefuses: only one stamp may wait, at the very end of the file.
func TestResumeRefuses(t *testing.T) {
	t.Parallel()
	s := newSigners(t)
	once, _ := unsigned(t, victim.bytes(), personStamp())
	other := s.stamp(120)
	twice, _ := unsigned(t, once, other)
	for name, tt := range map[string]struct {
		file []byte
		why  string
	}{
		"nothing waits":         {victim.bytes(), "no signature field"},
		"signed":                {put(t, victim.bytes(), s.stamp(120), s.sealContents), "no signature field"},
		"two wait":              {twice, "would not cover the file"},
		"something follows":     {updated(t, once, func(a attacker) { a.set(4, "BaseFont", syntax.Name("Symbol")) }), "would not cover the file"},
		"bytes behind the end":  {append(bytes.Clone(once), "% more"...), "would not cover the file"},
		"part of it is written": {swap(t, bytes.Clone(once), "0000000000>", "0000000001>"), "no signature field"},
	} {
		_, err := resume(tt.file)
		if err == nil {
			t.Errorf("%s: resumed", name)
			continue
		}
		wantRefused(t, err, tt.why)
	}
}
