package browser

import (
	"io"

	"github.com/elicence/elicence/qr/verify"
)

// room is how many live presentations a counter remembers: many times what a hall sees
// within the time that matters.
const room = 10_000

// Recall makes the verifier remember live presentations, as a counter must, from a
// snapshot that [Verifier.Shown] gave; an empty one is of a counter that has seen
// nothing. A damaged one is of a counter that does not know what it has seen: what was
// made before now counts as shown.
func (v *Verifier) Recall(snapshot []byte) {
	v.shown = verify.NewMemory(room)
	if len(snapshot) > 0 {
		memory, err := verify.Restore(snapshot, room)
		if err == nil {
			v.shown = memory
		} else {
			v.shown.ForgetBefore(v.o.Now())
		}
	}
	if v.cache != nil {
		v.use(v.cache)
	}
}

// Shown returns the memory for the next visit; nothing before [Verifier.Recall].
func (v *Verifier) Shown() []byte {
	if v.shown == nil {
		return nil
	}
	return v.shown.Snapshot()
}

// Ask makes a hall's question and returns its digits. From now on only its answer is
// taken, once, until [Verifier.StopAsking].
func (v *Verifier) Ask(random io.Reader, hall string) (string, error) {
	question, err := verify.NewChallenge(random, hall, v.o.Now())
	if err != nil {
		return "", err
	}
	v.question = question
	return question.Text(), nil
}

// StopAsking makes the verifier take codes as before [Verifier.Ask].
func (v *Verifier) StopAsking() { v.question = nil }
