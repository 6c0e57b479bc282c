package ocsp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/elicence/elicence/internal/pkitest"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/ocsp"
	"github.com/elicence/elicence/pki/oid"
)

// tlv writes one value in DER; content is hexadecimal, as the result is.
func tlv(tag string, content ...string) string {
	all := strings.Join(content, "")
	n := len(all) / 2
	switch {
	case n < 0x80:
		return tag + hex.EncodeToString([]byte{byte(n)}) + all
	case n < 0x100:
		return tag + "81" + hex.EncodeToString([]byte{byte(n)}) + all
	default:
		return tag + "82" + hex.EncodeToString([]byte{byte(n >> 8), byte(n)}) + all
	}
}

func sequence(content ...string) string { return tlv("30", content...) }

func bytesOf(tb testing.TB, text string) []byte {
	tb.Helper()
	der, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

var (
	sha1Hex  = sequence("06052b0e03021a", "0500")
	hash20   = tlv("04", strings.Repeat("aa", 20))
	idHex    = sequence(sha1Hex, hash20, hash20, "020105")
	nonceOID = "06092b0601050507300102"
)

func nonceHex(value string) string { return sequence(nonceOID, tlv("04", value)) }

// craftedCase is a message in hexadecimal and whether it is read.
type craftedCase struct {
	der  string
	read bool
}

func craftedRequests() map[string]craftedCase {
	one := sequence(idHex)
	request := func(tbs ...string) string { return sequence(sequence(tbs...)) }
	extended := func(extensions ...string) string {
		return request(sequence(one), tlv("a2", sequence(extensions...)))
	}
	return map[string]craftedCase{
		"as usual":                  {request(sequence(one)), true},
		"absent parameters":         {request(sequence(sequence(sequence(sequence("06052b0e03021a"), hash20, hash20, "020105")))), true},
		"unknown hash":              {request(sequence(sequence(sequence(sequence("06022a03"), "0401aa", "0401aa", "020105")))), true},
		"requestor and signature":   {sequence(sequence(tlv("a1", "8200"), sequence(one)), tlv("a0", sequence("0500"))), true},
		"nonce":                     {extended(nonceHex("0401aa")), true},
		"critical nonce":            {extended(sequence(nonceOID, "0101ff", tlv("04", "0401aa"))), true},
		"nonce of 128":              {extended(nonceHex(tlv("04", strings.Repeat("aa", 128)))), true},
		"unknown extension":         {extended(sequence("06022a03", "0400")), true},
		"service locator":           {request(sequence(sequence(idHex, tlv("a0", sequence(sequence("06022a03", "0400")))))), true},
		"version written":           {request("a003020100", sequence(one)), false},
		"no requests":               {request("3000"), false},
		"nothing":                   {sequence("3000"), false},
		"nonce of 129":              {extended(nonceHex(tlv("04", strings.Repeat("aa", 129)))), false},
		"empty nonce":               {extended(nonceHex("0400")), false},
		"nonce without OCTET":       {extended(nonceHex("aabb")), false},
		"nonce twice":               {extended(nonceHex("0401aa"), nonceHex("0401aa")), false},
		"critical extension":        {extended(sequence("06022a03", "0101ff", "0400")), false},
		"critical single extension": {request(sequence(sequence(idHex, tlv("a0", sequence(sequence("06022a03", "0101ff", "0400")))))), false},
		"empty extensions":          {extended(), false},
		"extensions under 1":        {request(sequence(one), tlv("a1", sequence(nonceHex("0401aa")))), false},
		"short hash":                {request(sequence(sequence(sequence(sha1Hex, tlv("04", strings.Repeat("aa", 19)), tlv("04", strings.Repeat("aa", 19)), "020105")))), false},
		"hashes of two lengths":     {request(sequence(sequence(sequence(sequence("06022a03"), "0401aa", "0402aaaa", "020105")))), false},
		"long unknown hash":         {request(sequence(sequence(sequence(sequence("06022a03"), tlv("04", strings.Repeat("aa", 65)), tlv("04", strings.Repeat("aa", 65)), "020105")))), false},
		"negative serial":           {request(sequence(sequence(sequence(sha1Hex, hash20, hash20, "0201ff")))), false},
		"padded serial":             {request(sequence(sequence(sequence(sha1Hex, hash20, hash20, "02020005")))), false},
		"serial of 21":              {request(sequence(sequence(sequence(sha1Hex, hash20, hash20, tlv("02", strings.Repeat("11", 21)))))), false},
		"more in a CertID":          {request(sequence(sequence(sequence(sha1Hex, hash20, hash20, "020105", "0500")))), false},
		"33 certificates":           {request(sequence(strings.Repeat(one, 33))), false},
		"signature is no SEQUENCE":  {sequence(sequence(sequence(one)), "a0020500"), false},
		"indefinite length":         {"3080" + sequence(sequence(one)) + "0000", false},
		"huge length":               {"3084ffffffff", false},
	}
}

func TestParseRequestRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range craftedRequests() {
		r, err := ocsp.ParseRequest(bytesOf(t, tt.der))
		if (err == nil) != tt.read || (r != nil) != tt.read || err != nil && !errors.Is(err, ocsp.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// craftedResponses are by a responder, named by the hash of its key in hexadecimal; sign
// signs ResponseData.
func craftedResponses(keyHash string, sign func(data string) string) map[string]craftedCase {
	const (
		at    = "180f32303236303330313038303030305a" // 20260301080000Z
		later = "180f32303236303330313230303030305a"
		alg   = "300a06082a811ccf55018375"
	)
	byKey := tlv("a2", tlv("04", keyHash))
	single := sequence(idHex, "8000", at)
	basic := func(data, after string) string {
		return sequence("0a0100", tlv("a0", sequence("06092b0601050507300101", tlv("04", sequence(data, alg, sign(data), after)))))
	}
	data := func(parts ...string) string { return basic(sequence(parts...), "") }
	of := func(single string) string { return data(byKey, at, sequence(single)) }
	return map[string]craftedCase{
		"as usual":               {of(single), true},
		"by name":                {data(tlv("a1", "3000"), at, sequence(single)), true},
		"nextUpdate":             {of(sequence(idHex, "8000", at, tlv("a0", later))), true},
		"revoked":                {of(sequence(idHex, tlv("a1", at), at)), true},
		"revoked with reason":    {of(sequence(idHex, tlv("a1", at, "a0030a0104"), at)), true},
		"unknown":                {of(sequence(idHex, "8200", at)), true},
		"unknown extension":      {data(byKey, at, sequence(single), tlv("a1", sequence(sequence("06022a03", "0400")))), true},
		"version written":        {data("a003020100", byKey, at, sequence(single)), false},
		"no responder":           {data(at, sequence(single)), false},
		"key hash of 19":         {data(tlv("a2", tlv("04", strings.Repeat("aa", 19))), at, sequence(single)), false},
		"producedAt in UTCTime":  {data(byKey, "170d3236303330313038303030305a", sequence(single)), false},
		"fraction of a second":   {data(byKey, tlv("18", hex.EncodeToString([]byte("20260301080000.5Z"))), sequence(single)), false},
		"no singles":             {data(byKey, at, "3000"), false},
		"invalidity date":        {of(sequence(idHex, tlv("a1", at), at, tlv("a1", sequence(sequence("0603551d18", tlv("04", at)))))), true},
		"invalid and good":       {of(sequence(idHex, "8000", at, tlv("a1", sequence(sequence("0603551d18", tlv("04", at)))))), false},
		"bad invalidity date":    {of(sequence(idHex, tlv("a1", at), at, tlv("a1", sequence(sequence("0603551d18", "0402"+"0500"))))), false},
		"status 3":               {of(sequence(idHex, "8300", at)), false},
		"good with content":      {of(sequence(idHex, "800100", at)), false},
		"reason 7":               {of(sequence(idHex, tlv("a1", at, "a0030a0107"), at)), false},
		"reason removeFromCRL":   {of(sequence(idHex, tlv("a1", at, "a0030a0108"), at)), false},
		"more after the reason":  {of(sequence(idHex, tlv("a1", at, "a0030a0104", "0500"), at)), false},
		"ends as it begins":      {of(sequence(idHex, "8000", at, tlv("a0", at))), false},
		"critical extension":     {data(byKey, at, sequence(single), tlv("a1", sequence(sequence("06022a03", "0101ff", "0400")))), false},
		"critical in a single":   {of(sequence(idHex, "8000", at, tlv("a1", sequence(sequence("06022a03", "0101ff", "0400"))))), false},
		"certificates":           {basic(sequence(byKey, at, sequence(single)), tlv("a0", sequence())), true},
		"not certificates":       {basic(sequence(byKey, at, sequence(single)), tlv("a0", sequence("3000"))), false},
		"something after":        {basic(sequence(byKey, at, sequence(single)), "0500"), false},
		"another algorithm":      {strings.Replace(of(single), alg, "300a06082a8648ce3d040302", 1), false},
		"another type":           {strings.Replace(of(single), "06092b0601050507300101", "06092b0601050507300102", 1), false},
		"successful and nothing": {"30030a0100", false},
		"refusal with more":      {"30050a01010500", false},
		"33 certificates":        {data(byKey, at, sequence(strings.Repeat(single, 33))), false},
	}
}

func TestParseResponseRefuses(t *testing.T) {
	t.Parallel()
	nothing := func(string) string { return "0309" + "00" + "3006020101020101" }
	for name, tt := range craftedResponses(strings.Repeat("aa", 20), nothing) {
		r, err := ocsp.ParseResponse(bytesOf(t, tt.der))
		if (err == nil) != tt.read || (r != nil) != tt.read || err != nil && !errors.Is(err, ocsp.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSignRefuses: a response that nobody would read is not signed.
func TestSignRefuses(t *testing.T) {
	t.Parallel()
	a := pkitest.NewBare(t, "测试根", now)
	good := ocsp.Single{ID: certID(t, oid.SHA1, a.Certificate, []byte{5}), ThisUpdate: now, NextUpdate: now.Add(1e9)}
	with := func(change func(*ocsp.Single)) []ocsp.Single {
		s := good
		change(&s)
		return []ocsp.Single{s}
	}
	for name, template := range map[string]ocsp.Template{
		"nobody":            {},
		"ends as it begins": {Singles: with(func(s *ocsp.Single) { s.NextUpdate = now })},
		"reason 7":          {Singles: with(func(s *ocsp.Single) { s.Status, s.Revocation.Reason = ocsp.Revoked, 7 })},
		"removed":           {Singles: with(func(s *ocsp.Single) { s.Status, s.Revocation.Reason = ocsp.Revoked, cert.RemoveFromCRL })},
		"status 3":          {Singles: with(func(s *ocsp.Single) { s.Status = 3 })},
		"long nonce":        {Singles: []ocsp.Single{good}, Nonce: make([]byte, 129)},
		"another's key":     {Singles: []ocsp.Single{good}, Responder: pkitest.NewBare(t, "二", now).Certificate},
	} {
		if _, err := template.Sign(a.Key); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	h := newHouse(f, plan)
	c := h.issue(f, h.one, 10)
	id := certID(f, oid.SHA1, h.one.Certificate, c.SerialNumber())
	f.Add(request(f, nil, id))
	f.Add(request(f, []byte{1, 2, 3}, id, certID(f, oid.SM3, h.one.Certificate, []byte{1})))
	f.Fuzz(func(t *testing.T, der []byte) {
		answer := h.responder.Respond(context.Background(), der)
		asked, err := ocsp.ParseRequest(der)
		response, responseErr := ocsp.ParseResponse(answer.DER)
		var refusal ocsp.Refusal
		switch {
		case err != nil:
			if responseErr != error(ocsp.MalformedRequest) {
				t.Errorf("%v is answered with %v", err, responseErr)
			}
		case responseErr == nil:
			if len(response.Singles) != len(asked.IDs) || !bytes.Equal(response.Nonce, asked.Nonce) {
				t.Errorf("%d answers to %d questions, nonce %x to %x", len(response.Singles), len(asked.IDs), response.Nonce, asked.Nonce)
			}
		case !errors.As(responseErr, &refusal) || refusal != ocsp.Unauthorized:
			t.Errorf("a good request is answered with %v", responseErr)
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	a := pkitest.NewBare(f, "测试根", now)
	responder, key := a.Responder(f)
	c := a.Person(f, 10)
	for _, delegated := range []struct {
		certificate *cert.Certificate
		key         *pki.Key
	}{{nil, a.Key}, {responder, key}} {
		der, err := (&ocsp.Template{ProducedAt: now, Nonce: []byte{1}, Responder: delegated.certificate, Singles: []ocsp.Single{
			{ID: certID(f, oid.SHA1, a.Certificate, c.SerialNumber()), ThisUpdate: now, NextUpdate: now.Add(1e12)},
			{ID: certID(f, oid.SM3, a.Certificate, []byte{5}), ThisUpdate: now, Status: ocsp.Revoked, Revocation: cert.Revocation{At: now, Reason: cert.Superseded}},
		}}).Sign(delegated.key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Add(ocsp.TryLater.DER())
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := ocsp.ParseResponse(der)
		if (err == nil) != (r != nil) {
			t.Errorf("%v with %v", r, err)
		}
		if err != nil {
			return
		}
		_ = r.Verify(a.Certificate, now, nil)
		if s, found := r.Find(c, a.Certificate); found && !s.ID.Names(c, a.Certificate) {
			t.Error("another certificate is found")
		}
	})
}

func FuzzDecodePath(f *testing.F) {
	f.Add("MAA=")
	f.Add("%2B%2f+/A%3D%3D")
	f.Fuzz(func(t *testing.T, path string) {
		der, err := ocsp.DecodePath(path)
		if err != nil {
			return
		}
		text, err := url.PathUnescape(path)
		if err != nil || base64.StdEncoding.EncodeToString(der) != text {
			t.Errorf("%q is read as %x", path, der)
		}
	})
}
