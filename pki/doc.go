// Package pki is the vocabulary of the house: SM2 public keys and their
// identities, SM2-with-SM3 signatures, and the register of everything that may
// be signed. It is what every other package speaks, so it is also what the hall
// terminal and the browser carry: it imports no certificate parser, no network
// code, no store.
//
// # Signatures
//
// Every signature of this project is SM2 with SM3 (GB/T 32918.2-2016) under the
// default user ID, the sixteen ASCII bytes 1234567812345678 (GM/T 0009-2023):
//
//	ZA = SM3(0x0080 ‖ ID ‖ a ‖ b ‖ xG ‖ yG ‖ xA ‖ yA)
//	e  = SM3(ZA ‖ M)
//
// There is no function here that signs or verifies without ZA. In CBOR a
// signature is the 64 raw bytes r ‖ s ([Signature]); in ASN.1 it is the
// SEQUENCE of two minimal positive INTEGERs (GM/T 0009-2023, 7.3).
//
// # Identity of a key
//
// A key is identified by its 33-byte compressed point ([Point]). The eight-byte
// [KID], the head of SM3 over the DER SubjectPublicKeyInfo, is a hint that picks
// candidates quickly and is never an identity.
//
// # Keys
//
// A [Key] wraps a crypto.Signer, so nothing above the key store knows whether
// the private half lies in a file, a token or two halves. The signer is given
// the 32-byte value e as its digest and answers with an ASN.1 signature.
//
// # Second opinion
//
// A signature that the fast implementation refuses although it is well formed
// is put to an independent implementation ([Judge]) before anybody is called a
// forger; when the two disagree, the answer is [Disagree], never "good".
//
// What this package refuses: points off the curve or at infinity, uncompressed
// or hybrid encodings where a [Point] is wanted, signatures with r or s outside
// 1…n−1 or with r + s ≡ 0 (mod n), any ASN.1 that is not DER.
package pki
