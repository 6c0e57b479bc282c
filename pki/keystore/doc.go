// Package keystore keeps keys at rest and hands out their use. Nothing here
// returns a private key: a signing key is a [pki.Key], a symmetric secret is a
// [Secret] that computes, and the service's half of a co-signing key is a
// [cosign.Service].
//
// # A store
//
// A key store is a folder. The key-encryption key is found in one of four ways
// ([Unlock]): in a file, from a passphrase, unwrapped by a token or device, or put
// together from n of m shares. It protects the keyring in the file `store`: the
// master key. Every key is one file `purpose/name.key`, encrypted under a key
// that is derived from the master key for it alone. So a change of the key-encryption
// key ([Store.Rewrap]) writes one small file, and a new master key ([Store.Rotate])
// reaches the key files one by one while the store is in use.
//
// All files are deterministic CBOR. `store`:
//
//	{1: 2, 2: store, 3: gm-only, 4: created, 5: rotated, 6: generation, 7: rotating,
//	 8: {1: method, 2: since, 3: KDF, 4: token, 5: shares}, 9: nonce, 10: keyring}
//	KDF    {1: name, 2: salt, 3: passes or iterations, 4: KiB, 5: lanes}
//	token  {1: device, 2: label, 3: algorithm, 4: bits, 5: wrapped key-encryption key}
//	shares {1: set, 2: threshold, 3: [SM3 of each share]}
//
// The keyring is SM4-GCM of [[generation, master key], …], with everything else
// as its associated data. A key file:
//
//	{1: 2, 2: purpose, 3: name, 4: kind, 5: public point, 6: created, 7: generation,
//	 8: device, 9: place in the device, 10: nonce, 11: ciphertext}
//
// The ciphertext is SM4-GCM; the store's identifier and everything else are its
// associated data. A share is PEM of the type ELICENCE KEY SHARE:
//
//	{1: 2, 2: store, 3: set, 4: threshold, 5: total, 6: index, 7: value, 8: checksum}
//
// SM4 keys are the first 16 bytes of HMAC-SM3 under the key-encryption key or the
// master key over a label, the store's mode and identifier, purpose and name.
//
// # What is refused
//
// A file that was altered, renamed, moved to another purpose or taken from
// another store, or whose public point is not its key's: [ErrDamaged]. Files and
// folders that others may use, and links: [ErrMode]; all are looked at when a store
// is opened. Files are created, never overwritten, but for the two changes above,
// which replace a file whole. Parameters of a KDF that are weaker than a new
// store's.
//
// A wrong key-encryption key and a damaged `store` file are one error, [ErrLocked].
// Whether the passphrase, its salt or the keyring is wrong, the same work is done and
// the answer falls in one comparison, that of the GCM tag; only a file that cannot be
// parsed, which anybody who sees it can tell, is refused before.
//
// # Devices
//
// Signing keys may live in a [Device]; the key file then holds where, the public
// point, and encrypted what the device wants before it signs. Drivers are
// pki/keystore/pkcs11 and pki/keystore/sdf.
//
// # National algorithms only
//
// A store that was made with [Config.GMOnly] uses PBKDF2-HMAC-SM3 for passphrases
// and SM4 to wrap keys, and keeps signing keys in devices only: [ErrDeviceOnly],
// [ErrNational]. The choice is bound into every key, so it cannot be taken back.
// Symmetric secrets stay in files, under SM4-GCM.
//
// # Trust
//
// Whoever has the key-encryption key and the folder has every key that lies in a
// file. The folder alone is ciphertext; at worst its holder destroys it or puts an
// older copy of the whole in its place. Buffers are zeroed when they are no
// longer needed, [Store.Close] zeroes the rest; what the Go runtime has copied and
// a passphrase that PBKDF2 takes as a string are out of reach.
package keystore
