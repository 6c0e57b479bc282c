package verify

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/elicence/elicence/qr"
)

// ChallengeLife is how long a hall's question waits for its answer.
const ChallengeLife = 2 * time.Minute

// Challenge is a question that a hall shows and waits for the answer to: the two-way
// mode, in which a recorded or relayed presentation is worth nothing. It is good for one
// answer and for [ChallengeLife]. It is safe for concurrent use.
type Challenge struct {
	question qr.Challenge
	text     string
	until    time.Time

	lock   sync.Mutex // guards what follows
	answer [16]byte   // digest of the code that was taken
	read   time.Time  // when it was last read; zero: none was taken
}

// NewChallenge makes a question of 16 random bytes in the name of a hall, which is at
// most [qr.MaxHall] bytes long. The error wraps [qr.ErrMalformed] if the name cannot be
// shown.
func NewChallenge(random io.Reader, hall string, now time.Time) (*Challenge, error) {
	c := &Challenge{question: qr.Challenge{Hall: hall}, until: now.Add(ChallengeLife)}
	if _, err := io.ReadFull(random, c.question.Nonce[:]); err != nil {
		return nil, fmt.Errorf("making a challenge: %w", err)
	}
	text, err := c.question.Text()
	if err != nil {
		return nil, err
	}
	c.text = text
	return c, nil
}

// Text returns the digits that the hall shows.
func (c *Challenge) Text() string { return c.text }

// Waits reports whether an answer may still come.
func (c *Challenge) Waits(now time.Time) bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.read.IsZero() && !now.After(c.until)
}

// refuses takes an answer, or says why not: no cause, and it is taken. What it takes it
// takes once more within [DoubleRead].
func (c *Challenge) refuses(given *qr.Challenge, code [16]byte, now time.Time) Cause {
	c.lock.Lock()
	defer c.lock.Unlock()
	since := now.Sub(c.read)
	switch {
	case given == nil:
		return Because(CauseAnswerMissing)
	case *given != c.question:
		return Because(CauseAnswerOther)
	case !c.read.IsZero() && (c.answer != code || since < 0 || since > DoubleRead):
		return Because(CauseAnsweredBefore)
	case c.read.IsZero() && now.After(c.until):
		return Because(CauseQuestionEnded)
	}
	c.answer, c.read = code, now
	return Cause{}
}
