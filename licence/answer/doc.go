// Package answer gives signed answers to a closed set of questions about a licence or its
// holder: "is this person licensed for C1 today?" No document moves, and whoever asks
// learns nothing but yes, no, or that nobody can say.
//
// # Questions
//
// A [Question] has one text, which is what is signed:
//
//	valid                         the licence is in force
//	holds:004                     the holder has a licence of the category in force
//	field:004.licenceStatus=正常   … one whose field is this value
//	includes:004.vehicleClass=C1  … one whose field is this value or includes it by law
//	adult                         the holder is 18 or older
//
// Fields that are sensitive, texts or pictures cannot be asked about: a person's address
// is not to be found out by trying. What includes what is data (inclusions.csv), as the
// law has it.
//
// # Answers
//
// An [Answer] is deterministic CBOR in a COSE_Sign1 by the service ([pki.ObjectAnswer]).
// It says when, and about whom by a commitment alone: HMAC-SM3 of what was asked about
// under a random nonce that is not in it. Who has both can show that the answer is about
// them; who has the answer alone cannot find out about whom it is, not by trying all
// numbers either. docs/answers.md is its description.
//
// The register knows how things stand now. About a past day it can often not say, and
// then [CannotSay] is the answer, never no.
package answer
