package crl_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/crl"
)

// crafted is a CRL whose parts are given in hexadecimal, for what Build never writes.
type crafted struct {
	version, inner, issuer, this, next, entries, extensions, outer, after string
}

const (
	sm2sm3  = "300a06082a811ccf55018375"
	utcThis = "170d3236303330313038303030305a" // 260301080000Z
	utcNext = "170d3236303330323038303030305a"
	serial5 = "020105"
	number7 = "300a0603551d140403020107"
)

func usual() crafted {
	return crafted{
		version: "020101", inner: sm2sm3, issuer: "300d310b300906035504061302434e", this: utcThis, next: utcNext,
		entries: "3014" + "3012" + serial5 + utcThis, extensions: number7, outer: sm2sm3,
	}
}

// der assembles the parts under a signature of nothing.
func (c crafted) der(tb testing.TB) []byte {
	tb.Helper()
	return c.assemble(tb, c.tbs(tb), hexBytes(tb, "3006020101020101"))
}

// signed assembles the parts under an authority's name and signature.
func (c crafted) signed(tb testing.TB, a authority) []byte {
	tb.Helper()
	if c.issuer == usual().issuer {
		c.issuer = hex.EncodeToString(a.Certificate.RawSubject())
	}
	tbs := c.tbs(tb)
	sig, err := a.Key.Sign(tbs)
	if err != nil {
		tb.Fatal(err)
	}
	return c.assemble(tb, tbs, sig.DER())
}

func hexBytes(tb testing.TB, text string) []byte {
	tb.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func (c crafted) tbs(tb testing.TB) []byte {
	tb.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, text := range []string{c.version, c.inner, c.issuer, c.this, c.next, c.entries} {
			b.AddBytes(hexBytes(tb, text))
		}
		if c.extensions != "" {
			b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(hexBytes(tb, c.extensions)) })
			})
		}
		b.AddBytes(hexBytes(tb, c.after))
	})
	der, err := b.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func (c crafted) assemble(tb testing.TB, tbs, sig []byte) []byte {
	tb.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(hexBytes(tb, c.outer))
		b.AddASN1BitString(sig)
	})
	der, err := b.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// oneEntry wraps the parts of an entry.
func oneEntry(parts ...string) string {
	content := strings.Join(parts, "")
	return sequenceHex(sequenceHex(content))
}

func sequenceHex(content string) string { return tlv("30", content) }

func tlv(tag, content string) string {
	n := len(content) / 2
	if n < 0x80 {
		return tag + hex.EncodeToString([]byte{byte(n)}) + content
	}
	return tag + "81" + hex.EncodeToString([]byte{byte(n)}) + content
}

// extensionHex writes an Extension with what stands between its OID and its value.
func extensionHex(id, critical, value string) string {
	return sequenceHex(tlv("06", id) + critical + tlv("04", value))
}

// craftedCase is a list with one thing changed.
type craftedCase struct {
	change func(*crafted)
	want   error // nil: read
}

func craftedCases() map[string]craftedCase {
	const critical = "0101ff"
	reason := func(value string) string {
		return oneEntry(serial5, utcThis, sequenceHex(extensionHex("551d15", "", value)))
	}
	point := func(content string) string { return number7 + extensionHex("551d1c", critical, sequenceHex(content)) }
	return map[string]craftedCase{
		"as usual":           {func(*crafted) {}, nil},
		"no entries":         {func(c *crafted) { c.entries = "" }, nil},
		"NULL parameters":    {func(c *crafted) { c.inner, c.outer = "300c06082a811ccf550183750500", "300c06082a811ccf550183750500" }, nil},
		"serial zero":        {func(c *crafted) { c.entries = oneEntry("020100", utcThis) }, nil},
		"reason unspecified": {func(c *crafted) { c.entries = reason("0a0100") }, nil},
		"unknown extension":  {func(c *crafted) { c.extensions += extensionHex("2a03", "", "0500") }, nil},
		"unknown entry extension": {func(c *crafted) {
			c.entries = oneEntry(serial5, utcThis, sequenceHex(extensionHex("2a03", "", "0500")))
		}, nil},
		"only users":                {func(c *crafted) { c.extensions = point("8101ff") }, nil},
		"directory name as point":   {func(c *crafted) { c.extensions = point(tlv("a0", tlv("a0", tlv("a4", "3000")))) }, nil},
		"version 1":                 {func(c *crafted) { c.version = "" }, crl.ErrMalformed},
		"version 3":                 {func(c *crafted) { c.version = "020102" }, crl.ErrMalformed},
		"padded version":            {func(c *crafted) { c.version = "02020001" }, crl.ErrMalformed},
		"ECDSA inside":              {func(c *crafted) { c.inner = "300a06082a8648ce3d040302" }, crl.ErrMalformed},
		"ECDSA outside":             {func(c *crafted) { c.outer = "300a06082a8648ce3d040302" }, crl.ErrMalformed},
		"other parameters":          {func(c *crafted) { c.outer = "300d06082a811ccf5501837502010a" }, crl.ErrMalformed},
		"empty issuer":              {func(c *crafted) { c.issuer = "3000" }, crl.ErrMalformed},
		"no nextUpdate":             {func(c *crafted) { c.next = "" }, crl.ErrMalformed},
		"nextUpdate is thisUpdate":  {func(c *crafted) { c.next = utcThis }, crl.ErrMalformed},
		"GeneralizedTime in 2026":   {func(c *crafted) { c.this = "180f32303236303330313038303030305a" }, crl.ErrMalformed},
		"time without seconds":      {func(c *crafted) { c.this = "170b323630333031303830305a" }, crl.ErrMalformed},
		"time with an offset":       {func(c *crafted) { c.this = "1711" + hex.EncodeToString([]byte("260301080000+0800")) }, crl.ErrMalformed},
		"30 February":               {func(c *crafted) { c.this = "170d" + hex.EncodeToString([]byte("260230080000Z")) }, crl.ErrMalformed},
		"fraction of a second":      {func(c *crafted) { c.this = "1811" + hex.EncodeToString([]byte("20600301080000.5Z")) }, crl.ErrMalformed},
		"empty revokedCertificates": {func(c *crafted) { c.entries = "3000" }, crl.ErrMalformed},
		"negative serial":           {func(c *crafted) { c.entries = oneEntry("0201ff", utcThis) }, crl.ErrMalformed},
		"padded serial":             {func(c *crafted) { c.entries = oneEntry("02020001", utcThis) }, crl.ErrMalformed},
		"serial of 21 octets":       {func(c *crafted) { c.entries = oneEntry("0215"+strings.Repeat("11", 21), utcThis) }, crl.ErrMalformed},
		"serial twice":              {func(c *crafted) { c.entries = sequenceHex(strings.Repeat(sequenceHex(serial5+utcThis), 2)) }, crl.ErrMalformed},
		"serial twice, apart": {func(c *crafted) {
			c.entries = sequenceHex(sequenceHex(serial5+utcThis) + sequenceHex("020106"+utcThis) + sequenceHex(serial5+utcThis))
		}, crl.ErrMalformed},
		"empty entry extensions": {func(c *crafted) { c.entries = oneEntry(serial5, utcThis, "3000") }, crl.ErrMalformed},
		"something after an entry": {func(c *crafted) {
			c.entries = oneEntry(serial5, utcThis, sequenceHex(extensionHex("2a03", "", "0500")), "0500")
		}, crl.ErrMalformed},
		"entry extension twice": {func(c *crafted) {
			c.entries = oneEntry(serial5, utcThis, sequenceHex(strings.Repeat(extensionHex("551d15", "", "0a0101"), 2)))
		}, crl.ErrMalformed},
		"reason 7":                {func(c *crafted) { c.entries = reason("0a0107") }, crl.ErrMalformed},
		"reason 257":              {func(c *crafted) { c.entries = reason("0a020101") }, crl.ErrMalformed},
		"negative reason":         {func(c *crafted) { c.entries = reason("0a01ff") }, crl.ErrMalformed},
		"reason is an INTEGER":    {func(c *crafted) { c.entries = reason("020101") }, crl.ErrMalformed},
		"reason and more":         {func(c *crafted) { c.entries = reason("0a01010500") }, crl.ErrMalformed},
		"removed from a full CRL": {func(c *crafted) { c.entries = reason("0a0108") }, crl.ErrMalformed},
		"invalidity date in UTCTime": {func(c *crafted) {
			c.entries = oneEntry(serial5, utcThis, sequenceHex(extensionHex("551d18", "", utcThis)))
		}, crl.ErrMalformed},
		"certificate of another": {func(c *crafted) {
			c.entries = oneEntry(serial5, utcThis, sequenceHex(extensionHex("551d1d", critical, "3000")))
		}, crl.ErrUnsupported},
		"critical entry extension": {func(c *crafted) {
			c.entries = oneEntry(serial5, utcThis, sequenceHex(extensionHex("2a03", critical, "0500")))
		}, crl.ErrUnsupported},
		"critical FALSE written": {func(c *crafted) { c.extensions = extensionHex("551d14", "010100", "020107") }, crl.ErrMalformed},
		"critical as 1":          {func(c *crafted) { c.extensions = extensionHex("551d14", "010101", "020107") }, crl.ErrMalformed},
		"critical extension":     {func(c *crafted) { c.extensions += extensionHex("2a03", critical, "0500") }, crl.ErrUnsupported},
		"extension twice":        {func(c *crafted) { c.extensions += number7 }, crl.ErrMalformed},
		"17 extensions": {func(c *crafted) {
			for i := range 17 {
				c.extensions += extensionHex("2a"+hex.EncodeToString([]byte{byte(i)}), "", "0500")
			}
		}, crl.ErrMalformed},
		"no extensions":                {func(c *crafted) { c.extensions = "" }, crl.ErrMalformed},
		"negative number":              {func(c *crafted) { c.extensions = extensionHex("551d14", "", "0201ff") }, crl.ErrMalformed},
		"number of 21 octets":          {func(c *crafted) { c.extensions = extensionHex("551d14", "", "0215"+strings.Repeat("11", 21)) }, crl.ErrMalformed},
		"base not critical":            {func(c *crafted) { c.extensions += extensionHex("551d1b", "", "020105") }, crl.ErrMalformed},
		"base after number":            {func(c *crafted) { c.extensions += extensionHex("551d1b", critical, "020108") }, crl.ErrMalformed},
		"base without number":          {func(c *crafted) { c.extensions = extensionHex("551d1b", critical, "020105") }, crl.ErrMalformed},
		"point not critical":           {func(c *crafted) { c.extensions = number7 + extensionHex("551d1c", "", sequenceHex("8101ff")) }, crl.ErrMalformed},
		"empty point":                  {func(c *crafted) { c.extensions = point("") }, crl.ErrMalformed},
		"users and CAs":                {func(c *crafted) { c.extensions = point("8101ff8201ff") }, crl.ErrMalformed},
		"FALSE written":                {func(c *crafted) { c.extensions = point("810100") }, crl.ErrMalformed},
		"indirect":                     {func(c *crafted) { c.extensions = point("8401ff") }, crl.ErrUnsupported},
		"some reasons":                 {func(c *crafted) { c.extensions = point("83020560") }, crl.ErrUnsupported},
		"attribute certificates":       {func(c *crafted) { c.extensions = point("8501ff") }, crl.ErrUnsupported},
		"name relative to the issuer":  {func(c *crafted) { c.extensions = point(tlv("a0", "a100")) }, crl.ErrMalformed},
		"flags in another order":       {func(c *crafted) { c.extensions = point("8201ff8101ff") }, crl.ErrMalformed},
		"something after extensions":   {func(c *crafted) { c.after = "0500" }, crl.ErrMalformed},
		"something after an extension": {func(c *crafted) { c.extensions = sequenceHex("0603551d14" + "0403020107" + "0500") }, crl.ErrMalformed},
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range craftedCases() {
		c := usual()
		tt.change(&c)
		list, err := crl.Parse(c.der(t))
		if !errors.Is(err, tt.want) || (err == nil) != (list != nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	// BER: an indefinite length around everything, and a length with a zero too much.
	der := usual().der(t)
	for name, ber := range map[string][]byte{
		"indefinite": append(append([]byte{0x30, 0x80}, der[2:]...), 0, 0),
		"long form":  append([]byte{0x30, 0x82, 0, der[2]}, der[3:]...),
		"huge":       append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, der[3:]...),
	} {
		if _, err := crl.Parse(ber); !errors.Is(err, crl.ErrMalformed) {
			t.Errorf("%s length: %v", name, err)
		}
	}
}

// TestUnsortedLists: other authorities write entries in the order of revocation.
func TestUnsortedLists(t *testing.T) {
	t.Parallel()
	c := usual()
	c.entries = sequenceHex(sequenceHex("02020100"+utcThis) + sequenceHex("020103"+utcNext) + sequenceHex("020200ff"+utcThis))
	list, err := crl.Parse(c.der(t))
	if err != nil {
		t.Fatal(err)
	}
	var last []byte
	n := 0
	for e := range list.All() {
		if len(e.Serial) < len(last) || len(e.Serial) == len(last) && bytes.Compare(e.Serial, last) <= 0 {
			t.Errorf("%x comes after %x", e.Serial, last)
		}
		if _, found := list.Find(e.Serial); !found {
			t.Errorf("%x is not found", e.Serial)
		}
		last = e.Serial
		n++
	}
	if n != 3 {
		t.Errorf("%d entries", n)
	}
}

func FuzzParse(f *testing.F) {
	a := newAuthority(f, "测试根")
	template := a.template(7)
	template.Points, template.FreshestCRL = []string{"http://localhost/crl/a.crl"}, []string{"http://localhost/crl/a-delta.crl"}
	full := a.build(f, template, entry(1, 0), entry(2, 6)).DER
	template.Number, template.Base, template.FreshestCRL = 8, 7, nil
	f.Add(full, a.build(f, template, entry(2, 8), entry(3, 1)).DER)
	f.Add(usual().der(f), usual().der(f))
	f.Fuzz(func(t *testing.T, der, deltaDER []byte) {
		list, err := crl.Parse(der)
		if err != nil {
			return
		}
		if list.Verify(a.Certificate, nil) == nil && !bytes.Equal(der, full) && !list.IsDelta() {
			t.Errorf("a list that nobody signed verifies: %x", der)
		}
		check(t, list)
		delta, err := crl.Parse(deltaDER)
		if err != nil {
			return
		}
		if joined, err := list.WithDelta(delta); err == nil {
			check(t, joined)
		}
	})
}

// check wants that all entries rise and are found as they are.
func check(t *testing.T, list *crl.List) {
	var last []byte
	first := true
	for e := range list.All() {
		if !first && (len(e.Serial) < len(last) || len(e.Serial) == len(last) && bytes.Compare(e.Serial, last) <= 0) {
			t.Errorf("%x comes after %x", e.Serial, last)
		}
		if r, found := list.Find(e.Serial); !found || r != e.Revocation {
			t.Errorf("Find(%x) = %+v, %v, want %+v", e.Serial, r, found, e.Revocation)
		}
		last, first = e.Serial, false
	}
}
