// Package demo does the whole job once, on the embedded store, without a network:
// a province's PKI, one licence in each category with code, picture and sealed PDF,
// a document with two seals and a citizen's cloud signature, what scanners cache
// before and after a revocation, and then a verification of everything with fresh
// eyes, forgeries included.
//
// It uses the same acts as the command line and HTTP (package internal/office). Its
// people and bodies are fictitious (package internal/sample).
package demo
