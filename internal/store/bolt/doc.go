// Package bolt is the embedded store: one bbolt file that holds the register of
// licences, certificates, seals, trust files and the audit log.
//
// Every write is one bbolt transaction, fsynced before it returns, and carries its
// entry of the audit log with it: there is no act without its entry. Concurrent
// issues of licences and certificates share a transaction (group commit), and so do
// entries of the log that go with no other write. NoSync and NoFreelistSync stay off.
//
// Licences and credentials lie encrypted (package sealed); look-up keys and binding
// codes are HMACs. In the clear are only: record keys, states and their times, places in
// the status lists, the issuers' codes, revisions, the public keys of devices.
//
// One process opens the file at a time; a second one is refused with [ErrInUse].
//
// Buckets, with their keys and values, all integers big-endian:
//
//	licences         record key → ciphertext of the signed form
//	states           record key → state (CBOR), reason encrypted
//	by-number        look-up key ‖ record key → issuer's code
//	by-holder        look-up key ‖ record key → nothing
//	requests         look-up key → digest of the application ‖ record key
//	changes          revision → record key; one entry a record, its last change
//	credentials      record key ‖ device (8 bytes, 0: printed) ‖ profile → place, key and
//	                 times (CBOR), the signed form encrypted
//	devices          record key ‖ device → its key and times (CBOR)
//	bindings         look-up key of a binding code's handle → record key, hash, tries (CBOR)
//	windows          list ‖ window → bits of the indices given out
//	planes           list ‖ plane ‖ window → bits of revoked, suspended
//	lists            list → high mark
//	audit.leaves     index → entry; audit.beside: index → key ‖ details, encrypted,
//	                 or 0 ‖ index of the entry that erased them
//	audit.nodes      level ‖ index → hash
//	certificates     issuer's point ‖ serial → intent, certificate, status, place in a status list (CBOR)
//	points           public point → role, and issuer ‖ serial of the pending and the newest (CBOR)
//	intents          issuer ‖ serial → nothing; intended, neither recorded nor abandoned
//	revocations      issuer ‖ count ‖ index of the shard ‖ serial → revocation (CBOR)
//	status-changes   issuer ‖ sequence → serial; one entry a certificate, its last change
//	expiring         end, seconds + 2^63 ‖ issuer ‖ serial → nothing
//	crl-numbers      name of a full CRL → the last number that was taken
//	crls             name of a CRL → the list in force (CBOR)
//	authorities, seals, enrolments: small records (JSON)
//	trust            name → published file
//	meta             sizes, versions, settings
package bolt
