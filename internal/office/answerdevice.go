package office

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/pki/audit"
)

// askObject begins what a device's key signs to ask a question.
const askObject = "elicence/ask/1"

// AskRequest asks for a signed answer that the holder passes on to whoever wants to know,
// instead of a document.
type AskRequest struct {
	DeviceRequest
	Question answer.Question
	Day      civil.Day
	Nonce    []byte // see [Ask]
}

// ToBeSigned returns what the device signs as its proof.
func (q AskRequest) ToBeSigned(host string) []byte {
	return q.lines(askObject, host, q.Question.String(), q.Day.String(), base64.RawURLEncoding.EncodeToString(q.Nonce))
}

// AnswerByDevice answers a question that a bound device asks ([Office.Answer]): whether its
// licence is valid, or what the licence's category allows to be asked of its only holder.
// What a device cannot show it cannot ask about: another category is refused with
// [ErrAsk]. A request is good for one answer.
func (o *Office) AnswerByDevice(ctx context.Context, q AskRequest) (*answer.Answer, []byte, error) {
	r, d, err := o.proven(ctx, q.DeviceRequest, q.ToBeSigned(o.config.Host))
	if err != nil {
		return nil, nil, err
	}
	if q.Time <= d.LastUse {
		return nil, nil, licence.ErrDeviceTime
	}
	ask := Ask{Question: q.Question, Day: q.Day, Nonce: q.Nonce}
	switch holders := r.Licence.Holders; {
	case q.Question.Kind == answer.Valid:
		ask.Licence = q.Licence
	case len(holders) != 1:
		return nil, nil, fmt.Errorf("the licence has several holders, and %q is about one: %w", q.Question, ErrAsk)
	case q.Question.Kind != answer.Adult && q.Question.Category != r.Licence.Category:
		return nil, nil, fmt.Errorf("%q is about another category than the licence's: %w", q.Question, ErrAsk)
	default:
		ask.IDType, ask.IDNumber = holders[0].IDType, holders[0].IDNumber
	}
	a, signed, err := o.Answer(ctx, byDevice(q.Device), ask)
	if err != nil {
		return nil, nil, err
	}
	digest := sm3.Sum(signed)
	entry, err := audit.NewRecord(audit.Entry{Time: a.AsOf.Unix(), Actor: byDevice(q.Device), Act: audit.ActDeviceAsk, Subject: q.Licence.String(), Digest: digest[:]}, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := o.store.UseDevice(ctx, q.Licence, q.Device, q.Time, entry); err != nil {
		return nil, nil, err
	}
	return a, signed, nil
}
