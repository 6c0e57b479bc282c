// Package licence is the e-licence: its identifier, its record, the checks an
// application must pass, its life, and the form that is signed. It declares
// [Registry], the register of licences, which stores implement.
//
// # Identifier
//
// An [Identifier] is the text of GB/T 36904-2018: the root 1.2.156.3005.2, the
// type code of the category, the issuer's unified social credit code, a serial,
// a version and a MOD 37,36 check character. Our serials are 19 characters: three
// hexadecimal digits of the distribution bucket and 80 random bits, so an
// identifier never contains a citizen number and cannot be guessed.
//
// # From application to licence
//
// An [Application] is what a caller sends (JSON). [Validate] checks it against
// its category and reports every fault at once, by field, in an [InvalidError];
// only a valid application becomes a [Licence].
//
// # Signed form
//
// [Licence.Payload] is deterministic CBOR of the whole licence; [Sign] makes the
// COSE_Sign1 of it ([pki.ObjectLicence]). The signed form is what is stored and
// what a PDF carries inside; JSON is a view of it. docs/licence-format.md is its
// description for other implementers.
//
// # Life
//
// Every step names its actor, its cause and its time, and is an entry of the audit
// log; a new version ends the one before it. Expiry is by date and is not a state.
// docs/life-cycle.md draws it.
//
// What this package refuses: any text that cannot be signed safely (package
// internal/cleantext), values outside their category's rules, and every step that
// [State.Next] does not know.
package licence
