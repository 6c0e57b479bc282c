// Package seal is the electronic seal and the signature made with it, by GB/T
// 38540-2020 (version 4 of the structure).
//
// A seal (SESeal, [Make]) binds a picture in true millimetres, a name, a code
// and a period of validity to the certificates that may sign with it, under the
// signature of a seal maker (制章者). A seal signature (SES_Signature, [Sign])
// holds the whole seal, the time and the SM3 digest of the document, under the
// signature of the seal's own key (签章者).
//
//	SESeal        ::= SEQUENCE { eSealInfo, cert OCTET STRING, signAlgID OID, signedValue BIT STRING }
//	SES_Signature ::= SEQUENCE { toSign, cert OCTET STRING, signatureAlgID OID, signature BIT STRING }
//
// What is signed is the DER of eSealInfo alone and of toSign alone, SM2 with SM3
// and ZA under the default user ID. Both are verified over the bytes received and
// never encoded again. The digest of a document is plain SM3, without ZA.
//
// Verification ([Signature.Verify]) follows the standard's order: form, signature
// value, the signer's certificate in the seal's list, the seal itself, the
// certificates at the time of signing, the document's digest, the time within the
// seal's validity. Each step is reported by itself.
//
// # Reading
//
// [Parse] and [ParseSignature] take what is written here. [ParseTolerant] and
// [ParseSignatureTolerant] read what is in the field as well: versions 1 (GM/T
// 0031-2014) and 5 of the structure, signatures as 64 raw bytes, digests of
// certificates in place of certificates, unknown extensions, certificates that are not
// read here. What must be proven is the same for all, and always over the bytes
// received.
//
// # In CMS
//
// For verifiers that know only CMS, [SignCAdES] signs in CMS with the whole seal as a signed
// attribute ([ProfileCAdES], docs/seal-cades.md), and [ParseCAdES] reads that in its one form.
// What it reads is a [Signature] like any other, and is verified like one.
//
// # Time
//
// A signature may carry a time stamp (RFC 3161) over its value, [WithTimeStamp]. With one
// of a trusted authority the certificates are judged for the time that it proves; without,
// for the time that the signer claims, and only as long as no certificate has expired or
// been revoked since ([ErrTimeNotProven]): its key could claim any time.
//
// A [Record] is a seal's life with us: one person applies, another approves, and
// only then is the seal made. Seals that are made here list one certificate.
package seal
