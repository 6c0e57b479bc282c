// Package api serves the public part of the service over HTTP: health, what
// scanners cache, verification, and the page on which a person verifies. It holds
// no logic of its own: it calls the acts of internal/office.
//
//	GET  /healthz /readyz
//	GET  /trust/{name}            N.root, trust, catalogue, status, time, set/HASH
//	POST /v1/verifications        a code, a picture of one, or a PDF
//	GET  /v1/audit/…              checkpoint, inclusion, consistency: hashes only
//	GET  /openapi.json /docs
//	GET  / /verify /v             pages
//
// Requests are untrusted: bodies, time, rate and the work for refused signatures are
// bounded; nothing that is uploaded is kept or logged. Errors are problem details
// (RFC 9457). A code's text stands behind '#' in printed addresses and so reaches no
// server before the person at the page sends it.
//
// Authentication, the agencies' and the console's endpoints and time stamps are not
// in this version. OCSP and CRLs have handlers ([RegisterOCSP], [RegisterCRLs]) that
// the service does not register yet: nothing publishes for them.
package api
