package render_test

import (
	"encoding/hex"
	"testing"

	"github.com/elicence/elicence/licence/render"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/seal"
)

// TestIssued: a seal speaks of one licence, in one form.
func TestIssued(t *testing.T) {
	t.Parallel()
	e := render.Issued([]byte("abc")) // the first example of GB/T 32905, A.1
	if got, want := hex.EncodeToString(e.Value), "302502010104"+"20"+"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"; got != want || e.Critical {
		t.Errorf("%s, critical: %t, want %s", got, e.Critical, want)
	}
	const headers = 2 + 2 + 11 + 2 // of the extension, its name and its value
	if n := len(e.Value) + headers; n > render.IssuedSize {
		t.Errorf("it takes %d bytes, and has room for %d", n, render.IssuedSize)
	}
	other := seal.Extension{ID: oid.Seen, Value: e.Value}
	for name, tc := range map[string]struct {
		extensions []seal.Extension
		want       bool
	}{
		"nothing":          {nil, false},
		"it":               {[]seal.Extension{other, e}, true},
		"another licence":  {[]seal.Extension{render.Issued([]byte("abcd"))}, false},
		"another name":     {[]seal.Extension{other}, false},
		"another encoding": {[]seal.Extension{{ID: e.ID, Value: append(e.Value[:len(e.Value):len(e.Value)], 0)}}, false},
	} {
		if got := render.SaysIssued(tc.extensions, []byte("abc")); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
