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
	ActStoreBackup  Act = "store.backup"  // a copy of everything was made
	ActStoreMove    Act = "store.move"    // the records go on in another database
	ActStoreRestore Act = "store.restore" // the store is of an earlier moment; the subject says which
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
	ActDeviceUnbind  Act = "device.unbind"
	// ActLicencePresent: a holder at a counter was given a code of the service.
	ActLicencePresent Act = "licence.present"
)
