package ocsp

import (
	"encoding/base64"
	"fmt"
	"net/url"
)

// maxPath bounds the path of a GET request in bytes: every character of the base64
// form escaped.
const maxPath = 3 * ((MaxRequest + 2) / 3 * 4)

// DecodePath returns the request in the path of a GET request (RFC 6960, A.1): what
// follows the responder's URL and '/', still escaped, is the URL-encoding of the
// base64 of the DER. Clients differ in what they escape, so '/', '+' and '=' may stand
// as they are. The error wraps [ErrMalformed].
func DecodePath(escaped string) ([]byte, error) {
	if len(escaped) > maxPath {
		return nil, fmt.Errorf("path of %d bytes, at most %d are read: %w", len(escaped), maxPath, ErrMalformed)
	}
	text, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, fmt.Errorf("path is not URL-encoded: %w", ErrMalformed)
	}
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(text) != base64.StdEncoding.EncodedLen(len(der)) { // a line feed would be skipped
		return nil, fmt.Errorf("path is not base64: %w", ErrMalformed)
	}
	if len(der) == 0 || len(der) > MaxRequest {
		return nil, fmt.Errorf("path holds %d bytes, at most %d are read: %w", len(der), MaxRequest, ErrMalformed)
	}
	return der, nil
}
