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
	ActSealRenew          Act = "seal.renew"
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
