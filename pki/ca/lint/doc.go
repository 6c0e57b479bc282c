// Package lint reads the part of a certificate that is about to be signed and says
// what is wrong with it. It is the last look before the key: it shares no code with
// package cert, which wrote the bytes, but the names of identifiers and key usages,
// and it knows the profile only as [Rules].
//
// Every rule looks at one thing and is silent where another rule is in charge, so
// that a finding names its cause. What the rules hold to is RFC 5280 as GB/T
// 20518-2018 narrows it, and the profile: every extension exactly once, with exactly
// the criticality and the content that the profile gives it, and none besides.
package lint
