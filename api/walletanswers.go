package api

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence/answer"
)

type askInput struct {
	Body struct {
		DeviceRequest
		Question string `json:"question" maxLength:"300" doc:"valid, adult, holds:NNN, field:NNN.CODE=VALUE or includes:NNN.CODE=VALUE, of the licence's category" example:"includes:004.vehicleClass=C1"`
		Day      string `json:"day" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"The day that the question is about"`
		Nonce    string `json:"nonce" minLength:"43" maxLength:"43" doc:"32 random bytes of whoever wants to know, base64url"`
	}
}

type answerOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Question string    `json:"question"`
		Day      string    `json:"day"`
		Answer   string    `json:"answer" enum:"yes,no,cannot_say"`
		AsOf     time.Time `json:"as_of"`
		Signed   string    `json:"signed" doc:"The signed answer, see /docs answers.md, base64url"`
	}
}

func (s *Server) registerWalletAnswers(operation func(name, summary, description string, more ...int) huma.Operation) {
	huma.Register(s.api, operation("answers", "问询 A signed yes or no that the holder passes on, instead of a document",
		"Each time of a request is good for one answer."), s.askByDevice)
}

func (s *Server) askByDevice(ctx context.Context, in *askInput) (*answerOutput, error) {
	device, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	var faults malformed
	q := office.AskRequest{DeviceRequest: device, Nonce: faults.bytes("body.nonce", in.Body.Nonce)}
	q.Question, err = answer.ParseQuestion(in.Body.Question)
	faults.add("body.question", err)
	q.Day, err = civil.Parse(in.Body.Day)
	faults.add("body.day", err)
	if err := faults.problem(); err != nil {
		return nil, err
	}
	a, signed, err := s.office.AnswerByDevice(ctx, q)
	if err != nil {
		return nil, s.walletProblem(err)
	}
	out := &answerOutput{CacheControl: "no-store"}
	b := &out.Body
	b.Question, b.Day, b.Answer, b.AsOf, b.Signed = a.Question.String(), a.Day.String(), a.Result.String(), a.AsOf, base64.RawURLEncoding.EncodeToString(signed)
	return out, nil
}
