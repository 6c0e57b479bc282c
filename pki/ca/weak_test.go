package ca

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

var update = flag.Bool("update", false, "write weak-points.txt anew")

// publishedKeys are private keys that stand in standards and in the tests of
// well-known libraries.
func publishedKeys() []string {
	return []string{
		"3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8", // GB/T 32918.5-2017, A.2 (signature, encryption)
		"81eb26e941bb5af16df116495f90695272ae2cd63d6c4ae1678418be48230029", // GB/T 32918.5-2017, key exchange, A
		"785129917d45a9ea5437a59356b82338eaadda6ceb199088f14ae10defa229b5", // GB/T 32918.5-2017, key exchange, B
		"128b2fa8bd433c6c068c8d803dff79792a519a55171b1b650c23661d15897263", // GB/T 32918.2-2016, signature, reduced to this curve
		"1649ab77a00637bd5e2efe283fbf353534aa7f7cb89463f208ddbc2920bb0da0", // GB/T 32918.4-2016, encryption, reduced to this curve
		"6fcba2ef9ae0ab902bc3bde3ff915d44ba4cc78f88e2f8e7f8996d3b8cceedee", // GB/T 32918.3-2016, key exchange, A
		"5e35d7d3f3c54dbac72e61819e730b019a84208ca3a35e4c2e353dfccb2a3b53", // GB/T 32918.3-2016, key exchange, B
	}
}

// guessable lists private keys that anybody tries first.
func guessable(tb testing.TB) []*big.Int {
	tb.Helper()
	var all []*big.Int
	for d := int64(1); d <= 256; d++ {
		all = append(all, big.NewInt(d))
	}
	for i := uint(9); i < 256; i++ {
		all = append(all, new(big.Int).Lsh(big.NewInt(1), i))
	}
	for b := 1; b < 255; b++ {
		all = append(all, new(big.Int).SetBytes(bytes.Repeat([]byte{byte(b)}, 32)))
	}
	for _, text := range append(publishedKeys(), strings.Repeat("0123456789abcdef", 4), strings.Repeat("1234567890", 6)+"1234") {
		d, ok := new(big.Int).SetString(text, 16)
		if !ok {
			tb.Fatalf("%q is not hexadecimal", text)
		}
		all = append(all, d)
	}
	return all
}

// publicOf computes a public key, reducing d.
func publicOf(tb testing.TB, d *big.Int) *pki.PublicKey {
	tb.Helper()
	d = new(big.Int).Mod(d, sm2.P256().Params().N)
	private, err := sm2.NewPrivateKey(d.FillBytes(make([]byte, 32)))
	if err != nil {
		tb.Fatalf("d = %x: %v", d, err)
	}
	key, err := pki.NewPublicKey(&private.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// negative is the public key of n − d: the point with the other y.
func negative(tb testing.TB, key *pki.PublicKey) *pki.PublicKey {
	tb.Helper()
	point := key.Point()
	point[0] ^= 1
	other, err := pki.ParsePoint(point[:])
	if err != nil {
		tb.Fatal(err)
	}
	return other
}

func TestWeakPoints(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, d := range guessable(t) {
		lines = append(lines, hex.EncodeToString(publicOf(t, d).Uncompressed()[1:33])+"\n")
	}
	slices.Sort(lines)
	want := strings.Join(slices.Compact(lines), "")
	if *update {
		if err := os.WriteFile("weak-points.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return // this test's binary still carries the old file
	}
	if weakPoints != want {
		t.Fatal("weak-points.txt is not what the private keys give: run with -update")
	}
	for _, d := range []int64{1, 2, 256} {
		public := publicOf(t, big.NewInt(d))
		for name, key := range map[string]*pki.PublicKey{fmt.Sprint(d): public, fmt.Sprintf("n-%d", d): negative(t, public)} {
			if !weak(key) {
				t.Errorf("the key of d = %s is not refused", name)
			}
		}
	}
	// The controls: one beyond the table, and the first and last line are found.
	if weak(publicOf(t, big.NewInt(257))) {
		t.Error("the key of d = 257 is refused")
	}
	for _, line := range []string{weakPoints[:64], weakPoints[len(weakPoints)-65 : len(weakPoints)-1]} {
		x, err := hex.DecodeString(line)
		if err != nil || !weakX(append(append([]byte{4}, x...), make([]byte, 32)...)) {
			t.Errorf("the line %s is not found: %v", line, err)
		}
	}
}
