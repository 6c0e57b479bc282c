package cms_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/oid"
)

// broken is a message that nobody may read, and a part of the error that says why.
type broken struct {
	der  []byte
	want string
}

func brokenMessages(t testing.TB, s signer) map[string]broken {
	t.Helper()
	content := []byte("content")
	good := likeOurs(content)
	message := good.message(t, s)
	replace := func(old, new []byte) []byte {
		if bytes.Count(message, old) == 0 {
			t.Fatalf("the message does not hold %x", old)
		}
		return bytes.Replace(message, old, new, 1)
	}
	craft := func(change func(*crafted)) []byte {
		c := likeOurs(content)
		change(&c)
		return c.message(t, s)
	}
	null := func(b *cryptobyte.Builder) { b.AddASN1NULL() }
	many := func(n int, one []byte) [][]byte {
		var all [][]byte
		for range n {
			all = append(all, one)
		}
		return all
	}
	return map[string]broken{
		"empty":                     {nil, "ContentInfo"},
		"trailing byte":             {append(bytes.Clone(message), 0), "ContentInfo"},
		"cut off":                   {message[:len(message)-1], "ContentInfo"},
		"indefinite, without end":   {append([]byte{0x30, 0x80}, message[4:]...), ""},
		"length of 4 GiB":           {append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, message[4:]...), "ContentInfo"},
		"length of 2^64":            {append([]byte{0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, message[4:]...), "ContentInfo"},
		"length not minimal":        {append([]byte{0x30, 0x83, 0, message[2], message[3]}, message[4:]...), "ContentInfo"},
		"over the size":             {make([]byte, cms.MaxSize+1), "at most"},
		"enveloped":                 {replace([]byte{0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}, []byte{0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03}), "not signedData"},
		"SHA-256":                   {craft(func(c *crafted) { c.digest = oid.SHA256 }), "SM3"},
		"ECDSA":                     {craft(func(c *crafted) { c.algorithm = oid.Of(1, 2, 840, 10045, 4, 3, 2) }), "SM2"},
		"two signers":               {craft(func(c *crafted) { c.signers = 2 }), "one signer"},
		"no signer":                 {craft(func(c *crafted) { c.signers = 0 }), "one signer"},
		"attribute twice":           {craft(func(c *crafted) { c.attributes = many(2, attribute(oid.Of(1, 2, 3), null)); c.reversed = true }), ""},
		"digest twice":              {craft(func(c *crafted) { c.attributes = [][]byte{attribute(oid.MessageDigest, null)} }), "twice"},
		"type of something else":    {craft(func(c *crafted) { c.typeAttribute = oid.Of(1, 2, 3) }), "contentType"},
		"attribute without a value": {craft(func(c *crafted) { c.attributes = [][]byte{attribute(oid.Of(1, 2, 3), func(*cryptobyte.Builder) {})} }), "no value"},
		"65 attributes":             {craft(func(c *crafted) { c.unsigned = manyAttributes(65) }), "at most"},
		"65 values": {craft(func(c *crafted) {
			c.unsigned = attribute(oid.Of(1, 2, 3), func(b *cryptobyte.Builder) { b.AddBytes(bytes.Repeat([]byte{5, 0}, 65)) })
		}), "at most"},
		"unsigned twice":        {craft(func(c *crafted) { c.unsigned = bytes.Repeat(attribute(oid.Of(1, 2, 3), null), 2) }), "twice"},
		"unsigned, empty":       {craft(func(c *crafted) { c.unsigned = []byte{} }), "empty"},
		"17 certificates":       {craft(func(c *crafted) { c.certificates = many(16, s.chain[0].DER) }), "16"},
		"17 CRLs":               {craft(func(c *crafted) { c.crls = many(17, []byte{0x30, 0}) }), "16"},
		"no CRLs in their list": {craft(func(c *crafted) { c.crls = [][]byte{} }), "16"},
		"signing time with an offset": {craft(func(c *crafted) {
			c.signingTime = func(b *cryptobyte.Builder) { addText(b, cbasn1.UTCTime, "2311142215+0800") }
		}), "signingTime"},
		"signing time twice": {craft(func(c *crafted) {
			c.signingTime = func(b *cryptobyte.Builder) {
				addText(b, cbasn1.UTCTime, "231114221500Z")
				addText(b, cbasn1.UTCTime, "231114221501Z")
			}
		}), "signingTime"},
		"signing time of 2023 in four digits": {craft(func(c *crafted) {
			c.signingTime = func(b *cryptobyte.Builder) { addText(b, cbasn1.GeneralizedTime, "20231114221500Z") }
		}), "signingTime"},
		"version padded":            {craft(func(c *crafted) { c.version = []byte{2, 2, 0, 1} }), "no version"},
		"attributes of another tag": {replaceTag(message), "signature algorithm"},
		"neither attributes nor content": {craft(func(c *crafted) {
			c.noAttributes = true
		}), ""},
		"signature of 63 bytes": {craft(func(c *crafted) { c.signature = make([]byte, 63) }), ""},
		"signature in BER":      {craft(func(c *crafted) { c.signature = []byte{0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0} }), ""},
		"signature, r padded":   {craft(func(c *crafted) { c.signature = []byte{0x30, 7, 2, 2, 0, 1, 2, 1, 1} }), ""},
		"signature, s negative": {craft(func(c *crafted) { c.signature = []byte{0x30, 6, 2, 1, 1, 2, 1, 0xff} }), ""},
		"signature and a byte":  {craft(func(c *crafted) { c.signature = []byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0} }), ""},
		"1 MB of zeros":         {make([]byte, 1<<20), "ContentInfo"},
		"1 MB in a long form":   {append([]byte{0x30, 0x83, 0x0f, 0xff, 0xfb}, make([]byte, 0x0ffffb)...), ""},
	}
}

// TestBroken: every way of reading refuses these, with an error that says what is
// wrong.
func TestBroken(t *testing.T) {
	t.Parallel()
	for name, tt := range brokenMessages(t, newSigner(t)) {
		for way, parse := range map[string]parser{"strict": cms.Parse, "tolerant": tolerant} {
			if _, err := parse(tt.der); !errors.Is(err, cms.ErrMalformed) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: %v, want ErrMalformed and %q", name, way, err, tt.want)
			}
		}
	}
}

func manyAttributes(n int) []byte {
	var all []byte
	for i := range n {
		all = append(all, attribute(oid.Of(1, 2, i), func(b *cryptobyte.Builder) { b.AddASN1NULL() })...)
	}
	return all
}

func addText(b *cryptobyte.Builder, tag cbasn1.Tag, text string) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
}

// replaceTag puts the signed attributes under [2].
func replaceTag(message []byte) []byte {
	i := bytes.LastIndex(message, []byte{0xa0, 0x81})
	wrong := bytes.Clone(message)
	wrong[i] = 0xa2
	return wrong
}
