// Package keystore keeps keys at rest and hands out their use. Nothing here
// returns a private key: a signing key is a [pki.Key], a symmetric secret is a
// [Secret] that computes, and the service's half of a co-signing key is a
// [cosign.Service].
//
// A key store is a folder. Its file `store` says how the key-encryption key is
// found: in a file of its own ([Unlock.File]) or from a passphrase by argon2id
// ([Unlock.Passphrase]). Every key is one file `purpose/name.key`:
//
//	{1: 1, 2: purpose, 3: name, 4: kind, 5: public point, 6: nonce, 7: ciphertext}
//
// in deterministic CBOR. The ciphertext is SM4-GCM under a key derived from the
// key-encryption key for this purpose and name; everything but the ciphertext is
// its associated data. A file that was renamed, moved to another purpose, or
// whose public point was changed does not open.
//
// Files are created, never overwritten; their modes are 0600 in folders of 0700,
// and files that others may read are refused.
//
// Trusted: whoever has the key-encryption key and the folder has every key.
// The folder alone is ciphertext; at worst its holder destroys it.
//
// Keys on PKCS#11 tokens, a change of the key-encryption key, and SDF devices are
// not in this version.
package keystore
