// Package cms writes and reads CMS signed data (RFC 5652 and GB/T 35275), detached
// and attached: signatures of persons in PDF (SubFilter ETSI.CAdES.detached), time-stamp
// tokens, signatures of other Chinese products.
//
// Written, exactly: ContentInfo id-signedData; SignedData version 1, or 3 where the
// content is not data; one digest algorithm SM3 1.2.156.10197.1.401, parameters
// absent; the content, or none; the signer's chain; one SignerInfo version 1 by
// issuer and serial number; signed attributes: contentType, messageDigest,
// signing-certificate-v2 (RFC 5035) with SM3, and on request signingTime and others;
// signature algorithm SM2-with-SM3 1.2.156.10197.1.501, parameters absent; the
// signature as ASN.1; unsigned attributes on request. Every SET OF is in the order
// of DER. With [Template.GM] the content types are those of GB/T 35275
// (1.2.156.10197.6.1.4.2) and the signature algorithm is 1.2.156.10197.1.301.1. SM2
// signs the DER of the attributes as a SET OF, with ZA under the default user ID.
//
// # Reading
//
// Everything is DER; BER is refused but where it is named, as are several signers, any
// digest but SM3, any signature but SM2 with SM3, an attribute that stands twice, and
// anything after the structure. Signers are named by issuer and serial number or by subject key
// identifier. A signed attribute signing-certificate-v2, if it is there, must name the
// certificate that verifies.
//
// [Parse] and [ParseAttached] are strict: what is written here, with algorithm
// parameters absent or NULL and with either name of the signature algorithm.
// [ParseTolerant] reads real Chinese signatures. It accepts further:
//
//   - data under either of its names, whatever the outer type is, and another one in
//     the attribute contentType than in the content;
//   - attributes in the order in which they were written: SM2 verifies over the bytes
//     received, never over sorted ones;
//   - no signed attributes: the attached content itself is signed;
//   - the signature as 64 raw bytes r ‖ s;
//   - no signing-certificate-v2 (GB/T 35275 does not know it);
//   - BER with lengths that are not known at its beginning, and content in pieces, as programs that
//     stream write it: it is taken to DER first;
//   - any version number that CMS has, further digest algorithms in the list, embedded certificates
//     that are not read here.
//
// It never verifies less: with attributes the content's digest must be in them and the
// signature over them; without, the content must not be such attributes in disguise.
// Detached content without attributes is refused, as SM2 would have to hash ZA before
// the content.
//
// [ParseWestern] reads foreign signatures: RSA (PKCS #1 v1.5, RSASSA-PSS), ECDSA and
// Ed25519 with SHA-2, into a type of their own.
//
// Nothing here judges a certificate, a CRL or a time.
//
// # Streams
//
// Content is never needed in memory: callers give its SM3. Signing takes two steps, so
// that a key may be in two halves or far away: [Template.SignedAttributes] gives the
// bytes to sign, [Template.Assemble] takes the signature. A time stamp over the
// signature value is added later by [WithUnsigned].
package cms
