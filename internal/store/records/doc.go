// Package records is the store of the service: the register of licences, certificates,
// seals, trust files and the audit log, as tables and indexes of a database (package kv).
// What the records mean is written here once; engines know nothing of it.
//
// Every write is one transaction, durable before it returns, and carries its entry of the
// audit log with it: there is no act without its entry. Concurrent issues of licences and
// certificates share a transaction (group commit), and so do entries of the log that go
// with no other write.
//
// Licences and credentials lie encrypted (package sealed); look-up keys and binding
// codes are HMACs. In the clear are only: record keys, categories, states and their times,
// places in the status lists, signers, revisions, digests of applications, the public keys
// of devices.
//
// A licence's number is the revision of its issue, so new licences stand behind all
// others, and indexes refer to them in five bytes. An index holds a part of the look-up
// key: what it finds is compared with the record.
//
// Tables, with their keys and values, all integers big-endian:
//
//	records          number → licence (CBOR), the signed form and the reason encrypted
//	changes          revision → number ‖ step ‖ UTC seconds (40 bits): every step after an
//	                 issue, which is the record itself; number alone: the last step of before
//	                 the table kept them all
//	counts           category ‖ state → licences
//	signers          number → public point ‖ issuer's code
//	credentials      record key ‖ device (8 bytes, 0: printed) ‖ profile → place, key and
//	                 times (CBOR), the signed form encrypted
//	devices          record key ‖ device → its key and times (CBOR)
//	bindings         look-up key of a binding code's handle → record key, hash, tries (CBOR)
//	erasures         record key → who applied and approved (CBOR); the record of one that was
//	                 carried out has no signed form, no reason and no request any more
//	destroyed        number → generation, leaves of the record keys that were destroyed
//	windows          list ‖ window → bits of the indices given out
//	planes           list ‖ plane ‖ window → bits of revoked, suspended
//	lists            list → high mark
//	audit.leaves     index → entry; audit.beside: index → key ‖ details, encrypted,
//	                 or 0 ‖ index of the entry that erased them
//	audit.nodes      place / 31 → up to 31 hashes of the tree, in the order in which entries
//	                 complete their nodes
//	checkpoints      UTC seconds → a signed checkpoint of the log that was given out
//	certificates     issuer's point ‖ serial → intent, certificate, status, place in a status list (CBOR)
//	points           public point → role, and issuer ‖ serial of the pending and the newest (CBOR)
//	intents          issuer ‖ serial → UTC seconds; intended, neither recorded nor abandoned
//	revocations      issuer ‖ count ‖ index of the shard ‖ serial → revocation (CBOR)
//	status-changes   issuer ‖ sequence → serial; one entry a certificate, its last change
//	expiring         end, seconds + 2^63 ‖ issuer ‖ serial → nothing
//	crl-numbers      name of a full CRL → the last number that was taken
//	crls             name of a CRL → the list in force (CBOR)
//	authorities, seals, enrolments: small records (JSON)
//	proposals        name → what two officers decide for many licences (CBOR), the reason and what has happened to a holder encrypted
//	proposed         name of a proposal ‖ place → identifier; behind a line feed why it was refused (CBOR where it is about a holder)
//	trust            name → published file
//	meta             sizes, versions, settings, uses of seals
//
// Indexes, all to numbers of licences; look-up keys begin with the generation of their
// secret, which meta says (lookups.go):
//
//	identifiers      the first 8 bytes of the serial's random part
//	numbers          look-up key of category and number, 1 + 8 bytes
//	holders          look-up key of a holder, 1 + 8 bytes
//	request-ids      look-up key of a request id, 1 + 12 bytes
package records
