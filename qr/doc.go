// Package qr is the code on a licence: its text, and the small signed bytes that
// the text carries. Pictures are drawn and read by package qr/picture, decided
// upon by package qr/verify. docs/code-format.md describes the format for other
// implementers.
//
// # Text
//
// A code is decimal digits only. Digits pass every keyboard-wedge scanner,
// keyboard layout and input method unharmed, and the numeric mode of a QR symbol
// packs them as tightly as raw bytes.
//
//	code = '1' ‖ kind ‖ groups ‖ check
//
// '1' is the version of the text. The bytes are cut into groups of 17, each
// written big-endian as 41 digits; a last group of k bytes takes ⌈8k·log₁₀2⌉
// digits. The check is five digits: the first four bytes of SM3 over all digits
// before them, big-endian, modulo 100000. For given bytes there is exactly one
// text: [Encode] and [Decode] are inverse to each other, and Decode refuses
// anything else with [ErrMalformed], which means a misread and never a forgery.
//
// # Kinds
//
// Kind 1 is a printed licence: a [Credential] without a device key. Kind 2 is a
// [Presentation] by the holder's device, kind 3 what the holder chose to be [Shown]
// by the service. Kind 4 is a [Document] code. A [Challenge] is no code: a hall shows
// it, and a presentation answers it.
//
// Bytes are deterministic CBOR and COSE_Sign1 in one accepted form (packages
// internal/detcbor and pki/cose). What a scanner reads is read by a strict reader of
// this package that accepts the same bytes as internal/detcbor, sooner. Unknown keys,
// null where a key should be absent, and texts that hide something are refused.
package qr
