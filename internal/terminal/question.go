package terminal

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/columns"
	"github.com/elicence/elicence/qr/picture"
	"github.com/elicence/elicence/qr/verify"
)

// Questions have a terminal take nothing but answers to questions of its own: it shows
// a code, the holder's phone signs it, and a recorded or relayed code is worth nothing.
type Questions struct {
	Hall   string    // its name, which the phone shows to its holder
	Random io.Reader // of the questions
	Show   Asker
}

// Asker shows a question.
type Asker interface {
	// Ask shows a question until the next verdict; empty: none is open.
	Ask(digits, hall string) error
	// Busy reports whether a verdict is being shown, which a question would hide.
	Busy() bool
}

// ask has a question open, unless a verdict is being shown.
func (t *Terminal) ask(now time.Time) error {
	q := t.o.Questions
	if q == nil || q.Show.Busy() || t.question != nil && t.question.Waits(now) {
		return nil
	}
	question, err := verify.NewChallenge(q.Random, q.Hall, now)
	if err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	t.question = question
	return q.Show.Ask(question.Text(), q.Hall)
}

// answerShown is how long a verdict stays before the next question, at most.
const answerShown = 10 * time.Second

// Ask implements [Asker].
func (s *Screen) Ask(digits, hall string) error {
	s.question, s.hall = nil, hall
	if digits != "" {
		symbol, err := picture.Draw(digits, picture.Screen)
		if err != nil {
			return err
		}
		s.question = symbol.Modules()
	}
	s.o.Clear = min(s.o.Clear, answerShown)
	return s.draw()
}

// Busy implements [Asker].
func (s *Screen) Busy() bool { return s.last != nil }

// errNoRoom says that a symbol does not fit a screen.
var errNoRoom = errors.New("the window is too small for the question")

// paper is black on white in the eight colours that every terminal has.
const paper = "\x1b[30;47m"

// asked lays out the question: the symbol, and beside it what to do where there is room.
// All around the symbol is white: that is its quiet zone where the rows are few.
func (s *Screen) asked(width, height int) []row {
	symbol, err := halfBlocks(s.question, width, height)
	if err != nil {
		return []row{{}, {bold, " 窗口太小，显示不下问询码"}, {"", " " + err.Error()}}
	}
	size := len([]rune(symbol[0]))
	left := max((width-size)/2, min(18, width-size))
	var beside []string
	if left >= 12 {
		for _, text := range []string{"请用手机扫码亮证", "Scan with the phone", "", s.hall, "", s.count(), s.warning} {
			beside = append(beside, columns.Wrap(text, left-2)...)
		}
	}
	rows := make([]row, height)
	for i := range rows {
		text := ""
		if i < len(beside) {
			text = " " + beside[i]
		}
		line := ""
		if at := i - (height-len(symbol))/2; at >= 0 && at < len(symbol) {
			line = symbol[at]
		}
		rows[i] = row{paper, columns.Fit(text, left) + line + strings.Repeat(" ", width-left-len([]rune(line)))}
	}
	return rows
}

// halfBlocks draws a symbol with its quiet zone, of which as much is left out as the
// room asks for; the screen around it is white.
func halfBlocks(modules [][]bool, width, height int) ([]string, error) {
	const quiet = 4
	n := len(modules)
	cut := 0
	for ; (n-2*cut+1)/2 > height || n-2*cut > width; cut++ {
		if cut == quiet {
			return nil, errNoRoom
		}
	}
	dark := func(x, y int) bool { return y < n-cut && modules[y][x] }
	var rows []string
	for y := cut; y < n-cut; y += 2 {
		var line strings.Builder
		for x := cut; x < n-cut; x++ {
			switch upper, lower := dark(x, y), dark(x, y+1); {
			case upper && lower:
				line.WriteRune('█')
			case upper:
				line.WriteRune('▀')
			case lower:
				line.WriteRune('▄')
			default:
				line.WriteByte(' ')
			}
		}
		rows = append(rows, line.String())
	}
	return rows, nil
}
