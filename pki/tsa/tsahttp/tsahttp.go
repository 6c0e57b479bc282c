// Package tsahttp carries time-stamp requests over HTTP (RFC 3161, 3.4): a POST of
// application/timestamp-query that is answered by application/timestamp-reply. It is
// apart from package tsa so that verifiers carry no network code.
package tsahttp

import (
	"context"

	"github.com/elicence/elicence/internal/netguard"
	"github.com/elicence/elicence/pki/tsa"
)

// Media types of RFC 3161, 3.4.
const (
	MediaTypeQuery = "application/timestamp-query"
	MediaTypeReply = "application/timestamp-reply"
)

// Transport returns a [tsa.Transport] over a guarded client.
func Transport(client *netguard.Client) tsa.Transport {
	return func(ctx context.Context, url string, request []byte) ([]byte, error) {
		return client.Post(ctx, url, MediaTypeQuery, request, MediaTypeReply, tsa.MaxResponse)
	}
}
