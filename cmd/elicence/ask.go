package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/elicence/elicence/internal/bilingual"
	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/office"
	"github.com/elicence/elicence/licence"
	"github.com/elicence/elicence/licence/answer"
)

// errCannotSay is returned by a command that could not answer yes or no.
var errCannotSay = errors.New("nobody can say: the register knows how things stand now")

// unanswered is why a question has no answer. Its exit code is never that of a refusal,
// which would be taken for a no.
type unanswered struct{ error }

// Unwrap returns the reason.
func (u unanswered) Unwrap() error { return u.error }

func newAsk(s *settings) *cobra.Command {
	var question, holder, on, nonce, out string
	cmd := &cobra.Command{
		Use:   "ask [ID | --holder TYPE:NUMBER] --question Q [--on DATE] [--nonce HEX] [-o F]",
		Short: "问询 a signed yes or no about a licence or its holder, without moving a document",
		Long: "Questions: valid (of one licence), holds:NNN, field:NNN.CODE=VALUE, includes:NNN.CODE=VALUE (with what the value includes by\n" +
			"law, as C1 includes C2), adult. The answer is signed and says about whom only by a commitment under a nonce, which who asks may\n" +
			"choose; elicence verify --holder TYPE:NUMBER --nonce HEX F shows that it is about them. Exits with 0 for yes, 1 for no, 2 where\n" +
			"nobody can say.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := office.Ask{Day: civil.Of(time.Now())}
			var err error
			if q.Question, err = answer.ParseQuestion(question); err != nil {
				return fmt.Errorf("--question: %w", err)
			}
			if on != "" {
				if q.Day, err = civil.Parse(on); err != nil {
					return fmt.Errorf("--on: %w", err)
				}
			}
			if q.Nonce, err = nonceFrom(nonce); err != nil {
				return fmt.Errorf("--nonce: %w", err)
			}
			if len(args) == 1 {
				if q.Licence, err = licence.ParseIdentifier(args[0]); err != nil {
					return fmt.Errorf("%s: %w", args[0], err)
				}
			}
			if holder != "" {
				if q.IDType, q.IDNumber, err = parseHolder(cmd, "--holder", holder); err != nil {
					return err
				}
			}
			return s.with(func(o *office.Office) error { return s.ask(cmd, o, q, out) })
		},
	}
	cmd.Flags().StringVar(&question, "question", "", "`Q` of the closed set, such as includes:004.vehicleClass=C1")
	cmd.Flags().StringVar(&holder, "holder", "", "the holder by `TYPE:NUMBER` of the document, such as 111:…; - is standard input")
	cmd.Flags().StringVar(&on, "on", "", "`DATE` that the question is about; without: today")
	cmd.Flags().StringVar(&nonce, "nonce", "", "32 random bytes of who asks in `HEX`; without: they are drawn and printed")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` for the signed answer")
	return cmd
}

func (s *settings) ask(cmd *cobra.Command, o *office.Office, q office.Ask, out string) error {
	a, signed, err := o.Answer(cmd.Context(), s.actor, q)
	if err != nil {
		return unanswered{err}
	}
	if out != "" {
		if err := s.writeFile(out, signed); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	nonce := hex.EncodeToString(q.Nonce)
	if s.json {
		err = printJSON(cmd.OutOrStdout(), map[string]any{
			"question": a.Question.String(), "day": a.Day.String(), "answer": a.Result.String(), "as_of": a.AsOf.Format(time.RFC3339), "nonce": nonce, "signed": signed,
		})
	} else {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n%s  %s\nnonce %s\n", a.Result.NameZH(), a.Result, a.Question, a.Day, nonce)
	}
	switch {
	case err != nil:
		return err
	case a.Result == answer.No:
		return errNotValid
	case a.Result == answer.CannotSay:
		return errCannotSay
	default:
		return nil
	}
}

// nonceFrom reads a nonce, or draws one.
func nonceFrom(text string) ([]byte, error) {
	if text != "" {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != answer.NonceSize {
			return nil, answer.ErrNonce
		}
		return b, nil
	}
	b := make([]byte, answer.NonceSize)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	return b, nil
}

// about is what a signed answer should be about, as flags of verify give it.
type about struct{ holder, licence, nonce string }

func (a *about) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.holder, "holder", "", "a signed answer must be about this holder: `TYPE:NUMBER`")
	cmd.Flags().StringVar(&a.licence, "licence", "", "a signed answer must be about the licence with this `ID`")
	cmd.Flags().StringVar(&a.nonce, "nonce", "", "the answer's nonce in `HEX`; goes with --holder or --licence")
}

// commitment returns what the answer must commit to; nil if nothing was given.
func (a *about) commitment(cmd *cobra.Command) (*answer.Commitment, error) {
	if a.holder == "" && a.licence == "" && a.nonce == "" {
		return nil, nil
	}
	if (a.holder == "") == (a.licence == "") || a.nonce == "" {
		return nil, bilingual.New("--nonce 须与 --holder 或 --licence 一起用", "--nonce: goes with one of --holder and --licence")
	}
	nonce, err := nonceFrom(a.nonce)
	if err != nil {
		return nil, fmt.Errorf("--nonce: %w", err)
	}
	var subject answer.Subject
	if a.holder != "" {
		kind, number, err := parseHolder(cmd, "--holder", a.holder)
		if err != nil {
			return nil, err
		}
		subject = answer.OfHolder(kind, number)
	} else {
		id, err := licence.ParseIdentifier(a.licence)
		if err != nil {
			return nil, fmt.Errorf("--licence: %w", err)
		}
		subject = answer.OfLicence(id)
	}
	c, err := subject.Commit(nonce)
	return &c, err
}
