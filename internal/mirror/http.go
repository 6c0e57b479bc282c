package mirror

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// HTTP is a folder with the files of a cache on a web server: the service's /trust, or
// a copy of an export. Plain http will do, because what counts is signed; https hides
// who asks. Answers are not decompressed, redirects stay on the server.
type HTTP struct {
	base   *url.URL
	client *http.Client
	limits Limits
}

// Limits of time for one file. Zero values stand for the defaults.
type Limits struct {
	Silence time.Duration // without a byte; 30 s
	File    time.Duration // from the question to the last byte; 10 min
}

const (
	maxHeader    = 16 << 10 // bytes of the head of an answer
	maxRedirects = 4
)

// servicePath is where the service has its trust files.
const servicePath = "/trust"

// NewHTTP returns a source at an address. An address without a path is a service's:
// /trust is added. roots verify https; nil stands for the system's. Proxies are those of
// the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
func NewHTTP(address string, roots *x509.CertPool, limits Limits) (*HTTP, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, errors.New("not http:// or https:// and a host")
	}
	// These end up in logs, here and there.
	if base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "" {
		return nil, errors.New("an address with a password, a question or a fragment is not taken")
	}
	if base.Path = strings.TrimRight(base.Path, "/"); base.Path == "" {
		base.Path = servicePath
	}
	base.RawPath = ""
	if limits.Silence == 0 {
		limits.Silence = 30 * time.Second
	}
	if limits.File == 0 {
		limits.File = 10 * time.Minute
	}
	return &HTTP{base: base, limits: limits, client: &http.Client{
		Transport: &http.Transport{
			Proxy:           http.ProxyFromEnvironment,
			DialContext:     (&net.Dialer{Timeout: limits.Silence}).DialContext,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: limits.Silence, MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(r *http.Request, before []*http.Request) error {
			if r.URL.Scheme != base.Scheme || r.URL.Host != base.Host || len(before) > maxRedirects {
				return fmt.Errorf("%w: a redirect to another server, or one too many", ErrAnswer)
			}
			return nil
		},
	}}, nil
}

// String returns the address.
func (h *HTTP) String() string { return h.base.String() }

// Errors that end a request from our side.
var (
	errSilence = errors.New("no byte came for too long")
	errSlow    = errors.New("the file did not come in the time that it has")
)

// Open implements [Source].
func (h *HTTP) Open(ctx context.Context, name string, w Wanted) (*Content, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	slow := time.AfterFunc(h.limits.File, func() { cancel(errSlow) })
	silence := time.AfterFunc(h.limits.Silence, func() { cancel(errSilence) })
	stop := func() { slow.Stop(); silence.Stop(); cancel(nil) }
	c, err := h.ask(ctx, name, w)
	if err != nil {
		stop()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c.ReadCloser = &bounded{&download{c.ReadCloser, ctx, silence, h.limits.Silence, stop, name}, w.Limit - c.Offset, name}
	return c, nil
}

func (h *HTTP) ask(ctx context.Context, name string, w Wanted) (*Content, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base.JoinPath(name).String(), nil)
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "hallsync")
	if w.Offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", w.Offset))
	}
	if w.Known.ETag != "" {
		request.Header.Set("If-None-Match", w.Known.ETag)
	}
	if w.Known.LastModified != "" {
		request.Header.Set("If-Modified-Since", w.Known.LastModified)
	}
	response, err := h.client.Do(request)
	if err != nil {
		return nil, reason(ctx, err)
	}
	c, err := content(response, w)
	if err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	return c, nil
}

// content judges the head of an answer.
func content(r *http.Response, w Wanted) (*Content, error) {
	c := &Content{ReadCloser: r.Body, Tag: Tag{ETag: r.Header.Get("ETag"), LastModified: r.Header.Get("Last-Modified")}}
	switch {
	case r.StatusCode == http.StatusNotModified && w.Known != Tag{}:
		c.Unchanged = true
		return c, nil
	case r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusGone:
		return nil, ErrMissing
	case r.StatusCode == http.StatusPartialContent && w.Offset > 0:
		first, _, found := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "-")
		if n, err := strconv.ParseInt(first, 10, 64); err != nil || !found || n != w.Offset {
			return nil, fmt.Errorf("%w: another part than was asked for", ErrAnswer)
		}
		c.Offset = w.Offset
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable && w.Offset > 0:
		return nil, fmt.Errorf("%w: it has fewer bytes than were taken before", ErrAnswer)
	case r.StatusCode == http.StatusOK:
	default:
		return nil, fmt.Errorf("%w: status %d", ErrUnreachable, r.StatusCode)
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, fmt.Errorf("%w: it is coded as %.20q, which was not asked for", ErrAnswer, coding)
	}
	if r.ContentLength > w.Limit-c.Offset {
		return nil, ErrTooLarge
	}
	return c, nil
}

// reason says why a request failed, without the address, which is said already.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilence) || errors.Is(cause, errSlow) {
		err = cause
	} else if ctx.Err() != nil {
		return ctx.Err()
	}
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	if errors.Is(err, ErrAnswer) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// download is the body of an answer that must go on coming.
type download struct {
	io.ReadCloser
	ctx     context.Context
	silence *time.Timer
	each    time.Duration
	stop    func()
	name    string
}

func (d *download) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	if n > 0 {
		d.silence.Reset(d.each)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("%s: %w", d.name, reason(d.ctx, err))
	}
	return n, err
}

// Close ends the request.
func (d *download) Close() error {
	d.stop()
	return d.ReadCloser.Close()
}
