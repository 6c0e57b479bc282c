// Package path builds and validates certification paths: the one place of the
// project that decides whether a certificate counts. It follows RFC 5280, section
// 6, over the certificates of package cert.
//
// A [Verifier] holds the anchors of one kind of trust. [Verifier.Verify] is asked
// about one certificate, for one [Purpose], at one [Moment], and answers with a
// [Result]: [Valid], [Invalid] or [CannotSay]. The third is an answer of its own:
// a revocation list that is missing, a limit that was reached, two implementations
// that disagree. Nothing turns it into one of the others.
//
// What is decided here, where the standard leaves a choice:
//
//   - Names are compared as RFC 5280, 7.1 has it (package cert, CanonicalName),
//     both when a chain is built and against name constraints.
//   - An anchor is a certificate, and what it says about dates, path length, names,
//     policies and usages holds as well (RFC 5937). An anchor need not be a root: seals
//     are judged by the authority for seals, persons by the authority for persons, so
//     that a person's certificate can never pass for a seal's.
//   - Every authority needs basicConstraints and keyUsage with keyCertSign (GB/T
//     20518); version 1 certificates are no authorities.
//   - Policies are processed as with initial-policy-mapping-inhibit set: mappings are
//     read and not followed, and what is on either side of one does not go through.
//   - A DNS constraint is applied to dNSName, never to a common name: nobody here
//     takes a common name for a host.
//
// A hostile pile of certificates costs bounded work: see [Limits]. A signature is
// verified once for an issuer's key and a certificate, and remembered.
package path
