package verify_test

import (
	"bytes"
	"math/big"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr"
	"github.com/elicence/elicence/qr/verify"
)

// polyglotRows are texts and bytes that could be read as two things.
func polyglotRows(r *rows) {
	d := r.domain
	printed, live, shown := r.licence(nil), r.live(d.browser, nil), r.shown(nil)
	revoked := r.licence(func(c *qr.Credential) { c.Summary.Status = 1<<32 | 10 })
	r.add("polyglot", "two codes after one another", printed+live, verify.Malformed, "")
	r.add("polyglot", "two codes with a line between them", printed+"\r\n"+shown, verify.Malformed, "")
	r.add("polyglot", "two addresses: the last counts", "https://localhost/v#"+printed+" https://localhost/v#"+revoked, verify.Revoked, "")
	r.add("polyglot", "a code in the place of the host", "https://"+revoked+"/v#"+printed, verify.Valid, "")
	r.add("polyglot", "an address of somebody else", "https://example.org/pay?to=1#"+live, verify.Valid, "")
	for _, code := range []struct {
		name string
		text string
		kind byte
		as   map[byte]verify.Verdict
	}{
		{"a printed code", printed, '1', map[byte]verify.Verdict{'2': verify.Malformed, '3': verify.Untrusted, '4': verify.Untrusted, '9': verify.Malformed}},
		{"a presentation", live, '2', map[byte]verify.Verdict{'1': verify.Malformed, '3': verify.Malformed, '4': verify.Malformed, '9': verify.Malformed}},
		{"the service's code", shown, '3', map[byte]verify.Verdict{'1': verify.Untrusted, '2': verify.Malformed, '4': verify.Tampered, '9': verify.Malformed}},
	} {
		for kind, want := range code.as {
			r.add("polyglot", code.name+" under the digit "+string(rune(kind)), textOf("1"+string(rune(kind))+code.text[2:len(code.text)-5]), want, "")
		}
	}
	inner := r.signedCredential(r.liveParts(d.phone, nil))
	r.add("polyglot", "a presentation whose credential is a presentation", r.digits(qr.KindHolder, r.marshal([]any{
		r.marshal([]any{inner[:150], vectorTime.Unix(), []byte{}, "", make([]byte, 64)}), vectorTime.Unix(), []byte{}, "", make([]byte, 64),
	})), verify.Malformed, "")
}

// shown is a code of kind 3 with everything chosen and then changed.
func (r *rows) shown(change func(*qr.Shown)) string { return r.shownBy(r.domain.presenter, change) }

func (r *rows) shownBy(key *pki.Key, change func(*qr.Shown)) string {
	r.tb.Helper()
	summary := r.domain.credential().Summary
	s := &qr.Shown{SignedAt: vectorTime, Expires: vectorTime.Add(qr.MaxShownLife), Chosen: summary.Choose(qr.Choice{
		Number: true, Holder: true, MaskedID: true, Validity: true, Status: true, Fields: []bool{true, true},
	})}
	if change != nil {
		change(s)
	}
	payload, err := s.Payload()
	if err != nil {
		r.tb.Fatal(err)
	}
	return r.signed(pki.ObjectCodeService, qr.KindService, payload, key)
}

// shownRows are codes of kind 3.
func shownRows(r *rows) {
	d := r.domain
	add := func(rule, name string, want verify.Verdict, cause string, change func(*qr.Shown)) {
		r.add(rule, name, r.shown(change), want, cause)
	}
	add("shown", "everything", verify.Valid, "", nil)
	add("shown", "nothing but the category", verify.Valid, "", func(s *qr.Shown) { s.Chosen = qr.Chosen{Schema: 1, Category: 4} })
	add("shown", "the name alone", verify.Valid, "", func(s *qr.Shown) { s.Chosen = qr.Chosen{Schema: 1, Category: 4, Holder: "张样例"} })
	add("shown", "one field alone", verify.Valid, "", func(s *qr.Shown) { s.Chosen = qr.Chosen{Schema: 1, Category: 4, Fields: []any{nil, int64(14610)}} })
	add("shown", "long-term", verify.Valid, "", func(s *qr.Shown) { s.Chosen.Validity.LastDay = nil })
	add("shown", "a category that only counts live", verify.Valid, "", func(s *qr.Shown) { s.Chosen.Category, s.Chosen.Fields = 100, nil })

	cut := r.signed(pki.ObjectCodeService, qr.KindService, r.claims(map[int]any{3: strings.Repeat("长", 100)}, map[int]any{4: vectorTime.Unix() + 60, 6: vectorTime.Unix()}), d.presenter)
	r.add("presented/service", "more than 408 bytes", cut, verify.Malformed, "at most 408")
	_, whole, err := qr.Decode(r.shown(nil))
	if err != nil {
		r.tb.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"a presentation by a holder": append([]byte{0x85}, whole...), "tagged": append([]byte{0xd2}, whole...), "a byte more": append(bytes.Clone(whole), 0),
	} {
		r.add("presented/service", name, r.digits(qr.KindService, b), verify.Malformed, "")
	}

	r.add("shown/untrusted", "by a key that the trust list does not have", r.shownBy(d.unknown, nil), verify.Untrusted, "no service")
	r.add("shown/untrusted", "by an issuing authority", r.shownBy(d.issuer, nil), verify.Untrusted, "no service")
	tampered := bytes.Clone(whole)
	tampered[len(tampered)-1] ^= 1
	r.add("shown/tampered", "the last bit", r.digits(qr.KindService, tampered), verify.Tampered, "")
	r.add("shown/tampered", "another name", r.digits(qr.KindService, bytes.Replace(whole, []byte("张样例"), []byte("李样例"), 1)), verify.Tampered, "")
	r.add("shown/tampered", "s is n minus s", r.digits(qr.KindService, func() []byte {
		b := bytes.Clone(whole)
		s := b[len(b)-32:]
		new(big.Int).Sub(pki.Order(), new(big.Int).SetBytes(s)).FillBytes(s)
		return b
	}()), verify.Tampered, "")
	for _, object := range []pki.Object{pki.ObjectCodeLicence, pki.ObjectCodeHolder, pki.ObjectCodeDocument, pki.ObjectAnswer} {
		payload := r.claims(nil, map[int]any{4: vectorTime.Unix() + 60, 6: vectorTime.Unix()})
		r.add("shown/tampered", "signed as "+string(object)+" object", r.signed(object, qr.KindService, payload, d.presenter), verify.Tampered, "")
	}
	r.add("shown/as-printed", "as a printed code", r.digits(qr.KindLicence, whole), verify.Untrusted, "no issuing authority")
	r.add("shown/as-printed", "as a document's code", r.digits(qr.KindDocument, whole), verify.Tampered, "")

	shownClaims := func(name string, summary, claims map[int]any) {
		all := map[int]any{4: vectorTime.Unix() + 60, 6: vectorTime.Unix()}
		for key, value := range claims {
			all[key] = value
		}
		r.add("shown/claims", name, r.signed(pki.ObjectCodeService, qr.KindService, r.claims(summary, all), d.presenter), verify.Malformed, "")
	}
	shownClaims("no category", map[int]any{1: nil}, nil)
	shownClaims("no schema", map[int]any{0: nil}, nil)
	shownClaims("an empty name", map[int]any{3: ""}, nil)
	shownClaims("a hidden character", map[int]any{3: "张\u200b三"}, nil)
	shownClaims("a last day without a first", map[int]any{5: nil}, nil)
	shownClaims("fields of which none is shown", map[int]any{8: []any{nil, nil}}, nil)
	shownClaims("an array of no fields", map[int]any{8: []any{}}, nil)
	shownClaims("one field of two", map[int]any{8: []any{"C1"}}, nil)
	shownClaims("a number where text belongs", map[int]any{8: []any{1, nil}}, nil)
	shownClaims("an index of 2^20", map[int]any{7: 1<<32 | 1<<20}, nil)
	shownClaims("an unknown key", map[int]any{9: 1}, nil)
	shownClaims("a device key", nil, map[int]any{-70003: func() []byte { p := d.phone.key.Point(); return p[:] }()})
	shownClaims("no iat", nil, map[int]any{6: nil})
	shownClaims("exp is iat", nil, map[int]any{4: vectorTime.Unix()})

	add("shown/scope", "61 seconds, though the key may more", verify.OutOfScope, "kind and life", func(s *qr.Shown) { s.Expires = s.Expires.Add(time.Second) })
	add("shown/scope", "a category that only counts on paper", verify.OutOfScope, "do not count", func(s *qr.Shown) { s.Chosen.Category, s.Chosen.Fields = 66, nil })
	add("shown/scope", "a field list that the terminal does not know", verify.NoData, "field list", func(s *qr.Shown) { s.Chosen.Category = 7 })
	r.add("shown/scope", "by a service that may only sign kind 4", r.shownBy(d.document, nil), verify.OutOfScope, "kind and life")
	r.add("shown/scope", "in the last second in which its key was in use", r.shownBy(d.former, nil), verify.Valid, "")
	r.add("shown/scope", "after its key was in use", r.shownBy(d.former, func(s *qr.Shown) {
		s.SignedAt, s.Expires = s.SignedAt.Add(time.Second), s.Expires.Add(time.Second)
	}), verify.OutOfScope, "in use")

	place := func(index uint64) func(*qr.Shown) {
		return func(s *qr.Shown) { status := uint64(1<<32 | index); s.Chosen.Status = &status }
	}
	add("shown/status", "revoked", verify.Revoked, "", place(10))
	add("shown/status", "suspended", verify.Suspended, "", place(11))
	add("shown/status", "at the high mark, signed in the second in which the status was issued", verify.NoData, "after this terminal's data", place(4096))
	add("shown/status", "at the high mark, signed the second before", verify.NotIssued, "", func(s *qr.Shown) {
		place(4096)(s)
		s.SignedAt, s.Expires = s.SignedAt.Add(-time.Second), s.Expires.Add(-time.Second)
	})
	add("shown/status", "without its place", verify.Valid, "", func(s *qr.Shown) { s.Chosen.Status = nil })
	add("shown/status", "a list that the terminal does not have", verify.NoData, "status list 9", func(s *qr.Shown) { status := uint64(9 << 32); s.Chosen.Status = &status })

	good := r.shown(nil)
	r.at("shown/life", "the sixtieth second", vectorTime.Add(60*time.Second), good, verify.Valid, "")
	r.at("shown/life", "the second after", vectorTime.Add(61*time.Second), good, verify.Expired, "60 seconds")
	r.at("shown/life", "a terminal eight hours ahead", vectorTime.Add(8*time.Hour), good, verify.Expired, "60 seconds")
	ahead := func(seconds time.Duration) func(*qr.Shown) {
		return func(s *qr.Shown) {
			s.SignedAt, s.Expires = s.SignedAt.Add(seconds*time.Second), s.Expires.Add(seconds*time.Second)
		}
	}
	add("shown/life", "five minutes ahead", verify.Valid, "", ahead(300))
	add("shown/life", "five minutes and a second ahead", verify.Clock, "301 seconds", ahead(301))
	add("shown/life", "the licence's last day was yesterday", verify.Expired, "last day", func(s *qr.Shown) {
		last := civil.Of(vectorTime) - 1
		s.Chosen.Validity.FirstDay, s.Chosen.Validity.LastDay = last-100, &last
	})
	add("shown/life", "the licence begins tomorrow", verify.NotYetValid, "", func(s *qr.Shown) { s.Chosen.Validity.FirstDay = civil.Of(vectorTime) + 1 })
	r.at("shown/life", "status data of a day and a second", vectorTime.Add(day+time.Second), r.shown(ahead(86401)), verify.ValidStale, "")

	again := func(name string, wait time.Duration, scanned string, want verify.Verdict) {
		r.at("shown/replayed", name, vectorTime.Add(wait*time.Second), scanned, want, "").Earlier = []vectorScan{{vectorTime, good}}
	}
	again("the same again after three seconds", 3, good, verify.Valid)
	again("the same again after four seconds", 4, good, verify.Replayed)
	again("the next code of the same licence", 4, r.shown(ahead(1)), verify.Valid)
	again("the same when it has ended", 61, good, verify.Expired)
}
