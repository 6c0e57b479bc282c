package inspect

import (
	"encoding/hex"
	"time"

	"github.com/elicence/elicence/licence/answer"
	"github.com/elicence/elicence/pki"
	"github.com/elicence/elicence/qr/verify"
)

// InputAnswer is the kind of input that a signed answer is.
const InputAnswer = "answer"

// AnswerFinding is what a signed answer says.
type AnswerFinding struct {
	Question string `json:"question"`
	Day      string `json:"day"`
	Answer   string `json:"answer"` // yes, no or cannot_say
	AsOf     string `json:"as_of"`
	Service  string `json:"service"`
	Subject  string `json:"subject"` // the commitment, hexadecimal
	// Bound: it is about the holder or licence that was given with it. Null: none was.
	Bound *bool `json:"bound"`
}

// The causes of verdicts on answers.
const (
	causeAnswerInOrder verify.CauseCode = "answer_in_order"
	causeAnswerOther   verify.CauseCode = "answer_of_other"
)

// Answer decides on a signed answer. A commitment, if one is given, is what it must be
// about. The verdict is on the signature: what it answers is in the finding.
func (i *Inspector) Answer(signed []byte, about *answer.Commitment) Inspection {
	result := Inspection{Input: InputAnswer}
	kid, err := answer.KeyHint(signed)
	if err != nil {
		result.Because(statementForm(err))
		return result
	}
	var a *answer.Answer
	service, verdict, cause := i.statement(signed, kid, func(key *pki.PublicKey) (at time.Time, err error) {
		if a, err = answer.Open(signed, key, i.pdf.Second); err != nil {
			return at, err
		}
		return a.AsOf, nil
	})
	if service == nil {
		result.Because(verdict, cause)
		return result
	}
	f := &AnswerFinding{
		Question: a.Question.String(), Day: a.Day.String(), Answer: a.Result.String(), AsOf: a.AsOf.Format(time.RFC3339), Service: service.Name,
		Subject: hex.EncodeToString(a.Subject[:]),
	}
	result.Answer = f
	if about != nil {
		bound := *about == a.Subject
		if f.Bound = &bound; !bound {
			result.Because(verify.OutOfScope, next(documentCause(causeAnswerOther, "该答复与所给的持证人或证照无关", "the answer is about somebody or something else", nil), nextAskZH, nextAskEN))
			return result
		}
	}
	result.Because(verify.Valid, next(documentCause(causeAnswerInOrder, "答复："+a.Result.NameZH(), "the answer is "+a.Result.String(), nil),
		"请核对问题、日期和对象", "Check the question, the day, and about whom it is"))
	return result
}
