// Package api serves the public part of the service over HTTP: health, what
// scanners cache, verification, what wallets ask for, and the pages. It holds
// no logic of its own: it calls the acts of internal/office.
//
//	GET  /healthz /readyz
//	GET  /trust/{name}            N.root, trust, catalogue, status, time, set/HASH, crl/NAME
//	POST /v1/verifications        a code, a picture of one, a PDF, or a licence's number
//	POST /v1/wallet/…             bindings, renewals, presentations, unbindings
//	GET  /v1/audit/…              checkpoint, inclusion, consistency: hashes only
//	     /ocsp                    status of a certificate, RFC 6960
//	GET  /crl/{name}.crl          revocation lists
//	GET  /ca/{name}.cer           certificates of the authorities
//	POST /tsa                     time stamps, RFC 3161
//	GET  /v1/categories           the catalogue; /{id}/schema: JSON Schema of an application
//	GET  /v1/seals/{id}           public status of a seal
//	GET  /openapi.json /docs
//	GET  / /verify /hall /v /wallet   pages
//
// Requests are untrusted: bodies, time, rate and the work for refused signatures are
// bounded; nothing that is uploaded is kept or logged. Errors are problem details
// (RFC 9457). A code's text stands behind '#' in printed addresses and so reaches no
// server before the person at the page sends it.
//
// OCSP can have a listener of its own, and metrics have. On a Unix socket in the data
// folder the commands of a counter reach the running service (internal/desk).
//
// Authentication, and the agencies' and the console's endpoints, are not in this
// version.
package api
