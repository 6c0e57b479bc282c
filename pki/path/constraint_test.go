package path_test

import (
	"strings"
	"testing"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/path"
)

// Bases of the constraints below.
var (
	province = name(rdn{country, cbasn1.PrintableString, "CN"}, rdn{organization, cbasn1.UTF8String, "Province"})
	bureau   = name(rdn{country, cbasn1.PrintableString, "CN"}, rdn{organization, cbasn1.UTF8String, "市场监督管理局 Bureau"})
	ten8     = string([]byte{10, 0, 0, 0, 255, 0, 0, 0})
)

func spelt(tag cbasn1.Tag, org string) []byte {
	return name(rdn{country, cbasn1.PrintableString, "CN"}, rdn{organization, tag, org}, rdn{commonName, cbasn1.UTF8String, "E"})
}

func directory(name []byte) []byte { return general(cert.FormDirectory, name) }
func dns(s string) []byte          { return text(cert.FormDNS, s) }
func mail(s string) []byte         { return text(cert.FormEmail, s) }
func uri(s string) []byte          { return text(cert.FormURI, s) }
func address(s string) []byte      { return text(cert.FormIP, s) }

// mapped is 10.1.2.3 in the clothes of IPv6.
const mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x01\x02\x03"

// limited are end certificates under an authority whose names are limited.
var limited = []struct {
	name    string
	limit   mod
	end     mod
	bad     bool
	openssl string
}{
	{"directory: inside", permit(directory(province)), nil, false, ""},
	{"directory: outside", permit(directory(bureau)), nil, true, ""},
	{"directory: excluded", exclude(directory(province)), nil, true, ""},
	{"directory: not the excluded", exclude(directory(bureau)), nil, false, ""},
	{"directory: two permitted", permit(directory(bureau), directory(province)), nil, false, ""},
	{"directory: permitted and excluded", constrained([][]byte{directory(province)}, [][]byte{directory(dn("E"))}), nil, true, ""},
	{"directory: excluded in another case", exclude(directory(province)), subject(spelt(cbasn1.UTF8String, "PROVINCE")), true, ""},
	{"directory: excluded in another string type", exclude(directory(province)), subject(spelt(cbasn1.PrintableString, "Province")), true, ""},
	{"directory: excluded with spaces", exclude(directory(province)), subject(spelt(cbasn1.UTF8String, "  Province ")), true, ""},
	{"directory: excluded in full width", exclude(directory(province)), subject(spelt(cbasn1.UTF8String, "Ｐｒｏｖｉｎｃｅ")), true,
		"OpenSSL does not normalise widths"},
	{"directory: excluded with an invisible character", exclude(directory(province)), subject(spelt(cbasn1.UTF8String, "Prov\u200bince")), true,
		"OpenSSL does not take out what nobody sees"},
	{"directory: excluded in BMPString", exclude(directory(province)), subject(spelt(30, "\x00P\x00r\x00o\x00v\x00i\x00n\x00c\x00e")), true, ""},
	{"directory: Chinese in BMPString", permit(directory(bureau)),
		subject(spelt(30, "\x5e\x02\x57\x3a\x76\xd1\x77\x63\x7b\xa1\x74\x06\x5c\x40\x00 \x00B\x00u\x00r\x00e\x00a\x00u")), false, ""},
	{"directory: attributes in another order", exclude(directory(province)),
		subject(name(rdn{organization, cbasn1.UTF8String, "Province"}, rdn{country, cbasn1.PrintableString, "CN"}, rdn{commonName, cbasn1.UTF8String, "E"})), false, ""},
	{"directory: permitted, attributes in another order", permit(directory(province)),
		subject(name(rdn{organization, cbasn1.UTF8String, "Province"}, rdn{country, cbasn1.PrintableString, "CN"}, rdn{commonName, cbasn1.UTF8String, "E"})), true, ""},
	{"directory: the organisation twice", permit(directory(province)),
		subject(name(rdn{country, cbasn1.PrintableString, "CN"}, rdn{organization, cbasn1.UTF8String, "Province"}, rdn{organization, cbasn1.UTF8String, "Bureau"})), false, ""},
	{"directory: a longer word", permit(directory(province)), subject(spelt(cbasn1.UTF8String, "Provincetown")), true, ""},
	{"directory: empty subject, permitted subtree", permit(directory(province)), all(subject(name()), altNames(true, dns("a.example"))), true,
		"a person without a name is refused for the purpose, which OpenSSL was not told"},
	{"directory: outside in the alternative name", permit(directory(province)), altNames(false, directory(spelt(cbasn1.UTF8String, "Other"))), true, ""},
	{"directory: the empty base is everything", permit(directory(name())), nil, false, ""},

	{"DNS: below", permit(dns("example.cn")), altNames(false, dns("a.example.cn")), false, ""},
	{"DNS: itself, in another case", permit(dns("example.cn")), altNames(false, dns("EXAMPLE.cn")), false, ""},
	{"DNS: a longer name", permit(dns("example.cn")), altNames(false, dns("badexample.cn")), true, ""},
	{"DNS: one of two outside", permit(dns("example.cn")), altNames(false, dns("a.example.cn"), dns("b.example")), true, ""},
	{"DNS: no such name at all", permit(dns("example.cn")), nil, false, ""},
	{"DNS: excluded, with a dot at the end", exclude(dns("example.cn")), altNames(false, dns("a.example.cn.")), true,
		"OpenSSL compares the dot as it stands"},
	{"DNS: excluded, in capitals", exclude(dns("example.cn")), altNames(false, dns("A.EXAMPLE.CN")), true, ""},
	{"DNS: a wildcard over an excluded name", exclude(dns("a.example.cn")), altNames(false, dns("*.example.cn")), true,
		"OpenSSL compares the wildcard as it stands"},
	{"DNS: a wildcard inside", permit(dns("example.cn")), altNames(false, dns("*.example.cn")), false, ""},
	{"DNS: a wildcard beside an excluded name", exclude(dns("a.example.cn")), altNames(false, dns("*.b.example.cn")), false, ""},
	{"DNS: a NUL", permit(dns("example.cn")), altNames(false, dns("evil.cn\x00.example.cn")), true, "OpenSSL compares the end only"},
	{"DNS: a dot in front", exclude(dns("example.cn")), altNames(false, dns(".example.cn")), true, ""},

	{"IP: inside", permit(address(ten8)), altNames(false, address("\x0a\x01\x02\x03")), false, ""},
	{"IP: outside", permit(address(ten8)), altNames(false, address("\x0b\x01\x02\x03")), true, ""},
	{"IP: excluded", exclude(address(ten8)), altNames(false, address("\x0a\x01\x02\x03")), true, ""},
	{"IP: IPv6 is another family", permit(address(ten8)), altNames(false, address(strings.Repeat("\x20", 16))), true, ""},
	{"IP: excluded, as IPv6", exclude(address(ten8)), altNames(false, address(mapped)), true, "OpenSSL takes the families apart"},

	{"e-mail: a mailbox", permit(mail("a@example.cn")), altNames(false, mail("a@EXAMPLE.cn")), false, ""},
	{"e-mail: another mailbox", permit(mail("a@example.cn")), altNames(false, mail("A@example.cn")), true, ""},
	{"e-mail: a host", permit(mail("example.cn")), altNames(false, mail("x@example.cn")), false, ""},
	{"e-mail: below a host", permit(mail("example.cn")), altNames(false, mail("x@a.example.cn")), true, ""},
	{"e-mail: a domain", permit(mail(".example.cn")), altNames(false, mail("x@a.example.cn")), false, ""},
	{"e-mail: in the subject", exclude(mail("example.cn")),
		subject(name(rdn{country, cbasn1.PrintableString, "CN"}, rdn{emailAddress, cbasn1.IA5String, "x@example.cn"})), true, ""},
	{"e-mail: quoted", exclude(mail("example.cn")), altNames(false, mail("\"a@b\"@example.cn")), true, ""},

	{"URI: a host", permit(uri("example.cn")), altNames(false, uri("https://example.cn:443/x")), false, ""},
	{"URI: below a host", permit(uri("example.cn")), altNames(false, uri("https://a.example.cn/x")), true, ""},
	{"URI: a domain", permit(uri(".example.cn")), altNames(false, uri("https://a.example.cn")), false, ""},
	{"URI: excluded behind user information", exclude(uri("example.cn")), altNames(false, uri("https://other.cn:80@example.cn/")), true,
		"OpenSSL takes what stands before the colon for the host"},
	{"URI: no host", permit(uri("example.cn")), altNames(false, uri("urn:x")), true, ""},
	{"URI: an address", permit(uri(".example.cn")), altNames(false, uri("https://10.1.2.3/")), true, ""},

	{"other names: limited, and one is there", permit(general(cert.FormOther, append([]byte{6, 3, 42, 3, 4}, 0xa0, 2, 5, 0))),
		altNames(false, general(cert.FormOther, append([]byte{6, 3, 42, 3, 4}, 0xa0, 2, 5, 0))), true, ""},
	{"other names: limited, and none is there", permit(general(cert.FormOther, append([]byte{6, 3, 42, 3, 4}, 0xa0, 2, 5, 0))), nil, false, ""},
}

func constraintRows() []pathRow {
	var rows []pathRow
	for _, l := range limited {
		row := pathRow{name: l.name, openssl: l.openssl, build: func(w *world) built {
			r := w.root("R")
			a := w.authority(r, "A", l.limit)
			end := l.end
			if end == nil {
				end = all()
			}
			return built{anchor: r, between: []*node{a}, end: w.end(a, "E", end)}
		}}
		if l.bad {
			row.want = path.ErrName
		}
		rows = append(rows, row)
	}
	return append(rows,
		pathRow{"the anchor's limits hold too", func(w *world) built {
			r := w.root("R", permit(dns("example.cn")))
			return built{anchor: r, end: w.end(r, "E", altNames(false, dns("other.cn")))}
		}, path.ErrName, ""},
		pathRow{"limits of two authorities meet", func(w *world) built {
			r := w.root("R")
			a := w.authority(r, "A", permit(dns("example.cn")))
			b := w.authority(a, "B", permit(dns("a.example.cn"), dns("other.cn")))
			return built{anchor: r, between: []*node{a, b}, end: w.end(b, "E", altNames(false, dns("other.cn")))}
		}, path.ErrName, ""},
		pathRow{"an authority is limited as well", func(w *world) built {
			r := w.root("R")
			a := w.authority(r, "A", permit(directory(bureau)))
			b := w.authority(a, "B")
			return built{anchor: r, between: []*node{a, b}, end: w.end(b, "E", subject(spelt(cbasn1.UTF8String, "市场监督管理局 bureau")))}
		}, path.ErrName, ""},
		pathRow{"an authority that issued to itself is not", func(w *world) built {
			r := w.root("R")
			a := w.authority(r, "A", permit(directory(bureau)))
			b := w.authority(a, "A")
			return built{anchor: r, between: []*node{a, b}, end: w.end(b, "E", subject(spelt(cbasn1.UTF8String, "市场监督管理局 bureau")))}
		}, nil, ""},
	)
}

func TestNameConstraints(t *testing.T) {
	t.Parallel()
	for _, tt := range constraintRows() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkOutcome(t, tt.build(newWorld(t)).ask(t, path.Options{}), tt.want)
		})
	}
}
