package verify_test

import (
	"bytes"
	"encoding/hex"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/detcbor"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cose"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// signatureRows are about who signed, and whether.
func signatureRows(r *rows) {
	d := r.domain
	r.add("signature", "a good code", r.licence(nil), verify.Valid, "")
	r.add("signature/untrusted", "a key that the trust list does not have", r.by(d.unknown, nil), verify.Untrusted, "no issuing authority")
	r.add("signature/untrusted", "a service's key for a licence", r.by(d.document, nil), verify.Untrusted, "no issuing authority")
	r.add("signature/compromised", "signed with a stolen key", r.by(d.compromised, func(c *qr.Credential) { c.Summary.Status = 2<<32 | 77 }), verify.Untrusted, "compromised")
	r.add("signature/compromised", "not even signed with it", r.forge(d.compromised, func(s []byte) { s[63] ^= 1 }), verify.Untrusted, "compromised")
	r.add("signature/retired", "by a key that signs no more", r.by(d.retired, func(c *qr.Credential) {
		c.Summary.Status = 3<<32 | 77
		c.SignedAt = vectorTime.Add(-2 * time.Hour)
	}), verify.Valid, "")
	n := pki.Order().FillBytes(make([]byte, 32))
	minus := func(half []byte) {
		new(big.Int).Sub(pki.Order(), new(big.Int).SetBytes(half)).FillBytes(half)
	}
	for name, change := range map[string]func(s []byte){
		"the last bit of s":  func(s []byte) { s[63] ^= 1 },
		"the first bit of r": func(s []byte) { s[0] ^= 0x80 },
		"r and s exchanged":  func(s []byte) { copy(s, append(bytes.Clone(s[32:]), s[:32]...)) },
		"s is n minus s":     func(s []byte) { minus(s[32:]) },
		"r is n minus r":     func(s []byte) { minus(s[:32]) },
		"r is 0":             func(s []byte) { clear(s[:32]) },
		"s is 0":             func(s []byte) { clear(s[32:]) },
		"both are 0":         func(s []byte) { clear(s) },
		"r is n":             func(s []byte) { copy(s, n) },
		"s is n":             func(s []byte) { copy(s[32:], n) },
		"r + s is n":         func(s []byte) { copy(s[32:], s[:32]); minus(s[32:]) },
		"all bits are set":   func(s []byte) { copy(s, bytes.Repeat([]byte{0xff}, 64)) },
		"r and s are 1":      func(s []byte) { clear(s); s[31], s[63] = 1, 1 },
		"least significant first": func(s []byte) {
			for i := range 16 {
				s[i], s[31-i] = s[31-i], s[i]
			}
		},
	} {
		r.add("signature/tampered", name, r.forge(d.issuer, change), verify.Tampered, "not that of the key")
	}
	good := r.licence(nil)
	_, b, err := qr.Decode(good)
	if err != nil {
		r.tb.Fatal(err)
	}
	change := func(name, from, to string) {
		at := bytes.Index(b, []byte(from))
		if at < 0 || len(from) != len(to) {
			r.tb.Fatalf("%s: nothing to change", name)
		}
		forged := bytes.Clone(b)
		copy(forged[at:], to)
		r.add("signature/tampered", name, r.digits(1, forged), verify.Tampered, "")
	}
	change("another holder", "张样例", "李样例")
	change("another class", "bC1", "bA1")
	change("another index", string(unhex(r.tb, "1b000000010000004d")), string(unhex(r.tb, "1b000000010000004e")))
	payload := r.payload(nil)
	for _, object := range []pki.Object{pki.ObjectLicence, pki.ObjectCodeHolder, pki.ObjectCodeService, pki.ObjectCodeDocument, pki.ObjectPresent, pki.ObjectTrust, ""} {
		r.add("signature/purpose", "signed as "+string(object)+" object", r.signed(object, qr.KindLicence, payload, d.issuer), verify.Tampered, "")
	}
	r.add("signature/purpose", "a licence's code said to be a document's", r.signed(pki.ObjectCodeLicence, qr.KindDocument, payload, d.issuer), verify.Untrusted, "no service")
	r.add("signature/kid", "another issuer's kid", r.relabel(b, d.retired.Public().KID()), verify.Tampered, "")
	r.add("signature/kid", "a kid of nobody", r.relabel(b, pki.KID{1, 2, 3, 4, 5, 6, 7, 8}), verify.Untrusted, "")
	r.add("signature/kid", "a service's kid", r.relabel(b, d.document.Public().KID()), verify.Untrusted, "")
	// Signatures by the right key over something else than ZA and Sig_structure.
	m, err := cose.Parse(b)
	if err != nil {
		r.tb.Fatal(err)
	}
	structure := m.ToBeSigned(pki.ObjectCodeLicence)
	for name, digest := range map[string]func() []byte{
		"another user ID": func() []byte {
			za, err := sm2.CalculateZA(d.issuer.Public().ECDSA(), []byte("ALICE123@YAHOO.COM"))
			if err != nil {
				r.tb.Fatal(err)
			}
			e := sm3.Sum(append(za, structure...))
			return e[:]
		},
		"no ZA": func() []byte { e := sm3.Sum(structure); return e[:] },
		"the payload alone": func() []byte {
			e := d.issuer.Public().Digest(m.Payload)
			return e[:]
		},
	} {
		der, err := sm2.SignDeterministic(d.signer.PrivateKey, digest(), nil)
		if err != nil {
			r.tb.Fatal(err)
		}
		sig, err := pki.ParseSignatureDER(der)
		if err != nil {
			r.tb.Fatal(err)
		}
		r.add("signature/digest", "signed over "+name, r.digits(1, append(bytes.Clone(b[:len(b)-64]), sig[:]...)), verify.Tampered, "")
	}
}

// forge is a licence whose signature has been changed.
func (r *rows) forge(key *pki.Key, change func(signature []byte)) string {
	r.tb.Helper()
	_, b, err := qr.Decode(r.by(key, nil))
	if err != nil {
		r.tb.Fatal(err)
	}
	change(b[len(b)-64:])
	return r.digits(qr.KindLicence, b)
}

// relabel puts another kid into a code's protected header.
func (r *rows) relabel(code []byte, kid pki.KID) string {
	b := bytes.Clone(code)
	copy(b[11:19], kid[:])
	return r.digits(qr.KindLicence, b)
}

func (r *rows) signed(object pki.Object, kind qr.Kind, payload []byte, key *pki.Key) string {
	r.tb.Helper()
	return signAs(r.tb, object, kind, payload, key)
}

func (r *rows) payload(change func(*qr.Credential)) []byte {
	r.tb.Helper()
	c := r.domain.credential()
	if change != nil {
		change(c)
	}
	b, err := c.Payload()
	if err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// claims is a good payload as a map, with keys changed; nil takes one out.
func (r *rows) claims(summary map[int]any, claims map[int]any) []byte {
	r.tb.Helper()
	signedAt := vectorTime.Add(-time.Hour).Unix()
	with := func(base, changes map[int]any) map[int]any {
		maps.Copy(base, changes)
		maps.DeleteFunc(base, func(_ int, v any) bool { return v == nil })
		return base
	}
	first := int(civil.Of(vectorTime))
	s := with(map[int]any{0: 1, 1: 4, 2: "N1", 3: "张三", 4: "1*2", 5: first, 6: first + 365, 7: 1<<32 | 77, 8: []any{"C1", nil}}, summary)
	b, err := detcbor.Marshal(with(map[int]any{4: signedAt + 86400, 6: signedAt, -70001: s}, claims))
	if err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// payloadRows are well signed and say something that nobody may say.
func payloadRows(r *rows) {
	add := func(rule, name string, payload []byte) {
		r.add(rule, name, r.signed(pki.ObjectCodeLicence, qr.KindLicence, payload, r.domain.issuer), verify.Malformed, "")
	}
	summary := func(rule, name string, key int, value any) { add(rule, name, r.claims(map[int]any{key: value}, nil)) }
	claim := func(rule, name string, key int, value any) { add(rule, name, r.claims(nil, map[int]any{key: value})) }
	good := r.claims(nil, nil)
	valid := func(name string, s map[int]any) {
		r.add("payload", name, r.signed(pki.ObjectCodeLicence, qr.KindLicence, r.claims(s, nil), r.domain.issuer), verify.Valid, "")
	}
	valid("every key", nil)
	valid("the smallest", map[int]any{4: nil, 6: nil})
	valid("rare characters", map[int]any{3: "欧阳龘䶮𠮷"})
	valid("a day before 1970", map[int]any{8: []any{nil, -5000}})
	valid("a category with another field list", map[int]any{0: 2, 8: nil})

	add("payload/cbor", "empty", nil)
	add("payload/cbor", "no map", []byte{0x80})
	add("payload/cbor", "text", []byte("nonsense"))
	add("payload/cbor", "a byte more", append(bytes.Clone(good), 0))
	add("payload/cbor", "cut off", good[:len(good)-1])
	add("payload/cbor", "a tag", append([]byte{0xc1}, good...))
	add("payload/cbor", "a map of indefinite length", append(append([]byte{0xbf}, good[1:]...), 0xff))
	add("payload/cbor", "a longer integer", bytes.Replace(good, []byte{0x01, 0x04}, []byte{0x01, 0x18, 0x04}, 1))
	add("payload/cbor", "a longer key", bytes.Replace(good, []byte{0xa3, 0x04}, []byte{0xa3, 0x18, 0x04}, 1))
	add("payload/cbor", "a longer text length", bytes.Replace(good, []byte("bN1"), []byte("\x78\x02N1"), 1))
	add("payload/cbor", "text in chunks", bytes.Replace(good, []byte("bN1"), []byte("\x7fbN1\xff"), 1))
	add("payload/cbor", "keys out of order", bytes.Replace(good, []byte{0x00, 0x01, 0x01, 0x04}, []byte{0x01, 0x04, 0x00, 0x01}, 1))
	add("payload/cbor", "a key twice", bytes.Replace(good, []byte{0xa9, 0x00, 0x01}, []byte{0xaa, 0x00, 0x01, 0x00, 0x01}, 1))
	add("payload/cbor", "invalid UTF-8", bytes.Replace(good, []byte("bN1"), []byte("bN\xff"), 1))
	add("payload/cbor", "nested deeply", append(bytes.Repeat([]byte{0x81}, 300), 0))
	add("payload/cbor", "a length of 2^63", unhex(r.tb, "bb7fffffffffffffff"))

	claim("payload/claims", "no exp", 4, nil)
	claim("payload/claims", "no iat", 6, nil)
	claim("payload/claims", "exp is iat", 4, vectorTime.Add(-time.Hour).Unix())
	claim("payload/claims", "exp is text", 4, "1800000000")
	claim("payload/claims", "exp is a fraction", 4, 1800000000.5)
	claim("payload/claims", "no summary", -70001, nil)
	claim("payload/claims", "the summary is an array", -70001, []any{1, 4})
	claim("payload/claims", "an unknown claim", 7, 1)
	claim("payload/claims", "a claim of a document", -70005, []any{"N", 1, make([]byte, 32), []string{}})
	claim("payload/device", "a device key on SM2", -70003, append([]byte{2}, make([]byte, 32)...))
	claim("payload/device", "a device key on P-256", -70004, append([]byte{2}, make([]byte, 32)...))
	claim("payload/device", "an empty device key", -70003, []byte{})

	for key, name := range map[int]string{0: "schema", 1: "category", 2: "number", 3: "holder", 5: "first day", 7: "status"} {
		summary("payload/summary", "no "+name, key, nil)
	}
	summary("payload/summary", "an unknown key", 9, 1)
	summary("payload/summary", "schema 0", 0, 0)
	summary("payload/summary", "category 0", 1, 0)
	summary("payload/summary", "category 1000", 1, 1000)
	summary("payload/summary", "a negative category", 1, -4)
	summary("payload/summary", "category as text", 1, "004")
	summary("payload/summary", "an empty number", 2, "")
	summary("payload/summary", "a number that is one", 2, 12)
	summary("payload/summary", "an empty holder", 3, "")
	summary("payload/summary", "an empty masked id", 4, "")
	summary("payload/summary", "the first day out of range", 5, 2932897)
	summary("payload/summary", "the last day before 1850", 6, -43830)
	summary("payload/summary", "a day as text", 5, "2024-05-01")
	summary("payload/summary", "an index of 2^20", 7, 1<<32|1<<20)
	summary("payload/summary", "a negative status", 7, -1)
	add("payload/summary", "null where a key should be absent", bytes.Replace(r.claims(map[int]any{4: "@@"}, nil), []byte("\x04b@@"), []byte{0x04, 0xf6}, 1))

	for name, holder := range map[string]string{
		"a line feed": "张\n三", "a NUL": "张\x00三", "a right-to-left override": "张\u202e三", "a zero-width space": "张\u200b三",
		"a zero-width joiner": "张\u200d三", "a byte order mark": "张\ufeff三", "a variation selector": "张\ufe00三", "a private character": "张\ue000三",
		"a soft hyphen": "张\u00ad三", "not NFC": "e\u0301", "a compatibility ideograph, not NFC": "\uf900", "a space first": " 张三", "a space last": "张三 ",
		"a line separator": "张\u2028三",
	} {
		summary("payload/text", "holder with "+name, 3, holder)
	}
	summary("payload/text", "the holder is bytes", 3, []byte("x"))
	summary("payload/text", "number with a tab", 2, "N\t1")
	summary("payload/text", "masked id with a zero-width space", 4, "1\u200b2")
	summary("payload/text", "a field with a control", 8, []any{"C\x071", nil})

	for name, fields := range map[string]any{
		"none, where there are two": nil, "an array of none": []any{}, "one of two": []any{"C1"}, "three of two": []any{"C1", nil, nil}, "five": []any{1, 2, 3, 4, 5},
		"a number where text belongs": []any{1, nil}, "text where a date belongs": []any{"C1", "2020-01-01"}, "empty text": []any{"", nil},
		"bytes": []any{[]byte{1}, nil}, "true": []any{true, nil}, "a fraction": []any{"C1", 1.5}, "an array": []any{[]any{1}, nil}, "a map": []any{map[int]any{}, nil},
		"no array": "C1", "a number beyond 2^62": []any{"C1", uint64(1)<<62 + 1},
	} {
		summary("payload/fields", name, 8, fields)
	}
}

// scopeRows are about what a key may sign.
func scopeRows(r *rows) {
	d := r.domain
	one := func(rule, name string, key *pki.Key, cause string, change func(*qr.Credential)) {
		r.add(rule, name, r.by(key, change), verify.OutOfScope, cause)
	}
	one("scope/category", "a category that the issuer may not issue", d.issuer, "005", func(c *qr.Credential) { c.Summary.Category, c.Summary.Fields = 5, nil })
	one("scope/category", "of another issuer's", d.retired, "066", func(c *qr.Credential) {
		c.Summary.Category, c.Summary.Fields, c.Summary.Status = 66, []any{"x"}, 3<<32|77
		c.SignedAt = vectorTime.Add(-2 * time.Hour)
	})
	one("scope/kind", "a key that may only sign kind 2", d.live, "kind and life", func(c *qr.Credential) { c.Summary.Status = 5<<32 | 77 })
	one("scope/life", "a second longer than the key may give", d.short, "kind and life", func(c *qr.Credential) {
		c.Summary.Status, c.Expires = 4<<32|77, c.SignedAt.Add(time.Hour+time.Second)
	})
	r.add("scope/life", "as long as the key may give", r.by(d.short, func(c *qr.Credential) {
		c.Summary.Status, c.Expires = 4<<32|77, c.SignedAt.Add(time.Hour)
	}), verify.Valid, "")
	twenty := 20 * 365 * day
	r.add("scope/life", "twenty years", r.licence(func(c *qr.Credential) { c.Summary.LastDay, c.Expires = nil, c.SignedAt.Add(twenty) }), verify.Valid, "")
	one("scope/life", "twenty years and a second", d.issuer, "kind and life", func(c *qr.Credential) { c.Summary.LastDay, c.Expires = nil, c.SignedAt.Add(twenty+time.Second) })
	one("scope/live", "a category that is only shown live", d.issuer, "show it live", func(c *qr.Credential) { c.Summary.Category, c.Summary.Fields = 100, nil })
	one("scope/list", "a status list of nobody", d.issuer, "not the issuing authority's", func(c *qr.Credential) { c.Summary.Status = 8<<32 | 77 })
	one("scope/list", "another issuer's list", d.issuer, "not the issuing authority's", func(c *qr.Credential) { c.Summary.Status = 3<<32 | 77 })
	one("scope/window", "a second before its list was in use", d.issuer, "outside the time", func(c *qr.Credential) { c.SignedAt = vectorTime.Add(-day - time.Second) })
	r.add("scope/window", "when its list came into use", r.licence(func(c *qr.Credential) { c.SignedAt = vectorTime.Add(-day) }), verify.Valid, "")
	one("scope/window", "a second after its list was closed", d.retired, "outside the time", func(c *qr.Credential) {
		c.Summary.Status, c.SignedAt = 3<<32|77, vectorTime.Add(-time.Hour+time.Second)
	})
	r.add("scope/window", "when its list was closed", r.by(d.retired, func(c *qr.Credential) { c.Summary.Status = 3<<32 | 77 }), verify.Valid, "")
	r.add("scope/catalogue", "a field list that the terminal does not know", r.licence(func(c *qr.Credential) { c.Summary.Schema = 3 }), verify.NoData, "field list")
	r.add("scope/catalogue", "a category that the terminal does not know", r.licence(func(c *qr.Credential) { c.Summary.Category = 7 }), verify.NoData, "field list")
	r.add("scope/catalogue", "text and integer fields", r.licence(func(c *qr.Credential) { c.Summary.Category, c.Summary.Fields = 12, []any{int64(-3), "x"} }), verify.Valid, "")
	// The order of the verdicts.
	one("order", "out of scope and revoked", d.issuer, "", func(c *qr.Credential) { c.Summary.Category, c.Summary.Fields, c.Summary.Status = 5, nil, 1<<32|10 })
	r.add("order", "forged and revoked", r.forgeOf(func(c *qr.Credential) { c.Summary.Status = 1<<32 | 10 }), verify.Tampered, "")
}

// forgeOf is a changed licence with a wrong signature.
func (r *rows) forgeOf(change func(*qr.Credential)) string {
	r.tb.Helper()
	_, b, err := qr.Decode(r.licence(change))
	if err != nil {
		r.tb.Fatal(err)
	}
	b[len(b)-1] ^= 1
	return r.digits(qr.KindLicence, b)
}

// statusRows are about the place in the status lists.
func statusRows(r *rows) {
	place := func(status uint64) string { return r.licence(func(c *qr.Credential) { c.Summary.Status = status }) }
	r.add("status/revoked", "in the snapshot", place(1<<32|10), verify.Revoked, "")
	r.add("status/revoked", "in the delta, and suspended", place(1<<32|12), verify.Revoked, "")
	r.add("status/revoked", "and long expired", r.licence(func(c *qr.Credential) { expireVector(c); c.Summary.Status = 1<<32 | 10 }), verify.Revoked, "")
	r.add("status/suspended", "in the delta", place(1<<32|11), verify.Suspended, "")
	r.add("status/suspended", "and signed in the future", r.licence(func(c *qr.Credential) {
		c.Summary.Status, c.SignedAt = 1<<32|11, vectorTime.Add(10*time.Minute)
	}), verify.Suspended, "")
	for name, index := range map[string]uint64{"the first index": 0, "before a revoked one": 9, "after a suspended one": 13, "the last below the high mark": 4095} {
		r.add("status", name, place(1<<32|index), verify.Valid, "")
	}
	batch := func(index uint64) string {
		return r.by(r.domain.retired, func(c *qr.Credential) { c.Summary.Status, c.SignedAt = 3<<32|index, vectorTime.Add(-2*time.Hour) })
	}
	r.add("status/revoked", "the first of a batch under zstd", batch(1000), verify.Revoked, "")
	r.add("status/revoked", "the last of a batch under zstd", batch(2999), verify.Revoked, "")
	r.add("status", "before a batch under zstd", batch(999), verify.Valid, "")
	r.add("status", "after a batch under zstd", batch(3000), verify.Valid, "")
	r.add("status/not-issued", "the high mark", place(1<<32|4096), verify.NotIssued, "never given out")
	r.add("status/not-issued", "the last index of a list", place(1<<32|1<<20-1), verify.NotIssued, "")
	r.add("status/not-issued", "and expired", r.licence(func(c *qr.Credential) { expireVector(c); c.Summary.Status = 1<<32 | 4096 }), verify.NotIssued, "")
	r.add("status/not-issued", "signed the second before the status was issued", r.licence(func(c *qr.Credential) {
		c.Summary.Status, c.SignedAt = 1<<32|4096, vectorTime.Add(-time.Second)
	}), verify.NotIssued, "")
	r.add("status/later", "signed in the second in which the status was issued", r.licence(func(c *qr.Credential) {
		c.Summary.Status, c.SignedAt = 1<<32|4096, vectorTime
	}), verify.NoData, "after this terminal's data")
	r.at("status/later", "signed after the status was issued", vectorTime.Add(2*time.Minute), r.licence(func(c *qr.Credential) {
		c.Summary.Status, c.SignedAt = 1<<32|4096, vectorTime.Add(time.Second)
	}), verify.NoData, "after this terminal's data")
	r.add("status/unknown", "a list that the terminal does not have", place(9<<32|77), verify.NoData, "does not have status list 9")
}

// expireVector makes a credential of a licence that ended yesterday.
func expireVector(c *qr.Credential) {
	last := civil.Of(vectorTime) - 1
	c.Summary.FirstDay, c.Summary.LastDay = last-100, &last
}

// timeRows are about clocks, days and the age of the data.
func timeRows(r *rows) {
	on := func(change func(c *qr.Credential, today civil.Day)) string {
		return r.licence(func(c *qr.Credential) { change(c, civil.Of(vectorTime)) })
	}
	lastToday := on(func(c *qr.Credential, today civil.Day) { c.Summary.LastDay = &today })
	midnight := vectorTime.Add(8 * time.Hour) // 00:00 in UTC+8
	r.at("time/days", "the last second of the last day", midnight.Add(-time.Second), lastToday, verify.Valid, "")
	r.at("time/expired", "the first second after the last day", midnight, lastToday, verify.Expired, "last day was 2024-05-01")
	tomorrow := on(func(c *qr.Credential, today civil.Day) { c.Summary.FirstDay = today + 1 })
	r.at("time/not-yet", "the last second before the first day", midnight.Add(-time.Second), tomorrow, verify.NotYetValid, "from 2024-05-02")
	r.at("time/days", "the first second of the first day", midnight, tomorrow, verify.Valid, "")
	r.add("time/days", "long-term", on(func(c *qr.Credential, _ civil.Day) { c.Summary.LastDay = nil }), verify.Valid, "")
	short := r.licence(func(c *qr.Credential) { c.Expires = vectorTime })
	r.add("time/print-again", "the second in which the signature ends", short, verify.Valid, "")
	r.at("time/print-again", "the second after the signature's end", vectorTime.Add(time.Second), short, verify.Expired, "print again")
	future := func(ahead time.Duration) string {
		return r.licence(func(c *qr.Credential) { c.SignedAt = vectorTime.Add(ahead) })
	}
	r.add("time/clock", "signed five minutes ahead", future(5*time.Minute), verify.Valid, "")
	r.add("time/clock", "signed five minutes and a second ahead", future(5*time.Minute+time.Second), verify.Clock, "301 seconds")
	r.add("time/clock", "signed eight hours ahead: a time zone", future(8*time.Hour), verify.Clock, "8 hours")
	r.add("time/clock", "and not yet valid", on(func(c *qr.Credential, today civil.Day) {
		c.SignedAt, c.Summary.FirstDay = vectorTime.Add(time.Hour), today+9
	}), verify.Clock, "")
	r.at("time/trusted", "a clock five minutes behind counts as the last signed time", vectorTime.Add(-5*time.Minute), future(5*time.Minute), verify.Valid, "")
	r.at("time/no-cache", "a clock further behind the last signed time", vectorTime.Add(-5*time.Minute-time.Second), r.licence(nil), verify.NoData, "clock")
	r.at("time/no-cache", "trust files that have expired", vectorTime.Add(60*day+time.Second), r.licence(nil), verify.NoData, "expired")
	r.at("time/no-cache", "a misread is malformed all the same", vectorTime.Add(60*day+time.Second), "12", verify.Malformed, "")
	r.at("time/no-cache", "a wrong COSE is malformed all the same", vectorTime.Add(60*day+time.Second), r.digits(1, []byte{0xa0}), verify.Malformed, "")
	good := r.licence(nil)
	r.at("time/stale", "status data as old as the category wants it at most", vectorTime.Add(day), good, verify.Valid, "")
	r.at("time/stale", "a second older", vectorTime.Add(day+time.Second), good, verify.ValidStale, "2024-05-01T08:00:00Z")
	r.at("time/stale", "as old as the category's limit", vectorTime.Add(3*day), good, verify.ValidStale, "")
	r.at("time/too-old", "a second older than the limit", vectorTime.Add(3*day+time.Second), good, verify.NoData, "too old")
	hours := r.licence(func(c *qr.Credential) { c.Summary.Category, c.Summary.Fields = 12, []any{nil, nil} })
	r.at("time/stale", "of a category that wants fresher data", vectorTime.Add(time.Hour+time.Second), hours, verify.ValidStale, "")
	r.at("time/too-old", "of a category that wants fresher data", vectorTime.Add(2*time.Hour+time.Second), hours, verify.NoData, "too old")
	r.at("time/too-old", "revoked, which old data still says", vectorTime.Add(30*day), r.licence(func(c *qr.Credential) { c.Summary.Status = 1<<32 | 10 }), verify.Revoked, "")
	r.at("time/too-old", "expired, whatever the data", vectorTime.Add(30*day), lastToday, verify.Expired, "")
}

// documentRows are about codes of kind 4.
func documentRows(r *rows) {
	d := r.domain
	document := func(change func(*qr.Document)) *qr.Document {
		doc := &qr.Document{SignedAt: vectorTime, Expires: vectorTime.Add(365 * day), Number: "皖文〔2024〕1号", Length: 9, SM3: [32]byte{7}, Seals: []string{"34010000000001"}}
		if change != nil {
			change(doc)
		}
		return doc
	}
	code := func(key *pki.Key, change func(*qr.Document)) string {
		b, err := document(change).Sign(key)
		if err != nil {
			r.tb.Fatal(err)
		}
		return r.digits(qr.KindDocument, b)
	}
	r.add("document", "good", code(d.document, nil), verify.Valid, "")
	r.add("document", "without a seal", code(d.document, func(d *qr.Document) { d.Seals = []string{} }), verify.Valid, "")
	r.add("document", "eight seals", code(d.document, func(d *qr.Document) { d.Seals = strings.Split("1 2 3 4 5 6 7 8", " ") }), verify.Valid, "")
	r.at("document", "with old status data, which it does not need", vectorTime.Add(30*day), code(d.document, nil), verify.Valid, "")
	r.add("document/untrusted", "by an issuing authority", code(d.issuer, nil), verify.Untrusted, "no service")
	r.add("document/scope", "by a service that may only sign kind 3", code(d.presenter, nil), verify.OutOfScope, "kind and life")
	r.add("document/scope", "twenty years and a second", code(d.document, func(d *qr.Document) { d.Expires = d.SignedAt.Add(20*365*day + time.Second) }), verify.OutOfScope, "kind and life")
	r.add("document/clock", "signed five minutes and a second ahead", code(d.document, func(d *qr.Document) { d.SignedAt = vectorTime.Add(301 * time.Second) }), verify.Clock, "301")
	r.at("document/expired", "a second after its end", vectorTime.Add(time.Minute+time.Second), code(d.document, func(d *qr.Document) { d.Expires = vectorTime.Add(time.Minute) }), verify.Expired, "print again")
	_, b, err := qr.Decode(code(d.document, nil))
	if err != nil {
		r.tb.Fatal(err)
	}
	b[len(b)-1] ^= 1
	r.add("document/tampered", "the last bit", r.digits(qr.KindDocument, b), verify.Tampered, "")
	r.add("document/tampered", "signed as a licence's code", r.signed(pki.ObjectCodeLicence, qr.KindDocument, r.payload(nil), d.document), verify.Tampered, "")
	for name, item := range map[string]any{
		"an empty number": []any{"", 9, make([]byte, 32), []string{}}, "a number of 201 bytes": []any{strings.Repeat("x", 201), 9, make([]byte, 32), []string{}},
		"no bytes": []any{"N", 0, make([]byte, 32), []string{}}, "a digest of 31 bytes": []any{"N", 9, make([]byte, 31), []string{}},
		"nine seals": []any{"N", 9, make([]byte, 32), strings.Split("1 2 3 4 5 6 7 8 9", " ")}, "no list of seals": []any{"N", 9, make([]byte, 32), nil},
		"a seal with a control": []any{"N", 9, make([]byte, 32), []string{"1\x07"}}, "three items": []any{"N", 9, make([]byte, 32)},
		"five items": []any{"N", 9, make([]byte, 32), []string{}, 1}, "a negative length": []any{"N", -9, make([]byte, 32), []string{}},
	} {
		claims := map[int]any{4: vectorTime.Unix() + 60, 6: vectorTime.Unix(), -70005: item}
		payload, err := detcbor.Marshal(claims)
		if err != nil {
			r.tb.Fatal(err)
		}
		r.add("document/claims", name, r.signed(pki.ObjectCodeDocument, qr.KindDocument, payload, d.document), verify.Malformed, "")
	}
	r.add("document/claims", "a licence's summary", r.signed(pki.ObjectCodeDocument, qr.KindDocument, r.payload(nil), d.document), verify.Malformed, "")
}
