package office

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/elicence/elicence/internal/datafolder"
	"github.com/elicence/elicence/pki/audit"
	"github.com/elicence/elicence/pki/ca"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/keystore"
	"github.com/elicence/elicence/pki/oid"
	"github.com/elicence/elicence/pki/tsa"
)

// ExampleTSAPolicy is the policy of time stamps where the configuration names none. It is
// of the arc for examples (RFC 5612), and no policy that anybody could hold a service to:
// whoever runs one in earnest has published a policy under an identifier of their own.
const ExampleTSAPolicy = "1.3.6.1.4.1.32473.1.1"

func tsaPolicy(c datafolder.Config) (oid.ID, error) {
	if c.TSAPolicy == "" {
		return oid.Parse(ExampleTSAPolicy)
	}
	return oid.Parse(c.TSAPolicy)
}

// stampActor is who stamps, in the audit log: anybody may ask.
const stampActor = "tsa"

// TimeStamp answers a request for a time stamp (RFC 3161): the response is there also
// with an error, which is for the operator. A stamp is on the disk as an entry of the
// audit log before it is returned. While the clock is not proven every request is
// refused, and the operator hears of it ([EventClock]).
func (o *Office) TimeStamp(ctx context.Context, request []byte) ([]byte, error) {
	a, err := o.stamper(ctx)
	if err != nil {
		return nil, fmt.Errorf("time stamping: %w", err)
	}
	response, err := a.Respond(ctx, request)
	var refusal *tsa.Refusal
	if errors.As(err, &refusal) && refusal.Failure == tsa.TimeNotAvailable {
		o.observe(Event{Kind: EventClock, Err: refusal.Err})
	}
	return response, err
}

// ClockProven says why no time stamps can be given now; nil: they can.
func (o *Office) ClockProven(ctx context.Context) error {
	_, err := o.clock.Now(ctx)
	return err
}

// stamper returns the time stamping authority. Its key and certificate are made if
// they are not there. A key whose certificate was held or revoked stamps nothing.
func (o *Office) stamper(ctx context.Context) (*tsa.Authority, error) {
	o.stamping.mu.Lock()
	defer o.stamping.mu.Unlock()
	if a := o.stamping.authority; a != nil {
		return a, o.inForce(ctx, o.stamping.point)
	}
	issuer, err := o.authority(ctx, caServices)
	if err != nil {
		return nil, err
	}
	key, err := o.currentKey(ctx, keystore.PurposeTSA, tsaKey)
	var c *cert.Certificate
	switch {
	case errors.Is(err, keystore.ErrNoKey):
		r := ca.Request{Profile: ca.ProfileTSA, Subject: o.serviceName(o.config.Domain + "时间戳服务")}
		key, c, err = o.certified(ctx, stampActor, keystore.PurposeTSA, tsaKey, caServices, r)
	case err == nil:
		c, err = o.certificateOf(ctx, key.Public())
	}
	if err != nil {
		return nil, err
	}
	chain := []*cert.Certificate{c}
	if c.SignedBy(issuer.Certificate().Key, nil) == nil {
		chain = append(chain, issuer.Certificate())
	}
	policy, err := tsaPolicy(o.config)
	if err != nil {
		return nil, fmt.Errorf("policy %w", err)
	}
	a, err := tsa.NewAuthority(tsa.Settings{
		Key: key, Chain: chain, Policy: policy, Accuracy: o.clock.MaxError() + time.Second, Named: true,
		Clock: o.clock, Marks: o.store.StampMarks(), Issued: o.recordStamp,
	})
	if err != nil {
		return nil, err
	}
	o.stamping.authority, o.stamping.point = a, key.Public().Point()
	return a, nil
}

// recordStamp puts a time stamp into the audit log. Requests that come together share
// an fsync.
func (o *Office) recordStamp(ctx context.Context, issue tsa.Issue) error {
	entry, err := audit.NewRecord(audit.Entry{
		Time: issue.Time.Unix(), Actor: stampActor, Act: audit.ActTimeStamp, Subject: hex.EncodeToString(issue.Serial), Digest: issue.TokenSM3[:],
	}, nil)
	if err != nil {
		return err
	}
	_, err = o.store.Append(ctx, entry)
	return err
}

// closeStamping gives back the time that was reserved for stamps, so that the next
// process need not wait for it.
func (o *Office) closeStamping(ctx context.Context) error {
	o.stamping.mu.Lock()
	defer o.stamping.mu.Unlock()
	if o.stamping.authority == nil {
		return nil
	}
	err := o.stamping.authority.Close(ctx)
	o.stamping.authority = nil
	return err
}
