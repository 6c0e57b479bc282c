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

// generator returns the public key of the private key 1.
func generator(tb testing.TB) *pki.PublicKey {
	tb.Helper()
	params := sm2.P256().Params()
	var point pki.Point
	point[0] = 2 | byte(params.Gy.Bit(0))
	params.Gx.FillBytes(point[1:])
	key, err := pki.ParsePoint(point[:])
	if err != nil {
		tb.Fatal(err)
	}
	return key
}
