// Package netguard makes the HTTP requests that go out to addresses from settings and
// documents, so that nobody can use the service to reach what only it can reach.
//
// The address that is really dialled is judged, after the name was resolved and for
// every connection, so a name that answers differently the second time gains nothing.
// Refused are all special-purpose networks of the IANA registries (private, loopback,
// link-local, shared, multicast, documentation, translations of these into IPv6) but
// those that an operator names. Redirects are not followed, proxies of the environment
// not used, answers not decompressed, and cut at a size.
package netguard

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"code.dny.dev/ssrf"
)

// Errors of requests.
var (
	// ErrForbidden: the address may not be reached.
	ErrForbidden = errors.New("the address is in a network that is not allowed")
	// ErrTooLarge: the answer is larger than the caller reads.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrAnswer: the server answers something else than success.
	ErrAnswer = errors.New("unexpected answer")
)

// Settings open what is closed by default.
type Settings struct {
	Networks []netip.Prefix // special-purpose networks that may be reached
	Ports    []uint16       // further ports beside 80 and 443
	// TLS holds the roots that verify servers, and our own certificate; nil: the system's roots.
	TLS *tls.Config
}

// Client makes requests under guard. It is safe for concurrent use.
type Client struct{ http *http.Client }

// New returns a client.
func New(s Settings) *Client {
	var v4, v6 []netip.Prefix
	for _, p := range s.Networks {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	guardian := ssrf.New(ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...), ssrf.WithPorts(append([]uint16{80, 443}, s.Ports...)...))
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: guardian.Safe}
	return &Client{&http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: s.TLS, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true,
			DisableCompression: true, MaxResponseHeaderBytes: 16 << 10, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Post sends a body of a media type and returns the answer's, which must be of the
// wanted media type and of at most limit bytes. Errors name the host alone: the rest of
// an address may hold a secret.
func (c *Client) Post(ctx context.Context, address, mediaType string, body []byte, wanted string, limit int) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the address is not http:// or https:// and a host")
	}
	fail := func(err error) ([]byte, error) { return nil, fmt.Errorf("asking %s: %w", u.Host, err) }
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fail(errors.New("the request cannot be made"))
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", wanted)
	response, err := c.http.Do(request)
	if err != nil {
		return fail(reason(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fail(fmt.Errorf("%w: status %d", ErrAnswer, response.StatusCode))
	}
	if got, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || got != wanted {
		return fail(fmt.Errorf("%w: its type is not %s", ErrAnswer, wanted))
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	if err != nil {
		return fail(fmt.Errorf("reading the answer: %w", err))
	}
	if len(answer) > limit {
		return fail(fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit))
	}
	return answer, nil
}

// reason takes the address out of an error of the HTTP client, and names what the
// guard has refused.
func reason(err error) error {
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedPort) || errors.Is(err, ssrf.ErrProhibitedNetwork) {
		return ErrForbidden
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
