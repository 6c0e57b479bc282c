// Package verify is the offline decision: the text of a code, a cache of trust
// files and a clock give one [Verdict]. The hall terminal, the service and the
// browser run this same code.
//
// The first verdict that applies is given, in this order: malformed, no_data (no
// usable trust files), untrusted, tampered, out_of_scope, not_issued, revoked,
// suspended, clock, replayed, not_yet_valid, expired, no_data (status beyond its
// limit), valid_stale, valid. A misread is malformed and never shown as a forgery;
// what is not known is no_data and never valid.
//
// The signature is verified before anything in the payload is read. Until it
// is good, a [Result] says nothing that the code claims. The algorithm is the
// key's; the key hint picks candidates, all of which are tried. A signature that
// the fast implementation refuses is put to the second opinion first; if the two
// disagree the verdict is no_data and a hook is told.
//
// Names of categories and fields come from the cached catalogue only, so a new
// category needs no new terminal.
package verify
