// Package trust is what a scanner caches, signed so that it may come from
// anywhere: the service, a mirror, a USB stick.
//
//	N.root        keys of the other roles; every version is kept     COSE_Sign
//	trust         who may sign which codes, and until when           COSE_Sign
//	catalogue     names and code fields of the categories            COSE_Sign1
//	status        sequence, high marks and set hashes of all lists   COSE_Sign1
//	time          version, hashes of the current files, log state    COSE_Sign1
//	set/<SM3>     status snapshots and deltas, unsigned: their hash is in status
//	domains/<SM3> the cache of a recognised domain, by the pin of its root
//	base          the state from which this terminal takes a delta, unsigned
//
// The rules are those of The Update Framework: a version never goes back, every
// file expires, version n+1 of the root is signed by the thresholds of n and of
// n+1, a threshold counts distinct keys, and a rotation of a role's keys in the
// root lets its versions start again (recovery from a fast-forward attack). Every
// signature here must be accepted by both implementations of SM2.
//
// [Load] reads a folder and either gives a whole [Cache] in which everything
// fits together, or an error; there is no half-trusted cache. The highest versions
// seen and the last signed time live in a [State] outside the cache, so that
// replacing the cache by an older one is noticed. A terminal's clock that is behind
// the last signed time by more than five minutes is refused.
//
// The root is pinned from outside by the SM3 of a root file. Without a pin a cache
// still loads and says so ([Cache.Pinned]).
//
// [Missing] says which set files a cache needs for the shortest way to the signed
// state; [Cache.Base] is what a terminal keeps for the next.
//
// A compromised issuer's credentials count only if they are in its genuine file
// ([Genuine]). A recognised domain's cache lies in a folder of its own, is taken by the
// same rules, and can fail without harm to this one ([Cache.Domains]).
//
// docs/trust-format.md describes the files for other implementers.
package trust
