package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/elicence/elicence/internal/civil"
	"github.com/elicence/elicence/internal/columns"
	"github.com/elicence/elicence/qr/verify"
)

// Screen shows the last verdict on the whole screen of a text terminal: colour, the
// shape of a sign, words and bells all say the same, so that any one of them is enough.
// What a code says about a person goes from the screen after a while.
type Screen struct {
	o        ScreenOptions
	last     *verify.Result
	source   string
	shownAt  time.Time
	total    int
	accepted int
	health   Health
	warning  string
	question [][]bool // modules of the question that is open, nil without
	hall     string
}

// ScreenOptions say what a screen is.
type ScreenOptions struct {
	Out   io.Writer
	Size  func() (width, height int) // in columns and lines
	Clear time.Duration              // how long what a code says stays
	Now   func() time.Time
	Pause func(time.Duration) // between two bells
}

// Control sequences (ECMA-48, and xterm's for the alternate screen).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[2J"
	leaveScreen = "\x1b[2J\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	endOfLine   = "\x1b[K"
	plain       = "\x1b[0m"
	inverse     = "\x1b[7m"
	bold        = "\x1b[1m"
	faint       = "\x1b[2m"
)

// bands are the colours behind a verdict, with one that is read on it.
var bands = map[verify.Colour]string{verify.Green: "\x1b[30;42m", verify.Amber: "\x1b[30;43m", verify.Red: "\x1b[97;41m"}

// NewScreen takes the screen. [Screen.Close] gives it back.
func NewScreen(o ScreenOptions) (*Screen, error) {
	s := &Screen{o: o, health: Health{Now: o.Now()}}
	_, err := io.WriteString(o.Out, enterScreen)
	return s, err
}

// Close gives the screen back; nothing that it showed stays.
func (s *Screen) Close() error {
	_, err := io.WriteString(s.o.Out, leaveScreen)
	return err
}

// Scan implements [Display].
func (s *Screen) Scan(source string, r verify.Result) error {
	s.last, s.source, s.shownAt = &r, source, s.o.Now()
	s.total++
	if r.Accepted() {
		s.accepted++
	}
	if err := s.draw(); err != nil {
		return err
	}
	return ring(s.o.Out, r.Verdict.Wording().Colour, s.o.Pause)
}

// Tick implements [Display].
func (s *Screen) Tick(h Health) error {
	s.health = h
	if s.last != nil && s.o.Now().Sub(s.shownAt) >= s.o.Clear {
		s.last, s.source = nil, ""
	}
	return s.draw()
}

// Warn shows a warning until the next one.
func (s *Screen) Warn(line string) { s.warning = printable(line) }

// bellPause keeps the bells of a pattern apart for the ear.
const bellPause = 180 * time.Millisecond

// ring rings a colour's bells.
func ring(w io.Writer, c verify.Colour, pause func(time.Duration)) error {
	for i := range Bells(c) {
		if i > 0 {
			pause(bellPause)
		}
		if _, err := io.WriteString(w, "\a"); err != nil {
			return err
		}
	}
	return nil
}

func (s *Screen) draw() error {
	width, height := s.o.Size()
	var out strings.Builder
	out.WriteString(home)
	for i, row := range s.frame(max(width, 20), max(height, 8)) {
		if i > 0 {
			out.WriteString("\r\n")
		}
		out.WriteString(row.style + row.text + plain + endOfLine)
	}
	_, err := io.WriteString(s.o.Out, out.String())
	return err
}

// row is one line of the screen; its text takes all columns unless it is plain.
type row struct{ style, text string }

// frame lays out the screen in exactly height rows.
func (s *Screen) frame(width, height int) []row {
	now := s.health.Now
	if s.last != nil && s.shownAt.After(now) {
		now = s.shownAt
	}
	title := " 证照核验 elicence"
	clock := now.In(civil.Zone).Format("15:04:05 ")
	rows := []row{{inverse, columns.Fit(title, width-columns.Width(clock)) + clock}}
	body := s.idle(width)
	foot := s.foot(width, now)
	switch {
	case s.last != nil:
		body = s.verdict(width, height)
	case s.question != nil:
		body, foot = s.asked(width, height-len(rows)), nil
	}
	room := height - len(rows) - len(foot)
	if len(body) > room {
		body = append(body[:max(room-1, 0)], row{faint, "  ..."})[:room]
	}
	for len(body) < room {
		body = append(body, row{})
	}
	return append(append(rows, body...), foot...)
}

// idle asks for a scan.
func (s *Screen) idle(width int) []row {
	rows := []row{{}, {}}
	for _, text := range []string{"请扫码", "Ready to scan"} {
		rows = append(rows, row{bold, strings.Repeat(" ", max(0, (width-columns.Width(text))/2)) + text}, row{})
	}
	return rows
}

// verdict shows the last scan.
func (s *Screen) verdict(width, height int) []row {
	r := s.last
	w := r.Verdict.Wording()
	rows := band(w, width, height)
	text := func(style, text string) {
		for _, line := range columns.Wrap(text, width-4) {
			rows = append(rows, row{style, "  " + line})
		}
	}
	text(bold, "> "+r.NextZH)
	text("", "  "+r.NextEN)
	if r.Verdict != verify.Valid {
		text("", r.CauseZH)
		text(faint, r.Cause)
	}
	rows = append(rows, row{})
	label := 18
	if width < 60 {
		label = 11 // the Chinese half
	}
	for _, f := range s.facts() {
		name := f.name
		if width < 60 {
			name, _, _ = strings.Cut(name, " ")
		}
		for _, line := range columns.Wrap(f.value, width-label-3) {
			rows = append(rows, row{"", "  " + columns.Fit(name, label-1) + " " + line})
			name = ""
		}
	}
	return rows
}

type fact struct{ name, value string }

// facts are what the code says, the person first.
func (s *Screen) facts() []fact {
	r := s.last
	var facts []fact
	add := func(name string, values ...*string) {
		var there []string
		for _, v := range values {
			if v != nil {
				there = append(there, *v)
			}
		}
		if len(there) > 0 {
			facts = append(facts, fact{name, strings.Join(there, " ")})
		}
	}
	add("持证人 Holder", r.Holder)
	add("证件号 ID", r.IDMasked)
	add("类别 Category", r.Category, r.CategoryName)
	add("编号 Number", r.Number)
	if r.ValidFrom != nil {
		until := "长期 long-term"
		if r.ValidUntil != nil {
			until = *r.ValidUntil
		}
		facts = append(facts, fact{"有效期 Valid", *r.ValidFrom + " - " + until})
	}
	for _, l := range r.Labels {
		facts = append(facts, fact{l.ZH, r.Fields[l.Code]})
	}
	if d := r.Document; d != nil {
		facts = append(facts, fact{"文件 Document", d.Number}, fact{"长度 Length", fmt.Sprintf("%d bytes", d.Length)}, fact{"SM3", d.SM3})
	}
	add("发证机关 Issuer", r.Issuer)
	if s.source != "" {
		facts = append(facts, fact{"图片 Picture", printable(s.source)})
	}
	return facts
}

// foot tells the count, the age of the data, and what is wrong with the terminal.
func (s *Screen) foot(width int, now time.Time) []row {
	data := "无可用数据 no usable data"
	if s.health.Usable {
		data = "数据 data " + s.health.AsOf.In(civil.Zone).Format("01-02 15:04") + " (" + age(now.Sub(s.health.AsOf)) + ")"
		if !s.health.Pinned {
			data += " 未固定根 not pinned"
		}
	}
	count := " " + s.count()
	rows := []row{{inverse, columns.Fit(count+"  "+data, width)}}
	if columns.Width(count+"  "+data) > width {
		rows = []row{{inverse, columns.Fit(count, width)}, {inverse, columns.Fit(" "+data, width)}}
	}
	if s.warning != "" {
		rows = append([]row{{"", columns.Fit("! "+s.warning, width)}}, rows...)
	}
	return rows
}

func (s *Screen) count() string {
	return fmt.Sprintf("共 %d  接受 %d  其他 %d", s.total, s.accepted, s.total-s.accepted)
}

// age is a short length of time for the foot.
func age(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", max(0, int(d.Minutes())))
	case d < 72*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d 天 days", int(d.Hours()/24))
	}
}

// band is a verdict in its colour over the whole width, with its sign drawn large
// where there is room.
func band(w verify.Wording, width, height int) []row {
	style := bands[w.Colour]
	words := []string{"", spaced(w.ZH), "", w.EN, ""}
	if columns.Width(spaced(w.ZH)) > width-16 {
		words[1] = w.ZH
	}
	var rows []row
	if height < 20 || width < 44 {
		for _, text := range []string{w.Symbol + " " + w.ZH, w.EN} {
			for _, line := range columns.Wrap(text, width-2) {
				rows = append(rows, row{style + bold, " " + columns.Fit(line, width-1)})
			}
		}
		return append(rows, row{})
	}
	rows = append(rows, row{style, strings.Repeat(" ", width)})
	for i, line := range sign(w.Symbol) {
		var art strings.Builder
		for _, c := range line {
			if c == '#' {
				art.WriteString(inverse + " " + plain + style)
			} else {
				art.WriteByte(' ')
			}
		}
		rows = append(rows, row{style, "   " + art.String() + "   " + bold + columns.Fit(words[i], width-6-len(line))})
	}
	return append(rows, row{style, strings.Repeat(" ", width)}, row{})
}

// spaced spreads the characters of a short text.
func spaced(s string) string { return strings.Join(strings.Split(s, ""), " ") }

// sign draws a symbol, five rows of ten: '#' is ink. Spaces on a coloured ground are as
// wide everywhere, which block characters are not.
func sign(symbol string) []string {
	switch symbol {
	case "✓":
		return []string{"        ##", "      ##  ", "##  ##    ", "  ##      ", "          "}
	case "✗":
		return []string{"##      ##", "  ##  ##  ", "    ##    ", "  ##  ##  ", "##      ##"}
	case "⌛":
		return []string{"##########", "  ##  ##  ", "    ##    ", "  ##  ##  ", "##########"}
	case "‖":
		return []string{"  ##  ##  ", "  ##  ##  ", "  ##  ##  ", "  ##  ##  ", "  ##  ##  "}
	case "⊘":
		return []string{"  ######  ", "##    ####", "##  ##  ##", "####    ##", "  ######  "}
	case "↻":
		return []string{"  ######  ", "##      ##", "##  ######", "##    ##  ", "  ####    "}
	case "◷":
		return []string{"  ######  ", "##  ##  ##", "##  ######", "##      ##", "  ######  "}
	default: // ?
		return []string{"  ######  ", "##      ##", "      ##  ", "          ", "      ##  "}
	}
}
