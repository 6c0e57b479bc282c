package cms_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/vectortest"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/second"
)

var update = flag.Bool("update", false, "make the published vectors anew, under a new key")

var vectorFile = filepath.Join("..", "..", "testdata", "vectors", "pki", "cms", "cms.json")

// vectors is the form of cms.json, whose README says what the fields mean.
type vectors struct {
	Content string   `json:"content"` // hexadecimal
	Tests   []vector `json:"tests"`
}

type vector struct {
	ID      int    `json:"tcId"`
	Comment string `json:"comment"`
	CMS     string `json:"cms"` // hexadecimal DER
	Result  string `json:"result"`
}

// result says in a word what we make of a message over the content.
func result(der, content []byte) string {
	signed, err := cms.ParseTolerant(der)
	if err != nil {
		return "malformed"
	}
	if err := signed.Verify(sm3.Sum(content), second.Opinion{}); err != nil {
		if errors.Is(err, cms.ErrWrongSignature) {
			return "signature"
		}
		return err.Error()
	}
	_, detachedErr := cms.Parse(der)
	_, attachedErr := cms.ParseAttached(der, oid.Data)
	if detachedErr == nil || attachedErr == nil {
		return "valid"
	}
	return "field"
}

func makeVectors(tb testing.TB) vectors {
	tb.Helper()
	s := newSigner(tb)
	content := []byte("content")
	v := vectors{Content: hex.EncodeToString(content)}
	add := func(comment string, der []byte, want string) {
		if len(der) > 8<<10 {
			return // only large
		}
		v.Tests = append(v.Tests, vector{len(v.Tests) + 1, comment, hex.EncodeToString(der), want})
	}
	for _, f := range fieldForms(content) {
		right, wrong := likeOurs(content), likeOurs(content)
		f.change(&right)
		f.change(&wrong)
		wrong.badSignature = true
		want := "valid"
		if !f.strict {
			want = "field"
		}
		add(f.name, right.message(tb, s), want)
		add(f.name+", the signature changed", wrong.message(tb, s), "signature")
	}
	streamed, changed := likeOurs(content), likeOurs(content)
	changed.badSignature = true
	add("BER, as programs that stream write it", inBER(tb, streamed.message(tb, s)), "field")
	add("BER, the signature changed", inBER(tb, changed.message(tb, s)), "signature")
	other := likeOurs([]byte("Content"))
	add("of other content", other.message(tb, s), "signature")
	all := brokenMessages(tb, s)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		add(name, all[name].der, "malformed")
	}
	return v
}

// TestVectors runs the published vectors.
func TestVectors(t *testing.T) {
	v := vectortest.Load(t, vectorFile, *update, makeVectors)
	unhex := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	seen := make(map[string]int)
	for _, tt := range v.Tests {
		if got := result(unhex(tt.CMS), unhex(v.Content)); got != tt.Result {
			t.Errorf("%d, %s: %s, want %s", tt.ID, tt.Comment, got, tt.Result)
		}
		seen[tt.Result]++
	}
	if seen["valid"] < 9 || seen["field"] < 9 || seen["signature"] < 19 || seen["malformed"] < 30 {
		t.Errorf("vectors %v", seen)
	}
}
