// Package dcc is empty: its benchmark measures the verifier of the EU Digital COVID
// Certificate in Go beside ours. It is a module of its own, so that nothing of the peer,
// which is under the EUPL, is a dependency of this project. `make bench-peers` runs it.
package dcc
