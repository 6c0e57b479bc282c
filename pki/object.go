package pki

// AlgSM2SM3 is the COSE algorithm number of SM2 with SM3 under the default user
// ID, raw r ‖ s. No number is registered for SM2; this one is from the
// private-use range (RFC 9053, 8.1), and this constant is its only place.
const AlgSM2SM3 = -65537

// Object names a kind of signed object. The name is bound into every signature
// as external_aad (COSE) or as the first array item, so that a signature made
// for one purpose can never be shown for another. This register is complete:
// nothing else is ever signed with our keys in CBOR.
type Object string

// The signed-object register.
const (
	ObjectLicence      Object = "elicence/licence/1"
	ObjectCodeLicence  Object = "elicence/code/1/1"
	ObjectCodeHolder   Object = "elicence/code/2/1"
	ObjectCodeService  Object = "elicence/code/3/1"
	ObjectCodeDocument Object = "elicence/code/4/1"
	ObjectPresent      Object = "elicence/present/1"
	ObjectRoot         Object = "elicence/root/1"
	ObjectTrust        Object = "elicence/trust/1"
	ObjectCatalogue    Object = "elicence/catalogue/1"
	ObjectStatus       Object = "elicence/status/1"
	ObjectTime         Object = "elicence/time/1"
	ObjectGenuine      Object = "elicence/genuine/1"
	ObjectCopy         Object = "elicence/copy/1"
	ObjectAnswer       Object = "elicence/answer/1"
	ObjectCheckpoint   Object = "elicence/checkpoint/1"
	ObjectJournal      Object = "elicence/journal/1"
	ObjectWebhook      Object = "elicence/webhook/1"
)
