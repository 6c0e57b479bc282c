package pki_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// suiteBuilder collects tests.
type suiteBuilder struct {
	curve
	suite vectorSuite
	group *vectorGroup
}

func (b *suiteBuilder) startGroup(kind string, key *affine, spki []byte) {
	b.group = &vectorGroup{Type: kind, SHA: "SM3", PublicKeyDER: hex.EncodeToString(spki)}
	if kind == typeMessage {
		b.group.UserID = hex.EncodeToString([]byte(pki.UserID))
	}
	if key != nil {
		point := hex.EncodeToString(key.uncompressed())
		b.group.PublicKey = &vectorKey{"EcPublicKey", "sm2p256v1", 256, point, point[2:66], point[66:]}
	}
	b.suite.TestGroups = append(b.suite.TestGroups, b.group)
}

// test adds a test, with the implementations that are known to answer otherwise.
func (b *suiteBuilder) test(valid bool, flag, comment string, msg, sig []byte, deviating ...string) {
	b.suite.NumberOfTests++
	v := vectorTest{ID: b.suite.NumberOfTests, Comment: comment, Flags: []string{flag}, Msg: hex.EncodeToString(msg), Sig: hex.EncodeToString(sig)}
	if valid {
		v.Result, v.Refuses = "valid", deviating
	} else {
		v.Result, v.Accepts = "invalid", deviating
	}
	b.group.Tests = append(b.group.Tests, v)
}

// integer writes a DER INTEGER of any sign.
func integer(v *big.Int) []byte {
	return built(func(b *cryptobyte.Builder) { b.AddASN1BigInt(v) })
}

func built(f func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func sequenceOf(parts ...[]byte) []byte {
	return built(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(slices.Concat(parts...)) })
	})
}

func sigDER(r, s *big.Int) []byte { return sequenceOf(integer(r), integer(s)) }

func spkiOf(algorithm, curve oid.ID, point []byte) []byte {
	return sequenceOf(
		sequenceOf(built(func(b *cryptobyte.Builder) { oid.Add(b, algorithm) }), built(func(b *cryptobyte.Builder) { oid.Add(b, curve) })),
		built(func(b *cryptobyte.Builder) { b.AddASN1BitString(point) }))
}

func sm2SPKI(point []byte) []byte { return spkiOf(oid.ECPublic, oid.SM2Curve, point) }

// buildVectors makes the whole suite; the same every time.
func buildVectors() *vectorSuite {
	b := &suiteBuilder{curve: sm2Curve()}
	b.suite = vectorSuite{
		Algorithm: "SM2", GeneratorVersion: "1",
		Header: []string{
			"Test vectors for the verification of SM2 signatures with SM3 (GB/T 32918.2, GB/T 32905) in DER (GM/T 0009).",
			"Groups of type Sm2Verify: e = SM3(ZA || msg) with the user ID of the group. Groups of type Sm2VerifyDigest: msg is e.",
			"publicKeyDer is a SubjectPublicKeyInfo. Where publicKey is missing, the key must be refused, and with it every test.",
		},
		Notes: map[string]string{
			"Valid":           "an ordinary signature",
			"Standard":        "the sample of GB/T 32918.5, annex A",
			"EdgeCase":        "a valid signature with values that arithmetic may get wrong",
			"ArithmeticCarry": "a valid signature that assembly on CPUs with BMI2 and ADX is known to have refused",
			"RangeCheck":      "r or s is not in 1...n-1, or r + s is 0 mod n (GB/T 32918.2, 7.1, steps B1, B2 and B5)",
			"Modified":        "r, s, message or key is another than what was signed",
			"Infinity":        "sG + tP is the point at infinity, which has no x",
			"UserID":          "signed under another user ID",
			"OtherScheme":     "a signature of another scheme by the same key",
			"BerEncoding":     "BER that is not DER",
			"InvalidEncoding": "not the encoding of two integers",
			"Padding":         "an integer with more or fewer leading octets than DER has",
			"BadKey":          "the public key is no SM2 key in the one accepted form",
		},
		Deviations: map[string][]string{
			"openssl": {
				"OpenSSL 3.0 takes public points in compressed and hybrid form, which SEC 1 allows and GM/T 0009 does not.",
				"OpenSSL 3.0 does not look at what stands behind an SM2 signature or a public key, nor at the unused bits of a key.",
			},
			"tjfoc": {
				"github.com/tjfoc/gmsm v1.4.1 takes the x of the point at infinity for 0. Only the holder of the key can make such a signature.",
				"github.com/tjfoc/gmsm v1.4.1 does not add a point to itself. Only the holder of the key can make such a signature.",
			},
		},
	}
	b.messages()
	b.digests()
	b.badKeys()
	return &b.suite
}

var vectorMessage = []byte("e-licence 电子证照")

func (b *suiteBuilder) messages() {
	standard := pki.Samples()[0]
	key, err := pki.ParsePoint(standard.Point[:])
	if err != nil {
		panic(err)
	}
	b.startGroup(typeMessage, &affine{new(big.Int).SetBytes(key.Uncompressed()[1:33]), new(big.Int).SetBytes(key.Uncompressed()[33:])}, key.SPKI())
	b.test(true, "Standard", "GB/T 32918.5 annex A", standard.Message, standard.Signature.DER())

	d := b.chosen("key")
	p := b.mul(d, b.g())
	b.startGroup(typeMessage, p, sm2SPKI(p.uncompressed()))
	e := b.digest(p, pki.UserID, vectorMessage)
	r, s := b.sign(e, d, b.chosen("nonce"))
	b.test(true, "Valid", "ordinary signature", vectorMessage, sigDER(r, s))
	for _, m := range []struct {
		what string
		msg  []byte
	}{{"empty message", nil}, {"one zero octet", []byte{0}}, {"message of 64 octets", bytes.Repeat([]byte{0xff}, 64)}, {"message of 1000 octets", bytes.Repeat([]byte("1234567890"), 100)}} {
		r, s := b.sign(b.digest(p, pki.UserID, m.msg), d, b.chosen("nonce "+m.what))
		b.test(true, "Valid", m.what, m.msg, sigDER(r, s))
	}
	b.short(d, p)
	b.ranges(r, s)
	b.modified(d, p, e, r, s)
	b.encodings(r, s)

	// Keys with a coordinate that begins with zero octets, which ZA must keep.
	for _, c := range []struct {
		what  string
		short func(*affine) bool
	}{{"x", func(p *affine) bool { return p.x.BitLen() <= 248 }}, {"y", func(p *affine) bool { return p.y.BitLen() <= 248 }}} {
		d := b.chosen("short " + c.what)
		p := b.mul(d, b.g())
		for !c.short(p) {
			d.Add(d, big.NewInt(1))
			p = b.add(p, b.g())
		}
		b.startGroup(typeMessage, p, sm2SPKI(p.uncompressed()))
		r, s := b.sign(b.digest(p, pki.UserID, vectorMessage), d, b.chosen("nonce"))
		b.test(true, "EdgeCase", "the "+c.what+" of the key begins with a zero octet", vectorMessage, sigDER(r, s))
	}
	for _, d := range []*big.Int{big.NewInt(1), big.NewInt(2), new(big.Int).Sub(b.n, big.NewInt(2))} {
		p := b.mul(d, b.g())
		b.startGroup(typeMessage, p, sm2SPKI(p.uncompressed()))
		r, s := b.sign(b.digest(p, pki.UserID, vectorMessage), d, b.chosen("nonce"))
		b.test(true, "EdgeCase", fmt.Sprintf("private key %x", d), vectorMessage, sigDER(r, s))
	}
}

// short searches messages whose signatures have a short r or s.
func (b *suiteBuilder) short(d *big.Int, p *affine) {
	k := b.chosen("nonce of the search")
	x := b.mul(k, b.g()).x
	inverse := new(big.Int).ModInverse(new(big.Int).Add(d, big.NewInt(1)), b.n)
	var shortR, shortS, wraps bool
	for i := 0; !shortR || !shortS || !wraps; i++ {
		msg := fmt.Appendf(nil, "message %d", i)
		r := mod(new(big.Int).Add(b.digest(p, pki.UserID, msg), x), b.n)
		s := new(big.Int).Mul(r, d)
		s = mod(s.Sub(k, s).Mul(s, inverse), b.n)
		sum := new(big.Int).Add(r, s)
		switch {
		case !shortR && r.BitLen() <= 240:
			shortR = true
			b.test(true, "EdgeCase", "r begins with two zero octets", msg, sigDER(r, s))
		case !shortS && s.BitLen() <= 240:
			shortS = true
			b.test(true, "EdgeCase", "s begins with two zero octets", msg, sigDER(r, s))
		case !wraps && sum.BitLen() > 256:
			wraps = true
			b.test(true, "EdgeCase", "r + s needs 257 bits", msg, sigDER(r, s))
		}
	}
}

// ranges puts every wrong value in place of r, of s and of both.
func (b *suiteBuilder) ranges(r, s *big.Int) {
	type value struct {
		what string
		v    *big.Int
	}
	one := big.NewInt(1)
	fixed := []value{
		{"0", big.NewInt(0)}, {"1", one}, {"-1", big.NewInt(-1)}, {"n - 1", new(big.Int).Sub(b.n, one)}, {"n", b.n}, {"n + 1", new(big.Int).Add(b.n, one)},
		{"p", b.p}, {"2^256 - 1", new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)}, {"2^256", new(big.Int).Lsh(one, 256)},
	}
	related := func(name string, v *big.Int) []value {
		return []value{
			{name + " + n", new(big.Int).Add(v, b.n)}, {"n - " + name, new(big.Int).Sub(b.n, v)}, {"-" + name, new(big.Int).Neg(v)},
			{name + " - n", new(big.Int).Sub(v, b.n)}, {name + " + 2^256", new(big.Int).Add(v, new(big.Int).Lsh(one, 256))},
		}
	}
	for _, v := range slices.Concat(fixed, related("r", r)) {
		b.test(false, "RangeCheck", "r is "+v.what, vectorMessage, sigDER(v.v, s))
	}
	for _, v := range slices.Concat(fixed, related("s", s)) {
		b.test(false, "RangeCheck", "s is "+v.what, vectorMessage, sigDER(r, v.v))
	}
	for _, v := range fixed {
		for _, w := range fixed {
			b.test(false, "RangeCheck", "r is "+v.what+", s is "+w.what, vectorMessage, sigDER(v.v, w.v))
		}
	}
	b.test(false, "RangeCheck", "r + s is n: s is n - r", vectorMessage, sigDER(r, new(big.Int).Sub(b.n, r)))
	b.test(false, "RangeCheck", "r + s is n: r is n - s", vectorMessage, sigDER(new(big.Int).Sub(b.n, s), s))
	b.test(false, "RangeCheck", "r + s is n: both halves of it", vectorMessage, sigDER(new(big.Int).Rsh(b.n, 1), new(big.Int).Sub(b.n, new(big.Int).Rsh(b.n, 1))))
}

func (b *suiteBuilder) modified(d *big.Int, p *affine, e, r, s *big.Int) {
	valid := sigDER(r, s)
	b.test(false, "Modified", "another message", append(slices.Clone(vectorMessage), ' '), valid)
	b.test(false, "Modified", "r and s are exchanged", vectorMessage, sigDER(s, r))
	b.test(false, "Modified", "s is n - s, which ECDSA takes", vectorMessage, sigDER(r, new(big.Int).Sub(b.n, s)))
	b.test(false, "Modified", "r is one more", vectorMessage, sigDER(new(big.Int).Add(r, big.NewInt(1)), s))
	b.test(false, "Modified", "s is one less", vectorMessage, sigDER(r, new(big.Int).Sub(s, big.NewInt(1))))
	otherR, otherS := b.sign(e, b.chosen("another key"), b.chosen("nonce"))
	b.test(false, "Modified", "another key", vectorMessage, sigDER(otherR, otherS))

	for _, id := range []struct{ what, id string }{{"the empty user ID", ""}, {"the user ID ALICE123@YAHOO.COM", "ALICE123@YAHOO.COM"}, {"a user ID of one character less", pki.UserID[:15]}} {
		r, s := b.sign(b.digest(p, id.id, vectorMessage), d, b.chosen("nonce"))
		b.test(false, "UserID", id.what, vectorMessage, sigDER(r, s))
	}
	sum := sm3.Sum(vectorMessage)
	plain := new(big.Int).SetBytes(sum[:])
	r2, s2 := b.sign(plain, d, b.chosen("nonce"))
	b.test(false, "UserID", "SM2 over SM3(msg) without ZA", vectorMessage, sigDER(r2, s2))

	// ECDSA over the same curve: r = x1, s = (e + rd)/k.
	for _, o := range []struct {
		what string
		e    *big.Int
	}{{"ECDSA over SM3(msg)", plain}, {"ECDSA over e", e}} {
		k := b.chosen("nonce")
		r := mod(b.mul(k, b.g()).x, b.n)
		s := new(big.Int).Mul(r, d)
		s.Add(s, o.e).Mul(s, new(big.Int).ModInverse(k, b.n))
		b.test(false, "OtherScheme", o.what, vectorMessage, sigDER(r, mod(s, b.n)))
	}

	// r = e and s = -rd/(1 + d) make sG + tP infinity. Who takes its x for 0 accepts.
	r = mod(e, b.n)
	s = new(big.Int).Mul(r, d)
	s.Neg(s).Mul(s, new(big.Int).ModInverse(new(big.Int).Add(d, big.NewInt(1)), b.n))
	b.test(false, "Infinity", "sG + tP is infinity and r is e", vectorMessage, sigDER(r, mod(s, b.n)), "tjfoc")
}

// encodings writes one valid signature in every wrong way.
func (b *suiteBuilder) encodings(r, s *big.Int) {
	ri, si := integer(r), integer(s)
	content := slices.Concat(ri, si)
	valid := sequenceOf(ri, si)
	raw := slices.Concat(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
	padded := func(v *big.Int, zeros int) []byte {
		return built(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) {
				b.AddBytes(make([]byte, zeros))
				b.AddBytes(integer(v)[2:])
			})
		})
	}
	bare := func(v *big.Int) []byte { // 32 octets, negative where the first bit is set
		return built(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.INTEGER, func(b *cryptobyte.Builder) { b.AddBytes(v.FillBytes(make([]byte, 32))) })
		})
	}
	tagged := func(tag byte, der []byte) []byte { return append([]byte{tag}, der[1:]...) }
	null := []byte{5, 0}
	n := byte(len(content))
	for _, c := range []struct {
		flag, what string
		sig        []byte
	}{
		{"Padding", "r with one zero octet too many", sequenceOf(padded(r, 1), si)},
		{"Padding", "s with one zero octet too many", sequenceOf(ri, padded(s, 1))},
		{"Padding", "r and s with 40 zero octets too many", sequenceOf(padded(r, 40), padded(s, 40))},
		{"Padding", "r of 32 octets that read as negative", sequenceOf(bare(setTop(r)), si)},
		{"Padding", "s of 32 octets that read as negative", sequenceOf(ri, bare(setTop(s)))},
		{"BerEncoding", "long form of the length of the sequence", slices.Concat([]byte{0x30, 0x81, n}, content)},
		{"BerEncoding", "length of the sequence in two octets", slices.Concat([]byte{0x30, 0x82, 0, n}, content)},
		{"BerEncoding", "long form of the length of r", sequenceOf(slices.Concat([]byte{2, 0x81}, ri[1:]), si)},
		{"BerEncoding", "long form of the length of s", sequenceOf(ri, slices.Concat([]byte{2, 0x81}, si[1:]))},
		{"BerEncoding", "indefinite length", slices.Concat([]byte{0x30, 0x80}, content, []byte{0, 0})},
		{"BerEncoding", "length in nine octets", slices.Concat([]byte{0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, n}, content)},
		{"InvalidEncoding", "a length of 2^64 - 1", slices.Concat([]byte{0x30, 0x88}, bytes.Repeat([]byte{0xff}, 8), content)},
		{"InvalidEncoding", "indefinite length without an end", slices.Concat([]byte{0x30, 0x80}, content)},
		{"InvalidEncoding", "a zero octet behind the sequence", append(slices.Clone(valid), 0)},
		{"InvalidEncoding", "a second signature behind the sequence", slices.Concat(valid, valid)},
		{"InvalidEncoding", "a third integer", sequenceOf(ri, si, integer(big.NewInt(1)))},
		{"InvalidEncoding", "a NULL behind s", sequenceOf(ri, si, null)},
		{"InvalidEncoding", "a NULL before r", sequenceOf(null, ri, si)},
		{"InvalidEncoding", "a zero octet behind s", sequenceOf(ri, si, []byte{0})},
		{"InvalidEncoding", "s is missing", sequenceOf(ri)},
		{"InvalidEncoding", "r is missing and a NULL in its place", sequenceOf(null, si)},
		{"InvalidEncoding", "an empty sequence", sequenceOf()},
		{"InvalidEncoding", "nothing", nil},
		{"InvalidEncoding", "one zero octet", []byte{0}},
		{"InvalidEncoding", "r is an empty integer", sequenceOf([]byte{2, 0}, si)},
		{"InvalidEncoding", "s is an empty integer", sequenceOf(ri, []byte{2, 0})},
		{"InvalidEncoding", "the last octet is cut off", valid[:len(valid)-1]},
		{"InvalidEncoding", "the length is one more", slices.Concat([]byte{0x30, n + 1}, content)},
		{"InvalidEncoding", "the length is one less", slices.Concat([]byte{0x30, n - 1}, content)},
		{"InvalidEncoding", "a SET", tagged(0x31, valid)},
		{"InvalidEncoding", "a primitive sequence", tagged(0x10, valid)},
		{"InvalidEncoding", "r is an OCTET STRING", sequenceOf(tagged(4, ri), si)},
		{"InvalidEncoding", "s is an ENUMERATED", sequenceOf(ri, tagged(10, si))},
		{"InvalidEncoding", "a sequence in a sequence", sequenceOf(valid)},
		{"InvalidEncoding", "an OCTET STRING around it", built(func(b *cryptobyte.Builder) { b.AddASN1OctetString(valid) })},
		{"InvalidEncoding", "r || s as 64 octets", raw},
		{"InvalidEncoding", "s || r as 64 octets", slices.Concat(raw[32:], raw[:32])},
		{"InvalidEncoding", "hexadecimal of the DER", []byte(hex.EncodeToString(valid))},
	} {
		if strings.HasSuffix(c.what, "behind the sequence") {
			b.test(false, c.flag, c.what, vectorMessage, c.sig, "openssl")
			continue
		}
		b.test(false, c.flag, c.what, vectorMessage, c.sig)
	}
}

// setTop keeps a value for which the octets without a leading zero are negative; the
// signature of these vectors has r and s like that, or the test would say nothing.
func setTop(v *big.Int) *big.Int {
	if v.BitLen() != 256 {
		panic("choose another nonce: r and s must fill 256 bits")
	}
	return v
}

// digests are edge cases of the arithmetic: r, s and sG + tP are chosen, and key and
// digest follow.
func (b *suiteBuilder) digests() {
	carry := pki.Samples()[1]
	key, err := pki.ParsePoint(carry.Point[:])
	if err != nil {
		panic(err)
	}
	b.startGroup(typeDigest, &affine{new(big.Int).SetBytes(key.Uncompressed()[1:33]), new(big.Int).SetBytes(key.Uncompressed()[33:])}, key.SPKI())
	b.test(true, "ArithmeticCarry", "a carry in the field arithmetic", carry.Digest[:], carry.Signature.DER())

	one, two := big.NewInt(1), big.NewInt(2)
	less := func(k int64) *big.Int { return new(big.Int).Sub(b.n, big.NewInt(k)) }
	half := new(big.Int).Rsh(b.n, 1)
	for _, c := range []struct {
		what string
		r, s *big.Int
	}{
		{"r and s are 1", one, one}, {"r is 1, s is 2", one, two}, {"r is 1, s is n - 2", one, less(2)}, {"r is n - 1, s is n - 1", less(1), less(1)},
		{"r is n - 1, s is 2", less(1), two}, {"r is n - 2, s is 1", less(2), one}, {"r is 2, s is n - 1", two, less(1)},
		{"r and s are (n - 1)/2", half, half}, {"r is 2^255, s is 2^128", new(big.Int).Lsh(one, 255), new(big.Int).Lsh(one, 128)},
		{"r is 2^32, s is 2^224", new(big.Int).Lsh(one, 32), new(big.Int).Lsh(one, 224)},
	} {
		point := b.mul(b.chosen("point for "+c.what), b.g())
		t := mod(new(big.Int).Add(c.r, c.s), b.n)
		minus := b.mul(new(big.Int).Sub(b.n, c.s), b.g())
		p := b.mul(new(big.Int).ModInverse(t, b.n), b.add(point, minus))
		e := mod(new(big.Int).Sub(c.r, point.x), b.n)
		b.startGroup(typeDigest, p, sm2SPKI(p.uncompressed()))
		b.test(true, "EdgeCase", c.what, e.FillBytes(make([]byte, 32)), sigDER(c.r, c.s))
	}

	// sG and tP are one point, so that their sum is a doubling: s = rd/(1 - d).
	d := b.chosen("key")
	p := b.mul(d, b.g())
	b.startGroup(typeDigest, p, sm2SPKI(p.uncompressed()))
	r := b.chosen("r of the doubling")
	s := new(big.Int).Mul(r, d)
	s.Mul(s, new(big.Int).ModInverse(mod(new(big.Int).Sub(one, d), b.n), b.n))
	s = mod(s, b.n)
	e := mod(new(big.Int).Sub(r, b.mul(mod(new(big.Int).Lsh(s, 1), b.n), b.g()).x), b.n)
	b.test(true, "EdgeCase", "sG equals tP", e.FillBytes(make([]byte, 32)), sigDER(r, s), "tjfoc")

	// Digests that are reduced mod n.
	for _, big256 := range []struct {
		what string
		e    *big.Int
	}{{"e is n", b.n}, {"e is n + 1", new(big.Int).Add(b.n, one)}, {"e is 2^256 - 1", new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)}, {"e is 0", new(big.Int)}} {
		r, s := b.sign(big256.e, d, b.chosen("nonce"))
		b.test(true, "EdgeCase", big256.what, big256.e.FillBytes(make([]byte, 32)), sigDER(r, s))
	}
}

// badKeys are keys that must be refused, each with a signature that is valid under the
// key it is made from.
func (b *suiteBuilder) badKeys() {
	d := b.chosen("key")
	p := b.mul(d, b.g())
	r, s := b.sign(b.digest(p, pki.UserID, vectorMessage), d, b.chosen("nonce"))
	sig := sigDER(r, s)
	good := p.uncompressed()
	prefixed := func(tag byte, b []byte) []byte { return append([]byte{tag}, b...) }
	parity := byte(p.y.Bit(0))
	offCurve := slices.Clone(good)
	offCurve[64] ^= 1
	// The smallest x of a point, written as x + p.
	small := big.NewInt(0)
	var low *affine
	for low = b.onCurve(small); low == nil; low = b.onCurve(small) {
		small.Add(small, big.NewInt(1))
	}
	over := (&affine{new(big.Int).Add(low.x, b.p), low.y}).uncompressed()
	p256 := oid.Of(1, 2, 840, 10045, 3, 1, 7)
	curveID := func(id oid.ID) []byte { return built(func(b *cryptobyte.Builder) { oid.Add(b, id) }) }
	bits := func(unused byte, point []byte) []byte {
		return built(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { b.AddUint8(unused); b.AddBytes(point) })
		})
	}
	algorithm := sequenceOf(curveID(oid.ECPublic), curveID(oid.SM2Curve))
	for _, c := range []struct {
		what    string
		spki    []byte
		accepts []string
	}{
		{"y is changed: off the curve", sm2SPKI(offCurve), nil},
		{"(0, 0)", sm2SPKI(append([]byte{4}, make([]byte, 64)...)), nil},
		{"infinity", sm2SPKI([]byte{0}), nil},
		{"infinity in 65 octets", sm2SPKI(make([]byte, 65)), nil},
		{"x is not below p", sm2SPKI(over), nil},
		{"compressed", sm2SPKI(prefixed(2|parity, good[1:33])), []string{"openssl"}},
		{"compressed, the other y", sm2SPKI(prefixed(3^parity, good[1:33])), nil},
		{"hybrid", sm2SPKI(prefixed(6|parity, good[1:])), []string{"openssl"}},
		{"hybrid, the wrong parity", sm2SPKI(prefixed(7^parity, good[1:])), nil},
		{"without the tag 04", sm2SPKI(good[1:]), nil},
		{"one octet is missing", sm2SPKI(good[:64]), nil},
		{"one octet too many", sm2SPKI(append(slices.Clone(good), 0)), nil},
		{"no point at all", sm2SPKI(nil), nil},
		{"said to be on P-256", spkiOf(oid.ECPublic, p256, good), nil},
		{"a point of P-256", sm2SPKI(append([]byte{4}, p256Generator()...)), nil},
		{"no curve", sequenceOf(sequenceOf(curveID(oid.ECPublic)), bits(0, good)), nil},
		{"an RSA key by its identifier", sequenceOf(sequenceOf(curveID(oid.Of(1, 2, 840, 113549, 1, 1, 1)), []byte{5, 0}), bits(0, good)), nil},
		{"bits that are not used", sequenceOf(algorithm, bits(1, good)), []string{"openssl"}},
		{"something behind the key", append(sm2SPKI(good), 0), []string{"openssl"}},
	} {
		b.startGroup(typeMessage, nil, c.spki)
		b.test(false, "BadKey", c.what, vectorMessage, sig, c.accepts...)
	}
}

func p256Generator() []byte {
	return slices.Concat(bigOf("6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296").Bytes(),
		bigOf("4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5").Bytes())
}
