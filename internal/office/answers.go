package office

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/pki/audit"
)

// Ask is a question about a licence, or about a holder whose document is known to who
// asks.
type Ask struct {
	Question answer.Question
	Day      civil.Day
	// Licence is what is asked about; zero: the holder.
	Licence  licence.Identifier
	IDType   licence.IDType
	IDNumber string
	// Nonce hides about whom the answer is, and shows that it is to this question:
	// [answer.NonceSize] bytes that who asks has drawn.
	Nonce []byte
}

// ErrAsk: a question that cannot be asked so.
var ErrAsk = bilingual.New("该问题不适用于所问对象", "the question does not fit what it is asked about")

// Answer answers a question with a signature of the service. No document moves. The
// question and its answer are on the disk, encrypted beside entries of the audit log for
// every licence that was looked at, before it is given away.
func (o *Office) Answer(ctx context.Context, actor string, q Ask) (*answer.Answer, []byte, error) {
	a, signed, err := o.answer(ctx, actor, q)
	if err != nil {
		return nil, nil, fmt.Errorf("answering a question: %w", err)
	}
	return a, signed, nil
}

func (o *Office) answer(ctx context.Context, actor string, q Ask) (*answer.Answer, []byte, error) {
	if err := q.Question.Check(o.Catalogue()); err != nil {
		return nil, nil, err
	}
	inclusions, err := answer.LoadInclusions()
	if err != nil {
		return nil, nil, err
	}
	records, subject, err := o.askedAbout(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	a := &answer.Answer{Question: q.Question, Day: q.Day, AsOf: o.now().UTC().Truncate(time.Second)}
	if a.Subject, err = subject.Commit(q.Nonce); err != nil {
		return nil, nil, err
	}
	a.Result = answer.Judge{Catalogue: o.Catalogue(), Inclusions: inclusions}.Answer(q.Question, records, q.Day)
	signed, err := o.signStatement(ctx, a.Sign)
	if err != nil {
		return nil, nil, err
	}
	return a, signed, o.answered(ctx, actor, q, records, a, signed)
}

// askedAbout returns the records that a question is about: one licence's, or those of a
// holder that matter to it.
func (o *Office) askedAbout(ctx context.Context, q Ask) ([]licence.Record, answer.Subject, error) {
	if q.Licence != (licence.Identifier{}) {
		if q.IDType != "" || q.IDNumber != "" {
			return nil, answer.Subject{}, fmt.Errorf("a licence and a holder: %w", ErrAsk)
		}
		r, err := o.store.ByIdentifier(ctx, q.Licence)
		return []licence.Record{r.At(o.now())}, answer.OfLicence(q.Licence), err
	}
	switch {
	case q.IDType.NameZH() == "" || q.IDNumber == "":
		return nil, answer.Subject{}, fmt.Errorf("a holder is given by the kind of the document (GB/T 36903) and its number: %w", ErrAsk)
	case q.Question.Kind == answer.Valid:
		return nil, answer.Subject{}, fmt.Errorf("%q is about one licence, not a holder: %w", q.Question, ErrAsk)
	}
	all, err := o.store.ByHolder(ctx, q.IDType, q.IDNumber)
	if err != nil {
		return nil, answer.Subject{}, err
	}
	var records []licence.Record
	for _, r := range all {
		if q.Question.Kind == answer.Adult || r.Licence.Category == q.Question.Category {
			records = append(records, r.At(o.now()))
		}
	}
	return records, answer.OfHolder(q.IDType, q.IDNumber), nil
}

// answered records a question and its answer: with every licence that it was found in,
// and by itself where there was none.
func (o *Office) answered(ctx context.Context, actor string, q Ask, records []licence.Record, a *answer.Answer, signed []byte) error {
	details, err := json.Marshal(map[string]string{
		"question": a.Question.String(), "day": a.Day.String(), "answer": a.Result.String(), "id_type": string(q.IDType), "id_number": q.IDNumber,
	})
	if err != nil {
		return err
	}
	digest := sm3.Sum(signed)
	subjects := []string{""}
	for i, r := range records {
		if i == 0 {
			subjects = nil
		}
		subjects = append(subjects, r.Licence.Identifier.String())
	}
	var entries []audit.Record
	for _, subject := range subjects {
		entry, err := audit.NewRecord(audit.Entry{Time: a.AsOf.Unix(), Actor: actor, Act: audit.ActLicenceAnswer, Subject: subject, Digest: digest[:]}, details)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	_, err = o.store.Append(ctx, entries...)
	return err
}
