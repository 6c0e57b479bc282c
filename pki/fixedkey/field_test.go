package fixedkey

import (
	"crypto/rand"
	"math/big"
	"testing"
)

// TestField compares the arithmetic with math/big, on random numbers and on the edges:
// limbs of all zeros and all ones carry the most.
func TestField(t *testing.T) {
	t.Parallel()
	p, _ := new(big.Int).SetString("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF", 16)
	one := big.NewInt(1)
	numbers := []*big.Int{new(big.Int), one, new(big.Int).Sub(p, one), new(big.Int).Rsh(p, 1)}
	for i := range 16 { // every pattern of empty and full limbs below p
		n := new(big.Int)
		for limb := range 4 {
			n.Lsh(n, 64)
			if i>>limb&1 == 1 {
				n.Or(n, new(big.Int).SetUint64(^uint64(0)))
			}
		}
		numbers = append(numbers, n.Mod(n, p))
	}
	for range 100 {
		n, err := rand.Int(rand.Reader, p)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	toElement := func(n *big.Int) element {
		var e element
		e.setBytes(n.FillBytes(make([]byte, 32)))
		return e
	}
	for _, a := range numbers {
		x := toElement(a)
		var square element
		square.square(&x)
		if want := toElement(new(big.Int).Mod(new(big.Int).Mul(a, a), p)); square != want {
			t.Errorf("%x² = %x, want %x", a, square, want)
		}
		if a.Sign() != 0 {
			negative := x
			negative.negate()
			if want := toElement(new(big.Int).Sub(p, a)); negative != want {
				t.Errorf("−%x = %x, want %x", a, negative, want)
			}
		}
		for _, b := range numbers {
			y := toElement(b)
			var sum, difference, product element
			sum.add(&x, &y)
			difference.sub(&x, &y)
			product.mul(&x, &y)
			for name, tt := range map[string]struct {
				got  [4]uint64
				want *big.Int
			}{"+": {sum, new(big.Int).Add(a, b)}, "-": {difference, new(big.Int).Sub(a, b)}, "*": {product, new(big.Int).Mul(a, b)}} {
				if want := toElement(tt.want.Mod(tt.want, p)); tt.got != want {
					t.Fatalf("%x %s %x = %x, want %x", a, name, b, tt.got, want)
				}
			}
		}
	}
}
