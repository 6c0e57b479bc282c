package tsa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/oid"
)

// Transport carries a request's DER to an address and brings the response's back.
// Package tsahttp has one over HTTP.
type Transport func(ctx context.Context, url string, request []byte) ([]byte, error)

// Source is one time-stamping authority that a client may ask.
type Source struct {
	Name   string // for reports and errors; the address may hold a secret
	URL    string
	Policy oid.ID        // asked for, and wanted in the token; empty: any
	Chain  ChainVerifier // who may have signed
}

// ErrWrongStamp: an authority answered, and not what was asked for.
var ErrWrongStamp = errors.New("the authority's answer is not what was asked for")

// SourceError says why one source gave no stamp.
type SourceError struct {
	Source string
	Err    error
}

// Error implements error.
func (e *SourceError) Error() string {
	return fmt.Sprintf("time-stamping authority %s: %v", e.Source, e.Err)
}

// Unwrap returns the reason.
func (e *SourceError) Unwrap() error { return e.Err }

// Client gets time stamps from several authorities, in order: one that is dead, that
// refuses or that gives a bad stamp is passed over for the next. It is safe for
// concurrent use if its parts are.
type Client struct {
	Sources   []Source
	Transport Transport
	Now       func() time.Time
	Random    io.Reader         // for nonces
	Second    pki.SecondOpinion // for signatures that are refused; may be nil
	// Timeout bounds the wait for one source. Default 10 s.
	Timeout time.Duration
	// MaxSkew is how far a token's time, beyond its accuracy, may be from the time
	// between request and answer by our clock. Default 1 minute.
	MaxSkew time.Duration
	// Failed is told every source that failed, also where a later one gave the stamp.
	// Nil: nobody is told.
	Failed func(*SourceError)
}

// nonceSize is the length of a nonce in bytes; the first bit is zero.
const nonceSize = 16

// Stamp returns a verified token for an imprint. If no source gives one the error
// joins a [*SourceError] of each.
func (c *Client) Stamp(ctx context.Context, imprint Imprint) (*Token, error) {
	if len(c.Sources) == 0 {
		return nil, errors.New("no time-stamping authority is set")
	}
	var failures []error
	for _, s := range c.Sources {
		token, err := c.ask(ctx, s, imprint)
		if err == nil {
			return token, nil
		}
		failure := &SourceError{s.Name, err}
		if c.Failed != nil {
			c.Failed(failure)
		}
		failures = append(failures, failure)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("no time stamp: %w", errors.Join(failures...))
}

func (c *Client) ask(ctx context.Context, s Source, imprint Imprint) (*Token, error) {
	nonce := make([]byte, nonceSize)
	if _, err := io.ReadFull(c.Random, nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	nonce[0] = nonce[0]&0x7f | 0x40 // positive, and minimal in DER
	request := Request{Imprint: imprint, Policy: s.Policy, Nonce: nonce, Certificates: true}
	der, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, withDefault(c.Timeout, 10*time.Second))
	defer cancel()
	asked := c.Now()
	answer, err := c.Transport(limited, s.URL, der)
	if err != nil {
		return nil, err
	}
	return c.check(s, &request, answer, asked, c.Now())
}

// check reads and verifies an answer to a request that was sent and answered at the
// given times.
func (c *Client) check(s Source, r *Request, answer []byte, asked, answered time.Time) (*Token, error) {
	response, err := ParseResponse(answer)
	if err != nil {
		return nil, err
	}
	if response.Token == nil {
		return nil, response.refusal()
	}
	if response.Status != Granted {
		return nil, fmt.Errorf("%w: it was granted with modifications", ErrWrongStamp)
	}
	token, err := ParseToken(response.Token)
	if err != nil {
		return nil, err
	}
	if err := token.Verify(r.Imprint, s.Chain, c.Second); err != nil {
		return nil, err
	}
	if !bytes.Equal(token.Nonce, r.Nonce) {
		return nil, fmt.Errorf("%w: the nonce differs", ErrWrongStamp)
	}
	if r.Policy != "" && token.Policy != r.Policy {
		return nil, fmt.Errorf("%w: the policy is %s", ErrWrongStamp, token.Policy)
	}
	skew := withDefault(c.MaxSkew, time.Minute)
	if token.Latest().Before(asked.Add(-skew)) || token.Earliest().After(answered.Add(skew)) {
		return nil, fmt.Errorf("%w: its time %s is more than %s away from ours", ErrWrongStamp, token.Time.Format(time.RFC3339), skew)
	}
	return token, nil
}

func withDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}
