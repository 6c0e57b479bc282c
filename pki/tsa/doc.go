// Package tsa gives and verifies time stamps (RFC 3161; GB/T 20520 and GM/T 0033 adopt
// it): proof that a digest, and so what was digested, existed at a time.
//
// # Authority
//
// An [Authority] answers the bytes of a TimeStampReq with the bytes of a TimeStampResp.
// Imprints are SM3 or SHA-256. A token is CMS signed data of version 3 over TSTInfo, under
// the object identifiers of RFC 5652, signed with SM2 and SM3 by a certificate whose
// extendedKeyUsage is critical and timeStamping alone, which signing-certificate-v2 names.
// genTime is in whole seconds, cut off; accuracy says how far it may be off and includes
// that cut; ordering is false. Extensions are refused, as the standard wants of an
// authority that knows none.
//
// No stamp is given while the time is not proven ([Clock]): the machine must be
// synchronised, by its kernel's word ([KernelClock]) or an operator's ([DeclaredClock]),
// with an error in bounds, and the wall clock must advance as the monotonic one does. The
// authority never stamps a time before one that it has stamped, not even after a restart
// ([Marks]). Serial numbers are the microseconds of the stamp and 72 random bits: they
// grow, and two machines with one key do not share any.
//
// A token is verified before it leaves, with the tables of package fixedkey: that costs
// less than the signature. It is not put to a second implementation, but the one that
// verifies is another than the one that signs.
//
// # Reading
//
// [ParseToken] reads tokens also under the outer content type of GB/T 35275 and in the
// other ways of the field that package cms reads tolerantly; TSTInfo is read strictly.
// [Token.Verify] is the only way to a verified time; who may sign is judged by a
// [ChainVerifier] of the caller.
//
// # Client
//
// A [Client] asks several authorities in order. One that is dead, refuses, or gives a bad
// stamp is reported and passed over. [Client.StampBatch] stamps many digests with one
// token; each gets an EvidenceRecord of RFC 4998, which other programs read:
//
//	first list of the reduced hash tree: the digest, and 32 random bytes
//	further lists: one neighbour on each level
//	the hash of a list: SM3 over its members, and the hash of the list before, ascending
//	the hash of the last list is the imprint of the token
//
// RFC 4998 does not tell leaves from inner nodes. So two hashes of a tree, side by side,
// pass for a stamped document of 64 bytes. They did exist then; nobody can choose what they
// say.
//
// What this package refuses: BER, integers that are padded, lengths over the bounds before
// anything is allocated, anything that follows. It opens no connection: see tsahttp.
package tsa
