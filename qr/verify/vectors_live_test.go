package verify_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// vectorDevice is a holder's device whose key anybody can compute.
type vectorDevice struct {
	key    *qr.DeviceKey
	digest func(message []byte) []byte // what is signed of a message
	sign   func(digest []byte) pki.Signature
}

func (d *vectorDevice) signature(message []byte) pki.Signature { return d.sign(d.digest(message)) }

// vectorPhone is a device on SM2.
func vectorPhone(tb testing.TB, name string) *vectorDevice {
	tb.Helper()
	key, signer := vectorKey(tb, name)
	point := key.Public().Point()
	device, err := qr.ParseDeviceKey(qr.DeviceSM2, point[:])
	if err != nil {
		tb.Fatal(err)
	}
	return &vectorDevice{
		key:    device,
		digest: func(message []byte) []byte { e := key.Public().Digest(message); return e[:] },
		sign: func(digest []byte) pki.Signature {
			der, err := sm2.SignDeterministic(signer.PrivateKey, digest, nil)
			if err != nil {
				tb.Fatal(err)
			}
			return rawSignature(tb, der)
		},
	}
}

// vectorBrowser is a device on P-256 that signs by RFC 6979.
func vectorBrowser(tb testing.TB, name string) *vectorDevice {
	tb.Helper()
	scalar := sm3.Sum([]byte("elicence test vectors, never a real key: " + name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		tb.Fatal(err)
	}
	public, err := key.PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	device, err := qr.ParseDeviceKey(qr.DeviceP256, append([]byte{2 | public[64]&1}, public[1:33]...))
	if err != nil {
		tb.Fatal(err)
	}
	return &vectorDevice{
		key:    device,
		digest: func(message []byte) []byte { e := sha256.Sum256(message); return e[:] },
		sign: func(digest []byte) pki.Signature {
			der, err := key.Sign(nil, digest, crypto.SHA256)
			if err != nil {
				tb.Fatal(err)
			}
			return device.Normal(rawSignature(tb, der))
		},
	}
}

func rawSignature(tb testing.TB, der []byte) pki.Signature {
	tb.Helper()
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		tb.Fatal(err)
	}
	var signature pki.Signature
	rs.R.FillBytes(signature[:32])
	rs.S.FillBytes(signature[32:])
	return signature
}

// live is a good presentation whose parts a vector changes.
type live struct {
	issuer     *pki.Key
	device     *vectorDevice // signs
	credential *qr.Credential
	object     pki.Object // that the credential is signed as
	payload    []byte     // instead of the credential's
	seconds    int64
	question   *qr.Challenge
	message    func(message []byte) []byte // what the device signs instead
	signature  func(s []byte)              // changes the signature
}

// live is a code of kind 2 with its parts changed.
func (r *rows) live(device *vectorDevice, change func(*live)) string {
	r.tb.Helper()
	l := r.liveParts(device, change)
	return r.digits(qr.KindHolder, r.assembled(l, r.signedCredential(l)))
}

func (r *rows) liveParts(device *vectorDevice, change func(*live)) *live {
	c := r.domain.credential()
	c.Device, c.Expires, c.Summary.Status = device.key, c.SignedAt.Add(qr.MaxDeviceLife), 5<<32|77
	l := &live{issuer: r.domain.live, device: device, credential: c, object: pki.ObjectCodeHolder, seconds: vectorTime.Unix()}
	if change != nil {
		change(l)
	}
	return l
}

func (r *rows) signedCredential(l *live) []byte {
	r.tb.Helper()
	payload := l.payload
	if payload == nil {
		var err error
		if payload, err = l.credential.Payload(); err != nil {
			r.tb.Fatal(err)
		}
	}
	b, err := cose.Sign(l.object, l.issuer, payload)
	if err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// assembled puts the items and the device's signature together, by another way than
// package qr does.
func (r *rows) assembled(l *live, credential []byte) []byte {
	r.tb.Helper()
	nonce, hall := []byte{}, ""
	if l.question != nil {
		nonce, hall = l.question.Nonce[:], l.question.Hall
	}
	message := r.marshal([]any{"elicence/present/1", credential, l.seconds, nonce, hall})
	if l.message != nil {
		message = l.message(message)
	}
	signature := l.device.signature(message)
	if l.signature != nil {
		l.signature(signature[:])
	}
	return r.marshal([]any{credential, l.seconds, nonce, hall, signature[:]})
}

func (r *rows) marshal(v any) []byte {
	r.tb.Helper()
	b, err := detcbor.Marshal(v)
	if err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// presentedRows are codes of kind 2.
func presentedRows(r *rows) {
	d := r.domain
	for name, device := range map[string]*vectorDevice{"SM2": d.phone, "P-256": d.browser} {
		r.add("presented", "good, "+name, r.live(device, nil), verify.Valid, "")
		presentedSignatures(r, name, device)
	}
	r.add("presented", "the longest", r.live(d.browser, func(l *live) {
		l.credential.Summary.Holder = "长"
		for n := 0; n < qr.MaxDeviceCredential; {
			l.credential.Summary.Holder += "x"
			n, _ = l.credential.Size()
		}
	}), verify.Valid, "")
	presentedShapes(r)
	presentedCredentials(r)
	presentedTimes(r)
	presentedReplays(r)
	presentedAnswers(r)
}

// presentedShapes are no five items of the right form.
func presentedShapes(r *rows) {
	credential := r.signedCredential(r.liveParts(r.domain.phone, nil))
	signature := make([]byte, 64)
	now := vectorTime.Unix()
	nonce := make([]byte, 16)
	whole := r.assembled(r.liveParts(r.domain.phone, nil), credential)
	for name, b := range map[string][]byte{
		"a COSE_Sign1 alone":                   credential,
		"four items":                           r.marshal([]any{credential, now, []byte{}, ""}),
		"six items":                            r.marshal([]any{credential, now, []byte{}, "", signature, 0}),
		"a map":                                r.marshal(map[int]any{0: credential}),
		"a byte more":                          append(bytes.Clone(whole), 0),
		"a byte less":                          whole[:len(whole)-1],
		"tagged":                               append([]byte{0xc1}, whole...),
		"an array of indefinite length":        append(append([]byte{0x9f}, whole[1:]...), 0xff),
		"an array with a longer length":        append([]byte{0x98, 0x05}, whole[1:]...),
		"twice":                                append(bytes.Clone(whole[:200]), whole[:200]...),
		"negative seconds":                     r.marshal([]any{credential, -1, []byte{}, "", signature}),
		"seconds as text":                      r.marshal([]any{credential, "1", []byte{}, "", signature}),
		"seconds as a fraction":                r.marshal([]any{credential, 1.5, []byte{}, "", signature}),
		"seconds after the year 9999":          r.marshal([]any{credential, 253402300800, []byte{}, "", signature}),
		"seconds in eight bytes":               bytes.Replace(whole, r.marshal(now), append([]byte{0x1b, 0, 0, 0, 0}, r.marshal(now)[1:]...), 1),
		"a nonce of 15 bytes":                  r.marshal([]any{credential, now, nonce[1:], "甲厅", signature}),
		"a nonce of 17 bytes":                  r.marshal([]any{credential, now, append(nonce, 0), "甲厅", signature}),
		"a nonce as text":                      r.marshal([]any{credential, now, "", "", signature}),
		"null for the nonce":                   r.marshal([]any{credential, now, nil, "", signature}),
		"a hall without a nonce":               r.marshal([]any{credential, now, []byte{}, "甲厅", signature}),
		"a nonce without a hall":               r.marshal([]any{credential, now, nonce, "", signature}),
		"a hall of 31 bytes":                   r.marshal([]any{credential, now, nonce, strings.Repeat("h", 31), signature}),
		"a hall with a right-to-left mark":     r.marshal([]any{credential, now, nonce, "甲\u200f厅", signature}),
		"a hall that is not NFC":               r.marshal([]any{credential, now, nonce, "e\u0301", signature}),
		"a hall as bytes":                      r.marshal([]any{credential, now, nonce, []byte("h"), signature}),
		"a signature of 63 bytes":              r.marshal([]any{credential, now, []byte{}, "", signature[1:]}),
		"a signature in DER":                   r.marshal([]any{credential, now, []byte{}, "", make([]byte, 70)}),
		"no credential":                        r.marshal([]any{[]byte{}, now, []byte{}, "", signature}),
		"a credential that is no COSE_Sign1":   r.marshal([]any{[]byte{0xa0}, now, []byte{}, "", signature}),
		"a credential that is not bytes":       append(append([]byte{0x85}, credential...), r.marshal([]any{now, []byte{}, "", signature})[1:]...),
		"a credential with a byte more":        r.marshal([]any{append(bytes.Clone(credential), 0), now, []byte{}, "", signature}),
		"a presentation within a presentation": r.marshal([]any{whole[:300], now, []byte{}, "", signature}),
		"409 bytes":                            r.marshal([]any{bytes.Repeat([]byte{7}, 332), now, []byte{}, "", signature}),
	} {
		r.add("presented/holder", name, r.digits(qr.KindHolder, b), verify.Malformed, "")
	}
}

// presentedSignatures are signed by somebody else, or something else is.
func presentedSignatures(r *rows, curve string, device *vectorDevice) {
	d := r.domain
	n := pki.Order()
	if device.key.Algorithm() == qr.DeviceP256 {
		n = elliptic.P256().Params().N
	}
	minus := func(half []byte) { new(big.Int).Sub(n, new(big.Int).SetBytes(half)).FillBytes(half) }
	add := func(name, digits string) {
		r.add("presented/tampered", name+", "+curve, digits, verify.Tampered, "not shown by the phone")
	}
	for name, change := range map[string]func(s []byte){
		"the last bit of s":  func(s []byte) { s[63] ^= 1 },
		"the first bit of r": func(s []byte) { s[0] ^= 0x80 },
		"r and s exchanged":  func(s []byte) { copy(s, append(bytes.Clone(s[32:]), s[:32]...)) },
		"s is n minus s":     func(s []byte) { minus(s[32:]) }, // good for ECDSA, and not in its accepted form
		"r is 0":             func(s []byte) { clear(s[:32]) },
		"s is 0":             func(s []byte) { clear(s[32:]) },
		"both are 0":         func(s []byte) { clear(s) },
		"r is n":             func(s []byte) { n.FillBytes(s[:32]) },
		"s is n":             func(s []byte) { n.FillBytes(s[32:]) },
		"r + s is n":         func(s []byte) { copy(s[32:], s[:32]); minus(s[32:]) },
		"all bits are set":   func(s []byte) { copy(s, bytes.Repeat([]byte{0xff}, 64)) },
	} {
		add(name, r.live(device, func(l *live) { l.signature = change }))
	}
	for name, message := range map[string]func([]byte) []byte{
		"signed as another object": func(m []byte) []byte {
			return bytes.Replace(m, []byte("elicence/present/1"), []byte("elicence/present/2"), 1)
		},
		"signed without the object's name": func(m []byte) []byte { return append([]byte{0x84}, m[2+len("elicence/present/1"):]...) },
		"signed as a Sig_structure": func(m []byte) []byte {
			return r.marshal([]any{"Signature1", []byte{}, []byte("elicence/present/1"), m})
		},
		"signed over another second": func(m []byte) []byte {
			return bytes.Replace(m, r.marshal(vectorTime.Unix()), r.marshal(vectorTime.Unix()+1), 1)
		},
		"signed over the hash of it": func(m []byte) []byte { e := device.digest(m); return e },
	} {
		add(name, r.live(device, func(l *live) { l.message = message }))
	}
	question := &qr.Challenge{Nonce: [16]byte{1}, Hall: "甲厅"}
	add("a nonce put in afterwards", r.live(device, func(l *live) {
		l.question = question
		l.message = func(m []byte) []byte {
			return r.marshal([]any{"elicence/present/1", r.signedCredential(l), l.seconds, []byte{}, ""})
		}
	}))
	add("another hall put in afterwards", r.live(device, func(l *live) {
		l.question = question
		l.message = func(m []byte) []byte { return bytes.Replace(m, []byte("甲厅"), []byte("乙厅"), 1) }
	}))
	add("another credential of the same device", func() string {
		l := r.liveParts(device, nil)
		code := r.assembled(l, r.signedCredential(l))
		l.credential.Summary.Status++
		other := r.assembled(l, r.signedCredential(l))
		return r.digits(qr.KindHolder, append(other[:len(other)-64:len(other)-64], code[len(code)-64:]...))
	}())
	add("another device", r.live(device, func(l *live) { l.device = d.other }))
	// The algorithm is the key's: a good signature by another is none.
	if device == d.phone {
		for name, digest := range map[string]func(m []byte) []byte{
			"SM3 without ZA":  func(m []byte) []byte { e := sm3.Sum(m); return e[:] },
			"SHA-256":         func(m []byte) []byte { e := sha256.Sum256(m); return e[:] },
			"another user ID": func(m []byte) []byte { return digestOf(r.tb, d.phone, "ALICE123@YAHOO.COM", m) },
		} {
			add("signed over "+name, r.live(device, func(l *live) { l.device = &vectorDevice{device.key, digest, device.sign} }))
		}
	} else {
		add("signed over SM3", r.live(device, func(l *live) {
			l.device = &vectorDevice{device.key, func(m []byte) []byte { e := sm3.Sum(m); return e[:] }, device.sign}
		}))
	}
}

// digestOf is e with another user ID.
func digestOf(tb testing.TB, device *vectorDevice, id string, message []byte) []byte {
	tb.Helper()
	point := device.key.Point()
	key, err := pki.ParsePoint(point[:])
	if err != nil {
		tb.Fatal(err)
	}
	za, err := sm2.CalculateZA(key.ECDSA(), []byte(id))
	if err != nil {
		tb.Fatal(err)
	}
	e := sm3.Sum(append(za, message...))
	return e[:]
}

// presentedCredentials are about the credential within, and who signed it.
func presentedCredentials(r *rows) {
	d := r.domain
	add := func(rule, name string, want verify.Verdict, cause string, change func(*live)) {
		r.add(rule, name, r.live(d.phone, change), want, cause)
	}
	add("presented/untrusted", "by a key that the trust list does not have", verify.Untrusted, "no issuing authority", func(l *live) { l.issuer = d.unknown })
	add("presented/untrusted", "by a service's key", verify.Untrusted, "no issuing authority", func(l *live) { l.issuer = d.presenter })
	add("presented/untrusted", "by a stolen key", verify.Untrusted, "compromised", func(l *live) { l.issuer = d.compromised })
	forged := r.assembled(r.liveParts(d.phone, nil), func() []byte {
		b := r.signedCredential(r.liveParts(d.phone, nil))
		b[len(b)-1] ^= 1
		return b
	}())
	r.add("presented/credential", "its signature is wrong, the device's is good", r.digits(qr.KindHolder, forged), verify.Tampered, "not that of the key")
	for _, object := range []pki.Object{pki.ObjectCodeLicence, pki.ObjectCodeService, pki.ObjectLicence, pki.ObjectPresent} {
		add("presented/credential", "signed as "+string(object)+" object", verify.Tampered, "not that of the key", func(l *live) { l.object = object })
	}
	add("presented/credential", "a printed licence's", verify.Tampered, "", func(l *live) {
		l.object, l.credential = pki.ObjectCodeLicence, d.credential()
		l.issuer = d.issuer
	})
	add("presented/credential", "a printed licence's, signed as a device's", verify.Malformed, "must carry its key", func(l *live) { l.credential.Device = nil })
	r.add("presented/as-printed", "a holder's credential as a printed code", r.digits(qr.KindLicence, r.signedCredential(r.liveParts(d.phone, nil))), verify.Tampered, "")
	r.add("presented/as-printed", "a holder's credential as a printed code, signed as one", r.digits(qr.KindLicence, func() []byte {
		l := r.liveParts(d.phone, nil)
		l.object, l.issuer = pki.ObjectCodeLicence, d.issuer
		return r.signedCredential(l)
	}()), verify.Malformed, "must not carry")
	r.add("presented/as-printed", "a holder's credential as the service's code", r.digits(qr.KindService, r.signedCredential(r.liveParts(d.phone, nil))), verify.Untrusted, "no service")

	sm2Point, p256Point := d.phone.key.Point(), d.browser.key.Point()
	off := func(point pki.Point) []byte { // x + 1, 2, … until it is on neither curve
		for {
			point[32]++
			_, onSM2 := qr.ParseDeviceKey(qr.DeviceSM2, point[:])
			_, onP256 := qr.ParseDeviceKey(qr.DeviceP256, point[:])
			if onSM2 != nil && onP256 != nil {
				return point[:]
			}
		}
	}
	for name, keys := range map[string]map[int]any{
		"none":                             {},
		"two":                              {-70003: sm2Point[:], -70004: p256Point[:]},
		"empty":                            {-70003: []byte{}},
		"32 bytes":                         {-70003: sm2Point[1:]},
		"uncompressed":                     {-70003: append([]byte{4}, make([]byte, 64)...)},
		"the head of an uncompressed one":  {-70003: append([]byte{4}, sm2Point[1:]...)},
		"infinity":                         {-70004: make([]byte, 33)},
		"off the curve, SM2":               {-70003: off(sm2Point)},
		"off the curve, P-256":             {-70004: off(p256Point)},
		"x is p and more, SM2":             {-70003: append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)},
		"x is p and more, P-256":           {-70004: append([]byte{3}, bytes.Repeat([]byte{0xff}, 32)...)},
		"as text":                          {-70004: string(bytes.Repeat([]byte{2}, 33))},
		"as a COSE_Key":                    {-70003: map[int]any{1: 2, -1: 1}},
		"a claim of a document beside it":  {-70003: sm2Point[:], -70005: []any{"N", 1, make([]byte, 32), []string{}}},
		"the confirmation key of RFC 8747": {8: map[int]any{1: sm2Point[:]}},
	} {
		add("presented/device", name, verify.Malformed, "", func(l *live) { l.payload = r.claims(map[int]any{7: 5<<32 | 77}, keys) })
	}
	// A point of the other curve is on this one half of the time.
	for point := p256Point; ; point[32]++ {
		_, onSM2 := qr.ParseDeviceKey(qr.DeviceSM2, point[:])
		_, onP256 := qr.ParseDeviceKey(qr.DeviceP256, point[:])
		if onSM2 == nil && onP256 != nil {
			add("presented/device", "a point of SM2 called one of P-256", verify.Malformed, "", func(l *live) {
				l.payload = r.claims(map[int]any{7: 5<<32 | 77}, map[int]any{-70004: point[:]})
			})
			break
		}
	}
	r.add("presented/device", "the algorithm is the key's: SM2's key, P-256's signature", r.live(d.phone, func(l *live) { l.device = d.browser }), verify.Tampered, "")
	r.add("presented/device", "the algorithm is the key's: P-256's key, SM2's signature", r.live(d.browser, func(l *live) { l.device = d.phone }), verify.Tampered, "")

	scope := func(name, cause string, change func(*live)) {
		add("presented/scope", name, verify.OutOfScope, cause, change)
	}
	scope("a category that the issuer may not issue", "005", func(l *live) { l.credential.Summary.Category, l.credential.Summary.Fields = 5, nil })
	scope("a key that may sign printed codes only", "kind and life", func(l *live) { l.issuer, l.credential.Summary.Status = d.issuer, 1<<32|77 })
	scope("30 days and a second, though the key may more", "kind and life", func(l *live) { l.credential.Expires = l.credential.SignedAt.Add(30*day + time.Second) })
	scope("a category that does not count live", "do not count", func(l *live) {
		l.credential.Summary.Category, l.credential.Summary.Fields = 66, []any{"x"}
	})
	scope("another issuer's status list", "not the issuing authority's", func(l *live) { l.credential.Summary.Status = 1<<32 | 77 })
	scope("after its status list was closed", "outside the time", func(l *live) {
		l.credential.Summary.Status, l.credential.SignedAt = 6<<32|77, vectorTime.Add(-time.Hour+time.Second)
	})
	add("presented/scope", "a category that only counts live", verify.Valid, "", func(l *live) {
		l.credential.Summary.Category, l.credential.Summary.Fields = 100, nil
	})
	add("presented/scope", "a field list that the terminal does not know", verify.NoData, "field list", func(l *live) { l.credential.Summary.Category = 7 })
	add("presented/fields", "one of two", verify.Malformed, "", func(l *live) { l.credential.Summary.Fields = l.credential.Summary.Fields[:1] })

	place := func(index uint64) func(*live) {
		return func(l *live) { l.credential.Summary.Status = 5<<32 | index }
	}
	add("presented/status", "revoked", verify.Revoked, "", place(10))
	add("presented/status", "suspended", verify.Suspended, "", place(11))
	add("presented/status", "never given out", verify.NotIssued, "", place(4096))
	add("presented/status", "revoked, and from the past", verify.Revoked, "", func(l *live) { place(10)(l); l.seconds -= 3600 })
	add("presented/status", "revoked, and by another device", verify.Tampered, "", func(l *live) { place(10)(l); l.device = d.other })
}
