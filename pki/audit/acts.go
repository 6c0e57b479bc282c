package audit

// Acts on certificates after they were issued, and on keys.
const (
	ActCertificateRenew   Act = "certificate.renew"
	ActCertificateAbandon Act = "certificate.abandon" // intended and never recorded
	ActCertificateRevoke  Act = "certificate.revoke"
	ActCertificateHold    Act = "certificate.hold"
	ActCertificateRelease Act = "certificate.release"
	ActCertificateShards  Act = "certificate.shards" // an authority's CRLs are divided further
	ActKeyRotate          Act = "key.rotate"
	ActKeyLost            Act = "key.lost" // an issuing authority's key was stolen
	ActSealRenew          Act = "seal.renew"
)

// Acts on other domains that are recognised; the subject is the SM3 of their root.
const (
	ActDomainRecognise Act = "domain.recognise"
	ActDomainWithdraw  Act = "domain.withdraw"
	ActDomainCarry     Act = "domain.carry" // its files were taken over
)

// Acts of the key ceremony and of the root.
const (
	ActCeremony Act = "ceremony" // the digest is the transcript's
	ActRootCRL  Act = "crl.root" // the root signed a list
)

// Acts in the life of a seal.
const (
	ActSealSuspend Act = "seal.suspend"
	ActSealResume  Act = "seal.resume"
	ActSealRevoke  Act = "seal.revoke"
	ActSealRules   Act = "seal.rules" // keepers, limits
)

// Acts on the store as a whole.
const (
	ActStoreBackup  Act = "store.backup"   // a copy of everything was made
	ActStoreMove    Act = "store.move"     // the records go on in another database
	ActStoreRekey   Act = "store.rekey"    // records are encrypted under new keys from here on; the subject says which
	ActStoreRekeyed Act = "store.rekeyed"  // all that lay there was encrypted again; the subject says how much
	ActStoreKeysEnd Act = "store.keys-end" // the keys of before are destroyed on a machine
	ActStoreRenew   Act = "store.renew"    // records are looked up by keys of a new generation from here on; the subject says which
	ActStoreRenewed Act = "store.renewed"  // all look-up keys that lay there are of it; the subject says how many
	ActStoreRestore Act = "store.restore"  // the store is of an earlier moment; the subject says which
)

// ActListOpen: an authority got a further status list; the subject is its code.
const ActListOpen Act = "list.open"

// Acts on a licence's credentials and the devices that carry them.
const (
	ActDeviceOffer   Act = "device.offer"   // a binding code was given out
	ActDeviceTry     Act = "device.try"     // somebody tried a binding code; before it is known whether it is right
	ActDeviceBind    Act = "device.bind"    // the digest is the first credential's
	ActDeviceRenew   Act = "device.renew"   // the digest is the new credential's
	ActDevicePresent Act = "device.present" // the device fetched a code of the service; the digest is the code's
	ActDeviceAsk     Act = "device.ask"     // the device fetched a signed answer; the digest is the answer's
	ActDeviceUnbind  Act = "device.unbind"
	// ActLicencePresent: a holder at a counter was given a code of the service.
	ActLicencePresent Act = "licence.present"
)

// ActLicenceImport: the import of a file of applications began; the subject is the
// category, the digest the file's. Each licence has an entry of its own.
const ActLicenceImport Act = "licence.import"

// Acts that give a statement about a licence away; the digest is the statement's.
const (
	ActLicenceCopy     Act = "licence.copy"     // a purpose-bound copy; for whom and for what are details
	ActLicenceAnswer   Act = "licence.answer"   // a signed yes or no; the question is in the details
	ActLicenceEvidence Act = "licence.evidence" // an evidence bundle; the digest is its manifest's
)

// Acts on the catalogue; the subject is the category, the digest is the change's.
const (
	ActCategoryAdd    Act = "category.add"
	ActCategoryChange Act = "category.change"
)

// Acts in the life of a licence beside those that every version has: a new version and
// the one that ends with it, and what happens before a licence is published.
const (
	ActLicenceReissue   Act = "licence.reissue" // the digest is the new version's
	ActLicenceSupersede Act = "licence.supersede"
	ActLicencePublish   Act = "licence.publish"
	ActLicenceWithdraw  Act = "licence.withdraw"
	ActAuthorityAllow   Act = "authority.allow" // further categories that an authority issues
	ActAuthorityUndo    Act = "authority.undo"  // how long an authority's licences wait before they are published
)

// Acts on many licences at once; the subject is the proposal, the digest that of what
// is proposed. Each licence's step has an entry of its own.
const (
	ActMassPropose Act = "mass.propose"
	ActMassApprove Act = "mass.approve"
	ActMassCancel  Act = "mass.cancel"
)

// Acts of the law's erasure of a licence; why is kept as details.
const (
	ActLicenceEraseApply Act = "licence.erase-apply"
	ActLicenceErase      Act = "licence.erase"
)

// ActDocumentRenew: a document of the archive got a new proof. The subject is the SM3 of
// the file before, the digest that of the file after; its name is kept as details.
const ActDocumentRenew Act = "document.renew"
