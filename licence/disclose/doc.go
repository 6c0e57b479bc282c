// Package disclose decides what a code says of a licence: how much of it
// ([Profile]), and what is cut where a code has no room ([Fit]). docs/code-format.md
// states both rules for other implementers.
//
// It is the one place in which a licence becomes the summary of a code; printed
// codes, credentials for devices and codes of the service all take it from here, so
// that a licence says the same wherever it is shown. What is signed is never cut again.
package disclose
