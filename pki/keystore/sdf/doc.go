// Package sdf keeps signing keys in cryptographic devices that speak the
// interface of GM/T 0018-2023 (SDF): cards and machines behind a vendor's library.
//
// [Library] and [Session] are the part of that interface that is used here, one
// method a function, so that a binding of a vendor's library is one line each. A
// [Device] is a keystore.Maker over it: keys are made by the device's own
// management, lie at an index and are used under an access password; taking one
// into use binds it to a purpose and a name in the key store. [Device.Wrapper]
// wraps a store's key-encryption key under a key-encryption key of the device.
//
// The device signs e = SM3(ZA ‖ M), which is computed here: SDF_InternalSign_ECC
// neither hashes nor knows ZA. What it answers is checked by [pki.Key] before it
// is released.
//
// Trusted: the vendor's library sees every digest and every access password. No
// private key is ever in this process.
package sdf
