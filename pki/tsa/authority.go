package tsa

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"

	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/pki/cert"
	"github.com/elicence/elicence/pki/cms"
	"github.com/elicence/elicence/pki/fixedkey"
	"github.com/elicence/elicence/pki/oid"
)

// Settings say how an authority stamps.
type Settings struct {
	Key      *pki.Key
	Chain    []*cert.Certificate // the signer's first, without the root; embedded where the request asks for it
	Policy   oid.ID              // in force where a request names none
	Policies []oid.ID            // others that a request may name
	// Accuracy is what tokens claim. It must cover the clock's error and the second to
	// which the time is cut off.
	Accuracy time.Duration
	// Named puts the signer's subject into the tokens (tsa).
	Named bool
	Clock *Clock
	Marks Marks
	// Issued is told every token before it leaves. An error keeps the token back. Nil:
	// nobody is told.
	Issued func(context.Context, Issue) error
	// Random is read for serial numbers, concurrently; nil is the system's randomness.
	Random io.Reader
}

// Issue is what the audit log is told of one token.
type Issue struct {
	Info
	TokenSM3 [sm3.Size]byte // SM3 over the token's DER
}

// Authority answers requests for time stamps. It is safe for concurrent use.
type Authority struct {
	settings Settings
	signer   *cert.Certificate
	template cms.Template
	name     []byte // DER of a GeneralName
	ticker   ticker
}

// NewAuthority returns an authority. Its certificate must be one for time stamps alone
// (RFC 3161, 2.3), and its accuracy must be true.
func NewAuthority(s Settings) (*Authority, error) {
	if s.Key == nil || len(s.Chain) == 0 || s.Clock == nil || s.Marks == nil || s.Policy == "" {
		return nil, errors.New("a time-stamping authority needs a key, its certificate, a policy, a clock and a place for its last time")
	}
	signer := s.Chain[0]
	if !signer.Key.Equal(s.Key.Public()) {
		return nil, fmt.Errorf("certificate of %s does not belong to the key", signer.Subject)
	}
	if err := checkAuthority(signer); err != nil {
		return nil, err
	}
	if least := s.Clock.MaxError() + resolution; s.Accuracy < least || s.Accuracy > maxAccuracySeconds*time.Second {
		return nil, fmt.Errorf("an accuracy of %s: the clock and whole seconds need %s, and a day is the most", s.Accuracy, least)
	}
	if s.Random == nil {
		s.Random = rand.Reader
	}
	s.Key = s.Key.CheckedBy(fixedkey.New(s.Key.Public()).VerifyDigest)
	a := &Authority{settings: s, signer: signer, ticker: ticker{marks: s.Marks}}
	var err error
	if a.template, err = (cms.Template{Chain: s.Chain, ContentType: oid.TSTInfo}).Prepared(); err != nil {
		return nil, fmt.Errorf("time-stamping authority: %w", err)
	}
	if s.Named {
		var b cryptobyte.Builder
		b.AddASN1(contextTag(4), func(b *cryptobyte.Builder) { b.AddBytes(signer.RawSubject()) }) // directoryName
		if a.name, err = b.Bytes(); err != nil {
			return nil, fmt.Errorf("name of a time-stamping authority: %w", err)
		}
	}
	return a, nil
}

// resolution is that of genTime: whole seconds, which every reader understands.
const resolution = time.Second

// Respond answers a request: the DER of a TimeStampResp, which is there whatever is
// asked. The error is a [*Refusal], for the operator; the requester is told by the
// response.
func (a *Authority) Respond(ctx context.Context, request []byte) ([]byte, error) {
	response, err := a.respond(ctx, request)
	if err == nil {
		return response, nil
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		refusal = &Refusal{Failure: SystemFailure, Text: "内部错误 internal error", Err: err}
	}
	response, marshalErr := marshalRefusal(refusal)
	if marshalErr != nil {
		return nil, fmt.Errorf("writing a refusal: %w", marshalErr)
	}
	return response, refusal
}

func (a *Authority) respond(ctx context.Context, der []byte) ([]byte, error) {
	request, err := ParseRequest(der)
	if err != nil {
		return nil, err
	}
	policy, err := a.policy(request)
	if err != nil {
		return nil, err
	}
	moment, err := a.moment(ctx)
	if err != nil {
		return nil, err
	}
	serial, err := a.serial(moment)
	if err != nil {
		return nil, err
	}
	info := Info{
		Policy: policy, Imprint: request.Imprint, Serial: serial, Time: moment.Truncate(resolution),
		Accuracy: a.settings.Accuracy, Nonce: request.Nonce, Name: a.name,
	}
	token, err := a.token(&info, request)
	if err != nil {
		return nil, err
	}
	if a.settings.Issued != nil {
		if err := a.settings.Issued(ctx, Issue{info, sm3.Sum(token)}); err != nil {
			return nil, fmt.Errorf("recording a time stamp: %w", err)
		}
	}
	return marshalGranted(token)
}

func (a *Authority) policy(r *Request) (oid.ID, error) {
	if r.Policy == "" || r.Policy == a.settings.Policy {
		return a.settings.Policy, nil
	}
	if !slices.Contains(a.settings.Policies, r.Policy) {
		return "", refuse(UnacceptedPolicy, fmt.Sprintf("policy %s is not offered", r.Policy))
	}
	return r.Policy, nil
}

// moment returns the proven time. It grows from stamp to stamp.
func (a *Authority) moment(ctx context.Context) (time.Time, error) {
	unavailable := func(err error) error {
		return &Refusal{Failure: TimeNotAvailable, Text: "时钟未经证实 the clock is not proven", Err: err}
	}
	now, err := a.settings.Clock.Now(ctx)
	if err != nil {
		return time.Time{}, unavailable(err)
	}
	moment, err := a.ticker.next(ctx, now, a.settings.Clock.settings.MaxJump)
	if errors.Is(err, ErrClockBehind) {
		return time.Time{}, unavailable(err)
	}
	if err != nil {
		return time.Time{}, err
	}
	if moment.Before(a.signer.NotBefore()) || moment.After(a.signer.NotAfter()) {
		return time.Time{}, fmt.Errorf("certificate of %s is not valid at %s", a.signer.Subject, moment.Format(time.RFC3339))
	}
	return moment, nil
}

// serial returns the content octets of a serial number: the microseconds of the
// moment, 7 bytes, which grow from stamp to stamp, then 9 random bytes, so that two
// machines with one key never share a number.
func (a *Authority) serial(moment time.Time) ([]byte, error) {
	var micros [8]byte
	binary.BigEndian.PutUint64(micros[:], uint64(moment.UnixMicro()))
	serial := make([]byte, 16)
	copy(serial, micros[1:])
	if serial[0] == 0 || serial[0] >= 0x80 {
		return nil, fmt.Errorf("no serial number for the year %d", moment.Year())
	}
	if _, err := io.ReadFull(a.settings.Random, serial[7:]); err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	return serial, nil
}

// token signs what the token says. The signature is verified before it leaves.
func (a *Authority) token(info *Info, r *Request) ([]byte, error) {
	content, err := info.marshal(r.addImprint)
	if err != nil {
		return nil, fmt.Errorf("writing a time stamp: %w", err)
	}
	t := a.template
	t.OmitCertificates, t.Content = !r.Certificates, content
	token, err := t.Sign(sm3.Sum(content), a.settings.Key)
	if err != nil {
		return nil, fmt.Errorf("signing a time stamp: %w", err)
	}
	return token, nil
}

// Close keeps the time of the last stamp, so that the next process need not wait.
func (a *Authority) Close(ctx context.Context) error { return a.ticker.close(ctx) }
