//go:build !cgo

package pkcs11

const withCgo = false
