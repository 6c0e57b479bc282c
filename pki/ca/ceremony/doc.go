// Package ceremony is the key ceremony of a domain: what is decided before it, and what
// is written down while it runs.
//
// A [Plan] comes from one YAML file that people have reviewed ([Load]). It is read
// strictly: unknown and repeated keys, aliases, several documents and values of another
// type are refused, and every fault is reported at once under the path of its field. A
// plan tells its steps in two languages before anything is done ([Plan.Steps]); a
// [Record] accepts the very same steps in the same order and no others, so that what was
// signed is what was reviewed.
//
// The record becomes a transcript: a text for the people in the room, who sign it, and
// the same as JSON. It names every certificate and list by serial number, signer and SM3,
// and the root's fingerprint in groups to be read aloud.
//
// The package makes no key and signs nothing; who does asks it what to make.
package ceremony
