// Package cms writes and reads detached CMS signatures (RFC 5652, profile of
// CAdES baseline B): what goes into /Contents of a PDF signature with SubFilter
// ETSI.CAdES.detached.
//
// Written, exactly: ContentInfo id-signedData; SignedData version 1; one digest
// algorithm SM3 1.2.156.10197.1.401, parameters absent; eContentType id-data, no
// eContent; the signer's certificate chain; one SignerInfo version 1 by issuer
// and serial number; signed attributes in DER order: contentType, messageDigest,
// signing-certificate-v2 (RFC 5035) with SM3; signature algorithm SM2-with-SM3
// 1.2.156.10197.1.501, parameters absent; the signature as ASN.1. SM2 signs the
// DER of the attributes as a SET OF, with ZA under the default user ID.
//
// Read: the same in DER, with parameters absent or NULL and with 1.2.156.10197.1.301.1
// as the other name of the signature algorithm. Attached content, several
// signers, missing signed attributes, another digest, and anything after the
// structure are refused. BER, the GM/T 0010 object identifiers, RSA, ECDSA and
// time stamps are not in this version.
//
// Signing takes two steps, so that a key may be in two halves or far away:
// [Attributes] gives the bytes to sign, [Assemble] takes the signature.
package cms
