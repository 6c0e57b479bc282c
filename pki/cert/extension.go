package cert

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/elicence/elicence/pki/oid"
)

// context is a constructed context-specific tag.
func context(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

// AddExtension writes one Extension (RFC 5280, 4.2).
func AddExtension(b *cryptobyte.Builder, id oid.ID, critical bool, value func(*cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.Add(b, id)
		if critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1(cbasn1.OCTET_STRING, value)
	})
}

// Extension is one Extension as it was read.
type Extension struct {
	ID       oid.ID
	Critical bool
	Value    cryptobyte.String // content of the OCTET STRING
}

// ReadExtension reads one Extension in DER: a critical that is FALSE is left out.
func ReadExtension(s *cryptobyte.String) (Extension, bool) {
	var e Extension
	var one cryptobyte.String
	var ok bool
	if !s.ReadASN1(&one, cbasn1.SEQUENCE) {
		return e, false
	}
	if e.ID, ok = oid.Read(&one); !ok {
		return e, false
	}
	if one.PeekASN1Tag(cbasn1.BOOLEAN) && (!one.ReadASN1Boolean(&e.Critical) || !e.Critical) {
		return e, false
	}
	return e, one.ReadASN1(&e.Value, cbasn1.OCTET_STRING) && one.Empty()
}

// ReadAuthorityKeyID reads the value of an authorityKeyIdentifier: its key
// identifier, or nil if it names the key by other means only.
func ReadAuthorityKeyID(value cryptobyte.String) ([]byte, bool) {
	var content, keyID cryptobyte.String
	var present bool
	if !value.ReadASN1(&content, cbasn1.SEQUENCE) || !value.Empty() ||
		!content.ReadOptionalASN1(&keyID, &present, cbasn1.Tag(0).ContextSpecific()) {
		return nil, false
	}
	// What may follow, the issuer's issuer and serial number, adds nothing here.
	return keyID, true
}

// AddAuthorityKeyID writes the extension that names an issuer's key.
func AddAuthorityKeyID(b *cryptobyte.Builder, keyID []byte) {
	AddExtension(b, oid.AuthorityKeyID, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(keyID) })
		})
	})
}

// AddDistributionPoints writes the value of cRLDistributionPoints or freshestCRL:
// one point with all URIs as its full name.
func AddDistributionPoints(b *cryptobyte.Builder, uris []string) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // CRLDistributionPoints
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { AddDistributionPointName(b, uris) })
	})
}

// AddDistributionPointName writes a DistributionPointName under its tag 0: the
// URIs as a full name.
func AddDistributionPointName(b *cryptobyte.Builder, uris []string) {
	b.AddASN1(context(0), func(b *cryptobyte.Builder) {
		b.AddASN1(context(0), func(b *cryptobyte.Builder) { // fullName
			for _, uri := range uris {
				addString(b, tagURI, uri)
			}
		})
	})
}

// Tags of GeneralName (RFC 5280, 4.2.1.6).
var (
	tagDNS       = cbasn1.Tag(2).ContextSpecific()
	tagDirectory = context(4)
	tagURI       = cbasn1.Tag(6).ContextSpecific()
	tagIP        = cbasn1.Tag(7).ContextSpecific()
)

func addString(b *cryptobyte.Builder, tag cbasn1.Tag, s string) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
}

// addExtensions writes the extensions, in the order of GB/T 20518's table.
func (t *Template) addExtensions(b *cryptobyte.Builder) {
	AddAuthorityKeyID(b, KeyID(t.IssuerKey))
	AddExtension(b, oid.SubjectKeyID, false, func(b *cryptobyte.Builder) {
		id := t.SubjectKeyID
		if id == nil {
			id = KeyID(t.Key)
		}
		b.AddASN1OctetString(id)
	})
	if t.IsCA {
		AddExtension(b, oid.BasicConstraints, true, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Boolean(true)
				b.AddASN1Int64(int64(t.PathLen))
			})
		})
	}
	AddExtension(b, oid.KeyUsage, !t.UsageOptional, t.Usage.marshal)
	if len(t.ExtUsages) > 0 {
		AddExtension(b, oid.ExtKeyUsage, t.ExtUsageCritical, func(b *cryptobyte.Builder) { addIDs(b, t.ExtUsages) })
	}
	if len(t.Policies) > 0 {
		AddExtension(b, oid.Policies, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, p := range t.Policies {
					addIDs(b, []oid.ID{p}) // PolicyInformation without qualifiers
				}
			})
		})
	}
	t.addNames(b)
	if len(t.CRLPoints) > 0 {
		AddExtension(b, oid.CRLPoints, false, func(b *cryptobyte.Builder) { AddDistributionPoints(b, t.CRLPoints) })
	}
	if len(t.FreshestCRL) > 0 {
		AddExtension(b, oid.FreshestCRL, false, func(b *cryptobyte.Builder) { AddDistributionPoints(b, t.FreshestCRL) })
	}
	t.addAuthorityInfo(b)
	if t.StatusEntry != (StatusEntry{}) {
		addStatusEntry(b, t.StatusEntry)
	}
	if t.OCSPNoCheck {
		AddExtension(b, oid.OCSPNoCheck, false, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
	}
	for _, number := range []struct {
		id   oid.ID
		text string
	}{
		{oid.InsuranceNumber, t.InsuranceNumber}, {oid.RegistrationNumber, t.RegistrationNumber},
		{oid.OrganizationCode, t.OrganizationCode}, {oid.TaxationNumber, t.TaxationNumber},
	} {
		if number.text != "" {
			AddExtension(b, number.id, false, func(b *cryptobyte.Builder) { addString(b, cbasn1.PrintableString, number.text) })
		}
	}
}

func addIDs(b *cryptobyte.Builder, ids []oid.ID) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, id := range ids {
			oid.Add(b, id)
		}
	})
}

// marshal writes the BIT STRING without trailing zero bits.
func (u KeyUsage) marshal(b *cryptobyte.Builder) {
	bits := []byte{byte(u >> 8), byte(u)}
	if bits[1] == 0 {
		bits = bits[:1]
	}
	unused := 0
	for bits[len(bits)-1]>>unused&1 == 0 {
		unused++
	}
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(unused))
		b.AddBytes(bits)
	})
}

// addNames writes subjectAltName and nameConstraints.
func (t *Template) addNames(b *cryptobyte.Builder) {
	if len(t.DNSNames)+len(t.IPs) > 0 {
		AddExtension(b, oid.SubjectAltName, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, name := range t.DNSNames {
					addString(b, tagDNS, name)
				}
				for _, ip := range t.IPs {
					addString(b, tagIP, string(ip.AsSlice()))
				}
			})
		})
	}
	if c := t.NameConstraints; c != nil {
		AddExtension(b, oid.NameConstraints, true, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addSubtrees(b, 0, c.PermittedDirectories, c.PermittedDNS)
				addSubtrees(b, 1, c.ExcludedDirectories, c.ExcludedDNS)
			})
		})
	}
}

func addSubtrees(b *cryptobyte.Builder, tag uint8, directories [][]byte, dns []string) {
	if len(directories)+len(dns) == 0 {
		return
	}
	b.AddASN1(context(tag), func(b *cryptobyte.Builder) {
		for _, d := range directories {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(tagDirectory, func(b *cryptobyte.Builder) { b.AddBytes(d) })
			})
		}
		for _, d := range dns {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addString(b, tagDNS, d) })
		}
	})
}

func (t *Template) addAuthorityInfo(b *cryptobyte.Builder) {
	access := []struct {
		id   oid.ID
		uris []string
	}{{oid.AccessOCSP, t.OCSP}, {oid.AccessCAIssuers, t.CAIssuers}}
	if len(slices.Concat(t.OCSP, t.CAIssuers)) == 0 {
		return
	}
	AddExtension(b, oid.AuthorityInfo, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, a := range access {
				for _, uri := range a.uris {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						oid.Add(b, a.id)
						addString(b, tagURI, uri)
					})
				}
			}
		})
	})
}
