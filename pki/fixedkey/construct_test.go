//lint:file-ignore SA1019 the general curve is what the tables are compared with

package fixedkey_test

import (
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"github.com/elicence/elicence/pki"
)

// sumX returns the x of sG + tP by the library's curve, unless it is at infinity.
func sumX(key *pki.PublicKey, s, t *big.Int) (*big.Int, bool) {
	curve := sm2.P256()
	point := key.Uncompressed()
	sx, sy := curve.ScalarBaseMult(s.FillBytes(make([]byte, 32)))
	tx, ty := curve.ScalarMult(new(big.Int).SetBytes(point[1:33]), new(big.Int).SetBytes(point[33:]), t.FillBytes(make([]byte, 32)))
	if sx.Cmp(tx) == 0 && sy.Cmp(ty) != 0 {
		return nil, false
	}
	x, _ := curve.Add(sx, sy, tx, ty)
	return x, true
}

// constructed returns a signature and the digest that it is right for, so that verifying
// it computes sG + tP for chosen s and t. It is false where there is none: r is 0, or the
// point at infinity.
func constructed(key *pki.PublicKey, s, t *big.Int) (e [32]byte, sig pki.Signature, ok bool) {
	n := pki.Order()
	r := new(big.Int).Sub(t, s)
	r.Mod(r, n)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	x, ok := sumX(key, s, t)
	if !ok || !sig.WellFormed() {
		return e, sig, false
	}
	x.Sub(r, x)
	x.Mod(x, n).FillBytes(e[:])
	return e, sig, true
}

// multiple returns the public key of a private key, which need not be one that anybody
// should have.
func multiple(tb testing.TB, d *big.Int) *pki.PublicKey {
	tb.Helper()
	x, y := sm2.P256().ScalarBaseMult(d.FillBytes(make([]byte, 32)))
	var point pki.Point
	point[0] = 2 | byte(y.Bit(0))
	x.FillBytes(point[1:])
	key, err := pki.ParsePoint(point[:])
	if err != nil {
		tb.Fatal(err)
	}
	return key
}
