// Package ocsp answers and asks whether a certificate is revoked: the Online
// Certificate Status Protocol of RFC 6960, in the lightweight profile of RFC 5019
// where a response is made ahead, with nonces of RFC 9654. Everything is signed with
// SM2 and SM3; names and keys of issuers are hashed with SHA-1, SHA-256 or SM3.
//
// For a verifier:
//
//	response, err := ocsp.ParseResponse(der)
//	err = response.Verify(issuer, now, second)
//	single, found := response.Find(certificate, issuer)
//	if found && single.CurrentAt(now) && single.Status == ocsp.Good { … }
//
// A [Responder] answers for several authorities of the house. It chooses by the hash
// of the issuer's name and key, serves what [Responder.Run] has signed ahead, and signs
// on demand what was not. The answer for a serial number that was never issued is
// "unknown", as it is for one that was intended and never recorded: nobody was ever
// handed that certificate. The answer for an issuer that is not ours is
// "unauthorized". The package does no input or output of its own; [Answer] says what
// may be cached, and an HTTP layer repeats it.
//
// Refused are responses of a delegated responder whose certificate is not of the
// asked issuer, lacks the usage OCSPSigning, or does not carry id-pkix-ocsp-nocheck
// (its own revocation could then not be told here), unknown critical extensions, and
// any ASN.1 that is not DER.
package ocsp
