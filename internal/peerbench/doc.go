// Package peerbench loads well-known programs of the field and ours in one run, with
// the same client, so that `make bench-peers` prints ratios and not memories: the sign
// endpoint of step-ca beside our certificate authority, and the OCSP responder of
// cfssl beside ours.
//
// Package dcc below, a module of its own, does the same for a verifier of codes.
//
// There is nothing here but benchmarks behind the build tag peers; the programs are
// installed by make into the folder that $PEERS names.
package peerbench
