package status

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// draftStatus is a relying party's look-up by draft-ietf-oauth-status-list-20,
// 4.1: the status of an index, false where it is out of bounds.
func draftStatus(tb testing.TB, lst []byte, bits, index int) (int, bool) {
	tb.Helper()
	r, err := zlib.NewReader(bytes.NewReader(lst))
	if err != nil {
		tb.Fatal(err)
	}
	statuses, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	at := index * bits
	if at/8 >= len(statuses) {
		return 0, false
	}
	return int(statuses[at/8]) >> (at % 8) & (1<<bits - 1), true
}

// TestDraftVectors: the look-up above reads the draft's own examples with two bits
// (4.1 and 4.3), so what it says of our lists means something.
func TestDraftVectors(t *testing.T) {
	t.Parallel()
	lst, err := hex.DecodeString("78da3be9f2130003df0207")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3} {
		if got, ok := draftStatus(t, lst, 2, i); !ok || got != want {
			t.Errorf("status[%d] = %d, %t, want %d", i, got, ok, want)
		}
	}
	if _, ok := draftStatus(t, lst, 2, 12); ok {
		t.Error("status[12] is out of bounds")
	}
	structure, err := hex.DecodeString("a2646269747302636c73744b78da3be9f2130003df0207")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Bits int    `cbor:"bits"`
		List []byte `cbor:"lst"`
	}
	if err := cbor.Unmarshal(structure, &list); err != nil || list.Bits != 2 || !bytes.Equal(list.List, lst) {
		t.Errorf("the draft's CBOR example reads as %+v, %v", list, err)
	}
}

func tokenList(tb testing.TB, s *Set) *TokenList {
	tb.Helper()
	l, err := s.TokenList("https://localhost/statuslists/1", time.Unix(1686920170, 0))
	if err != nil {
		tb.Fatal(err)
	}
	l.Expires, l.TTL = time.Unix(2291720170, 0), 12*time.Hour
	return l
}

func TestTokenList(t *testing.T) {
	t.Parallel()
	s := &Set{List: 1, High: 4098}
	for _, i := range []uint32{0, 5, 4097} {
		s.Revoked.Set(i)
	}
	for _, i := range []uint32{1, 5, 4096} {
		s.Suspended.Set(i)
	}
	l := tokenList(t, s)
	jwt, err := l.JWTClaims()
	if err != nil {
		t.Fatal(err)
	}
	var fromJWT struct {
		Subject  string `json:"sub"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
		TTL      int64  `json:"ttl"`
		List     struct {
			Bits int    `json:"bits"`
			List string `json:"lst"`
		} `json:"status_list"`
	}
	d := json.NewDecoder(bytes.NewReader(jwt))
	d.DisallowUnknownFields()
	if err := d.Decode(&fromJWT); err != nil {
		t.Fatal(err)
	}
	lst, err := base64.RawURLEncoding.DecodeString(fromJWT.List.List)
	if err != nil {
		t.Fatal(err)
	}
	cwt, err := l.CWTClaims()
	if err != nil {
		t.Fatal(err)
	}
	var fromCWT map[int]any
	if err := cbor.Unmarshal(cwt, &fromCWT); err != nil {
		t.Fatal(err)
	}
	list, _ := fromCWT[65533].(map[any]any)
	if len(fromCWT) != 5 || len(list) != 2 || list["bits"] != uint64(2) || !bytes.Equal(list["lst"].([]byte), lst) ||
		fromCWT[2] != fromJWT.Subject || fromCWT[6] != uint64(fromJWT.IssuedAt) || fromCWT[4] != uint64(fromJWT.Expires) || fromCWT[65534] != uint64(fromJWT.TTL) {
		t.Errorf("CWT claims %v are not those of the JWT %s", fromCWT, jwt)
	}
	if fromJWT.Subject != "https://localhost/statuslists/1" || fromJWT.IssuedAt != 1686920170 || fromJWT.Expires != 2291720170 || fromJWT.TTL != 43200 || fromJWT.List.Bits != 2 {
		t.Errorf("JWT claims %s", jwt)
	}
	for i, want := range map[int]int{0: 1, 1: 2, 2: 0, 5: 1, 4095: 0, 4096: 2, 4097: 1, 4098: 1, 4099: 1} {
		if got, ok := draftStatus(t, lst, 2, i); !ok || got != want {
			t.Errorf("status[%d] = %d, %t, want %d", i, got, ok, want)
		}
	}
	if _, ok := draftStatus(t, lst, 2, 4100); ok {
		t.Error("an index that was never given out is within bounds")
	}
}

func TestTokenListRefuses(t *testing.T) {
	t.Parallel()
	s := &Set{List: 1, High: 4096}
	for _, subject := range []string{"", "statuslists/1", "http://localhost/1", "https://", "https://a/ b\n"} {
		if _, err := s.TokenList(subject, time.Unix(1, 0)); !errors.Is(err, ErrTokenList) {
			t.Errorf("TokenList(%q) = %v, want ErrTokenList", subject, err)
		}
	}
	for name, change := range map[string]func(*TokenList){
		"expired when issued": func(l *TokenList) { l.Expires = l.IssuedAt },
		"a negative life":     func(l *TokenList) { l.TTL = -time.Second },
		"half a second":       func(l *TokenList) { l.TTL = time.Second / 2 },
		"before 1970":         func(l *TokenList) { l.IssuedAt = time.Unix(-1, 0) },
	} {
		l := tokenList(t, s)
		change(l)
		if _, err := l.JWTClaims(); !errors.Is(err, ErrTokenList) {
			t.Errorf("%s: JWTClaims = %v, want ErrTokenList", name, err)
		}
		if _, err := l.CWTClaims(); !errors.Is(err, ErrTokenList) {
			t.Errorf("%s: CWTClaims = %v, want ErrTokenList", name, err)
		}
	}
}
