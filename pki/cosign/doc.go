// Package cosign is two-party SM2: a signature that neither half of a key can
// make alone (协同签名). The private key d is never in one place. With n the
// order of the curve and 1 + d = (d1·d2)⁻¹ mod n, the person's device holds d1
// and the service holds d2; the public key is P = d·G like any other, and the
// result is an ordinary SM2 signature (GB/T 32918.2-2016).
//
// Signing takes one round trip and leaves no state with the service:
//
//	device   w1 ← nonce, Q1 = w1·G                        → Commitment (Q1, e, proof)
//	service  w2 ← nonce, Q = w2·G + d2⁻¹·Q1,
//	         r = e + x(Q), s1 = d2·(r + w2)               → Answer (r, s1)
//	device   s = d1·(s1 + w1) − r, verified before release
//
// Each half is a type of its own ([Device], [Service]) and only the two messages
// pass between them. This package is pure: no file, no clock, no network.
//
// # What each side must do
//
// Both sides compute the digest e = SM3(ZA ‖ M) themselves from the document
// each of them has; the service's [Service.Answer] refuses a commitment to any
// other digest. The commitment carries a Schnorr proof that the device knows w1:
// without it the service would be a Diffie–Hellman oracle for d2⁻¹. The proof is
// bound to a context (the signing request), so it cannot be replayed for another.
// Nonces are hedged: they come from HMAC-SM3 over the half, the messages and
// fresh randomness, so neither a cloned machine nor a weak random source repeats
// one.
//
// The device keeps its half masked by the person's PIN ([Device.Mask]), without
// any tag by which a thief could test PINs: every PIN gives some half, and only
// the service's answer shows whether it was the right one. The service must
// therefore count a try before it answers, and lock.
//
// The claim, exactly: the service's stored data alone cannot sign for anybody.
package cosign
