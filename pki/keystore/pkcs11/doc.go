// Package pkcs11 uses tokens behind PKCS#11 v2.40: an AES key inside the token
// wraps a store's key-encryption key ([Token.Wrapper]), and where the token has SM2,
// signing keys live in it ([Token.Device]).
//
// The wrapping key is one of 256 bits that the token itself has made, marked
// sensitive and not extractable; one that is not is refused. It wraps with
// AES-GCM, the store's identifier being the associated data. A store that was
// made with gm-only does not take it: AES is no national algorithm.
//
// PKCS#11 has no numbers for SM2, so [Mechanisms] names the vendor's. What the token
// signs is e = SM3(ZA ‖ M), which is computed here, and what it answers is checked by
// [pki.Key] before it is released: a token that makes ECDSA signatures on the SM2
// curve is found out at the first signature.
//
// It needs cgo. Without it, [Open] answers [ErrNotBuilt].
package pkcs11
